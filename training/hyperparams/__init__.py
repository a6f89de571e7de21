"""Hyperparameters, one YAML file per algorithm, keyed by environment id."""
