"""What is fitted: a few of a body's primary parameters in normal coordinates, and one carb factor.

Each coordinate is standardised: 0 is the prior mean of the person's age group, 1 one prior
standard deviation. The other primaries stay at their mean given body weight. Order and positivity
hold by construction; every point has an exact basal steady state
(``physiology.distribution.complete``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.distribution import PRIMARY, JointDistribution, complete, fit_distribution
from ..physiology.library import load_model
from ..physiology.model import Model
from ..physiology.models.uva_padova_2008 import PMOL_PER_UNIT
from ..physiology.population import load_population

Array = NDArray[np.float64]

FITTED = ("Ib", "Gb", "Vmx", "kp3", "kmax", "kabs", "ka2")
CARB_FACTOR = "carb_factor"
INSULIN_AT_START, CARBS_AT_START = "insulin_at_start", "carbs_at_start"
NAMES = (*FITTED, CARB_FACTOR, INSULIN_AT_START, CARBS_AT_START)
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
}
# Wider than the 30 named patients where the table is narrower than people are (project choice):
# their basal glucose is 133-153 mg/dL by construction, and a basal rate only hints at the need.
WIDER = {"Ib": 0.35, "Gb": 0.22}
CARB_FACTOR_SD = 0.25
# What a record cannot tell of the hours before it (project choice): hours of basal, grams per kg.
INSULIN_AT_START_SD_H, CARBS_AT_START_SD_G_PER_KG = 2.5, 0.3


@dataclass(frozen=True)
class Coordinates:
    """The map between standardised coordinates (B, d) and model parameters (B, P).

    Parameters
    ----------
    model : Model
    centre : dict of str to float
        Prior mean of every primary, transformed.
    scale : dict of str to float
        Prior standard deviation of the fitted ones.
    shared : dict of str to float
        Parameters that are the same in everyone.
    """

    model: Model
    centre: dict[str, float]
    scale: dict[str, float]
    shared: dict[str, float]

    def params(self, z: Array) -> Array:
        """Return model parameters (B, P)."""
        values: dict[str, Array] = {}
        for name, how in PRIMARY.items():
            t = np.full(len(z), self.centre[name])
            if name in FITTED:
                t = t + self.scale[name] * z[:, FITTED.index(name)]
            values[name] = np.exp(t) if how == "log" else 1.0 / (1.0 + np.exp(-t))
            if name in FITTED:
                # Beyond a parameter's bounds the equations mean nothing, and steps grow unstable.
                quantity = self.model.parameters[self.model.parameter_index[name]]
                values[name] = np.clip(values[name], quantity.low, quantity.high)
        values |= {k: np.full(len(z), v) for k, v in self.shared.items()}
        return complete(values, self.model)

    def carb_factor(self, z: Array) -> Array:
        """Return the factor (B,) on recorded carbohydrate."""
        return np.exp(CARB_FACTOR_SD * z[:, NAMES.index(CARB_FACTOR)])

    def own_basal(self, params: Array) -> Array:
        """Return the basal insulin (B,), U/min, that holds each body at its basal glucose."""
        return self.model.basal_inputs(params)[:, self.model.input_index["insulin"]]

    def initial(self, z: Array, params: Array, glucose_mg_dl: float) -> Array:
        """Return states (B, S) at the record's start: a first reading, and what came before it.

        Insulin at the start moves the depots by up to their basal content; carbohydrate at the
        start lies in the gut, never less than none.
        """
        model, p = self.model, self.model.params(params)
        assert model.displace is not None
        x = model.displace(tuple(model.initial(params).T), p, np.full(len(z), glucose_mg_dl))
        state = np.stack(np.broadcast_arrays(*x), axis=1)
        hours = INSULIN_AT_START_SD_H * z[:, NAMES.index(INSULIN_AT_START)]
        extra = self.own_basal(params) * 60.0 * hours * PMOL_PER_UNIT / p.BW
        for depot, share in (("subcutaneous_insulin_1", 0.4), ("subcutaneous_insulin_2", 0.6)):
            i = model.state_index[depot]
            state[:, i] = np.maximum(state[:, i] + share * extra, 0.05 * state[:, i])
        grams = CARBS_AT_START_SD_G_PER_KG * p.BW * np.maximum(z[:, NAMES.index(CARBS_AT_START)], 0)
        state[:, model.state_index["gut"]] = 1000.0 * grams
        return state

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return what ``from_dict`` needs besides the model."""
        return {"centre": self.centre, "scale": self.scale, "shared": self.shared}


def _given_weight(joint: JointDistribution, group: str, weight_kg: float) -> Array:
    """Return the mean of the transformed primaries given body weight."""
    mean, scale = joint.means[group], joint.scales[group]
    correlation = joint.root @ joint.root.T
    i = list(PRIMARY).index("BW")
    shift = (np.log(weight_kg) - mean[i]) / scale[i]
    centre = mean + scale * correlation[:, i] * shift
    centre[i] = np.log(weight_kg)
    return np.asarray(centre)


def _basal_u_per_h(model: Model, params: Array) -> float:
    return float(model.basal_inputs(params)[0, model.input_index["insulin"]] * 60.0)


def coordinates_for(
    group: str, weight_kg: float, basal_u_per_h: float | None, gut: str = "published"
) -> Coordinates:
    """Return the prior of a person: of their age group, weight and usual basal rate.

    Parameters
    ----------
    group : {"adult", "adolescent", "child"}
    weight_kg : float
    basal_u_per_h : float or None
        Usual basal rate, if known; the prior of basal insulin is centred on it, and insulin action
        the other way round, so that half the insulin does the same work.
    gut : str
        Stomach-emptying variant of the model.
    """
    model = load_model("uva_padova_2008", gut=gut)
    joint = fit_distribution(load_population(), model)
    centre = dict(zip(PRIMARY, _given_weight(joint, group, weight_kg).tolist(), strict=True))
    scale = dict(zip(PRIMARY, joint.scales[group].tolist(), strict=True))
    fitted = {k: max(scale[k], WIDER.get(k, 0.0)) for k in FITTED}
    prior = Coordinates(model, centre, fitted, dict(joint.shared))
    if basal_u_per_h is not None and basal_u_per_h > 0.0:
        usual = _basal_u_per_h(model, prior.params(np.zeros((1, len(NAMES)))))
        shift = float(np.clip(np.log(basal_u_per_h / usual), -1.2, 1.2))
        for name, sign in (("Ib", 1.0), ("Vmx", -1.0), ("kp3", -1.0)):
            centre[name] += sign * shift
    return prior
