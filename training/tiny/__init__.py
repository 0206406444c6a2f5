"""Text of a small world that Charter makes itself, for trainings and evaluations of any size."""
