"""DoseGym: patient digital twins as Gymnasium environments for treatment policies."""

from .envs.registry import register_all as _register_all

__version__ = "0.1.0"

_register_all()
