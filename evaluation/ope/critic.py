"""Fitted Q evaluation: an ensemble of small networks, cross-fitted by patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ..logged_episode import Array
from .steps import Steps

MOST_LEVELS = 12


@dataclass(frozen=True)
class CriticSettings:
    """How the networks are fitted; all defaults are project choices.

    Parameters
    ----------
    seeds : int
        Networks per fold, each on a bootstrap resample of the fold's patients; at least 2.
    folds : int
        Parts of the patients; each is judged by networks that never saw it; at least 2.
    hidden : int
        Width of the two hidden layers.
    steps, batch, rate : int, int, float
        Of Adam.
    sync : int
        Steps between copies into the target networks.
    draws : int
        Actions of a stochastic target kept per observation.
    """

    seeds: int = 5
    folds: int = 2
    hidden: int = 32
    steps: int = 1200
    batch: int = 128
    rate: float = 3e-3
    sync: int = 60
    draws: int = 4

    def __post_init__(self) -> None:
        least = {"seeds": 2, "folds": 2, "hidden": 1, "steps": 1, "batch": 1, "sync": 1, "draws": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise InputError(f"{name} is {value!r}; give a whole number of at least {low}")


@dataclass(frozen=True)
class Critic:
    """The target's values as the networks see them, each patient by those that never saw them.

    Parameters
    ----------
    q : array (S, E, T)
        Of the logged acts, by seed; 0 where nobody decides any more.
    v : array (S, E, T+1)
        Of the observations under the target.
    resample : array (S, n)
        How often each patient stands in a seed's resample.
    residual : float
        Root mean square Bellman residual of the mean network on patients it never saw, in
        standard deviations of the return.
    drift : float
        Change of the mean value over the last fifth of the fit, in the same unit.
    """

    q: Array
    v: Array
    resample: Array
    residual: float
    drift: float

    @property
    def q_mean(self) -> Array:
        """Mean over seeds, (E, T)."""
        return np.asarray(self.q.mean(axis=0))

    @property
    def v_mean(self) -> Array:
        """Mean over seeds, (E, T+1)."""
        return np.asarray(self.v.mean(axis=0))


def fit_critic(
    steps: Steps, would: NDArray[Any], settings: CriticSettings, rng: np.random.Generator
) -> Critic:
    """Fit the target's Q on logged courses by repeated regression on its own bootstrap.

    Le, Voloshin and Yue 2019 (arXiv 1903.08738); resampling patients for each network follows Hao
    et al. 2021 (arXiv 2102.03607). Values are those of what remains of the course, so the share of
    the longest course that has passed is an input, and value ends where the log does.

    Parameters
    ----------
    steps : Steps
    would : array (draws, E, T+1, A)
        What the target would do.
    settings : CriticSettings
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        If there are fewer patients than folds.
    """
    n = len(steps.patients)
    if n < 2 * settings.folds:
        raise InputError(
            f"{n} patients cannot be cut into {settings.folds} folds; log at least "
            f"{2 * settings.folds}"
        )
    fold = rng.permutation(n) % settings.folds
    counts = _resamples(fold, settings, rng)
    features = _Features(steps)
    scale, centre = _scale(steps)
    nets = _Nets(features, would, steps, counts, settings, rng, scale)
    trace = nets.fit()
    q, v = nets.values()
    own = fold[steps.patient]
    rows = np.arange(len(own))
    picked_q, picked_v = (
        scale * x.reshape(settings.folds, settings.seeds, *x.shape[1:])[own, :, rows]
        for x in (q, v)
    )
    q, v = np.moveaxis(picked_q, 1, 0), np.moveaxis(picked_v, 1, 0)
    q = np.where(steps.alive, q, 0.0)
    v[:, :, :-1] = np.where(steps.alive, v[:, :, :-1], 0.0)
    v[:, :, -1] = 0.0
    mine = counts.reshape(settings.folds, settings.seeds, n).sum(axis=0)
    gap = steps.reward + steps.discount * v.mean(axis=0)[:, 1:] - q.mean(axis=0)
    spread = centre if centre > 0.0 else 1.0
    residual = float(np.sqrt(np.mean(gap[steps.alive] ** 2)) / spread)
    return Critic(q, v, mine, residual, float(scale * trace / spread))


def _scale(steps: Steps) -> tuple[float, float]:
    """Return the unit that returns are fitted in, and their standard deviation."""
    total = np.abs(steps.reward).sum(axis=1)
    return float(max(total.mean(), 1e-9)), float(steps.returns.std())


def _resamples(
    fold: NDArray[np.int64], settings: CriticSettings, rng: np.random.Generator
) -> Array:
    """Return how often each patient is drawn, (folds * seeds, n): never one of the own fold."""
    counts = np.zeros((settings.folds * settings.seeds, len(fold)))
    for k in range(settings.folds):
        others = np.flatnonzero(fold != k)
        for s in range(settings.seeds):
            drawn = rng.choice(others, len(others))
            counts[k * settings.seeds + s] = np.bincount(drawn, minlength=len(fold))
    return counts


class _Features:
    """What networks are shown: scaled observation, time gone by, action."""

    def __init__(self, steps: Steps) -> None:
        seen = steps.observation[:, :-1][steps.alive].astype(np.float64)
        self._mean, self._sd = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3)
        self._levels = steps.levels
        top = np.maximum(steps.action.max(axis=(0, 1)), 1) if steps.levels else None
        self._top: Any = top
        self._length = steps.reward.shape[1]

    def situation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scaled observations with the time gone by, (E, T+1, O + 2)."""
        scaled = np.clip((observation - self._mean) / self._sd, -5.0, 5.0)
        gone = np.arange(observation.shape[1]) / self._length
        time = np.broadcast_to(np.stack([gone, (1.0 - gone) ** 2], axis=1), (*scaled.shape[:2], 2))
        return np.concatenate([scaled, time], axis=2).astype(np.float32)

    def action(self, action: NDArray[Any]) -> NDArray[np.float32]:
        """Return actions (..., A) as inputs: doses as they are, levels from 0 to 1, with none."""
        if not self._levels:
            return action.astype(np.float32)
        share = action / self._top
        return np.concatenate([share, action > 0], axis=-1).astype(np.float32)


class _Nets:
    """All networks of all folds and seeds, fitted side by side in one batch of matrices."""

    def __init__(
        self, features: _Features, would: NDArray[Any], steps: Steps, counts: Array,
        settings: CriticSettings, rng: np.random.Generator, scale: float,
    ) -> None:  # fmt: skip
        import torch

        self._torch, self._settings, self._rng = torch, settings, rng
        self._situation = torch.from_numpy(features.situation(steps.observation))
        self._did = torch.from_numpy(features.action(steps.action))
        self._would = torch.from_numpy(features.action(would))
        self._reward = torch.from_numpy((steps.reward / scale).astype(np.float32))
        after = np.concatenate([steps.alive[:, 1:], np.zeros((len(steps.alive), 1), bool)], axis=1)
        self._goes_on = torch.from_numpy((after * steps.discount).astype(np.float32))
        rows, times = np.nonzero(steps.alive)
        self._rows, self._times = rows, times
        self._odds = counts[:, steps.patient[rows]]
        width = self._situation.shape[2] + self._did.shape[2]
        self._nets = len(counts)
        self._weights = self._begin(width)

    def _begin(self, width: int) -> list[Any]:
        torch, hidden, found = self._torch, self._settings.hidden, []
        for rows, columns in ((width, hidden), (hidden, hidden), (hidden, 1)):
            bound = np.sqrt(6.0 / (rows + columns))
            drawn = self._rng.uniform(-bound, bound, (self._nets, rows, columns))
            found.append(torch.tensor(drawn, dtype=torch.float32, requires_grad=True))
            zero = torch.zeros((self._nets, 1, columns), requires_grad=True)
            found.append(zero)
        return found

    def _ask(self, weights: list[Any], x: Any) -> Any:
        """Return values (nets, B) of inputs (nets, B, width)."""
        torch = self._torch
        for i in range(0, 4, 2):
            x = torch.nn.functional.silu(torch.baddbmm(weights[i + 1], x, weights[i]))
        return torch.baddbmm(weights[5], x, weights[4])[..., 0]

    def fit(self) -> float:
        """Fit all networks; return how far the mean value moved in the last fifth."""
        torch, s = self._torch, self._settings
        optimiser = torch.optim.Adam(self._weights, lr=s.rate)
        plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, s.steps, 0.1 * s.rate)
        frozen = [w.detach().clone() for w in self._weights]
        limits = np.cumsum(self._odds, axis=1)
        earlier = 0.0
        for k in range(s.steps):
            if k % s.sync == 0:
                frozen = [w.detach().clone() for w in self._weights]
            if k == int(0.8 * s.steps):
                earlier = self._start_value()
            x, y = self._batch(frozen, limits)
            loss = ((self._ask(self._weights, x) - y) ** 2).mean(dim=1).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            plan.step()
        return self._start_value() - earlier

    def _batch(self, frozen: list[Any], limits: Array) -> tuple[Any, Any]:
        torch, s = self._torch, self._settings
        u = self._rng.random((self._nets, s.batch)) * limits[:, -1:]
        picked = np.stack(
            [np.searchsorted(row, v, "right") for row, v in zip(limits, u, strict=True)]
        )
        rows = torch.from_numpy(self._rows[picked])
        times = torch.from_numpy(self._times[picked])
        drawn = torch.from_numpy(self._rng.integers(0, len(self._would), picked.shape))
        now = torch.cat([self._situation[rows, times], self._did[rows, times]], dim=2)
        with torch.no_grad():
            would = self._would[drawn, rows, times + 1]
            later = torch.cat([self._situation[rows, times + 1], would], dim=2)
            value = self._ask(frozen, later)
            target = self._reward[rows, times] + self._goes_on[rows, times] * value
        return now, target

    def _start_value(self) -> float:
        torch = self._torch
        with torch.no_grad():
            x = torch.cat([self._situation[:, 0], self._would[0, :, 0]], dim=1)
            return float(self._ask(self._weights, x.expand(self._nets, *x.shape)).mean())

    def values(self) -> tuple[Array, Array]:
        """Return Q of logged acts (nets, E, T) and V of observations (nets, E, T+1)."""
        torch = self._torch
        with torch.no_grad():
            q = self._of(self._situation[:, :-1], self._did)
            v = torch.stack([self._of(self._situation, w) for w in self._would]).mean(dim=0)
        return q.numpy().astype(np.float64), v.numpy().astype(np.float64)

    def _of(self, situation: Any, action: Any) -> Any:
        torch = self._torch
        x = torch.cat([situation, action], dim=2)
        flat = x.reshape(-1, x.shape[2])
        parts = [
            self._ask(self._weights, part.expand(self._nets, *part.shape))
            for part in flat.split(8192)
        ]
        return torch.cat(parts, dim=1).reshape(self._nets, *x.shape[:2])
