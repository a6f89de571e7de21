"""Learning from logged data: cloning, implicit and conservative Q-learning on SB3's networks."""

from .library import OFFLINE, offline_algorithm
from .train_offline import train_offline

__all__ = ["OFFLINE", "offline_algorithm", "train_offline"]
