"""Measurements of the autoencoder family."""
