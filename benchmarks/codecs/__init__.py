"""Codecs to measure, one adapter each; ``specs`` finds them by name."""
