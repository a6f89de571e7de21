"""Thresholds of alarms, fixed on a training population before the test population was run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FIXED_ON = "2026-11-26"


@dataclass(frozen=True)
class Threshold:
    """When an episode opens and closes.

    Parameters
    ----------
    opens, closes : float
        Probability at or above which it opens, and below which it closes.
    intervals : int
        Intervals of five minutes for which it must hold.
    cusum : float
        Of the general test only.
    """

    opens: float
    closes: float
    intervals: int = 1
    cusum: float = 1e9


THRESHOLDS: Mapping[str, Threshold] = MappingProxyType(
    {
        "occlusion": Threshold(0.5, 0.15, 2),
        "meal": Threshold(0.35, 0.1, 1),
        "compression": Threshold(0.97, 0.2, 2),
        "drift": Threshold(0.3, 0.1, 1),
        "illness": Threshold(0.77, 0.3, 3),
        "unexplained": Threshold(1.0 - 1e-7, 0.5, 2, 15.0),
    }
)

# Learnt by examples/train_alarms.py on 100 virtual people of the stream "training" (60 with a fault
# a day, 40 of whom half fell ill), five days each; in the order of anomaly_features.LABELS.
WEIGHTS: Mapping[str, tuple[float, tuple[float, ...]]] = MappingProxyType(
    {
        "occlusion": (
            -4.197,
            (
                0.1226,
                -0.005215,
                -0.08914,
                0.04901,
                -0.08914,
                0.3646,
                0.2594,
                0.01467,
                -0.06595,
                -0.1183,
                0.8233,
                -1.416,
                3.923,
                0.2289,
                -0.09021,
                -0.7649,
                0.5162,
                -0.2117,
                -0.01885,
                0.4481,
                -1.743,
                -0.6134,
                0.2408,
                -0.0323,
                -0.255,
                -0.7191,
                -8.292,
                10.8,
                -0.3581,
                0.2216,
                0.4301,
            ),
        ),
        "meal": (
            -5.499,
            (
                -0.1013,
                0.1443,
                0.07106,
                -0.3242,
                -0.2431,
                -0.1346,
                0.1639,
                0.1512,
                0.1146,
                -0.1799,
                -3.317,
                0.005549,
                4.281,
                0.8451,
                0.8577,
                -0.6422,
                1.224,
                -0.5257,
                -0.6649,
                -0.582,
                -1.312,
                -0.2963,
                -0.1133,
                -0.6951,
                0.1555,
                -1.152,
                3.269,
                -1.028,
                0.176,
                -0.5752,
                -0.7672,
            ),
        ),
        "drift": (
            -2.571,
            (
                0.07024,
                0.07028,
                0.02585,
                -0.05146,
                -0.01652,
                0.01509,
                0.04838,
                -0.03731,
                -0.1956,
                0.06307,
                1.529,
                -2.153,
                0.4684,
                0.05513,
                0.09665,
                0.4448,
                0.7058,
                0.2692,
                -1.286,
                -1.009,
                -1.124,
                -0.5643,
                -0.2479,
                0.2607,
                -0.1139,
                0.2558,
                4.229,
                -6.014,
                -0.1948,
                0.1085,
                0.2424,
            ),
        ),
        "illness": (
            2.343,
            (
                0.3348,
                0.05493,
                -0.1058,
                -0.04069,
                0.1978,
                -0.4283,
                0.2159,
                0.001931,
                -0.001717,
                0.443,
                0.567,
                1.193,
                -2.605,
                0.2196,
                0.3127,
                -0.637,
                -0.1211,
                -0.1296,
                -0.7899,
                -1.371,
                -8.24,
                -3.316,
                -0.01749,
                0.2456,
                -0.03183,
                1.512,
                6.394,
                -17.02,
                -1.051,
                -0.3148,
                -0.3496,
            ),
        ),
    }
)
