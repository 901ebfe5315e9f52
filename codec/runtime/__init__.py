"""Runtimes of the float networks, behind one interface."""
