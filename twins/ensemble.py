"""Ensembles: equally likely states, bodies and sensitivities of several people at one moment.

One row per person (or per person and hypothesis), one member per possible truth. Everything that
a reading can correct lies in one array, whose columns are the model's states, the standardised
coordinates of the body, and quantities that change as time goes by (``WALKING``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.model import Model
from .coordinates import NAMES, Coordinates
from .posterior import Posterior, Present
from .search import LIMIT_SD
from .twin import Twin
from .variation import Variation

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

MEMBERS = 256
LATELY = ("usual_action", "action_6_h", "action_12_h", "action_24_h")
WALKING = ("level", "day", "effect", "error", "offset", "portion", "extra", *LATELY)
"""Log sensitivity over the person's own: a slow level, an effect of about a day and one of some
hours; the sensor's AR(1) error and a lasting offset, mg/dL; log eaten over counted carbohydrate
of the present meal; a number that a hypothesis gives its own meaning; and running means of log
insulin action."""
LARGEST_LEVEL, LARGEST_ERROR, LARGEST_ACTION = 2.0, 150.0, 8.0
SMALLEST_ROWS = 2
LOWEST_GLUCOSE = 30.0  # mg/dL, where a sensor's offset would take members below any life


@dataclass(frozen=True)
class Person:
    """What an ensemble needs to know of one person besides the members.

    Parameters
    ----------
    where : Coordinates
        Meaning of the coordinates.
    variation : Variation
        How much days, hours and meals differ.
    rhythm : tuple of (float, float)
        As in ``Twin``: local minute at which a window begins, mean log sensitivity in it.
    """

    where: Coordinates
    variation: Variation
    rhythm: tuple[tuple[float, float], ...] = ()

    def usual(self, minute_of_day: float) -> float:
        """Return the log sensitivity that is usual at a local minute of the day."""
        if not self.rhythm:
            return 0.0
        behind = [((minute_of_day - begin) % 1440.0, value) for begin, value in self.rhythm]
        return min(behind)[1]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members of several people.

    Parameters
    ----------
    people : tuple of Person
        One per row.
    values : array (R, N, K)
        States (S), coordinates (d), then ``WALKING``.
    noise : array (R, N, 2)
        Standard deviation (mg/dL) and correlation over five minutes of the sensor's errors.
    surprise : array (R,)
        Running mean of the normalised innovation squared; 1 where readings are as expected.
    """

    people: tuple[Person, ...]
    values: Array
    noise: Array
    surprise: Array

    @property
    def model(self) -> Model:
        """The body's model."""
        return self.people[0].where.model

    @property
    def rows(self) -> int:
        """People (or people times hypotheses)."""
        return self.values.shape[0]

    @property
    def members(self) -> int:
        """Members of each row."""
        return self.values.shape[1]

    @property
    def states(self) -> Array:
        """States (R, N, S), a view."""
        return self.values[:, :, : len(self.model.state_index)]

    @property
    def z(self) -> Array:
        """Coordinates (R, N, d), a view."""
        first = len(self.model.state_index)
        return self.values[:, :, first : first + len(NAMES)]

    def __getitem__(self, name: str) -> Array:
        """Return one of ``WALKING`` (R, N), a view."""
        return self.values[:, :, column(self.model, name)]

    def params(self) -> Array:
        """Return the model's parameters (R * N, P), sensitivity left out."""
        return np.concatenate([where.params(z) for where, z in self._bodies()])

    def basal_insulin(self) -> Array:
        """Return basal plasma insulin (R, N), pmol/L, without the rest of the parameters."""
        parts = [where.basal_insulin(z) for where, z in self._bodies()]
        return np.concatenate(parts).reshape(self.values.shape[:2])

    def _bodies(self) -> Iterator[tuple[Coordinates, Array]]:
        """Yield the coordinates (n * N, d) of neighbours for whom they mean the same."""
        first = 0
        for _, same in groupby(self.people, key=lambda person: id(person.where)):
            n = len(list(same))
            z = np.ascontiguousarray(self.z[first : first + n]).reshape(-1, len(NAMES))
            yield self.people[first].where, z
            first += n

    def shift(self) -> Array:
        """Return log sensitivity (R, N) over the person's own, the rhythm of the day left out."""
        return self["level"] + self["day"] + self["effect"]

    def carb_factor(self) -> Array:
        """Return eaten over counted carbohydrate (R, N)."""
        flat = np.ascontiguousarray(self.z).reshape(-1, len(NAMES))
        return self.people[0].where.carb_factor(flat).reshape(self.values.shape[:2])

    def glucose(self, params: Array) -> Array:
        """Return interstitial glucose (R, N), mg/dL, of members with parameters (R * N, P)."""
        at = self.model.state_index["interstitial_glucose_mass"]
        volume = params[:, self.model.parameter_index["Vg"]].reshape(self.values.shape[:2])
        return np.asarray(self.states[:, :, at] / volume)

    def take(self, rows: Sequence[int] | Rows) -> Ensemble:
        """Return some rows, copied."""
        at = np.asarray(rows, dtype=np.int64)
        people = tuple(self.people[i] for i in at.tolist())
        return Ensemble(people, self.values[at].copy(), self.noise[at].copy(), self.surprise[at])

    def resampled(self, n: int, rng: np.random.Generator) -> Ensemble:
        """Return n members of each row, each at most once as long as there are enough."""
        take = np.stack([_rows(self.members, n, rng) for _ in range(self.rows)])
        row = np.arange(self.rows)[:, None]
        return replace(self, values=self.values[row, take], noise=self.noise[row, take])

    def present(self, row: int, time_s: float, minute_of_day: float) -> Present:
        """Return where the members of one row are."""
        shift = self.shift()[row] + self.people[row].usual(minute_of_day)
        error = self["error"][row] + self["offset"][row]
        return Present(time_s, self.states[row].copy(), shift, error.copy())


def _rows(have: int, n: int, rng: np.random.Generator) -> Rows:
    whole, rest = divmod(n, have)
    parts = [rng.permutation(have) for _ in range(whole)]
    return np.concatenate([*parts, rng.choice(have, rest, replace=False)]).astype(np.int64)


def column(model: Model, name: str) -> int:
    """Return the column of one of ``WALKING`` in ``Ensemble.values``."""
    return len(model.state_index) + len(NAMES) + WALKING.index(name)


def stack(ensembles: Sequence[Ensemble]) -> Ensemble:
    """Return the rows of several ensembles of equally many members as one."""
    return Ensemble(
        tuple(person for one in ensembles for person in one.people),
        np.concatenate([one.values for one in ensembles]),
        np.concatenate([one.noise for one in ensembles]),
        np.concatenate([one.surprise for one in ensembles]),
    )


def ensemble_of(twin: Twin, rng: np.random.Generator, members: int = MEMBERS) -> Ensemble:
    """Return the ensemble (one row) of a twin at the end of its record.

    Raises
    ------
    InputError
        If the twin has no draws, or fewer than two members are asked for.
    """
    if twin.posterior is None:
        raise InputError(
            "the twin has no posterior draws, from which a filter could start; fit it again"
        )
    person = Person(twin.where, twin.variation, twin.rhythm)
    minute = twin_minute(twin)
    return from_posterior(person, twin.posterior, minute, rng, members)


def twin_minute(twin: Twin) -> float:
    """Return the local minute of the day at which a twin's record ends."""
    end = twin.settings.get("end_minute")
    return float(end) if end is not None else float(twin.end_s / 60.0 % 1440.0)


def from_posterior(
    person: Person, posterior: Posterior, minute: float, rng: np.random.Generator,
    members: int = MEMBERS,
) -> Ensemble:  # fmt: skip
    """Return the ensemble (one row) of draws that stand at a local minute of the day."""
    if members < SMALLEST_ROWS:
        raise InputError(f"members is {members}; a spread needs at least {SMALLEST_ROWS}")
    take = posterior.rows(members, rng)
    now = posterior.present.take(take)
    walking = np.zeros((members, len(WALKING)))
    shift = now.sensitivity - person.usual(minute)
    both = person.variation.day**2 + person.variation.window**2
    share = person.variation.day**2 / both
    # Of the sum of two normal effects that is known, their difference is not.
    unknown = np.sqrt(share * (1.0 - share) * both) * rng.standard_normal(members)
    walking[:, WALKING.index("day")] = share * shift + unknown
    walking[:, WALKING.index("effect")] = (1.0 - share) * shift - unknown
    walking[:, WALKING.index("error")] = now.error
    values = np.concatenate([now.states, posterior.z[take], walking], axis=1)
    ensemble = Ensemble((person,), values[None], posterior.noise[take][None], np.ones(1))
    begin(ensemble)
    return bounded(ensemble)


def action(ensemble: Ensemble, params: Array) -> Array:
    """Return log insulin action (R, N) of members with parameters (R * N, P), about the prior's.

    Mean of the strengths on muscle and liver, the sensitivity in force added; the rhythm of the
    day is left out.
    """
    model, shape = ensemble.model, ensemble.values.shape[:2]
    columns = [model.parameter_index[name] for name in ("Vmx", "kp3")]
    own = np.log(params[:, columns]).mean(axis=1).reshape(shape)
    about = [0.5 * (p.where.centre["Vmx"] + p.where.centre["kp3"]) for p in ensemble.people]
    return np.asarray(own - np.array(about)[:, None] + ensemble.shift())


def begin(ensemble: Ensemble) -> None:
    """Let every member's past be as its body is of itself, in place: nothing unusual so far."""
    own = action(ensemble, ensemble.params()) - ensemble.shift()
    for name in LATELY:
        ensemble[name][:] = own


def bounded(ensemble: Ensemble) -> Ensemble:
    """Return an ensemble with every state within its quantity's bounds, and the rest in reach."""
    model = ensemble.model
    quantities = (*model.states, *model.memory)
    k = ensemble.values.shape[2]
    low, high = np.full(k, -LIMIT_SD), np.full(k, LIMIT_SD)
    low[: len(quantities)] = [q.low for q in quantities]
    high[: len(quantities)] = [q.high for q in quantities]
    for name, most in (
        ("level", LARGEST_LEVEL), ("day", LARGEST_LEVEL), ("effect", LARGEST_LEVEL),
        ("error", LARGEST_ERROR), ("offset", LARGEST_ERROR), ("portion", LARGEST_LEVEL),
        ("extra", 1000.0), *((name, LARGEST_ACTION) for name in LATELY),
    ):  # fmt: skip
        at = column(model, name)
        low[at], high[at] = -most, most
    values = np.clip(ensemble.values, low, high)
    return replace(ensemble, values=np.where(np.isnan(values), 0.0, values))


def remembering(fresh: Ensemble, before: Ensemble) -> Ensemble:
    """Return the ensemble of a new fit with what an older one of the same people remembers.

    How far insulin action of late lies from the usual one is carried over; the usual one is that of
    the new fit.
    """
    values = fresh.values.copy()
    out = replace(fresh, values=values)
    for name in LATELY[1:]:
        away = before[name] - before[LATELY[0]]
        out[name][:] = out[LATELY[0]] + away[:, np.arange(fresh.members) % before.members]
    return bounded(out)


def as_the_sensor_says(ensemble: Ensemble) -> Ensemble:
    """Return members whose glucose is what they thought the sensor's offset made of it."""
    out = replace(ensemble, values=ensemble.values.copy())
    glucose = ensemble.glucose(ensemble.params())
    ratio = np.maximum(glucose + ensemble["offset"], LOWEST_GLUCOSE) / np.maximum(glucose, 1.0)
    for name in ("plasma_glucose_mass", "tissue_glucose_mass", "interstitial_glucose_mass"):
        out.states[:, :, ensemble.model.state_index[name]] *= ratio
    out["offset"][:] = out["extra"][:] = 0.0
    return bounded(out)
