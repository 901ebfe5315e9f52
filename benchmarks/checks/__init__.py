"""Checks of promises: each command fails if the codec breaks its own."""
