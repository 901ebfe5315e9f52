"""Training: recipes, data, objective, loop, checkpoints, export. Needs the extra `train`; coding never imports it."""
