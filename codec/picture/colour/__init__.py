"""Colour of pictures on their way in: profiles and code points, as ICC profiles, and conversions between them."""
