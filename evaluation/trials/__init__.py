"""In-silico trials as data."""

from .library import list_trials, load_trial

__all__ = ["list_trials", "load_trial"]
