"""A person's insulin twin as those whom an environment treats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ...physiology.library import load_model
from ...physiology.model import Model
from ...physiology.population import Patients, adopt
from ...therapy.cohort import Cohort
from ...therapy.eating import Scenario
from ...therapy.prescription import Prescription, daily_carbs_g, prescribe
from ...twins.forward import with_sensitivity
from ...twins.settings import schedule
from ...twins.shelf import read_kind, twin_path
from ...twins.twin import Twin, load_twin

Array = NDArray[np.float64]

BODIES: Final = 256
HYBRID: Final = "uva_padova_gains"


@dataclass(frozen=True)
class Treated:
    """Who is treated, and on which body.

    Parameters
    ----------
    model : Model
    cohort : Cohort
        Draws of the posterior, each on a day of its own, on the person's therapy.
    rest : array (n, S)
        States of the draws at rest on a usual day.
    counting_sd : float
        Standard deviation of log counted over eaten carbohydrate from meal to meal.
    residual : mapping or None
        What the keyword ``residual`` would be, where the twin's own is on.
    """

    model: Model
    cohort: Cohort
    rest: Array
    counting_sd: float
    residual: Mapping[str, Any] | None

    def counting(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the person's own counting error, where it states none."""
        if scenario.counting_log_sd > 0.0:
            return scenario
        return replace(scenario, counting_log_sd=self.counting_sd)


def treated(twin: Any, others: Mapping[str, tuple[Any, Any]]) -> Treated:
    """Return a twin's draws as a cohort.

    Parameters
    ----------
    twin : str
        Path or id of a file that ``dosegym fit`` wrote.
    others : mapping of str to (value, default)
        Keywords that a twin brings itself.

    Raises
    ------
    InputError
        If there is no such twin, or another keyword says what the twin says.
    """
    if not isinstance(twin, str):
        raise InputError(f"twin is {twin!r}; give the path of a twin's file, or its id, as text")
    for name, (value, default) in others.items():
        if value != default:
            raise InputError(f"{name} is {value!r} beside twin {twin!r}; give one of the two")
    read_kind(twin, "insulin")
    path = twin_path(twin)
    found = path.stat()
    return _treated(str(path), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _treated(path: str, changed_ns: int, size: int) -> Treated:
    """Return it once for each version of a file."""
    twin = load_twin(path)
    own = twin.residual if twin.residual is not None and twin.residual.on else None
    if own is not None:
        own.load()  # refuses a residual that has changed since
    model = twin.model if own is None else load_model(HYBRID, **twin.model.options)
    people, usual = _bodies(twin)
    therapy = _therapy(twin, people)
    told = None if own is None else {"name": own.name, "context": [float(v) for v in own.context]}
    return Treated(
        model,
        Cohort(adopt(model, people), therapy),
        model.initial(adopt(model, usual).params),
        float(twin.variation.meal),
        told,
    )


def _bodies(twin: Twin) -> tuple[Patients, Patients]:
    """Return the draws, each on a day of its own, and the same on a usual day."""
    # The same file gives the same people, whoever opens it.
    rng = np.random.default_rng(int(twin.sha256[:16], 16))
    z = twin.coordinates(BODIES, rng)
    base, usual = twin.patients(BODIES), twin.where.params(z)
    today = with_sensitivity(twin.where, usual, twin.day_sd * rng.standard_normal(BODIES))
    covariates = {**base.covariates, "carb_factor": twin.where.carb_factor(z)}
    people = replace(base, params=today, covariates=covariates)
    return people, replace(people, params=usual)


def _therapy(twin: Twin, people: Patients) -> Prescription:
    """Return the person's own settings as everybody's chart; what is not recorded is titrated."""
    titrated = prescribe(twin.model, twin.patients(1))

    def of(name: str) -> float:
        stated = schedule(twin.settings, name)
        return float(getattr(titrated, name)[0]) if stated is None else stated.mean()

    basal, ratio = of("basal_u_per_h"), of("carb_ratio_g_per_u")
    daily = 24.0 * basal + float(daily_carbs_g(twin.patients(1))[0]) / ratio
    values = (basal, ratio, of("correction_mg_dl_per_u"), of("target_mg_dl"), daily)
    return Prescription(*(np.full(len(people), value) for value in values))
