"""The benchmark protocols that come with DoseGym, and how to load one."""

from .library import list_protocols, load_protocol

__all__ = ["list_protocols", "load_protocol"]
