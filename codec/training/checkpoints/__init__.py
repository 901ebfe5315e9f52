"""Weights of models in training: start, checkpoints, deeper models, averages of runs."""
