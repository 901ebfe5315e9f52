"""The graphics layer: pixels without loss above the coded picture, for text, drawings and screens."""
