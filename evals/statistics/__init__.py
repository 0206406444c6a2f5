"""Statistics for evaluation scores: pure functions over plain numbers, standard library only."""
