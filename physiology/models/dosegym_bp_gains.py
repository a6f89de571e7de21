"""The blood-pressure body with bounded gains: what a residual may change there.

The equations are those of :mod:`dosegym_bp_2026`, written there once. ``gain_drug`` multiplies all
drug effects (a person's response to every class), ``gain_resistance`` what drugs do to vascular
resistance: slow dilation and the direct action on vessels. (A gain of 2 on the tone that
angiotensin sets was tried: 65 of 1,000 people then oscillate in steps of a day.) Both lie within
exp(+-0.7), about 0.5 to 2, and act on deviations from the untreated state, which is therefore the
same whatever they are.

Reflexes and renin answer a drug by pushing back, so the order of doses is not an order of states
and nothing is promised by construction: that more of a class never raises the pressure it settles
at is tested (tests/statistics/test_pressure_gains.py), not claimed.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from ..model import Model
from ..pressure_gains import shipped_gains
from ..pressure_quantities import INPUTS, MEMORY, OUTPUTS, PARAMETERS, STATES
from ..pressure_quantities import Params as BaseParams
from ..quantity import Quantity
from . import dosegym_bp_2026 as base
from .uva_padova_gains import GAIN_REACH

ADDED = ("gain_drug", "gain_resistance")
_LOW, _HIGH = math.exp(-GAIN_REACH), math.exp(GAIN_REACH)

Params: Any = namedtuple("Params", (*BaseParams._fields, *ADDED))  # type: ignore[misc]
"""Parameters of ``dosegym_bp_2026``, then the two gains."""


def modulation(xp: Any) -> Callable[..., Any]:
    """Return a person's factors on drug effects and resistance, held within their bounds."""

    def factors(p: Any) -> Any:
        drug = xp.minimum(xp.maximum(p.gain_drug, _LOW), _HIGH)
        return drug, xp.minimum(xp.maximum(p.gain_resistance, _LOW), _HIGH)

    return factors


def build() -> Model:
    """Return the model with the shipped gains of the population."""
    g = shipped_gains()
    return Model(
        name="dosegym_bp_gains",
        reference="DoseGym's own model; see docs/reference/blood-pressure-model.md",
        states=STATES,
        memory=MEMORY,
        inputs=INPUTS,
        outputs=OUTPUTS,
        parameters=(
            *PARAMETERS,
            Quantity("gain_drug", "1", _LOW, _HIGH, "gain on all drug effects"),
            Quantity("gain_resistance", "1", _LOW, _HIGH, "gain on what drugs do to resistance"),
        ),
        Params=Params,
        equations=base.make_equations(g, modulation),
        hold=base.make_hold(g, modulation),
        observe=base.make_observe(g, modulation),
        equilibrium=base.equilibrium,
        time_unit="day",
        hold_every=1.0,
        extends="dosegym_bp_2026",
        neutral=dict.fromkeys(ADDED, 1.0),
    )
