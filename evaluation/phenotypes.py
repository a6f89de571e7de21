"""Phenotypes: whether people's twins fall into kinds, and how surely each person belongs to one.

Means of the posterior are clustered on standardised, plainly named features; what each twin leaves
open is carried along by clustering draws of the posterior instead. Groups are only claimed where
they are better than one group, are found again in resamples and stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..twins.coordinates import NAMES
from ..twins.twin import Twin

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

FEWEST_PEOPLE = 12  # three a feature would be more; below this no grouping is tried
LARGEST_GROUPS = 6
FEWEST_A_GROUP = 4
# Differences of BIC above 10 are "very strong" evidence: Kass and Raftery 1995,
# doi:10.1080/01621459.1995.10476572.
BIC_MARGIN = 10.0
# Clusters found again with a Jaccard mean of 0.75 are stable: Hennig 2007,
# doi:10.1016/j.csda.2006.11.025.
STABLE = 0.75
# Mean silhouettes below 0.25 show no substantial structure: Kaufman and Rousseeuw 1990, table 4.
APART = 0.25
SURE = 0.8
DRAWS, RESAMPLES = 60, 40

FEATURES: Mapping[str, str] = {
    "basal_need": "basal insulin need, U/h per kg, log",
    "insulin_action": "insulin action (muscle and liver), log",
    "absorption": "speed of carbohydrate absorption, log",
    "insulin_speed": "speed of insulin absorption, log",
    "counting": "eaten over counted carbohydrate, log",
    "day_to_day": "how much sensitivity differs between days, log",
}


@dataclass(frozen=True, eq=False)
class Phenotypes:
    """Kinds of people, or that none were found.

    Parameters
    ----------
    people : tuple of str
    features : tuple of str
        Names in ``FEATURES``.
    means : array (n, F)
        Posterior means, in each feature's unit.
    centre, scale : array (F,)
        By which features were standardised.
    groups : int
        1 where no kinds are claimed.
    label : array (n,) of int
        Most probable kind of each person.
    membership : array (n, groups)
        Probability of each kind, posterior uncertainty included; rows sum to 1.
    together : array (n, n)
        How often two people fell into the same kind over posterior draws.
    stability : array (groups,)
        Mean Jaccard similarity of each kind with its like in bootstrap resamples.
    silhouette : float
        Of the grouping of means; NaN with one kind.
    bic : mapping of int to float
        Bayesian information criterion by number of kinds; lower is better.
    verdict : str
        What may be said, in a sentence.
    """

    people: tuple[str, ...]
    features: tuple[str, ...]
    means: Array
    centre: Array
    scale: Array
    groups: int
    label: Labels
    membership: Array
    together: Array
    stability: Array
    silhouette: float
    bic: Mapping[int, float]
    verdict: str

    def words(self, group: int) -> str:
        """Return in which features a kind stands out, most first."""
        own = ((self.means - self.centre) / self.scale)[self.label == group].mean(axis=0)
        order = np.argsort(-np.abs(own))
        told = [
            f"{'higher' if own[i] > 0 else 'lower'} {FEATURES[self.features[i]].split(',')[0]}"
            f" ({own[i]:+.1f} SD)"
            for i in order.tolist()
            if abs(own[i]) >= 0.5
        ]
        return "; ".join(told[:3]) or "near the average of all"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding in JSON."""
        single = self.groups == 1
        return {
            "verdict": self.verdict,
            "groups": self.groups,
            "bic": {str(k): round(v, 2) for k, v in self.bic.items()},
            "silhouette": None if np.isnan(self.silhouette) else round(self.silhouette, 3),
            "features": {name: FEATURES[name] for name in self.features},
            "kinds": []
            if single
            else [
                {
                    "kind": g + 1,
                    "people": int(np.sum(self.label == g)),
                    "stands_out": self.words(g),
                    "stability": round(float(self.stability[g]), 3),
                    "means": dict(
                        zip(
                            self.features,
                            np.round(self.means[self.label == g].mean(axis=0), 4).tolist(),
                            strict=True,
                        )
                    ),
                }
                for g in range(self.groups)
            ],
            "people": [
                {
                    "person": name,
                    "kind": None if single else int(self.label[i]) + 1,
                    "membership": np.round(self.membership[i], 3).tolist(),
                    "sure": bool(not single and self.membership[i].max() >= SURE),
                }
                for i, name in enumerate(self.people)
            ],
        }


def features_of(twin: Twin, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the features of a twin's mean (F,) and of n of its draws (n, F)."""
    draws = twin.coordinates(n, rng)
    z = np.concatenate([draws.mean(axis=0)[None], draws])
    params = twin.where.params(z)
    column = twin.model.parameter_index
    basal = twin.where.own_basal(params) * 60.0 / params[:, column["BW"]]
    action = 0.5 * (np.log(params[:, column["Vmx"]]) + np.log(params[:, column["kp3"]]))
    spread = _day_spread(twin, len(z) - 1, rng)
    table = {
        "basal_need": np.log(basal),
        "insulin_action": action,
        "absorption": np.log(params[:, column["kabs"]]),
        "insulin_speed": np.log(params[:, column["ka2"]]),
        "counting": np.log(twin.where.carb_factor(z)),
        "day_to_day": np.log(spread),
    }
    values = np.stack([table[name] for name in FEATURES], axis=1)
    # The mean of the draws' features, not the features of the mean draw, is what spreads about.
    return values[1:].mean(axis=0), values[1:]


def _day_spread(twin: Twin, n: int, rng: np.random.Generator) -> Array:
    """Return the spread of days of the twin and of n draws (n + 1,)."""
    if twin.posterior is None:
        return np.full(n + 1, twin.variation.day)
    rows = twin.posterior.rows(n, rng)
    return np.concatenate([[twin.variation.day], twin.posterior.spread[rows, 0]])


def find_phenotypes(
    twins: Sequence[Twin],
    rng: np.random.Generator,
    *,
    features: Sequence[str] | None = None,
    draws: int = DRAWS,
    resamples: int = RESAMPLES,
) -> Phenotypes:
    """Look for kinds of people in their twins.

    Parameters
    ----------
    twins : sequence of Twin
        One a person, all of one model.
    rng : numpy.random.Generator
    features : sequence of str, optional
        Some of ``FEATURES``; those that no twin leaves mostly open, where left out.
    draws, resamples : int
        Posterior draws clustered, and bootstrap resamples of people.

    Raises
    ------
    InputError
        With fewer than twelve people, a person twice, or an unknown feature.
    """
    _check(twins, features)
    each = [features_of(twin, draws, rng) for twin in twins]
    mean = np.stack([m for m, _ in each])
    drawn = np.stack([d for _, d in each])
    chosen = tuple(features) if features is not None else _told(mean, drawn)
    columns = [list(FEATURES).index(name) for name in chosen]
    people = tuple(twin.subject for twin in twins)
    return cluster(people, chosen, mean[:, columns], drawn[:, :, columns], rng, resamples)


def _check(twins: Sequence[Twin], features: Sequence[str] | None) -> None:
    if len(twins) < FEWEST_PEOPLE:
        raise InputError(
            f"{len(twins)} twins are given; kinds of people need at least {FEWEST_PEOPLE}"
        )
    names = [twin.subject for twin in twins]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"person {twice} is given twice; give one twin a person")
    unknown = [name for name in features or () if name not in FEATURES]
    if unknown or (features is not None and not features):
        raise InputError(f"features {unknown} are unknown; choose among {', '.join(FEATURES)}")
    if len({twin.model.name for twin in twins}) > 1:
        raise InputError("the twins are of different models; give twins of one model")
    assert all(name in NAMES for name in ("kabs", "ka2"))


def _told(mean: Array, drawn: Array) -> tuple[str, ...]:
    """Return features in which people differ more than each twin leaves open.

    What no record told would be grouped by chance, and hide what differs.
    """
    between = mean.var(axis=0)
    within = drawn.var(axis=1).mean(axis=0)
    ratio = between / np.maximum(between + within, 1e-12)
    kept = tuple(name for name, r in zip(FEATURES, ratio.tolist(), strict=True) if r >= 0.5)
    return kept or (list(FEATURES)[int(np.argmax(ratio))],)


def cluster(
    people: tuple[str, ...], features: tuple[str, ...], mean: Array, drawn: Array,
    rng: np.random.Generator, resamples: int = RESAMPLES,
) -> Phenotypes:  # fmt: skip
    """Group people by features of their means (n, F); draws (n, D, F) tell how surely."""
    centre, scale = mean.mean(axis=0), np.maximum(mean.std(axis=0), 1e-9)
    x, each = (mean - centre) / scale, (drawn - centre) / scale
    seed = int(rng.integers(2**31))
    models = {k: _mixture(x, k, seed) for k in range(1, _most_groups(len(x)) + 1)}
    bic = {k: float(m.bic(x)) for k, m in models.items()}
    labels = {k: _ordered(m, x) for k, m in models.items()}
    # A handful of odd people is no kind.
    large = [k for k in models if np.bincount(labels[k], minlength=k).min() >= FEWEST_A_GROUP]
    groups = min(large, key=lambda k: bic[k])
    label = labels[groups]
    reason, silhouette = "", float("nan")
    stability = np.ones(1)
    if groups > 1:
        silhouette = _silhouette(x, label)
        stability = _stability(x, label, groups, seed, rng, resamples)
        reason = _weak(bic, groups, silhouette, stability)
    else:
        reason = "one group explains these people as well as several"
    if reason:
        return Phenotypes(
            people, features, mean, centre, scale, 1, np.zeros(len(x), np.int64),
            np.ones((len(x), 1)), np.ones((len(x), len(x))), np.ones(1), silhouette, bic,
            f"No kinds are found: {reason}.",
        )  # fmt: skip
    membership, together = _over_draws(x, each, label, groups)
    most = membership.argmax(axis=1).astype(np.int64)
    sure = int(np.sum(membership.max(axis=1) >= SURE))
    verdict = (
        f"{groups} kinds are found among {len(x)} people; {sure} of them belong to theirs with a "
        f"probability of {100 * SURE:.0f} % or more. Kinds describe these people; they do not "
        "prove causes, nor that others fall into them."
    )
    return Phenotypes(
        people, features, mean, centre, scale, groups, most, membership, together, stability,
        silhouette, bic, verdict,
    )  # fmt: skip


def _most_groups(n: int) -> int:
    return max(1, min(LARGEST_GROUPS, n // FEWEST_A_GROUP))


def _mixture(x: Array, groups: int, seed: int) -> Any:
    """Return a Gaussian mixture of groups that differ in place and share each feature's spread."""
    try:
        from sklearn.mixture import GaussianMixture
    except ImportError:
        raise InputError(
            "phenotypes need scikit-learn; install it with pip install 'dosegym[phenotypes]'"
        ) from None
    # One common covariance: few people cannot tell the spread of each group.
    return GaussianMixture(
        groups,
        covariance_type="tied",
        n_init=4,
        max_iter=500,
        reg_covar=1e-2,
        random_state=seed,
    ).fit(x)


def _ordered(model: Any, x: Array) -> Labels:
    """Return labels (n,) numbered from the largest group to the smallest."""
    raw = np.asarray(model.predict(x), dtype=np.int64)
    size = np.bincount(raw, minlength=model.n_components)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    return np.asarray(rank[raw], dtype=np.int64)


def _silhouette(x: Array, label: Labels) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(x, label)) if len(set(label.tolist())) > 1 else float("nan")


def _weak(bic: Mapping[int, float], groups: int, silhouette: float, stability: Array) -> str:
    """Return why a grouping is not to be claimed, empty if it may be."""
    if bic[1] - bic[groups] < BIC_MARGIN:
        gain = bic[1] - bic[groups]
        return f"{groups} groups gain only {gain:.1f} in BIC over one ({BIC_MARGIN:g} are asked)"
    if not silhouette >= APART:
        return f"groups do not stand apart (silhouette {silhouette:.2f}, {APART:g} is asked)"
    if float(stability.min()) < STABLE:
        return (
            f"a group is not found again in resamples (stability {stability.min():.2f}, "
            f"{STABLE:g} is asked)"
        )
    return ""


def _stability(
    x: Array, label: Labels, groups: int, seed: int, rng: np.random.Generator, resamples: int
) -> Array:
    """Return the mean Jaccard similarity of each group with its like in resamples of people."""
    total = np.zeros(groups)
    for _ in range(resamples):
        pick = np.unique(rng.integers(0, len(x), len(x)))
        again = np.asarray(_mixture(x[pick], groups, seed).predict(x[pick]))
        for g in range(groups):
            own = label[pick] == g
            like = [
                np.sum(own & (again == h)) / max(int(np.sum(own | (again == h))), 1)
                for h in range(groups)
            ]
            total[g] += max(like)
    return total / resamples


def _over_draws(x: Array, each: Array, label: Labels, groups: int) -> tuple[Array, Array]:
    """Return membership (n, G) and togetherness (n, n) over posterior draws of everyone.

    A person's draws are placed by the groups of the means: the spread of draws about each mean is
    that person's own uncertainty and must not make the groups wider.
    """
    place = np.stack([x[label == g].mean(axis=0) for g in range(groups)])
    within = x - place[label]
    covariance = within.T @ within / max(len(x) - groups, 1) + 1e-2 * np.eye(x.shape[1])
    precision = np.linalg.inv(covariance)
    away = each[:, :, None, :] - place
    distance = np.einsum("ndgf,fh,ndgh->ndg", away, precision, away)
    weight = np.log(np.bincount(label, minlength=groups) / len(x))
    logit = weight - 0.5 * distance
    chance = np.exp(logit - logit.max(axis=2, keepdims=True))
    chance /= chance.sum(axis=2, keepdims=True)
    together = np.einsum("ndg,mdg->nm", chance, chance) / each.shape[1]
    np.fill_diagonal(together, 1.0)
    return np.asarray(chance.mean(axis=1)), np.asarray(together)
