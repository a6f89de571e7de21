"""What every report of a target stands beside: the behaviour, no change, chance, the common act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...policies.library import load_policy
from ...policies.randomised import Randomised
from ...policies.smoothed import Smoothed
from ..logged import Logged
from .estimate import CONFIDENCE, Estimate
from .ratios import Ratios, interval
from .steps import padded

_BINS = 41


@dataclass(frozen=True)
class Always:
    """A policy that does the same whatever it sees.

    Parameters
    ----------
    action : array (A,)
    """

    action: NDArray[Any]
    name: str = "always"

    @property
    def card(self) -> dict[str, Any]:
        """What it is, in JSON."""
        return {"policy": self.name, "kind": "rule", "action": self.action.tolist()}

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return the action for one observation or for each of a batch."""
        shape = (*np.shape(observation)[:-1], len(self.action))
        return np.broadcast_to(self.action, shape).copy(), None


def behaviour_value(
    logged: Logged, *, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the behaviour's own value: mean return over patients, with a bootstrap interval."""
    steps = padded(logged)
    ratios = Ratios(steps.by_patient(steps.returns)[:, None])
    low, high, _ = interval(ratios, rng=rng, confidence=confidence)
    n = len(steps.patients)
    return Estimate(
        ratios.value, low, high, "behaviour", n, ratios.influence,
        {"ess": float(n), "ess_by_step": [float(n)] * steps.reward.shape[1]}, confidence,
        people=frozenset(steps.people),
    )  # fmt: skip


def most_common(logged: Logged) -> Always:
    """Return the policy of the most frequent act: the commonest levels, or the fullest bin's dose.

    Doses are sorted into 41 bins of [-1, 1] each by itself (a project choice).
    """
    acts = np.concatenate([one.proposed for one in logged.episodes])
    if logged.levels:
        kinds, count = np.unique(acts, axis=0, return_counts=True)
        return Always(kinds[count.argmax()], "most_common")
    edges = np.linspace(-1.0, 1.0, _BINS + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    found = [middle[np.histogram(column, edges)[0].argmax()] for column in acts.T]
    return Always(np.array(found, dtype=np.float32), "most_common")


def baselines(logged: Logged, *, sd: float = 0.05) -> dict[str, Any]:
    """Return the target policies that are always reported beside the one in question.

    Parameters
    ----------
    logged : Logged
        Of ``dosegym/BloodPressure-v0`` in levels, or of an environment of doses.
    sd : float
        Smoothing of deterministic doses.

    Returns
    -------
    dict
        ``no change`` (the regimen stays; the prescribed basal rate), ``random`` (any small
        permitted move; any dose) and ``most common act``.
    """
    common = most_common(logged)
    if logged.levels:
        formulary = dict(logged.env_kwargs).get("formulary", "default")
        stay = load_policy("do_nothing", formulary=formulary)
        return {"no change": stay, "random": Randomised([stay]), "most common act": common}
    stay = load_policy("constant_basal", action=dict(logged.env_kwargs).get("action", "basal_rate"))
    return {
        "no change": Smoothed(stay, sd),
        "random": Randomised([stay], band=2.0),
        "most common act": Smoothed(common, sd),
    }
