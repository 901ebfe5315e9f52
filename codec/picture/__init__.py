"""Pictures in and out: files and arrays to 8-bit samples with metadata, and back. Needs NumPy and Pillow alone."""
