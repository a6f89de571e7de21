"""A body made one person's: equations, a posterior over parameters, how well each is known."""

from .fit import fit_twin
from .open_twin import open_twin
from .residual import load_residual
from .twin import Twin, load_twin

__all__ = ["Twin", "fit_twin", "load_residual", "load_twin", "open_twin"]
