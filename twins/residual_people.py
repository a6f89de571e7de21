"""Virtual people whose truth differs in structure from the twin's model, and their twins.

Each lives six days: a bare twin is fitted to the first four, from which their context comes too;
what follows is to be forecast. People of different purposes never meet (``physiology.streams``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.hovorka_people import sample_hovorka
from ..physiology.library import load_model
from ..physiology.population import Patients
from ..physiology.sampling import GROUPS, load_sampler
from ..physiology.streams import stream
from ..records.timeline import Timeline
from .coordinates import Coordinates, coordinates_for
from .exercise import TRACES_MIN, Exercise, bouts, traces
from .forward import SAMPLES_A_DAY, WINDOW_MIN, WINDOWS_A_DAY, windows_in
from .joint import Found
from .observations import Observations, observe
from .probable import most_probable
from .residual_context import CONTEXT, encode
from .residual_windows import Windows, joined, windows_of
from .search import starting_points
from .variation import rhythm
from .virtual import Life, live

Array = NDArray[np.float64]

DAYS, KNOWN_DAYS = 6, 4
STARTS = 3


@dataclass(frozen=True)
class Truth:
    """One structure of the truth; sizes are project choices.

    Parameters
    ----------
    name : str
    gut : str
        Stomach of the true body; the twin's is ``published``.
    swing : float
        Amplitude of the daily rhythm of insulin sensitivity.
    active : bool
        Whether the person exercises.
    model : str
        The true body's; those of ``hovorka_2004`` are adults of its own population.
    """

    name: str
    gut: str = "published"
    swing: float = 0.0
    active: bool = False
    model: str = "uva_padova_2008"


TRUTHS = (
    Truth("gut", gut="t1dms"),
    Truth("circadian", swing=0.4),
    Truth("exercise", active=True),
    Truth("mixed", gut="t1dms", swing=0.3, active=True),
)
"""The kinds that train, in equal shares."""
FOREIGN = Truth("hovorka", model="hovorka_2004")
"""A simulator that shares no equation with the twin's and never trains."""
LIFE = Life(days=float(DAYS), counting_sd=0.15, day_sd=0.1, window_sd=0.05, sensor_sd=6.0)


@dataclass(frozen=True)
class Known:
    """People with their twins, contexts and what is to be forecast.

    Parameters
    ----------
    names, kinds : tuple of str
        Of each person, and of their truth.
    context : array (people, C)
    past, future : Windows
        Stretches before and after the freezing of the context, numbered by person.
    rhythm : array (people, 3)
        What the bare fit says of log insulin sensitivity from midnight, 08:00 and 16:00 on.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    context: Array
    past: Windows
    future: Windows
    rhythm: Array

    def sensitivity(self) -> Array:
        """Return log sensitivity (N, BLOCKS) in the future stretches, by the fit's own rhythm."""
        window = (self.future.hours * 60.0 // WINDOW_MIN).astype(np.int64)
        return np.take_along_axis(self.rhythm[self.future.person], window, axis=1)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Lived:
    """One person's record, and their activity (T + 1, 3) if it is known."""

    timeline: Timeline
    group: str
    kind: str
    activity: Array


def live_people(
    purpose: str, per_kind: int, seed: int = 0, truths: Sequence[Truth] = TRUTHS
) -> list[Lived]:
    """Let virtual people of each kind of truth live and return their records.

    Parameters
    ----------
    purpose : {"training", "validation", "test", "certification"}
    per_kind : int
        People of each kind.
    """
    rng = stream(seed, purpose)
    people = load_sampler().sample(per_kind * len(truths), rng, groups=GROUPS)
    out: list[Lived] = []
    for i, truth in enumerate(truths):
        # Dealt out in turn, so that each kind has people of every age group.
        part = people.take(range(i, len(people), len(truths)))
        if truth.model == FOREIGN.model:
            part = sample_hovorka(per_kind, rng)
        out += _live(truth, part, rng)
    return out


def _live(truth: Truth, people: Patients, rng: np.random.Generator) -> list[Lived]:
    options = {} if truth.model == FOREIGN.model else {"gut": truth.gut}
    model = load_model(truth.model, **options)
    n, steps = len(people), DAYS * SAMPLES_A_DAY
    activity = bouts(n, steps, rng) if truth.active else np.zeros((steps, n))
    life = replace(LIFE, swing=truth.swing)
    alter = Exercise(model, activity).alter if truth.active else None
    timelines = live(model, people, life, rng, altered=alter)
    felt = traces(activity)
    assert felt.shape[2] == len(TRACES_MIN)
    return [Lived(t, people.groups[i], truth.name, felt[:, i]) for i, t in enumerate(timelines)]


def know(
    lived: Sequence[Lived], *, seed: int = 0, progress: Callable[[str], None] | None = None
) -> Known:
    """Fit a bare twin to each person's first days and cut what comes before and after.

    Parameters
    ----------
    lived : sequence of Lived
    seed : int
        Of the starts of the fits.
    """
    rng, tell = np.random.default_rng(np.random.SeedSequence(seed)), progress or (lambda _: None)
    past, future, basal = [], [], np.empty(len(lived))
    daily = np.empty((len(lived), WINDOWS_A_DAY))
    cut = KNOWN_DAYS * SAMPLES_A_DAY
    for i, one in enumerate(lived):
        seen = observe(one.timeline)
        assert seen.start_minute == 0.0
        where, found = _twin(one, seen.until(cut), rng)
        z = found.z
        daily[i] = rhythm(found.variation, found.effect[: windows_in(seen.until(cut))])
        last = len(seen.glucose) - 1
        past.append(windows_of(where, z, seen, 0, cut, person=i, activity=one.activity))
        future.append(windows_of(where, z, seen, cut, last, person=i, activity=one.activity))
        weight = one.timeline.settings.weight_kg
        assert weight is not None
        basal[i] = float(where.own_basal(where.params(z[None]))[0]) * 60.0 / weight
        if (i + 1) % 20 == 0:
            tell(f"{i + 1} of {len(lived)} twins fitted")
    before, after = joined(past), joined(future)
    context = encode(load_model("uva_padova_gains"), before, len(lived), basal)
    assert context.shape[1] == len(CONTEXT)
    names = tuple(one.timeline.subject for one in lived)
    return Known(names, tuple(one.kind for one in lived), context, before, after, daily)


def _twin(one: Lived, seen: Observations, rng: np.random.Generator) -> tuple[Coordinates, Found]:
    settings, basal = one.timeline.settings, one.timeline.basal
    assert settings.weight_kg is not None
    assert basal is not None
    where = coordinates_for(one.group, settings.weight_kg, float(basal.u_per_h[0]))
    return where, most_probable(where, seen, starting_points(STARTS, rng))
