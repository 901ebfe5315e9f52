"""Benchmarks of the codec: rate–distortion, complexity, speed, determinism. Each is a command of its own.

``python -m aez.benchmarks.NAME --help``; what there is stands in README.md beside this file.
"""
