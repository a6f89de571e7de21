"""Signal temporal logic over clinical signals: formulas, their values, running monitors."""

from .stl_formula import FALSE, TRUE, UNKNOWN, Formula
from .stl_monitor import Monitor
from .stl_text import parse_formula

__all__ = ["FALSE", "TRUE", "UNKNOWN", "Formula", "Monitor", "parse_formula"]
