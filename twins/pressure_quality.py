"""How well a blood-pressure twin explains its record, and what it knows of the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .pressure_expected import Expected, heart_rate_sd, lab_sd, noise_of
from .pressure_seen import PressureSeen
from .pressure_weights import value_likelihood, visit_likelihood, weighted_sd, weights_of

Array = NDArray[np.float64]

BAND: Final = (0.05, 0.5, 0.95)
NINETY: Final = 1.645
FEWEST_FORETOLD: Final = 3
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


def log_likelihood(seen: PressureSeen, found: Expected) -> Array:
    """Return the log-likelihood (B,) of all of a record under each person."""
    visits = visit_likelihood(seen.sbp, seen.dbp, (found.sbp, found.dbp), noise_of(seen))
    total: Array = visits.sum(axis=0)
    beats = np.flatnonzero(np.isfinite(seen.heart_rate))
    if len(beats):
        expected = found.heart_rate[beats]
        sd = np.broadcast_to(heart_rate_sd(seen)[beats, None], expected.shape)
        total = total + value_likelihood(seen.heart_rate[beats], expected, sd).sum(axis=0)
    if len(seen.lab_day):
        labs = value_likelihood(seen.lab_value, found.labs, lab_sd(seen.lab_name, found.labs))
        total = total + labs.sum(axis=0)
    return total


def known_of(before: Expected, after: Expected) -> tuple[Known, ...]:
    """Return how well each quantity is known, from people of the prior and of the posterior."""
    rows = []
    for name, meaning in MEANING.items():
        values, prior = after.now[name], float(before.now[name].std())
        sd = float(values.std())
        ratio = sd / prior if prior > 0.0 else 1.0
        rows.append(Known(name, meaning, float(values.mean()), sd, ratio))
    return tuple(rows)


def explained_by(seen: PressureSeen, after: Expected, rng: np.random.Generator) -> dict[str, Array]:
    """Return 5, 50 and 95 % quantiles (3, V) of what each visit would read, its error included."""
    noise = noise_of(seen)
    bands = {}
    for name, mean, cv in (("sbp", after.sbp, noise.sbp), ("dbp", after.dbp, noise.dbp)):
        sd = np.sqrt((cv[:, None] * mean) ** 2 + noise.misfit_mmhg**2)
        bands[name] = np.quantile(mean + sd * rng.standard_normal(mean.shape), BAND, axis=1)
    return bands


def quality_of(seen: PressureSeen, after: Expected) -> dict[str, float]:
    """Return error, bias and how many visits are foretold from the others."""
    noise = noise_of(seen)
    middle = {"sbp": after.sbp.mean(axis=1), "dbp": after.dbp.mean(axis=1)}
    scaled = [
        ((read - middle[name]) ** 2) / ((cv * middle[name]) ** 2 + noise.misfit_mmhg**2)
        for name, read, cv in (("sbp", seen.sbp, noise.sbp), ("dbp", seen.dbp, noise.dbp))
    ]
    inside = _foretold(seen, after)
    return {
        "visits": float(len(seen)),
        "labs": float(len(seen.lab_day)),
        "standard_error": float(np.sqrt(np.mean(scaled))),
        "rmse_sbp_mmhg": float(np.sqrt(np.mean((seen.sbp - middle["sbp"]) ** 2))),
        "bias_sbp_mmhg": float(np.mean(seen.sbp - middle["sbp"])),
        "foretold_90": float(np.mean(inside)) if inside else float("nan"),
        "foretold_visits": float(len(inside)),
    }


def _foretold(seen: PressureSeen, after: Expected) -> list[bool]:
    """Return for each visit whether its systolic pressure lies in the band of the others.

    Leaving a visit out divides each body's weight by that visit's likelihood (Gelfand 1992); the
    largest weights are cut at the square root of the number of bodies times their mean (Ionides
    2008).
    """
    if len(seen) < FEWEST_FORETOLD:
        return []
    noise = noise_of(seen)
    visits = visit_likelihood(seen.sbp, seen.dbp, (after.sbp, after.dbp), noise)
    inside = []
    for i in range(len(seen)):
        weights = weights_of(-visits[i])
        weights = np.minimum(weights, np.sqrt(len(weights)) * weights.mean())
        weights = weights / weights.sum()
        mean = float(weights @ after.sbp[i])
        error = (noise.sbp[i] * mean) ** 2 + noise.misfit_mmhg**2
        sd = float(np.sqrt(weighted_sd(after.sbp[i], weights) ** 2 + error))
        inside.append(bool(abs(seen.sbp[i] - mean) <= NINETY * sd))
    return inside
