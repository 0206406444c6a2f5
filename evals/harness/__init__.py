"""The job side of evaluation: lm-eval asks the model, Charter scores every item and keeps it."""
