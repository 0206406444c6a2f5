"""Blinded comparisons by people: two models' answers to the same items, side by side, without their names."""
