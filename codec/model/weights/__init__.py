"""Weights files, one a model, and their cards."""
