"""DoseGym: patient digital twins as Gymnasium environments for treatment policies."""

__version__ = "0.1.0"
