"""Whether the blood-pressure residual helps: forecasts of the next drug, with and without it.

Each held-out person is read four times, with blood results: untreated, or twice untreated and twice
on a first drug. A twin is fitted with either prior and foretells what eight weeks on the next drug
change. Before any drug has shown its effect is where a residual is of use, and where it is judged.
The person is the unit. The promise that more dose never raises pressure is counted out here, since
it is not proved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.pressure_people import sample_pressure
from ..physiology.pressure_quantities import PARAMETERS
from ..physiology.pressure_spread import steady_outputs
from ..therapy.formulary import CLASSES, DRUGS, load_formulary
from .pressure import fit_pressure
from .pressure_body import PressureBodies, live, untreated
from .pressure_prior import prior_of
from .pressure_residual import GAIN_REACH, GAINED, PressureResidual
from .pressure_residual_train import READING_SD_MMHG, WEEKS_DAYS
from .pressure_seen import LABS, OFFICE, Doses, PressureSeen
from .pressure_truth import other_people
from .residual_judge import Gain, gain

Array = NDArray[np.float64]

VISITS: Final = (-70.0, -57.0, -14.0, 0.0)
LAB_CV: Final = 0.04
HEART_RATE_SD: Final = 6.0
DOSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
TOLD: Final = ("age_years", "female", "weight_kg", "height_cm", "bmi", "diabetes")


@dataclass(frozen=True)
class Case:
    """One person's record, what follows, and by how much systolic pressure then truly changes."""

    seen: PressureSeen
    next_mg: Array
    change_mmhg: float


def case_of(body: PressureBodies, rng: np.random.Generator, *, treated: bool) -> Case:
    """Let one person live through four visits, the last two on a first drug if ``treated``."""
    first, second = rng.permutation([0, 2, 3, 4, 5])[:2]
    usual = np.array([DRUGS[name].standard_mg for name in body.formulary.drugs])
    one = usual * (np.arange(len(CLASSES)) == first) * float(treated)
    two = one + usual * (np.arange(len(CLASSES)) == second)
    doses = Doses(body.formulary, np.array([-200.0, -56.0]), np.stack([np.zeros(6), one]))
    days = np.arange(-120.0, 1.0)
    end, series = live(body, doses.on(days), [int(v + 121) for v in VISITS])
    n = len(VISITS)
    errors = 1.0 + READING_SD_MMHG / 140.0 * rng.standard_normal((2, n))
    labs = [(VISITS[i], name) for i in (1, n - 1) for name in LABS]
    at = {v: i for i, v in enumerate(VISITS)}
    value = [series[k][at[d], 0] * (1.0 + LAB_CV * rng.standard_normal()) for d, k in labs]
    chart = {k: float(body.people.covariates[k][0]) for k in TOLD}
    coat = body.people.covariates["white_coat_mmhg"][0]
    seen = PressureSeen(
        "held-out", "0" * 64, 0.0, np.array(VISITS),
        (series["sbp"][:, 0] + coat) * errors[0], (series["dbp"][:, 0] + 0.5 * coat) * errors[1],
        series["heart_rate"][:, 0] + HEART_RATE_SD * rng.standard_normal(n),
        (OFFICE,) * n, np.ones(n), np.array([d for d, _ in labs]), np.array(value),
        tuple(k for _, k in labs), doses, chart,
    )  # fmt: skip
    _, after = live(end, np.tile(two, (WEEKS_DAYS, 1)), [0, WEEKS_DAYS])
    return Case(seen, two, float(np.diff(after["sbp"][:, 0])[0]))


def forecast_error(case: Case, residual: PressureResidual | None, seed: int) -> float:
    """Return by how much (mmHg) the twin's mean misses what the next drug does to pressure."""
    prior = prior_of(case.seen.covariates, residual)
    twin = fit_pressure(case.seen, seed=seed, prior=prior)
    sbp = twin.forecast(case.next_mg, WEEKS_DAYS)["sbp"]
    return float((sbp[-1] - sbp[0]).mean() - case.change_mmhg)


def judge_pressure(
    residual: PressureResidual, n: int, rng: np.random.Generator, *, other: bool = True,
    treated: bool = False, progress: Callable[[str], None] | None = None,
) -> Gain:  # fmt: skip
    """Return how much smaller the absolute forecast error of n people is with the residual.

    Parameters
    ----------
    other : bool
        People who answer in other ways; else people of the body's own distribution.
    treated : bool
        Whether a first drug has shown its effect before the forecast.
    """
    people = other_people(n, rng)[0] if other else sample_pressure(n, rng)
    errors = np.empty((n, 2))
    for i in range(n):
        case = case_of(untreated(people.take([i]), load_formulary()), rng, treated=treated)
        errors[i] = [abs(forecast_error(case, r, i)) for r in (None, residual)]
        if progress is not None and (i + 1) % 10 == 0:
            progress(f"{i + 1} of {n} people judged")
    return gain(errors[:, 0], errors[:, 1], rng)


@dataclass(frozen=True)
class Signs:
    """Pairs of doses tried, how many raised steady pressure, and the largest rise, mmHg."""

    pairs: int
    raised: int
    largest_mmhg: float


def signs_of(n: int, rng: np.random.Generator) -> dict[str, Signs]:
    """Count, for each class, how often the higher of two doses leaves pressure higher.

    n people have gains anywhere within their bounds, a third of them at the bounds.
    """
    people = sample_pressure(n, rng)
    reach = np.clip(1.5 * rng.uniform(-1.0, 1.0, (n, len(GAINED))), -1.0, 1.0)
    columns = [[q.name for q in PARAMETERS].index(name) for name in GAINED]
    params = people.params.copy()
    params[:, columns] *= np.exp(np.array(GAIN_REACH) * reach)
    low, high = (
        np.array([getattr(PARAMETERS[i], end) for i in columns]) for end in ("low", "high")
    )
    params[:, columns] = np.clip(params[:, columns], low, high)
    people = type(people)(people.model, people.names, people.groups, params, people.covariates)
    out = {}
    for name in CLASSES:
        steady = [steady_outputs(people, **{name: dose})[:, 0] for dose in (0.0, *DOSES)]
        rise = np.diff(np.stack(steady), axis=0)
        out[name] = Signs(rise.size, int((rise > 1e-6).sum()), float(max(rise.max(), 0.0)))
    return out
