"""A person's blood-pressure twin: virtual people like them, as likely as they explain the record.

People are places in the population at the person's age, sex and build, standard normal in each
trait. They take the tablets of the record; tempered sequential Monte Carlo moves them to where its
readings and laboratory results become likely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .pressure_body import PressureBodies, live, untreated
from .pressure_expected import Expected, expected_of
from .pressure_prior import Prior, prior_of
from .pressure_quality import Known, explained_by, known_of, log_likelihood, quality_of
from .pressure_residual import PressureResidual
from .pressure_seen import PressureSeen
from .pressure_weights import FEWEST_EFFECTIVE
from .tempering import temper

Array = NDArray[np.float64]
Progress = Callable[[str], None]

DRAWS: Final = 400
# Particles move about the mean and covariance of their own, which fewer would not tell.
FEWEST_PARTICLES: Final = 400
# With fewer moves accepted the bodies stay where chance first put them (project choice).
FEWEST_ACCEPTED: Final = 0.05
# Visits further back are left out: bodies, weights and habits change (project choice).
LOOK_BACK_DAYS: Final = 730


@dataclass(frozen=True)
class PressureTwin:
    """A person's posterior: equally likely bodies as they are at the end of the record.

    Parameters
    ----------
    subject, record_sha256, group : str
    bodies : PressureBodies
        Draws.
    seen : PressureSeen
        What it was fitted to.
    distinct : int
        Particles that differ from each other.
    stages : int
        Powers that the tempering went through.
    accepted : float
        Share of its last moves that were accepted.
    known : tuple of Known
    quality : mapping of str to float
        visits, labs, standard_error (root mean square of residuals over the device's error),
        bias_sbp (reading minus twin, mmHg), foretold_90 (share of visits inside the 90 % band made
        from all the others), foretold_visits.
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
    distinct: int
    stages: int
    accepted: float
    known: tuple[Known, ...]
    quality: Mapping[str, float]
    explained: Mapping[str, Array]
    notes: tuple[str, ...] = ()
    seed: int = 0

    def __len__(self) -> int:
        return len(self.bodies)

    @property
    def effective(self) -> float:
        """Effective number of bodies: draws that came out alike count once, not each."""
        _, times = np.unique(self.bodies.people.params, axis=0, return_counts=True)
        return float(len(self) ** 2 / np.sum(times.astype(np.float64) ** 2))

    @property
    def usable(self) -> bool:
        """Whether the draws are enough different people that moved, not a handful of lucky ones."""
        return self.distinct >= FEWEST_EFFECTIVE and self.accepted >= FEWEST_ACCEPTED

    @property
    def sha256(self) -> str:
        """Hash of everything that makes this twin."""
        return str(self.full()["sha256"])

    def full(self) -> dict[str, Any]:
        """Return the twin with all its draws in JSON, as ``load_pressure_twin`` reads it."""
        from .pressure_file import pressure_as_dict

        return pressure_as_dict(self)

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
            "distinct": self.distinct,
            "stages": self.stages,
            "accepted": self.accepted,
            "known": [vars(row) | {"verdict": row.verdict} for row in self.known],
            "quality": dict(self.quality),
            "notes": list(self.notes),
            "seed": self.seed,
        }


def fit_pressure(
    seen: PressureSeen,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    prior: Prior | None = None,
    residual: PressureResidual | None = None,
    progress: Progress | None = None,
) -> PressureTwin:
    """Return a person's twin.

    Parameters
    ----------
    seen : PressureSeen
    seed : int
    draws : int
        Bodies to keep.
    prior : Prior, optional
        The population to draw from; people like the person by default.
    residual : PressureResidual, optional
        Learned gains on that population's responses; used where it is on.
    progress : callable, optional
        Called with a line on what is being done.

    Raises
    ------
    InputError
        If there is no reading.
    """
    recent, notes = _recent(seen)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    people, tell = prior or prior_of(recent.covariates, residual), progress or (lambda _: None)
    tried = 0

    def shown_by(z: Array) -> Expected:
        return expected_of(recent, untreated(people.people(z), recent.doses.formulary))

    def likelihood(z: Array) -> Array:
        nonlocal tried
        tried += len(z)
        tell(f"trying virtual people, {tried} so far")
        return log_likelihood(recent, shown_by(z))

    n = max(draws, FEWEST_PARTICLES)
    before = shown_by(rng.standard_normal((n, people.size)))
    found = temper(likelihood, n, people.size, rng)
    after = shown_by(found.z[rng.permutation(n)[:draws]])
    groups = after.bodies.people.groups
    return PressureTwin(
        subject=recent.subject,
        record_sha256=recent.record_sha256,
        group=max(set(groups), key=groups.count),
        bodies=after.bodies,
        seen=recent,
        distinct=found.distinct,
        stages=found.stages,
        accepted=found.accepted,
        known=known_of(before, after),
        quality=quality_of(recent, after),
        explained=explained_by(recent, after, rng),
        notes=(*notes, *_residual_note(people)),
        seed=seed,
    )


def _residual_note(people: Prior) -> tuple[str, ...]:
    if people.residual is None:
        return ()
    word = "is on" if people.residual.on else "is off"
    return (
        f"The learned residual {people.residual.name} {word}: {people.residual.card['reason']}",
    )


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
