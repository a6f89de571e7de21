"""Costs in an info: read by name, and never taken for zero where they are missing.

``info["costs"]`` maps names to costs, ``info["cost"]`` is one number for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..physiology.errors import InputError


def cost_of(info: Mapping[str, Any], name: str) -> float:
    """Return one cost of a step.

    Parameters
    ----------
    info : mapping
    name : str
        Of ``info["costs"]``; ``cost`` is ``info["cost"]`` unless a cost bears that name.

    Raises
    ------
    InputError
        If it is missing, not finite or negative.
    """
    told = info.get("costs")
    costs: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    if name in costs:
        value = costs[name]
    elif name == "cost" and "cost" in info:
        value = info["cost"]
    else:
        there = ", ".join(costs) or "none"
        where = "info['cost']" if name == "cost" else f"info['costs'][{name!r}]"
        raise InputError(
            f"info has no cost {name!r} (its costs: {there}); let the environment write {where} at "
            "every step"
        )
    number = float(value)
    if not (math.isfinite(number) and number >= 0.0):
        raise InputError(f"cost {name} is {number}; costs are finite numbers of at least 0")
    return number
