"""Turn symbols into pixels: windows, regions, previews, rate maps."""
