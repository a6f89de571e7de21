"""The search behind a falsification: generations of people and days, each lived as one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..therapy.constraint import ConstraintSet
from .abreast import Abreast
from .certified_people import DAY_SEEDS
from .evolution import Evolution
from .falsify_space import REACH, Knob, Space
from .rollout import rollout

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

# An implausible person is moved towards the centre of the group, where everybody is plausible.
_SHRINK: Final = (0.75, 0.5, 0.25, 0.0)
_DISTANCE_COST: Final = 0.02


class Life(NamedTuple):
    """One evaluated lane: where it was, who it was, in which world, with what margin."""

    margin: float
    place: Array
    knobs: Mapping[str, float]
    cohort: Any
    keywords: Mapping[str, Any]
    seed: int

    @property
    def distance(self) -> float:
        """How far from the centre of population and scenario."""
        return float(np.linalg.norm(self.place))


@dataclass(frozen=True)
class Search:
    """Everything that stays the same through a search."""

    space: Space
    policy: Any
    rules: ConstraintSet
    kwargs: Mapping[str, Any]
    knobs: tuple[Knob, ...]
    judged: tuple[str, ...]


def evolve(
    search: Search,
    groups: tuple[str, ...],
    generations: int,
    lanes: int,
    rng: np.random.Generator,
    progress: Progress | None,
) -> tuple[dict[tuple[str, str], Life], list[float], dict[str, int], dict[str, int]]:
    """Return the best lives by kind and group, the course, and counts of violations and lives."""
    dimension = len(search.space.coordinates) + len(search.knobs)
    sizes = {g: lanes // len(groups) + (i < lanes % len(groups)) for i, g in enumerate(groups)}
    swarms = {
        g: Evolution(dimension, size, REACH, child)
        for (g, size), child in zip(sizes.items(), rng.spawn(len(groups)), strict=True)
    }
    labels = [g for g, size in sizes.items() for _ in range(size)]
    best: dict[tuple[str, str], Life] = {}
    course: list[float] = []
    broken = dict.fromkeys(groups, 0)
    for generation in range(generations):
        asked = {g: swarm.ask() for g, swarm in swarms.items()}
        points = np.concatenate(list(asked.values()))
        # One seed for all, so that a generation's people are ranked on the same luck.
        seed = int(rng.integers(*DAY_SEEDS))
        lives = _live(search, points, labels, f"{generation:03d}", seed)
        costs = np.array([life.margin for life in lives])
        moved = ((points - np.stack([life.place for life in lives])) ** 2).sum(axis=1)
        for g, swarm in swarms.items():
            rows = [i for i, label in enumerate(labels) if label == g]
            swarm.tell(asked[g], costs[rows] + _DISTANCE_COST * moved[rows])
            _keep(best, g, [lives[i] for i in rows])
            broken[g] += int((costs[rows] < 0.0).sum())
        course.append(float(costs.min()))
        if progress is not None:
            progress(generation + 1, generations)
    return best, course, broken, {g: size * generations for g, size in sizes.items()}


def _keep(best: dict[tuple[str, str], Life], group: str, lives: Sequence[Life]) -> None:
    """Note the worst life of a group, and the likeliest of those that broke a limit."""
    for kind, key, among in (
        ("worst", lambda life: (life.margin, life.distance), lives),
        ("likeliest", lambda life: life.distance, [x for x in lives if x.margin < 0.0]),
    ):
        known = [best[kind, group]] if (kind, group) in best else []
        if candidates := [*known, *among]:
            best[kind, group] = min(candidates, key=key)


def only(margins: Mapping[str, Any], judged: Sequence[str]) -> dict[str, Any]:
    """Return the margins of the judged rules, all where none are named."""
    for rule in judged:
        if rule not in margins:
            raise InputError(f"judged names {rule!r}; the rules are {', '.join(margins)}")
    return {rule: margins[rule] for rule in judged or margins}


def _live(search: Search, points: Array, labels: Sequence[str], mark: str, seed: int) -> list[Life]:
    """Evaluate one generation: points (n, D) of people of these groups, as one batch."""
    space, k = search.space, len(search.space.coordinates)
    places = points.copy()
    places[:, :k] = plausible_places(space, points[:, :k], labels)
    names = [f"sought-{g}#{mark}-{i:03d}" for i, g in enumerate(labels)]
    cohort = space.people(places[:, :k], labels, names, search.kwargs)
    settings = [
        {knob.name: knob.value(x) for knob, x in zip(search.knobs, place[k:], strict=True)}
        for place in places
    ]
    keywords = [space.keywords(search.kwargs, knobs) for knobs in settings]
    alone = [cohort.take([i]) for i in range(len(labels))]
    env_id = search.rules.environment
    tasks = [make_task(env_id, **kw, cohort=one) for kw, one in zip(keywords, alone, strict=True)]
    run = rollout(
        Abreast(tasks, cohort),  # type: ignore[arg-type]
        search.policy,
        [seed] * len(labels),
        record=space.columns(search.rules),
    )
    margin = np.min(list(only(space.margins(run, search.rules), search.judged).values()), axis=0)
    rows = zip(margin.tolist(), places, settings, alone, keywords, strict=True)
    return [Life(*row, seed=seed) for row in rows]


def plausible_places(space: Space, places: Array, labels: Sequence[str]) -> Array:
    """Return the places, the implausible ones moved towards the centre as far as it takes."""
    good = space.plausible(places, labels)
    result = places.copy()
    for share in _SHRINK:
        bad = np.flatnonzero(~good)
        if not len(bad):
            break
        result[bad] = share * places[bad]
        good[bad] = space.plausible(result[bad], np.asarray(labels)[bad].tolist())
    return result
