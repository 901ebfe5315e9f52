"""Checks of the codec's promises. Each is a command that fails if its promise is broken."""
