"""Weights of the family's members."""
