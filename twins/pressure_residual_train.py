"""Trains the blood-pressure residual by torch, through the body's own equations.

People who answer drugs in other ways (``pressure_truth``) are read once untreated and once after
eight weeks on a standard dose of one class. The body, as it is believed from the chart alone,
foretells the change; the loss is the continuous ranked probability score of a normal forecast whose
spread is learned along, plus a weight on how far gains depart from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.library import load_model
from ..physiology.model import Model
from ..physiology.namespace import TORCH
from ..physiology.population import Patients
from ..physiology.pressure_quantities import PARAMETERS
from ..physiology.solve import rollout
from ..therapy.formulary import CLASSES, DRUGS, load_formulary
from .pressure_body import exposures, live, untreated
from .pressure_residual import FEATURES, GAIN_REACH, GAINED, features_of
from .pressure_truth import other_people
from .residual import Member
from .residual_train import crps_normal

Array = NDArray[np.float64]
Progress = Callable[[str], None]

WEEKS_DAYS: Final = 56
READING_SD_MMHG: Final = 8.0
"""Of the mean of one office visit, about 6 % of 140 mmHg (therapy.pressure_measurement)."""


@dataclass(frozen=True)
class PressureTraining:
    """How members are trained; project choices.

    Parameters
    ----------
    people, members, hidden : int
    steps : int
        Of Adam.
    batch : int
        People per member and step.
    rate, shrinkage : float
        Step length; weight, mmHg, on the mean square of the unbounded outputs.
    """

    people: int = 3000
    members: int = 5
    hidden: int = 8
    steps: int = 150
    batch: int = 64
    rate: float = 0.03
    shrinkage: float = 0.3


@dataclass(frozen=True)
class Lesson:
    """People, what they were given and how their systolic pressure was read to change.

    Parameters
    ----------
    believed : Patients
    inputs : array (days, 8, n)
        Exposures of the believed bodies.
    change : array (n,), mmHg
        Reading after eight weeks less the one before.
    """

    believed: Patients
    inputs: Array
    change: Array


def lesson(n: int, rng: np.random.Generator) -> Lesson:
    """Return n people of other truth, each after eight weeks on one class of drug."""
    truth, believed = other_people(n, rng)
    formulary = load_formulary()
    slot = rng.integers(0, len(CLASSES), n)
    inputs = np.zeros((WEEKS_DAYS, len(CLASSES) + 2, n))
    change = np.empty(n)
    for k in range(len(CLASSES)):
        rows = np.flatnonzero(slot == k)
        mg = np.zeros(len(CLASSES))
        mg[k] = DRUGS[formulary.drugs[k]].standard_mg
        own = untreated(truth.take(rows.tolist()), formulary)
        _, series = live(own, np.tile(mg, (WEEKS_DAYS, 1)), [0, WEEKS_DAYS])
        change[rows] = series["sbp"][1] - series["sbp"][0]
        bodies = untreated(believed.take(rows.tolist()), formulary)
        inputs[:, :, rows] = exposures(bodies, bodies.amounts.copy(), mg, WEEKS_DAYS)
    noise = READING_SD_MMHG * np.sqrt(2.0) * rng.standard_normal(n)
    return Lesson(believed, inputs, change + noise)


def train_pressure_members(
    how: PressureTraining, rng: np.random.Generator, progress: Progress | None = None
) -> tuple[Member, ...]:
    """Train members on new virtual people, each on its own bootstrap sample of them."""
    return members_from(lesson(how.people, rng), how, rng, progress)


def members_from(
    told: Lesson, how: PressureTraining, rng: np.random.Generator, progress: Progress | None = None
) -> tuple[Member, ...]:
    """Train members on a lesson; ``how.people`` is not heeded."""
    import torch

    people = len(told.change)
    seen = features_of(told.believed.covariates)
    rows = rng.integers(0, people, (how.members, people))
    weights = _first_weights(how, rng)
    spread = torch.full((1,), float(np.log(12.0)), requires_grad=True)
    optimiser = torch.optim.Adam([*weights.values(), spread], lr=how.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, how.steps, eta_min=0.1 * how.rate
    )
    model = load_model(told.believed.model)
    for step in range(how.steps):
        chosen = np.stack([rng.choice(r, how.batch) for r in rows])
        loss = _loss(model, told, seen, chosen, weights, spread, how)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None and (step + 1) % 10 == 0:
            progress(f"step {step + 1} of {how.steps}: loss {float(loss.detach()):.2f} mmHg")
    plain = {k: np.round(v.detach().numpy().astype(np.float64), 6) for k, v in weights.items()}
    return tuple(
        Member(plain["inner"][m], plain["bias"][m, 0], plain["outer"][m], np.zeros(len(GAINED)))
        for m in range(how.members)
    )


def _first_weights(how: PressureTraining, rng: np.random.Generator) -> dict[str, Any]:
    import torch

    m, f, h = how.members, len(FEATURES), how.hidden
    first = {
        "inner": rng.standard_normal((m, f, h)) / np.sqrt(f),
        "bias": 0.1 * rng.standard_normal((m, 1, h)),
        "outer": 0.1 * rng.standard_normal((m, h, len(GAINED))) / np.sqrt(h),
    }
    return {k: torch.tensor(v, dtype=torch.float32, requires_grad=True) for k, v in first.items()}


def _loss(
    model: Model, told: Lesson, seen: Array, chosen: NDArray[np.int64], weights: dict[str, Any],
    spread: Any, how: PressureTraining,
) -> Any:  # fmt: skip
    import torch

    values = torch.as_tensor(seen[chosen], dtype=torch.float32)
    bias = weights["bias"]
    raw = ((values @ weights["inner"] + bias).tanh() - bias.tanh()) @ weights["outer"]
    flat = chosen.ravel()
    foretold = foretold_change(model, told, flat, raw.reshape(len(flat), len(GAINED)))
    error = torch.as_tensor(told.change[flat], dtype=torch.float32) - foretold
    fit = crps_normal(error[:, None], spread.exp()).mean()
    return fit + how.shrinkage * (raw**2).mean()


def foretold_change(model: Model, told: Lesson, rows: NDArray[np.int64], raw: Any) -> Any:
    """Return changes of systolic pressure (n,), mmHg, under unbounded outputs (n, 7), by torch."""
    import torch

    table = torch.as_tensor(told.believed.params[rows].T.copy(), dtype=raw.dtype)
    gains = (torch.as_tensor(GAIN_REACH, dtype=raw.dtype) * raw.tanh()).exp()
    columns = [i for i, q in enumerate(PARAMETERS) if q.name in GAINED]
    at = {PARAMETERS[i].name: i for i in columns}
    rates = list(table)
    for k, name in enumerate(GAINED):
        rates[at[name]] = rates[at[name]] * gains[:, k]
    params = model.Params(*rates)
    start = model.initial(told.believed.params[rows])
    x = tuple(torch.as_tensor(start.T.copy(), dtype=raw.dtype))
    u = torch.as_tensor(told.inputs[:, :, rows].copy(), dtype=raw.dtype)
    path = rollout(model, TORCH, params, u, x)
    read = model.observe(TORCH)
    before = read(path[0], tuple(0.0 * u[0]), params)[0]
    return read(path[-1], tuple(u[-1]), params)[0] - before
