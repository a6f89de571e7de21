"""L2, last part: a search for people whom the policy harms and today's care does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...envs.registry import make_task
from ...physiology.errors import InputError
from ..certified_people import DAY_SEEDS
from ..counterexample import Counterexample
from ..falsify import Falsification, falsify, searchable, space_of
from ..falsify_search import plausible_places
from ..rollout import rollout
from ..statistics import paired_difference
from .lives import World
from .request import Request

Array = NDArray[np.float64]

LANES: Final = 48
# Generations, by the size of the certification; a small one is a rehearsal.
GENERATIONS: Final = ((1000, 10), (0, 4))
SEED_OFFSET: Final = 7
# People like the one found: how many, and how far from them in the population's own coordinates.
ALIKE: Final = 64
NEAR: Final = 0.3
# So many more of them harmed than under the comparator, surely, is harm of a kind of people
# (project choices).
MORE: Final = 0.25
# People farther out than all but so many of the population are told of, but deny nothing: no
# certificate speaks of them, and lane L7 turns them away.
RAREST: Final = 0.001
DELTA: Final = 0.01
_MARK: Final = 0x414C494B


@dataclass(frozen=True)
class Searched:
    """What a search says of each group.

    Parameters
    ----------
    reasons : mapping of group to str
        What speaks against a group; absent where nothing does.
    seen : str
        What was seen, where nothing speaks against any.
    numbers : mapping
    unknown : str
        Why the search could not be made; empty where it was.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    seen: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    unknown: str = ""


def searched(request: Request, world: World) -> Searched:
    """Search each group for the person who fares worst, then look at people like that one.

    An evolution strategy finds the worst one, and the likeliest whom a limit fails
    (``evaluation.falsify``); any policy can be made to fail in somebody, so that says little. Then
    people close to them, on fresh days, live under the policy and under the comparator: where the
    policy surely harms many more of them, it is unsafe for a kind of people, and the group is
    denied.
    """
    if not searchable(request.rules):
        return Searched(seen="the set has no item by which a patient could be searched for")
    generations = next(g for least, g in GENERATIONS if request.patients >= least)
    lanes = max(LANES, 4 * len(request.groups))
    seed = request.seed + SEED_OFFSET

    def tell(done: int, total: int) -> None:
        world.tell("search", done, total)

    try:
        found = falsify(
            request.policy,
            constraints=request.rules,
            generations=generations,
            lanes=lanes,
            seed=seed,
            groups=request.groups,
            env_kwargs=request.given,
            scenario=False,
            progress=tell,
        )
    except InputError as error:
        return Searched(unknown=f"no search was possible: {error}")
    return _looked_at(request, found, seed)


def _looked_at(request: Request, found: Falsification, seed: int) -> Searched:
    reasons: dict[str, str] = {}
    numbers: dict[str, Any] = {}
    for i, g in enumerate(request.groups):
        told: dict[str, Any] = {"lives": found.evaluations[g], "broken": found.violations[g]}
        for j, (kind, those) in enumerate((("worst", found.worst), ("likeliest", found.likeliest))):
            if g not in those:
                continue
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_MARK, i, j)))
            told[kind], reason = _look(request, those[g], rng)
            if reason:
                reasons.setdefault(g, reason)
        numbers[g] = told
    seen = (
        f"a search of {sum(found.evaluations.values())} lives found nobody whose like the policy "
        "harms much more often than the comparator"
    )
    return Searched(reasons, seen, {"generations": found.generations, **numbers})


def _look(
    request: Request, case: Counterexample, rng: np.random.Generator
) -> tuple[dict[str, Any], str]:
    """Return what is told of a person who was found, and what it says against the policy."""
    told: dict[str, Any] = {
        "robustness": case.robustness, "rule": case.rule, "seed": case.seed,
        "radius": case.radius, "farther": case.farther, "coordinates": dict(case.coordinates),
    }  # fmt: skip
    if not case.violates or case.farther < RAREST:
        return told, ""
    own, usual = _alike(request, case.coordinates, case.group, rng)
    sure = 1.0 - DELTA / (2 * len(request.groups))
    support = (0.0, 1.0)
    lower = paired_difference(own, usual, support=support, confidence=sure, side="lower").value
    harmed, comparator = float(own.mean()), float(usual.mean())
    told |= {"alike": ALIKE, "harmed": harmed, "comparator": comparator, "more": lower}
    if lower <= MORE:
        return told, ""
    return told, (
        f"of people like the one found ({case.rule}, distance {case.radius:.1f} from the middle of "
        f"the group) {100 * harmed:.0f} % are harmed, under the comparator {100 * comparator:.0f} %"
    )


def _alike(
    request: Request, coordinates: Mapping[str, float], group: str, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return who of the people near a place is harmed, under the policy and the comparator."""
    space, env_id = space_of(request.rules.environment), request.rules.environment
    centre = np.array([coordinates[name] for name in space.coordinates])
    near = centre + NEAR * rng.standard_normal((ALIKE, len(centre)))
    labels = [group] * ALIKE
    places = plausible_places(space, near, labels)
    names = [f"alike-{group}#{i:03d}" for i in range(ALIKE)]
    seeds = [int(s) for s in rng.integers(*DAY_SEEDS, size=ALIKE)]
    harmed = []
    for policy, kwargs in (
        (request.policy, request.kwargs),
        (request.comparator, request.usual),
    ):
        cohort = space.people(places, labels, names, kwargs)
        task = make_task(env_id, **{**kwargs, "cohort": cohort})
        run = rollout(task, policy, seeds, record=space.columns(request.rules))
        margins = np.min(list(space.margins(run, request.rules).values()), axis=0)
        harmed.append((margins < 0.0).astype(np.float64))
    return harmed[0], harmed[1]
