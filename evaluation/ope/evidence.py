"""Logged data beside a target policy: the weights and the model that estimators share."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ...physiology.errors import InputError
from ..logged import Logged
from ..logged_episode import Array
from .critic import Critic, CriticSettings, fit_critic
from .diagnostics import diagnose
from .replay import choices, log_odds
from .steps import Steps, padded

_CRITIC_STREAM = 12


class Evidence:
    """What is known of a target policy from logged data; everything is worked out once.

    Parameters
    ----------
    logged : Logged
    target : object
        A policy; by chance (with ``log_prob``) or deterministic.
    critic : CriticSettings
        How the model of values is fitted, for the estimators that use one.
    seed : int
        Of the model's fit.
    """

    def __init__(
        self,
        logged: Logged,
        target: Any,
        *,
        critic: CriticSettings | None = None,
        seed: int = 0,
    ) -> None:
        self.logged = logged
        self.target = target
        self.settings = critic or CriticSettings()
        self.seed = seed

    @cached_property
    def steps(self) -> Steps:
        """The episodes side by side."""
        return padded(self.logged)

    @property
    def patients(self) -> tuple[str, ...]:
        """Patients, in the order of every ``per_patient``."""
        return self.steps.patients

    @property
    def people(self) -> frozenset[str]:
        """Hashes of the patients."""
        return frozenset(self.steps.people)

    @cached_property
    def log_ratio(self) -> Array:
        """Log of target's over behaviour's probability of each logged act, (E, T).

        Raises
        ------
        InputError
            If a probability of the behaviour is unknown or 0, or the target has no density.
        """
        log_b, alive = self.steps.log_b, self.steps.alive
        unknown = int(np.isnan(log_b[alive]).sum())
        if unknown:
            raise InputError(
                f"log_prob is unknown at {unknown} of {int(alive.sum())} logged decisions; weights "
                "need the behaviour's probabilities: log them, estimate them, or use fqe"
            )
        if np.isneginf(log_b[alive]).any():
            raise InputError(
                "log_prob says that the behaviour never does what was logged; mend the log"
            )
        log_e = log_odds(self.target, self.steps)
        if np.isnan(log_e).any():
            raise InputError(
                "the target is deterministic over doses, so logged doses have no density under it; "
                "give policies.smoothed.Smoothed(target, sd)"
            )
        return np.where(alive, log_e - np.where(alive, log_b, 0.0), 0.0)

    @cached_property
    def weights(self) -> Array:
        """Cumulative importance weights, (E, T): of all decisions up to each one."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(np.minimum(np.cumsum(self.log_ratio, axis=1), 700.0)))

    @cached_property
    def final_weights(self) -> Array:
        """Weight of each whole episode, (E,)."""
        return self.weights[:, -1]

    @cached_property
    def diagnostics(self) -> dict[str, Any]:
        """What the weights say of the overlap, as ``diagnostics.diagnose``."""
        return diagnose(self.steps, self.log_ratio, self.weights)

    @cached_property
    def critic(self) -> Critic:
        """The cross-fitted model of the target's values."""
        key = np.random.SeedSequence(self.seed, spawn_key=(_CRITIC_STREAM,))
        rng = np.random.default_rng(key)
        would = choices(self.target, self.steps, rng, self.settings.draws)
        return fit_critic(self.steps, would, self.settings, rng)
