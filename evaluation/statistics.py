"""The public place of every confidence bound and test; each file behind it holds one kind."""

from .bound import Bound, Side
from .cluster_bootstrap import bca, cluster_bootstrap
from .conformal_margin import conformal_margin, weighted_quantile
from .cvar import cvar_dkw, cvar_rockafellar_uryasev
from .learn_then_test import Tested, control_family, hoeffding_bentkus_p_value, learn_then_test
from .mean_bounds import (
    betting,
    betting_p_value,
    empirical_bernstein,
    hoeffding,
    paired_difference,
    student_t,
)
from .profiles import optimality_gap, performance_profile
from .proportion import binomial_p_value, clopper_pearson, clopper_pearson_interval
from .quantile_bounds import Band, dkw_band, order_statistic_bound
from .selective import Selective, selective_threshold
from .sequential import ViolationMonitor, confidence_sequence

__all__ = [
    "Band",
    "Bound",
    "Selective",
    "Side",
    "Tested",
    "ViolationMonitor",
    "bca",
    "betting",
    "betting_p_value",
    "binomial_p_value",
    "clopper_pearson",
    "clopper_pearson_interval",
    "cluster_bootstrap",
    "confidence_sequence",
    "conformal_margin",
    "control_family",
    "cvar_dkw",
    "cvar_rockafellar_uryasev",
    "dkw_band",
    "empirical_bernstein",
    "hoeffding",
    "hoeffding_bentkus_p_value",
    "learn_then_test",
    "optimality_gap",
    "order_statistic_bound",
    "paired_difference",
    "performance_profile",
    "selective_threshold",
    "student_t",
    "weighted_quantile",
]
