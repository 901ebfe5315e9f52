"""The symbols of one picture: their geometry, tiles and streams."""
