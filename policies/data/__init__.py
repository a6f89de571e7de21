"""Gains and trained agents that ship with the package."""
