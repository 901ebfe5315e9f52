"""Codecs that can be benchmarked, one small adapter each; ``registry`` finds them by name."""
