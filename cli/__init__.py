"""The `aez` command. Commands import what they need when they run, so that `aez --help` is instant."""

try:
    import signal

    # Ctrl-C ends the process at once while packages are imported: nothing has begun that could be undone or told, and
    # many packages print or drop what is raised in the middle of their import.
    _by_python = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if _by_python:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from aez.cli.main import main

    if _by_python:
        signal.signal(signal.SIGINT, signal.default_int_handler)
except KeyboardInterrupt:
    raise SystemExit(130) from None

__all__ = ["main"]
