"""Pictures drawn from the codec's own entropy model."""
