"""A learned image codec; its parts are `aez.codec`, `aez.bitstream`, `aez.cli` and `aez.benchmarks`."""

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: the import of any part comes through here."""
    if name == "__version__":
        from importlib.metadata import version

        return version("aez")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
