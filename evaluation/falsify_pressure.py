"""What a falsifier may vary in ``dosegym/BloodPressure-v0``: people, adherence, illness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..physiology.pressure_people import COLUMNS, people_at
from ..therapy.constraint import ConstraintSet
from ..therapy.formulary import load_formulary
from ..therapy.pressure_cohort import PressureCohort, cohort_of_people
from ..therapy.sick_days import load_sick_days
from .falsify_space import (
    Array,
    Keywords,
    Knob,
    Space,
    event_margins,
    item_margins,
    packed,
    unpacked,
)
from .pressure_metrics import RECORD, pressure_metrics
from .trajectory import Rollout

# A usual value of each signal, from which its limit is one unit of margin away: project choices
# within normal ranges.
_USUAL: Final = {
    "lowest_sbp": 130.0,
    "highest_potassium": 4.3,
    "lowest_potassium": 4.3,
    "lowest_sodium": 140.0,
    "lowest_heart_rate": 72.0,
    "last_egfr_ratio": 1.0,
}
_EVENTS: Final = ("kidney_injury", "electrolyte_event", "contraindicated")


def _knobs(kwargs: Keywords) -> tuple[Knob, ...]:
    """Return how often and how badly people fall ill; widths are project choices.

    How tablets are taken is a coordinate of the person already.
    """
    ill = load_sick_days(kwargs.get("sick_days", "usual"))
    rate, loss = ill.rate_per_year, ill.loss_median
    return (
        Knob("sick_per_year", "1/year", 0.0, rate, max(3.0, rate)),
        Knob("fluid_loss_a_day", "1", 0.0, loss, max(0.03, loss)),
    )


def _plausible(places: Array, groups: Sequence[str]) -> NDArray[np.bool_]:
    return np.ones(len(places), dtype=np.bool_)


def _people(
    places: Array, groups: Sequence[str], names: Sequence[str], kwargs: Keywords
) -> PressureCohort:
    people = replace(people_at(ndtr(places), groups=groups), names=tuple(names))
    return cohort_of_people(people, load_formulary(kwargs.get("formulary", "default")))


def _keywords(kwargs: Keywords, knobs: Mapping[str, float]) -> dict[str, Any]:
    """Return one lane's keywords; without knobs they are the given ones."""
    if not knobs:
        return dict(kwargs)
    asked = kwargs.get("sick_days", "usual")
    ill = dict(asked) if isinstance(asked, Mapping) else {"preset": asked}
    base, rate = load_sick_days(asked), knobs["sick_per_year"]
    # Old people fall ill as much oftener, or more rarely, as the preset has it.
    older = base.rate_from_65 / base.rate_per_year if base.rate_per_year > 0.0 else 1.0
    ill |= {"rate_per_year": rate, "rate_from_65": min(rate * older, 12.0)}
    return {**kwargs, "sick_days": ill | {"loss_median": knobs["fluid_loss_a_day"]}}


def _columns(rules: ConstraintSet) -> tuple[str, ...]:
    return RECORD


def _margins(run: Rollout, rules: ConstraintSet) -> dict[str, Array]:
    signals = pressure_metrics(run)
    return {
        **item_margins(run, rules, signals, _USUAL),
        **event_margins(run, rules, signals, _EVENTS),
    }


def _pack(cohort: PressureCohort) -> dict[str, Any]:
    return packed(cohort.patients) | {"entry": cohort.entry[0].tolist()}


def _unpack(person: Mapping[str, Any], kwargs: Keywords) -> PressureCohort:
    entry = np.array([person["entry"]], dtype=np.int64)
    tablets = load_formulary(kwargs.get("formulary", "default"))
    return PressureCohort(unpacked(person), entry, tablets)


SPACE: Final = Space(
    coordinates=COLUMNS,
    knobs=_knobs,
    plausible=_plausible,
    people=_people,
    keywords=_keywords,
    columns=_columns,
    margins=_margins,
    signals=(*_USUAL, *_EVENTS),
    pack=_pack,
    unpack=_unpack,
)
