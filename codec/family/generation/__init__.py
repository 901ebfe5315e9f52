"""Generate pictures from the codec's own entropy model."""
