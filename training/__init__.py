"""How agents learn: Stable-Baselines3 algorithms with clinical figures, validation and resume."""

from .config import load_settings
from .interrupt import TrainingInterrupted
from .train import train

__all__ = ["TrainingInterrupted", "load_settings", "train"]
