"""The `aez` command. Commands import what they need when they run, so that `aez --help` is instant."""

try:
    from aez.cli.main import main
except KeyboardInterrupt:  # nothing has begun that could be undone or told
    raise SystemExit(130) from None

__all__ = ["main"]
