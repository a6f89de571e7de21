"""What would have happened on days that were lived, had the doses been others.

Same person, same meals, same effects of each day, same unexplained part; only the doses differ (or
the carbohydrate). An answer to a question about the past, for research; it proposes no dose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from ..therapy.protocols import LEVELS
from .change import Altered, Change, doses_of, laid
from .coordinates import NAMES
from .forward import run
from .lived import LIMIT_SD, STRUCTURE_SD, Lived, relive
from .observations import SAMPLE_MIN, Observations, observe
from .twin import PARTLY_KNOWN, Twin

Array = NDArray[np.float64]

DRAWS: Final = 200
QUANTILES: Final = (0.05, 0.5, 0.95)
RESEARCH: Final = "For research only: an answer about days that are past, not advice on a dose."
# Insulin of a day, and one bolus, may leave what the record holds by this factor (project choice:
# tests and benchmark try a quarter; twice that is extrapolation).
BEYOND: Final = 1.5
PRIOR_DRAWS: Final = 64
PRIOR_DAYS: Final = 2
# An effect smaller than this on mean glucose needs no knowledge of the body.
NO_EFFECT_MG_DL: Final = 1.0
RANGES: Final = {
    "below_54_percent": (0.0, LEVELS.very_low),
    "below_70_percent": (0.0, LEVELS.low),
    "in_range_percent": (LEVELS.low, LEVELS.high),
    "above_180_percent": (LEVELS.high, np.inf),
    "above_250_percent": (LEVELS.very_high, np.inf),
}


@dataclass(frozen=True)
class WhatIf:
    """Days as they were lived, and as they would have been.

    Parameters
    ----------
    subject : str
    change : Change
    time_s : array (T,), seconds since 1970 UTC
    lived, changed : array (T, n), mg/dL
        True glucose of each draw; a column of both is the same draw.
    reading : array (T,), mg/dL
        NaN where there is none.
    notes : tuple of str
        What was assumed.
    """

    subject: str
    change: Change
    time_s: Array
    lived: Array
    changed: Array
    reading: Array
    notes: tuple[str, ...]

    def summary(self) -> dict[str, dict[str, list[float]]]:
        """Return 5, 50 and 95 % quantiles over draws of each figure: lived, changed, difference."""
        lived, changed = figures(self.lived), figures(self.changed)
        return {
            name: {
                "lived": _quantiles(lived[name]),
                "changed": _quantiles(changed[name]),
                "difference": _quantiles(changed[name] - lived[name]),
            }
            for name in lived
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON: figures, and glucose by time as quantiles."""
        bands = {
            name: np.quantile(values, QUANTILES, axis=1).round(1).tolist()
            for name, values in (("lived", self.lived), ("changed", self.changed))
        }
        return {
            "subject": self.subject,
            "change": self.change.to_dict(),
            "quantiles": list(QUANTILES),
            "time": [_iso(t) for t in self.time_s.tolist()],
            "glucose_mg_dl": bands,
            "reading_mg_dl": [None if np.isnan(v) else float(v) for v in self.reading.tolist()],
            "summary": self.summary(),
            "draws": self.lived.shape[1],
            "notes": list(self.notes),
            "use": RESEARCH,
        }


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat()


def _quantiles(values: Array) -> list[float]:
    return [float(v) for v in np.quantile(values, QUANTILES)]


def figures(glucose: Array) -> Mapping[str, Array]:
    """Return mean (mg/dL), shares of time (%) and lowest glucose of each draw (n,)."""
    shares = {
        name: 100.0 * ((glucose >= low) & (glucose <= high)).mean(axis=0)
        if name == "in_range_percent"
        else 100.0 * ((glucose > low) & (glucose < high)).mean(axis=0)
        for name, (low, high) in RANGES.items()
    }
    mean, lowest = glucose.mean(axis=0), glucose.min(axis=0)
    return {"mean_mg_dl": mean, "lowest_mg_dl": lowest, **shares}


def whatif(
    twin: Twin,
    record: Timeline,
    change: Change,
    *,
    rng: np.random.Generator,
    days: float = 1.0,
    end_s: float | None = None,
    draws: int = DRAWS,
) -> WhatIf:
    """Let a person's days be lived again with a change.

    Parameters
    ----------
    twin : Twin
    record : Timeline
        The person's own: the one the twin was fitted to, or a later one.
    change : Change
    rng : Generator
    days : float
        How many days are looked at; factors hold in all of them.
    end_s : float, optional
        Their end, seconds since 1970 UTC; the record's by default.
    draws : int

    Raises
    ------
    InputError
        If the change is none, leaves what the record supports, or rests on what the record did not
        teach; or the days lie outside of the record.
    """
    if change.nothing:
        raise InputError("the change changes nothing; give a factor other than 1 or a dose more")
    if not 2 <= draws <= 10_000:
        raise InputError(f"draws is {draws}; give 2 to 10000")
    seen = observe(record)
    first, last = _span(seen, days, end_s)
    altered = laid(change, record, seen, first, last)
    _supported(record, seen, altered, first, last)
    lived = relive(twin, seen, draws, rng)
    again = lived.again(twin, altered)
    _learnt(twin, lived, again, altered, first, rng)
    changed = lived.spread(again, rng)
    here = slice(first // SAMPLE_MIN, last // SAMPLE_MIN + 1)
    samples = np.arange(len(seen.glucose), dtype=np.float64)
    time: Array = seen.start_s + 60.0 * SAMPLE_MIN * samples
    return WhatIf(
        twin.subject, change, time[here], lived.true[here], changed[here], seen.glucose[here],
        _notes(twin, record, seen),
    )  # fmt: skip


def _span(seen: Observations, days: float, end_s: float | None) -> tuple[int, int]:
    """Return the first and last minute looked at."""
    total = len(seen.insulin)
    last = total if end_s is None else int((end_s - seen.start_s) // 60.0)
    last -= last % SAMPLE_MIN
    first = last - round(days * 1440 / SAMPLE_MIN) * SAMPLE_MIN if np.isfinite(days) else -1
    if not 0 <= first < last <= total:
        raise InputError(
            f"days is {days:g} before {_iso(seen.start_s + 60.0 * last)}; the record that a twin "
            f"sees goes from {_iso(seen.start_s)} to {_iso(seen.start_s + 60.0 * total)}"
        )
    return first, last


def _supported(
    record: Timeline, seen: Observations, altered: Altered, first: int, last: int
) -> None:
    """Refuse doses that are far beyond what the person ever had."""
    doses = doses_of(record, seen)
    daily, total = doses.daily(), doses.basal + doses.bolus
    span = np.maximum(total[first:last] + altered.insulin[first:last], 0.0)
    asked, length = 1440.0 * float(span.mean()), (last - first) / 1440.0
    low, high = float(daily.min()) / BEYOND, float(daily.max()) * BEYOND
    if not altered.insulin.any() or (seen.own_basal and not doses.bolus.any()):
        return
    if not low <= asked <= high:
        raise InputError(
            f"insulin would be {asked:.1f} U a day over {length:g} day(s); the record holds "
            f"{daily.min():.1f} to {daily.max():.1f} U a day and supports {low:.1f} to {high:.1f}"
        )
    largest = float(doses.bolus.max())
    most = float(np.max(altered.insulin[first:last] + doses.bolus[first:last]))
    if largest > 0.0 and most > BEYOND * largest + 0.1:
        raise InputError(
            f"a bolus would be {most:.1f} U; the largest in the record is {largest:.1f} U and "
            f"supports up to {BEYOND * largest:.1f}"
        )


def _learnt(
    twin: Twin, lived: Lived, again: Array, altered: Altered, first: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Refuse an answer whose spread is the prior's: the record taught nothing of it.

    Spreads are compared as shares of the effect: a person in whom insulin does three times as much
    has an answer three times as wide, though as much is known of it.
    """
    begin = max(0, first - PRIOR_DAYS * 1440)
    part = lived.seen.since(begin // SAMPLE_MIN)
    z = np.clip(rng.standard_normal((PRIOR_DRAWS, len(NAMES))), -LIMIT_SD, LIMIT_SD)
    here = slice((first - begin) // SAMPLE_MIN, None)
    moved = Altered(*(column[begin:] for column in vars(altered).values()))
    usual = run(twin.where, z, part)[here]
    prior = (run(twin.where, z, part, None, moved)[here] - usual).mean(axis=0)
    known = (again - lived.true)[first // SAMPLE_MIN :].mean(axis=0)
    if max(abs(float(np.median(known))), float(prior.std())) < NO_EFFECT_MG_DL:
        return
    ratio = _relative_spread(known) / max(_relative_spread(prior), 1e-9)
    if ratio > PARTLY_KNOWN:
        raise InputError(
            f"the answer is prior-dominated: its spread as a share of the effect is {ratio:.0%} "
            "of that before any record; fit the twin to more days"
        )


def _relative_spread(effect: Array) -> float:
    return float(effect.std()) / max(abs(float(np.median(effect))), NO_EFFECT_MG_DL)


def _notes(twin: Twin, record: Timeline, seen: Observations) -> tuple[str, ...]:
    notes = [
        "carbohydrate stays as eaten, that taken against lows included",
        "a pump or a person that would have reacted to the other glucose is not modelled",
        "bands hold that equations err in how much a change does, by a factor of "
        f"{np.exp(STRUCTURE_SD):.1f} or so",
    ]
    if record.source_sha256 != twin.record_sha256:
        notes.append("the record is not the one that the twin was fitted to")
    if twin.residual is not None and twin.residual.on:
        notes.append("the learned residual is left out: what was unexplained is kept instead")
    return (*notes, *seen.notes)
