"""Models of the codec: configuration, weights files, tables, exact scales, and the packaged models."""
