"""Serve the browser page on this machine for `aez view`."""
