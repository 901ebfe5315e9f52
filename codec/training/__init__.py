"""Training: data, objective, loop, export. Needs the `train` extra; nothing at run time imports it."""
