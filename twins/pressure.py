"""A person's blood-pressure twin: virtual people like them, weighted by what they explain.

Sampling-importance-resampling (Rubin 1988): people of the person's age, sex and kidney function are
drawn from the population, take the tablets of the record, and are kept in proportion to the
likelihood of its readings and laboratory results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.pressure_people import PressureSpec
from .pressure_body import PressureBodies, live, untreated
from .pressure_expected import Expected, expected_of, join, lab_sd, noise_of
from .pressure_prior import Prior, prior_of
from .pressure_seen import PressureSeen
from .pressure_weights import (
    effective_size,
    resample,
    value_likelihood,
    visit_likelihood,
    weighted_sd,
    weights_of,
)

Array = NDArray[np.float64]
Progress = Callable[[str], None]

BATCH: Final = 4000
MOST_BATCHES: Final = 4
ENOUGH_EFFECTIVE: Final = 300.0
# Visits further back are left out: bodies, weights and habits change (project choice).
LOOK_BACK_DAYS: Final = 730
SETTLE_DAYS: Final = 120
BAND: Final = (0.05, 0.95)
MEANING: Final = {
    "sbp": "usual systolic pressure now",
    "dbp": "usual diastolic pressure now",
    "untreated_sbp": "systolic pressure without any drug",
    "white_coat_mmhg": "white-coat effect",
    "adherence": "share of tablets taken",
    "potassium": "serum potassium now",
    "egfr": "kidney function now",
}
WELL_KNOWN: Final = 0.5
PARTLY_KNOWN: Final = 0.8


@dataclass(frozen=True)
class Known:
    """How well one quantity of a person is known.

    Parameters
    ----------
    name, meaning : str
    mean, sd : float
        Of the posterior, in the quantity's unit.
    ratio : float
        Posterior over prior standard deviation; 1 where the record taught nothing.
    """

    name: str
    meaning: str
    mean: float
    sd: float
    ratio: float

    @property
    def verdict(self) -> str:
        """The ratio in words."""
        if self.ratio < WELL_KNOWN:
            return "well known"
        return "partly known" if self.ratio < PARTLY_KNOWN else "prior-dominated"


@dataclass(frozen=True)
class PressureTwin:
    """A person's posterior: equally likely bodies as they are at the end of the record.

    Parameters
    ----------
    subject, record_sha256, group : str
    bodies : PressureBodies
        Draws; the same virtual person may stand for several.
    seen : PressureSeen
        What it was fitted to.
    tried : int
        Virtual people drawn.
    effective : float
        Effective number of them.
    known : tuple of Known
    quality : mapping of str to float
        visits, labs, standard_error (root mean square of residuals over the device's error),
        bias_sbp (reading minus twin, mmHg), foretold_90 (share of visits from the third on inside
        the 90 % band made from the visits before), foretold_visits.
    explained : mapping of str to array (3, V)
        ``sbp`` and ``dbp``: 5, 50 and 95 % quantiles of what the visits would read.
    notes : tuple of str
    seed : int
    """

    subject: str
    record_sha256: str
    group: str
    bodies: PressureBodies
    seen: PressureSeen
    tried: int
    effective: float
    known: tuple[Known, ...]
    quality: Mapping[str, float]
    explained: Mapping[str, Array]
    notes: tuple[str, ...] = ()
    seed: int = 0

    def __len__(self) -> int:
        return len(self.bodies)

    def forecast(self, mg: Array, days: int) -> dict[str, Array]:
        """Return the outputs (days + 1, n) of every draw under a constant regimen.

        Parameters
        ----------
        mg : array (6,), mg a day
            Of the drugs of the twin's formulary.
        days : int
            From the end of the record.
        """
        _, series = live(self.bodies, np.tile(mg, (days, 1)), range(days + 1))
        return series

    def to_dict(self) -> dict[str, Any]:
        """Return what the twin says of the person, in JSON."""
        return {
            "model": self.bodies.people.model,
            "group": self.group,
            "draws": len(self),
            "tried": self.tried,
            "effective": self.effective,
            "known": [vars(row) | {"verdict": row.verdict} for row in self.known],
            "quality": dict(self.quality),
            "notes": list(self.notes),
            "seed": self.seed,
        }


def fit_pressure(
    seen: PressureSeen,
    *,
    seed: int = 0,
    draws: int = 400,
    batch: int = BATCH,
    prior: Prior | None = None,
    progress: Progress | None = None,
) -> PressureTwin:
    """Return a person's twin.

    A pilot of people from the whole prior tells where to look; unless it suffices, more are drawn
    from there, each weighted by prior over proposal density besides the likelihood.

    Parameters
    ----------
    seen : PressureSeen
    seed : int
    draws : int
        Bodies to keep.
    batch : int
        People tried at a time.
    prior : Prior, optional
        The population to draw from; people like the person by default.
    progress : callable, optional
        Called with a line on what is being done.

    Raises
    ------
    InputError
        If there is no reading.
    """
    recent, notes = _recent(seen)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    prior, tell = prior or prior_of(recent.covariates), progress or (lambda _: None)
    tell(f"trying {batch} virtual people")
    found, ratio = _try(recent, prior, batch, rng, None)
    weights = weights_of(log_likelihood(recent, found))
    if effective_size(weights) < ENOUGH_EFFECTIVE:
        look = prior.look(found.bodies.people, weights)
        found, ratio = _try(recent, prior, batch, rng, look)
        weights = weights_of(log_likelihood(recent, found), ratio)
        while effective_size(weights) < ENOUGH_EFFECTIVE and len(weights) < MOST_BATCHES * batch:
            tell(f"trying {batch} more virtual people, {len(weights)} so far")
            more, extra = _try(recent, prior, batch, rng, look)
            found, ratio = join(found, more), np.append(ratio, extra)
            weights = weights_of(log_likelihood(recent, found), ratio)
    return _twin(recent, found, ratio, weights, _Wish(draws, seed, notes), rng)


class _Wish(NamedTuple):
    """How many bodies to keep, by which seed, and what was left out."""

    draws: int
    seed: int
    notes: tuple[str, ...]


def _try(
    seen: PressureSeen, prior: Prior, n: int, rng: np.random.Generator, look: PressureSpec | None
) -> tuple[Expected, Array]:
    """Return what n people would have shown, and the log of prior over proposal of each."""
    people = prior.sample(n, rng, look)
    bodies = untreated(people, seen.doses.formulary)
    return expected_of(seen, bodies, SETTLE_DAYS), prior.log_ratio(people, look)


def _recent(seen: PressureSeen) -> tuple[PressureSeen, tuple[str, ...]]:
    """Return the part of a record that is looked at, and a note where some is left out."""
    if len(seen) == 0:
        raise InputError("pressure: the record holds no blood-pressure reading; add some visits")
    keep = seen.day >= -LOOK_BACK_DAYS
    labs = [i for i, day in enumerate(seen.lab_day) if day >= -LOOK_BACK_DAYS]
    rows = np.flatnonzero(keep)
    left_out = len(seen) - len(rows)
    part = replace(
        seen,
        day=seen.day[rows], sbp=seen.sbp[rows], dbp=seen.dbp[rows],
        heart_rate=seen.heart_rate[rows], readings=seen.readings[rows],
        setting=tuple(seen.setting[i] for i in rows),
        lab_day=seen.lab_day[labs], lab_value=seen.lab_value[labs],
        lab_name=tuple(seen.lab_name[i] for i in labs),
    )  # fmt: skip
    note = f"{left_out} visits more than two years before the last one are left out of the fit."
    return part, (note,) if left_out else ()


def log_likelihood(seen: PressureSeen, found: Expected) -> Array:
    """Return the log-likelihood (B,) of all of a record under each person."""
    visits = visit_likelihood(seen.sbp, seen.dbp, (found.sbp, found.dbp), noise_of(seen))
    total: Array = visits.sum(axis=0)
    if len(seen.lab_day):
        labs = value_likelihood(seen.lab_value, found.labs, lab_sd(seen.lab_name, found.labs))
        total = total + labs.sum(axis=0)
    return total


def _twin(
    seen: PressureSeen, found: Expected, ratio: Array, weights: Array, wish: _Wish,
    rng: np.random.Generator,
) -> PressureTwin:  # fmt: skip
    rows = resample(weights, wish.draws, rng)
    explained = _explained(seen, found, rows, rng)
    bodies = found.bodies.take(rows)
    groups = bodies.people.groups
    return PressureTwin(
        seen.subject, seen.record_sha256, max(set(groups), key=groups.count), bodies, seen,
        len(found.bodies), effective_size(weights), _known(found, ratio, weights),
        _quality(seen, found, ratio, weights), explained, wish.notes, wish.seed,
    )  # fmt: skip


def _explained(
    seen: PressureSeen, found: Expected, rows: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, Array]:
    """Return the quantiles of what each visit would read, the device's error included."""
    noise = noise_of(seen)
    bands = {}
    for name, mean, cv in (("sbp", found.sbp, noise.sbp), ("dbp", found.dbp, noise.dbp)):
        middle = mean[:, rows]
        sd = np.sqrt((cv[:, None] * middle) ** 2 + noise.misfit_mmhg**2)
        reading = middle + sd * rng.standard_normal(middle.shape)
        bands[name] = np.quantile(reading, (BAND[0], 0.5, BAND[1]), axis=1)
    return bands


def _known(found: Expected, ratio: Array, weights: Array) -> tuple[Known, ...]:
    rows, before = [], weights_of(ratio)
    for name, meaning in MEANING.items():
        values = found.now[name]
        prior = weighted_sd(values, before)
        after = weighted_sd(values, weights)
        mean = float(np.sum(weights * values))
        rows.append(Known(name, meaning, mean, after, after / prior if prior > 0 else 1.0))
    return tuple(rows)


def _quality(seen: PressureSeen, found: Expected, ratio: Array, weights: Array) -> dict[str, float]:
    noise = noise_of(seen)
    middle = {"sbp": found.sbp @ weights, "dbp": found.dbp @ weights}
    scaled = [
        ((read - middle[name]) ** 2) / ((cv * middle[name]) ** 2 + noise.misfit_mmhg**2)
        for name, read, cv in (("sbp", seen.sbp, noise.sbp), ("dbp", seen.dbp, noise.dbp))
    ]
    inside = _foretold(seen, found, ratio)
    return {
        "visits": float(len(seen)),
        "labs": float(len(seen.lab_day)),
        "standard_error": float(np.sqrt(np.mean(scaled))),
        "rmse_sbp_mmhg": float(np.sqrt(np.mean((seen.sbp - middle["sbp"]) ** 2))),
        "bias_sbp_mmhg": float(np.mean(seen.sbp - middle["sbp"])),
        "foretold_90": float(np.mean(inside)) if inside else float("nan"),
        "foretold_visits": float(len(inside)),
    }


def _foretold(seen: PressureSeen, found: Expected, ratio: Array) -> list[bool]:
    """Return for each visit from the third on whether systolic pressure lay in the 90 % band.

    The band uses the visits before it alone (and no laboratory result).
    """
    noise = noise_of(seen)
    visits = visit_likelihood(seen.sbp, seen.dbp, (found.sbp, found.dbp), noise)
    inside = []
    for i in range(2, len(seen)):
        weights = weights_of(visits[:i].sum(axis=0), ratio)
        mean = float(weights @ found.sbp[i])
        error = (noise.sbp[i] * mean) ** 2 + noise.misfit_mmhg**2
        sd = float(np.sqrt(weighted_sd(found.sbp[i], weights) ** 2 + error))
        inside.append(bool(abs(seen.sbp[i] - mean) <= 1.645 * sd))
    return inside
