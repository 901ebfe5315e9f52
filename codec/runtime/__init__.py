"""How the float networks run."""
