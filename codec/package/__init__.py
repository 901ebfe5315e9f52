"""A learned image codec; its parts are `aez.codec`, `aez.bitstream`, `aez.cli` and `aez.benchmarks`."""

__version__: str


def __getattr__(name: str) -> str:
    """Look up the version on demand, since the import of every part runs this module."""
    if name == "__version__":
        from importlib.metadata import version

        return version("aez")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
