"""Trains a residual's members by torch, through the model's own equations and step.

Several hours at a time are simulated; the loss is the continuous ranked probability score of a
normal forecast whose spread by horizon is learned along, plus a weight on how far gains depart from
1. Nothing else of the package needs torch for a residual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.models.uva_padova_gains import GAIN_REACH, GAINS, SLOPE_LIMIT
from ..physiology.namespace import TORCH
from ..physiology.solve import rollout
from .observations import SAMPLE_MIN
from .residual import OUTPUTS, Member
from .residual_context import FEATURES, window_features
from .residual_windows import BLOCK_MIN, BLOCKS, HORIZON_MIN, Windows

Array = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Training:
    """How members are trained; project choices.

    Parameters
    ----------
    members, hidden : int
    steps : int
        Of Adam.
    batch : int
        Stretches per member and step.
    rate : float
        Step length at the start; it falls to a tenth along a cosine.
    shrinkage : float
        Weight, mg/dL, on the mean square of the unbounded outputs.
    seed : int
    """

    members: int = 5
    hidden: int = 16
    steps: int = 200
    batch: int = 96
    rate: float = 0.02
    shrinkage: float = 0.5
    seed: int = 0


def train_members(
    hybrid: Model, windows: Windows, context: Array, how: Training, progress: Progress | None = None
) -> tuple[tuple[Member, ...], Array, Array]:
    """Train members on people's stretches.

    Parameters
    ----------
    windows : Windows
        Numbered by person.
    context : array (people, C)

    Returns
    -------
    members : tuple of Member
    scale : array (F,)
    spread : array (T / 5,)
        Standard deviation of the remaining error by horizon, mg/dL.

    Notes
    -----
    Each member sees its own bootstrap sample of the people.
    """
    torch = _torch()
    rng = np.random.default_rng(np.random.SeedSequence(how.seed))
    seen = window_features(context, windows)
    scale = np.maximum(np.sqrt(np.mean(seen**2, axis=(0, 1))), 1e-3)
    rows = _bootstraps(windows.person, how.members, rng)
    weights = _first_weights(how, rng)
    spread = torch.full((HORIZON_MIN // SAMPLE_MIN,), np.log(15.0), requires_grad=True)
    optimiser = torch.optim.Adam([*weights.values(), spread], lr=how.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, how.steps, eta_min=0.1 * how.rate
    )
    for step in range(how.steps):
        chosen = np.stack([rng.choice(r, how.batch) for r in rows])
        loss = _loss(hybrid, windows, seen, scale, chosen, weights, spread, how)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*weights.values(), spread], 5.0)
        optimiser.step()
        schedule.step()
        if progress is not None and (step + 1) % 20 == 0:
            progress(f"step {step + 1} of {how.steps}: loss {float(loss.detach()):.2f} mg/dL")
    return _members(weights, how.members), scale, np.exp(spread.detach().numpy()).astype(np.float64)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise InputError("training a residual needs torch; install dosegym with it") from None
    return torch


def _bootstraps(
    person: NDArray[np.int64], members: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Return the rows of each member's people, drawn with replacement."""
    ids = np.unique(person)
    by_person = {int(i): np.flatnonzero(person == i) for i in ids}
    drawn = [rng.choice(ids, len(ids)) for _ in range(members)]
    return [np.concatenate([by_person[int(i)] for i in who]) for who in drawn]


def _first_weights(how: Training, rng: np.random.Generator) -> dict[str, Any]:
    """Return the members' weights: what the past told is half believed, the rest near zero."""
    torch = _torch()
    m, f, h = how.members, len(FEATURES), how.hidden
    first = {
        "inner": rng.standard_normal((m, f, h)) / np.sqrt(f),
        "bias": 0.1 * rng.standard_normal((m, 1, h)),
        "outer": 0.1 * rng.standard_normal((m, h, OUTPUTS)) / np.sqrt(h),
        "direct": np.full((m, 1, OUTPUTS), 0.5),
    }
    return {k: torch.tensor(v, dtype=torch.float32, requires_grad=True) for k, v in first.items()}


def _raw(weights: dict[str, Any], seen: Any, scale: Any) -> Any:
    """Return outputs (M, N, 6) from features (M, N, F), as ``Member.raw`` computes them."""
    bias = weights["bias"]
    hidden = ((seen / scale) @ weights["inner"] + bias).tanh() - bias.tanh()
    return hidden @ weights["outer"] + weights["direct"] * seen[..., :OUTPUTS]


def _loss(
    hybrid: Model, windows: Windows, seen: Array, scale: Array, chosen: NDArray[np.int64],
    weights: dict[str, Any], spread: Any, how: Training,
) -> Any:  # fmt: skip
    torch = _torch()
    m, n = chosen.shape
    part = windows.take(chosen.ravel())

    def lifted(values: Array) -> Any:
        return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32)

    raw = _raw(weights, lifted(seen[chosen]).reshape(m, n * BLOCKS, -1), lifted(scale))
    raw = raw.reshape(m * n, BLOCKS, OUTPUTS)
    glucose = simulated(hybrid, part, raw)
    reading = lifted(part.readings)
    known = torch.isfinite(reading)
    error = torch.where(known, reading - glucose, torch.zeros(()))
    score = crps_normal(error, spread.exp())
    fit = (score * known).sum() / known.sum()
    return fit + how.shrinkage * (raw**2).mean()


def simulated(hybrid: Model, windows: Windows, raw: Any) -> Any:
    """Return sensed glucose (N, T / 5), mg/dL, under unbounded outputs (N, BLOCKS, 6), by torch.

    The equations are the model's and the step is its stepper's; gradients flow to ``raw``.
    """
    torch = _torch()
    bounded = raw.tanh()
    k = len(GAINS)
    added = torch.cat([(GAIN_REACH * bounded[..., :k]).exp(), SLOPE_LIMIT * bounded[..., k:]], -1)
    base = torch.as_tensor(windows.params.T.copy(), dtype=raw.dtype)
    u = torch.as_tensor(windows.inputs.transpose(1, 2, 0).copy(), dtype=raw.dtype)
    x = tuple(torch.as_tensor(windows.start.T.copy(), dtype=raw.dtype))
    sensed, volume = hybrid.state_index["interstitial_glucose_mass"], hybrid.parameter_index["Vg"]
    out = []
    for b in range(BLOCKS):
        p = hybrid.Params(*base, *added[:, b].T)
        path = rollout(hybrid, TORCH, p, u[b * BLOCK_MIN : (b + 1) * BLOCK_MIN], x)
        out += [state[sensed] / base[volume] for state in path[SAMPLE_MIN::SAMPLE_MIN]]
        x = path[-1]
    return torch.stack(out, dim=1)


def crps_normal(error: Any, spread: Any) -> Any:
    """Return the continuous ranked probability score of normal forecasts, by torch.

    Parameters
    ----------
    error : tensor (..., T)
        Outcome less mean.
    spread : tensor (T,)
        Standard deviation (Gneiting and Raftery 2007, doi:10.1198/016214506000001437).
    """
    torch = _torch()
    z = error / spread
    density = torch.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    below = 0.5 * (1.0 + torch.erf(z / np.sqrt(2.0)))
    return spread * (z * (2.0 * below - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi))


def _members(weights: dict[str, Any], n: int) -> tuple[Member, ...]:
    # Six decimals are kept: what is shipped as text is what was scored.
    plain = {k: np.round(v.detach().numpy().astype(np.float64), 6) for k, v in weights.items()}
    return tuple(
        Member(plain["inner"][i], plain["bias"][i, 0], plain["outer"][i], plain["direct"][i, 0])
        for i in range(n)
    )
