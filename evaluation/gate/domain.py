"""L7, whom the examination speaks of: how far a chart may lie from those examined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..statistics import selective_threshold
from .lane import Lane

Array = NDArray[np.float64]

DELTA: Final = 0.01
RANGE: Final = (1e-6, 0.99)
LEAST_P: Final = 0.01


@dataclass(frozen=True)
class Domain:
    """The charts of the examined people of one group, as a distance tells of another.

    Parameters
    ----------
    names : tuple of str
        Features.
    centre : array (d,)
    root : array (d, d)
        Inverse of the Cholesky factor of their covariance.
    scores : array (n,)
        Distances of the examined themselves, ascending.
    """

    names: tuple[str, ...]
    centre: Array
    root: Array
    scores: Array

    @classmethod
    def of(cls, features: Mapping[str, Array]) -> Domain:
        """Return the domain of people with these features, each (n,)."""
        names = tuple(sorted(features))
        x = np.stack([features[k] for k in names], axis=1)
        spread = np.cov(x.T).reshape(len(names), len(names)) + 1e-9 * np.eye(len(names))
        root = np.asarray(np.linalg.inv(np.linalg.cholesky(spread)), dtype=np.float64)
        bare = cls(names, x.mean(axis=0), root, np.empty(0))
        return replace(bare, scores=np.sort(bare.score(features)))

    def score(self, features: Mapping[str, ArrayLike]) -> Array:
        """Return distances (Mahalanobis) from the examined, of the shape of each feature."""
        x = np.stack([np.asarray(features[k], dtype=np.float64) for k in self.names], axis=-1)
        return np.asarray(np.linalg.norm((x - self.centre) @ self.root.T, axis=-1))

    def p_value(self, score: float) -> float:
        """Return the conformal p-value of "like those examined" (Vovk 2005)."""
        beyond = len(self.scores) - int(np.searchsorted(self.scores, score, side="left"))
        return (1 + beyond) / (1 + len(self.scores))


def domains(features: Mapping[str, Array], labels: NDArray[np.str_]) -> dict[str, Domain]:
    """Return the domain of each group present."""
    return {
        str(g): Domain.of({k: v[labels == g] for k, v in features.items()})
        for g in dict.fromkeys(labels.tolist())
    }


def domain_lane(
    features: Mapping[str, Array],
    labels: NDArray[np.str_],
    harmed: NDArray[np.bool_],
    groups: Sequence[str],
    allowed: float,
) -> Lane:
    """Return lane L7: deferred to the person, with the distance up to which it may pass.

    The threshold is the largest at which the share of people who are accepted and harmed (by any
    chance item) is at most what these items' limits allow together, ``allowed``, with confidence
    99 % over all groups, by learn-then-test (Angelopoulos 2021, arXiv 2110.01052). A group where no
    threshold does it is failed: no chart tells there who will be harmed.
    """
    epsilon = float(np.clip(allowed, *RANGE))
    numbers: dict[str, Any] = {"epsilon": epsilon, "delta": DELTA, "least_p": LEAST_P}
    status: dict[str, str] = {}
    reasons = []
    for g, domain in domains(features, labels).items():
        if g not in groups:
            continue
        inside = labels == g
        own = {k: v[inside] for k, v in features.items()}
        rule = selective_threshold(domain.score(own), harmed[inside], epsilon, DELTA / len(groups))
        most = rule.threshold if np.isfinite(rule.threshold) else None
        status[g] = "failed" if most is None else "deferred"
        numbers[g] = {"features": list(domain.names), "n": int(inside.sum()), "threshold": most}
        if most is None:
            reasons.append(
                f"{g}: among the accepted more than {100 * epsilon:g} % are harmed, wherever the "
                "line is drawn"
            )
    whole = "failed" if reasons else "deferred"
    words = "a person is judged when a recommendation is asked for; accepted up to a distance of "
    seen = words + ", ".join(f"{g} {numbers[g]['threshold']:.2f}" for g in status if not reasons)
    return Lane("L7", whole, tuple(reasons) or (seen,), status, numbers)  # type: ignore[arg-type]
