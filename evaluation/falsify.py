"""Falsification: a search for the patient and the days under which a policy does worst.

An evolution strategy for each group moves people through the population's own coordinates, and
their days through a stated box, towards the smallest margin of the constraint set's rules. What it
finds exists: each counterexample can be lived again to the last bit. What it does not find proves
nothing, so a falsification never widens or replaces a bound: it can only speak against a policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import chi2

from ..physiology.errors import InputError
from ..physiology.streams import check_seed
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..therapy.constraint import ConstraintSet
from .constraints import load_constraints
from .counterexample import Counterexample, live_again
from .evaluate import keywords_for
from .falsify_search import Life, Progress, Search, evolve, only
from .falsify_space import Space
from .subjects import environment_of, subject_of
from .versions import versions

__all__ = ["Counterexample", "Falsification", "falsify", "replay"]

SEED: Final = 20_262
LEAST_LANES: Final = 4
_MARK: Final = 0x46414C53
_PLACES: Final[Mapping[str, str]] = {
    "dosegym/Insulin-v0": "dosegym.evaluation.falsify_insulin",
    "dosegym/BloodPressure-v0": "dosegym.evaluation.falsify_pressure",
}


@dataclass(frozen=True)
class Falsification:
    """What a search found.

    Parameters
    ----------
    worst : mapping of group to Counterexample
        The smallest margin of each group, whether or not it breaks a limit.
    likeliest : mapping of group to Counterexample
        Of those that break a limit, the nearest to the centre of population and scenario; groups
        in which no limit was broken are absent.
    violations, evaluations : mapping of group to int
        Lives that broke a limit, and lives in all. Their ratio estimates nothing: the search
        chose them.
    course : tuple of float
        Smallest margin of each generation.
    generations, lanes, days, seed : int
    scenario : bool
        Whether days were searched too, beyond what the certification draws.
    policy_sha256 : str
    versions : mapping of str to str
    """

    worst: Mapping[str, Counterexample]
    likeliest: Mapping[str, Counterexample]
    violations: Mapping[str, int]
    evaluations: Mapping[str, int]
    course: tuple[float, ...]
    generations: int
    lanes: int
    days: int
    seed: int
    scenario: bool
    policy_sha256: str
    versions: Mapping[str, str]

    @property
    def found(self) -> bool:
        """Whether any limit was broken."""
        return bool(self.likeliest)

    @property
    def robustness(self) -> float:
        """The smallest margin of all groups."""
        return min(c.robustness for c in self.worst.values())


def falsify(
    policy: Any,
    *,
    constraints: ConstraintSet | str | Path | None = None,
    generations: int = 20,
    lanes: int = 64,
    days: int | None = None,
    seed: int = SEED,
    groups: Sequence[str] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    judged: Sequence[str] | None = None,
    scenario: bool = True,
    trust: bool = False,
    progress: Progress | None = None,
) -> Falsification:
    """Search for people and days under which a policy breaks the limits of a constraint set.

    Parameters
    ----------
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict`` and ``card``.
    constraints : ConstraintSet, str or Path, optional
        As for ``certify``. Judged are the rules on a patient's course: chance items on extremes and
        events, and for insulin, where the set has items on lows or on highs, 15 minutes below 54
        mg/dL and 2 hours above 400 mg/dL.
    generations, lanes : int
        How long, and how many lives at once; the lanes are shared equally by the groups.
    days : int, optional
        Of each life; the constraint set's horizon by default.
    seed : int
    groups : sequence of str, optional
        All of the environment's by default; each is searched by itself.
    env_kwargs : mapping, optional
        Keywords of the environment, as for ``certify``.
    judged : sequence of str, optional
        Rules whose smallest margin is sought, such as ``("severe-low",)``; all by default.
    scenario : bool
        Whether to search days as well: meals, counting, missed boluses, sensor and start for
        insulin, illness for blood pressure. Without it people live the days that a certification
        draws, and every counterexample could have been drawn by one.
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional
        Called with (generations done, generations).

    Returns
    -------
    Falsification

    Raises
    ------
    InputError
        On anything unknown, or if the simulation breaks down under the policy.
    """
    chosen = load_policy(policy, trust=trust) if isinstance(policy, (str, Path)) else policy
    env_id = environment_of(chosen) if constraints is None else None
    rules = _rules(constraints or subject_of(str(env_id)).examination.constraints)
    environment_of(chosen, rules.environment)
    meant = _groups(rules, groups)
    _check(generations, lanes, seed, len(meant))
    space, exam = space_of(rules.environment), subject_of(rules.environment).examination
    if not searchable(rules):
        raise InputError(
            f"constraint set {rules.name} has no item on {', '.join(space.signals)}; there is "
            "nothing to search by"
        )
    long = rules.horizon_days if days is None else days
    kwargs = keywords_for(chosen, {**exam.defaults, **(env_kwargs or {})})
    kwargs |= {"days": long, "terminate": None, "by_lane": True}
    knobs = space.knobs(kwargs) if scenario else ()
    search = Search(space, chosen, rules, kwargs, knobs, tuple(judged or ()))
    rng = np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(_MARK,)))
    best, course, broken, tried = evolve(search, meant, generations, lanes, rng, progress)
    return Falsification(
        worst={g: _again(search, best["worst", g]) for g in meant},
        likeliest={g: _again(search, best["likeliest", g]) for g in meant if broken[g]},
        violations=broken,
        evaluations=tried,
        course=tuple(course),
        generations=generations,
        lanes=lanes,
        days=long,
        seed=int(seed),
        scenario=scenario,
        policy_sha256=policy_hash(chosen),
        versions=versions(),
    )


def replay(counterexample: Counterexample, policy: Any) -> float:
    """Return the robustness of a counterexample lived again under a policy.

    Under the policy that it was found with, the same number to the last bit (with the versions and
    on a machine that compute as those did). Under another one, such as usual care, how that one
    does for the same person on the same days, by the same rules; its own dosing mode is used.
    """
    c, wants = counterexample, dict(getattr(policy, "wants", {}))
    rules = ConstraintSet.model_validate(c.constraints)
    own = subject_of(c.env_id).examination.own
    keywords = {**c.keywords, **{key: wants[key] for key in own if key in wants}}
    margins = live_again(space_of(c.env_id), policy, c.env_id, c.person, keywords, c.seed, rules)
    return min(margins[rule] for rule in c.judged)


def searchable(rules: ConstraintSet) -> bool:
    """Return whether a constraint set has an item by which a patient can be searched for."""
    signals = space_of(rules.environment).signals
    return any(getattr(item, "signal", None) in signals for item in rules.items)


def _rules(constraints: ConstraintSet | str | Path) -> ConstraintSet:
    return constraints if isinstance(constraints, ConstraintSet) else load_constraints(constraints)


def space_of(env_id: str) -> Space:
    """Return what a falsifier may vary in an environment.

    Raises
    ------
    InputError
        If it knows nothing of that environment.
    """
    if env_id not in _PLACES:
        raise InputError(f"environment is {env_id!r}; falsification knows {', '.join(_PLACES)}")
    found: Space = import_module(_PLACES[env_id]).SPACE
    return found


def _groups(rules: ConstraintSet, groups: Sequence[str] | None) -> tuple[str, ...]:
    known = subject_of(rules.environment).groups
    meant = known if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    if not meant or any(g not in known for g in meant):
        raise InputError(f"groups is {groups!r}; choose among {', '.join(known)}")
    return tuple(g for g in known if g in meant)


def _check(generations: int, lanes: int, seed: int, groups: int) -> None:
    check_seed(seed)
    least = LEAST_LANES * groups
    for name, value, low in (("generations", generations, 1), ("lanes", lanes, least)):
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise InputError(f"{name} is {value!r}; give a whole number of at least {low}")


def _again(search: Search, life: Life) -> Counterexample:
    """Return a life as a record, after living it once more by itself."""
    space, rules = search.space, search.rules
    k, person = len(space.coordinates), space.pack(life.cohort)
    margins = live_again(
        space, search.policy, rules.environment, person, life.keywords, life.seed, rules
    )
    judged = only(margins, search.judged)
    rule = min(judged, key=lambda name: judged[name])
    radius = float(np.linalg.norm(life.place[:k]))
    return Counterexample(
        robustness=margins[rule],
        rule=rule,
        margins=margins,
        judged=tuple(judged),
        env_id=rules.environment,
        group=person["group"],
        radius=radius,
        farther=float(chi2.sf(radius**2, k)),
        coordinates=dict(zip(space.coordinates, life.place[:k].tolist(), strict=True)),
        knobs=life.knobs,
        person=person,
        keywords=life.keywords,
        seed=life.seed,
        constraints=rules.model_dump(mode="json"),
        policy_sha256=policy_hash(search.policy),
    )
