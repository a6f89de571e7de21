"""The public place of every confidence bound and test; each file behind it holds one kind."""

from .bound import Bound, Side
from .cvar import cvar_rockafellar_uryasev
from .mean_bounds import (
    betting,
    betting_p_value,
    empirical_bernstein,
    hoeffding,
    paired_difference,
    student_t,
)
from .proportion import binomial_p_value, clopper_pearson, clopper_pearson_interval

__all__ = [
    "Bound",
    "Side",
    "betting",
    "betting_p_value",
    "binomial_p_value",
    "clopper_pearson",
    "clopper_pearson_interval",
    "cvar_rockafellar_uryasev",
    "empirical_bernstein",
    "hoeffding",
    "paired_difference",
    "student_t",
]
