"""In-silico trials as data."""

from .library import causes_of, list_trials, load_trial

__all__ = ["causes_of", "list_trials", "load_trial"]
