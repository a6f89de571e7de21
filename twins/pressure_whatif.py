"""What a blood-pressure twin expects of another regimen of tablets, beside the present one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .pressure import PressureTwin

Array = NDArray[np.float64]

QUANTILES: Final = (0.05, 0.5, 0.95)
LONGEST_DAYS: Final = 728
MOST_MG: Final = 1000.0
SHOWN: Final = (
    "sbp",
    "dbp",
    "standing_sbp",
    "heart_rate",
    "potassium",
    "sodium",
    "creatinine",
    "egfr",
)


def pressure_whatif(twin: PressureTwin, tablets: Sequence[str], days: float) -> dict[str, Any]:
    """Return quantiles of each output after some days on the present and on another regimen.

    Parameters
    ----------
    twin : PressureTwin
    tablets : sequence of str
        ``drug=mg`` a day of those that differ from the present regimen.
    days : float
        Whole days from the end of the record.

    Raises
    ------
    InputError
        If a drug is not of the twin's formulary, nothing differs, or a number is out of bounds.
    """
    if not (1 <= days <= LONGEST_DAYS and days == round(days)):
        raise InputError(f"days is {days:g}; give whole days from 1 to {LONGEST_DAYS}")
    if not twin.usable:
        raise InputError(
            f"the twin rests on {twin.distinct} different bodies, too few to stand for a person; "
            "fit it to a record with more visits"
        )
    now = np.asarray(twin.seen.doses.now, dtype=np.float64)
    then = changed(now, twin.bodies.formulary.drugs, tablets)
    here, there = (twin.forecast(mg, round(days)) for mg in (now, then))
    return {
        "days": round(days),
        "words": ", ".join(tablets),
        "present_mg": dict(zip(twin.bodies.formulary.drugs, now.tolist(), strict=True)),
        "changed_mg": dict(zip(twin.bodies.formulary.drugs, then.tolist(), strict=True)),
        "quantiles": list(QUANTILES),
        "summary": {
            name: {
                "now": _quantiles(here[name][-1]),
                "changed": _quantiles(there[name][-1]),
                "difference": _quantiles(there[name][-1] - here[name][-1]),
            }
            for name in SHOWN
        },
    }


def changed(now: Array, drugs: Sequence[str], tablets: Sequence[str]) -> Array:
    """Return the doses (6,) a day, mg, with those of ``tablets`` in place of the present ones."""
    then = now.copy()
    for word in tablets:
        drug, _, dose = word.partition("=")
        if drug not in drugs:
            raise InputError(f"drug is {drug!r}; the twin's formulary has {', '.join(drugs)}")
        try:
            mg = float(dose)
        except ValueError:
            mg = np.nan
        if not 0.0 <= mg <= MOST_MG:
            raise InputError(f"{drug} is {dose!r} mg a day; give 0 to {MOST_MG:g}")
        then[list(drugs).index(drug)] = mg
    if np.array_equal(then, now):
        raise InputError("tablets change nothing; give a drug and mg a day, e.g. amlodipine=10")
    return then


def _quantiles(values: Array) -> list[float]:
    return [float(v) for v in np.quantile(values, QUANTILES)]
