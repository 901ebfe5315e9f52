"""Fuzzing: damaged and forged files through everything that reads files."""
