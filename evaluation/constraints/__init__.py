"""The constraint sets that come with DoseGym, and how to load one."""

from .library import list_constraints, load_constraints

__all__ = ["list_constraints", "load_constraints"]
