"""Possible bodies behind a chart: the ensemble that the shield's forecast rolls forward.

Without a person's own posterior the bodies of a lane are the virtual people whose charts lie
nearest to it. Their insulin and carbohydrate are counted in the lane's own units: a unit lowers,
and a gram raises, each of them as the lane's correction factor and carb ratio say. What is left
of their differences is kinetics, and a spread of sensitivity about the chart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import Engine, engine_for
from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.model import Model
from ..physiology.population import Patients
from ..therapy.cohort import virtual_cohort
from ..therapy.prescription import Prescription, prescribe
from ..twins.shelf import read_kind, twin_path
from ..twins.twin import load_twin

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BODY: Final = "uva_padova_2008"
# Steps of the forecast: coarse, which the fastest pools of some bodies would not bear.
STEP_MIN: Final = 3.0
FASTEST_PER_MIN: Final = 0.8
POOL, POOL_SEED, MEMBERS = 240, 20261126, 8
# Project choice: log sensitivity to insulin about what the chart says.
SENSITIVITY_SD: Final = 0.15


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Bodies with what their charts would be.

    Parameters
    ----------
    model : Model
    params : array (K, P)
    basal_u_per_h, correction, carb_ratio, weight_kg : array (K,)
        U/h, mg/dL per U, g/U, kg.
    size : int
        Bodies a lane.
    own : bool
        Whether they are one person's, so that all lanes share them and doses count as they are.
    sensitivity_sd : float
        Spread of log sensitivity added to theirs.
    source : str
        Where they come from.
    """

    model: Model
    params: Array
    basal_u_per_h: Array
    correction: Array
    carb_ratio: Array
    weight_kg: Array
    size: int = MEMBERS
    own: bool = False
    sensitivity_sd: float = SENSITIVITY_SD
    source: str = ""

    @classmethod
    def of_people(
        cls, model: Model, people: Patients, therapy: Prescription, size: int, **rest: Any
    ) -> Ensemble:
        """Return people with their therapy as an ensemble."""
        if not 1 <= size <= len(people):
            raise InputError(f"members is {size}; give a whole number from 1 to {len(people)}")
        return cls(
            model, slowed(model, people.params), therapy.basal_u_per_h,
            therapy.correction_mg_dl_per_u, therapy.carb_ratio_g_per_u,
            np.asarray(people.covariates["weight_kg"]), size, **rest,
        )  # fmt: skip

    @classmethod
    def of_population(cls, members: int = MEMBERS) -> Ensemble:
        """Return virtual people of the training stream, of whom each lane takes the nearest.

        Raises
        ------
        InputError
            If ``members`` is no number from 1 to the people there are.
        """
        return _of_population(members)

    @classmethod
    def of_twin(cls, twin: str | Path, members: int = 2 * MEMBERS) -> Ensemble:
        """Return draws of a person's posterior, each on a day of its own.

        Parameters
        ----------
        twin : str or Path
            A twin of insulin, as ``dosegym fit`` writes it.
        members : int

        Raises
        ------
        InputError
            If there is no such twin, or its body is not one that the forecast runs.
        """
        read_kind(str(twin), "insulin")
        found = load_twin(twin_path(twin))
        if found.model.name != BODY:
            raise InputError(f"twin {twin} is of {found.model.name}; the forecast runs {BODY}")
        people = found.patients(members, np.random.default_rng(int(found.sha256[:16], 16)))
        source = f"twin {found.sha256}"
        return cls.of_people(
            found.model, people, prescribe(found.model, people), members, own=True,
            sensitivity_sd=0.0, source=source,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.params)

    @property
    def card(self) -> dict[str, Any]:
        """What the ensemble is, in JSON."""
        return {
            "source": self.source,
            "members": self.size,
            "pool": len(self),
            "model": self.model.name,
            "options": dict(self.model.options),
            "sensitivity_sd": self.sensitivity_sd,
        }

    @cached_property
    def engine(self) -> Engine:
        """The body in coarse steps."""
        return engine_for(replace(self.model, hold_every=STEP_MIN))

    def __getstate__(self) -> dict[str, Any]:
        """Return it without what is compiled."""
        return {k: v for k, v in self.__dict__.items() if k != "engine"}

    @cached_property
    def rest(self) -> Array:
        """Basal steady states (K, S)."""
        return self.model.initial(self.params)

    @cached_property
    def basal_need(self) -> Array:
        """Basal insulin (K,), U/h, that holds the steady states."""
        return self.model.basal_inputs(self.params)[:, self.model.input_index["insulin"]] * 60.0

    @cached_property
    def spread(self) -> Array:
        """Factor of sensitivity of each member's place (size,), the extremes not side by side."""
        places = (np.arange(self.size) + 0.5) / self.size
        z = np.array([NormalDist().inv_cdf(float(p)) for p in places])
        order = np.argsort(np.arange(self.size) * 5 % self.size, kind="stable")
        return np.exp(self.sensitivity_sd * z)[order]

    def nearest(
        self, basal_u_per_h: Array, correction: Array, carb_ratio: Array, weight_kg: Array
    ) -> Ints:
        """Return the bodies (B, size) whose charts lie nearest to those of B lanes."""
        n = len(basal_u_per_h)
        if self.own:
            return np.tile(np.arange(self.size), (n, 1))
        own = _place(self.basal_u_per_h, self.correction, self.carb_ratio, self.weight_kg)
        lane = _place(basal_u_per_h, correction, carb_ratio, weight_kg)
        scale = own.std(axis=0)
        away = np.zeros((n, len(self)))
        for k in range(own.shape[1]):
            away += ((lane[:, k, None] - own[None, :, k]) / scale[k]) ** 2
        return np.argsort(away, axis=1, kind="stable")[:, : self.size]


def _place(basal: Array, correction: Array, ratio: Array, weight: Array) -> Array:
    logs = (basal / weight, correction * weight, ratio / weight, weight)
    return np.log(np.stack(logs, axis=1))


@lru_cache(maxsize=4)
def _of_population(members: int) -> Ensemble:
    model = load_model(BODY)
    cohort = virtual_cohort(model, POOL, purpose="training", seed=POOL_SEED)
    source = f"{POOL} virtual people, stream training, seed {POOL_SEED}"
    return Ensemble.of_people(model, cohort.patients, cohort.therapy, members, source=source)


def slowed(model: Model, params: Array) -> Array:
    """Return bodies (K, P) whose fastest pools bear the forecast's step, steady states unchanged.

    Liver and plasma insulin exchange within a minute or two in some bodies; slower by c, in a
    volume 1/c times as large, concentrations at rest stay as they were.
    """
    column = model.parameter_index
    new = params.copy()
    rates = {name: params[:, column[name]] for name in ("m1", "m2", "m4", "m30")}
    away_liver, away_plasma = rates["m1"] + rates["m30"], rates["m2"] + rates["m4"]
    half = 0.5 * (away_liver + away_plasma)
    fastest = half + np.sqrt(half**2 - away_liver * away_plasma + rates["m1"] * rates["m2"])
    c = np.minimum(FASTEST_PER_MIN / fastest, 1.0)
    for name in rates:
        new[:, column[name]] *= c
    new[:, column["Vi"]] /= c
    new[:, column["kabs"]] = np.minimum(new[:, column["kabs"]], FASTEST_PER_MIN)
    return new
