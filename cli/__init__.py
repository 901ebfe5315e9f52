"""The `aez` command. Commands import what they need when they run, so that `aez --help` is instant."""

from aez.cli.main import main

__all__ = ["main"]
