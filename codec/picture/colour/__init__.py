"""Colour spaces of input pictures: ICC profiles, code points and conversions between them."""
