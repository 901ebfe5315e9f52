"""What a model is: configuration, weights file, tables, exact scales, and the packaged models."""
