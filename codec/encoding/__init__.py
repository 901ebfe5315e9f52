"""Choose the symbols of a picture."""
