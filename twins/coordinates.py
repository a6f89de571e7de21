"""What is fitted: a few of a body's primary parameters in normal coordinates, and one carb factor.

Coordinates z are independent standard normals a priori. The logarithms of the fitted parameters are
mean + L z, with L the Cholesky factor of their covariance (``prior``); the other primaries stay at
their mean given age and weight. Every point has an exact basal steady state
(``physiology.distribution.complete``), and these orders hold at every point: the stomach empties
slowest at kmin < kmax, the hexamers of a bolus are absorbed more slowly than its monomers and than
they fall apart, ka1 < ka2 and ka1 < kd. Absorption from the gut has no such order in this model:
kabs lies between 0.5 and 48 times kmax in the named patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from ..physiology.distribution import PRIMARY, complete
from ..physiology.library import load_model
from ..physiology.model import Model
from .prior import BASAL_ERROR, BASAL_SHARE, DAILY_DOSE_ERROR, FITTED, belief

Array = NDArray[np.float64]

CARB_FACTOR = "carb_factor"
INSULIN_AT_START, CARBS_AT_START = "insulin_at_start", "carbs_at_start"
GLUCOSE_AT_START = "glucose_at_start"
AT_START = (INSULIN_AT_START, CARBS_AT_START, GLUCOSE_AT_START)
NAMES = (*FITTED, CARB_FACTOR, *AT_START)
MEANING = {
    "Ib": "basal insulin need",
    "Gb": "glucose at that need",
    "Vmx": "insulin action on muscle",
    "kp3": "insulin action on the liver",
    "kmax": "speed of stomach emptying",
    "kabs": "speed of carbohydrate absorption",
    "ka2": "speed of insulin absorption",
    CARB_FACTOR: "true over recorded carbohydrate",
    INSULIN_AT_START: "insulin still to act when the record began",
    CARBS_AT_START: "carbohydrate still to be absorbed when the record began",
    GLUCOSE_AT_START: "glucose when the record began",
}
CARB_FACTOR_SD = 0.25
# Any glucose is possible at a start, low and high values included (project choice).
GLUCOSE_AT_START_MG_DL, GLUCOSE_AT_START_SD = 140.0, 0.4
# Hexamers never leave the depot faster than they fall apart (ka1 < kd).
SLOWEST_STEP = 0.95
# What a record cannot tell of the hours before it (project choice): the logarithm of insulin under
# the skin over that of the basal rate (about 2 U in an adult, so a fifth to five times that in 95 %
# of people), and grams of carbohydrate per kg.
INSULIN_AT_START_SD, CARBS_AT_START_G_PER_KG = 0.8, 0.12


@dataclass(frozen=True)
class Coordinates:
    """The map between standardised coordinates (B, d) and model parameters (B, P).

    Parameters
    ----------
    model : Model
    centre : dict of str to float
        Prior mean of every primary, transformed.
    root : array (7, 7)
        Lower Cholesky factor of the prior covariance of the fitted ones, in the order of
        ``FITTED``.
    shared : dict of str to float
        Parameters that are the same in everyone.
    """

    model: Model
    centre: dict[str, float]
    root: Array
    shared: dict[str, float]

    @property
    def scale(self) -> dict[str, float]:
        """Prior standard deviation of each fitted parameter, transformed."""
        sd = np.sqrt((self.root**2).sum(axis=1))
        return dict(zip(FITTED, sd.tolist(), strict=True))

    def standard(self, z: Array) -> Array:
        """Return each quantity of ``NAMES`` in its own prior standard deviations (B, d).

        Coordinates of fitted parameters mix through ``root``; this tells them apart.
        """
        out, k = np.array(z, dtype=np.float64), len(FITTED)
        out[:, :k] = (z[:, :k] @ self.root.T) / np.sqrt((self.root**2).sum(axis=1))
        return out

    def params(self, z: Array) -> Array:
        """Return model parameters (B, P)."""
        values: dict[str, Array] = {}
        moved = z[:, : len(FITTED)] @ self.root.T
        for name, how in PRIMARY.items():
            t = np.array([self.centre[name]])
            if name in FITTED:
                t = t + moved[:, FITTED.index(name)]
            values[name] = np.exp(t) if how == "log" else 1.0 / (1.0 + np.exp(-t))
            if name in FITTED:
                # Beyond a parameter's bounds the equations mean nothing, and steps grow unstable.
                quantity = self.model.parameters[self.model.parameter_index[name]]
                values[name] = np.clip(values[name], quantity.low, quantity.high)
        fastest = SLOWEST_STEP * values["kd"] / values["ka1_share"]
        values["ka2"] = np.minimum(values["ka2"], fastest)
        values |= {k: np.array([v]) for k, v in self.shared.items()}
        return complete(values, self.model)

    def basal_insulin(self, z: Array) -> Array:
        """Return the basal plasma insulin ``Ib`` (B,), pmol/L, of ``params`` alone."""
        k = FITTED.index("Ib")
        quantity = self.model.parameters[self.model.parameter_index["Ib"]]
        own = np.exp(self.centre["Ib"] + z[:, : len(FITTED)] @ self.root[k])
        return np.asarray(np.clip(own, quantity.low, quantity.high))

    def carb_factor(self, z: Array) -> Array:
        """Return the factor (B,) on recorded carbohydrate."""
        return np.exp(CARB_FACTOR_SD * z[:, NAMES.index(CARB_FACTOR)])

    def own_basal(self, params: Array) -> Array:
        """Return the basal insulin (B,), U/min, that holds each body at its basal glucose."""
        return self.model.basal_inputs(params)[:, self.model.input_index["insulin"]]

    def start_glucose(self, z: Array) -> Array:
        """Return glucose (B,) when the record began, mg/dL."""
        moved = GLUCOSE_AT_START_SD * z[:, NAMES.index(GLUCOSE_AT_START)]
        return np.asarray(np.clip(GLUCOSE_AT_START_MG_DL * np.exp(moved), 30.0, 700.0))

    def initial(self, z: Array, params: Array, glucose_mg_dl: Array | float | None = None) -> Array:
        """Return states (B, S) at the record's start: glucose then, and what came before it.

        Insulin at the start multiplies the basal content of the depots; carbohydrate at the start
        lies in the gut, never less than none. Glucose is that of the coordinates unless it
        is told.
        """
        model, p = self.model, self.model.params(params)
        assert model.displace is not None
        glucose = self.start_glucose(z) if glucose_mg_dl is None else glucose_mg_dl
        basal = tuple(model.initial(params).T)
        x = model.displace(basal, p, np.broadcast_to(glucose, (len(z),)))
        state = np.stack(np.broadcast_arrays(*x), axis=1)
        # A factor, so that neither a bolus of before nor a pump that stood still is cut off.
        factor = np.exp(INSULIN_AT_START_SD * z[:, NAMES.index(INSULIN_AT_START)])
        for depot in ("subcutaneous_insulin_1", "subcutaneous_insulin_2"):
            state[:, model.state_index[depot]] *= factor
        # Exponential a priori: most people begin with little on board, some with a meal.
        grams = CARBS_AT_START_G_PER_KG * p.BW * -log_ndtr(-z[:, NAMES.index(CARBS_AT_START)])
        state[:, model.state_index["gut"]] = 1000.0 * grams
        return state

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` needs besides the model."""
        return {"centre": self.centre, "root": self.root.tolist(), "shared": self.shared}

    @classmethod
    def from_dict(cls, model: Model, data: Mapping[str, Any]) -> Coordinates:
        """Return the coordinates that ``to_dict`` described."""
        return cls(model, data["centre"], np.array(data["root"]), data["shared"])


def start_coordinate(glucose_mg_dl: float) -> float:
    """Return the coordinate of a glucose at the start."""
    return float(np.log(glucose_mg_dl / GLUCOSE_AT_START_MG_DL) / GLUCOSE_AT_START_SD)


def coordinates_for(
    group: str,
    weight_kg: float,
    basal_u_per_h: float | None,
    gut: str = "published",
    *,
    age_years: float | None = None,
    daily_dose_u: float | None = None,
) -> Coordinates:
    """Return the prior of a person: of their age group, age, weight and insulin.

    Parameters
    ----------
    group : {"adult", "adolescent", "child"}
    weight_kg : float
    basal_u_per_h : float or None
        Usual basal rate, if known: a reading of the basal need, with error.
    gut : str
        Stomach-emptying variant of the model.
    age_years : float, optional
        The group's mean where it is left out.
    daily_dose_u : float, optional
        Total insulin of a usual day, half of it taken for basal; heeded where no basal rate is
        known.
    """
    model = load_model("uva_padova_2008", gut=gut)
    known = belief(model, group, weight_kg, age_years)
    if basal_u_per_h is not None and basal_u_per_h > 0.0:
        known = known.given_need(model, basal_u_per_h, BASAL_ERROR)
    elif daily_dose_u is not None and daily_dose_u > 0.0:
        known = known.given_need(model, BASAL_SHARE * daily_dose_u / 24.0, DAILY_DOSE_ERROR)
    root = np.asarray(np.linalg.cholesky(known.covariance), dtype=np.float64)
    return Coordinates(model, known.centre, root, known.shared)
