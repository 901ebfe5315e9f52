"""Pictures made better: less noise, filled holes, more pixels, colours."""
