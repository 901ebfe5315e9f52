"""Weights of the packaged members of the family."""
