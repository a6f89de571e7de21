"""What is believed of a person's body before any reading: age group, age, weight, daily insulin.

The table of 30 named patients gives means, standard deviations and a pooled, shrunk correlation of
the primary parameters (``physiology.distribution``). Two facts are added to its covariance, since
the table is narrower than people are. Basal glucose lies within 133-153 mg/dL there, by
construction. And insulin need varies more between people, in whom half the insulin does the same
work: a factor common to basal insulin and, the other way round, to insulin's action on muscle and
liver. The multivariate normal rule then conditions on what is known: age, weight, and the usual
basal rate or the total daily dose as a reading of the basal need with error. The table carries no
sex; a record's sex therefore changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.distribution import PRIMARY, JointDistribution, complete, fit_distribution
from ..physiology.model import Model
from ..physiology.population import load_population

Array = NDArray[np.float64]

FITTED = ("Ib", "Gb", "Vmx", "kp3", "kmax", "kabs", "ka2")
# Standard deviations of logarithms, project choices.
WIDER = {"Ib": 0.2, "Gb": 0.22}
NEED_SD = 0.45
NEED = {"Ib": 1.0, "Vmx": -1.0, "kp3": -1.0}
# How far a programmed basal rate lies from the need at rest, and half of a daily dose from it.
BASAL_ERROR, DAILY_DOSE_ERROR = 0.25, 0.4
BASAL_SHARE = 0.5
FARTHEST_NEED = 1.2


@dataclass(frozen=True)
class Belief:
    """A normal distribution of one person's transformed primaries.

    Parameters
    ----------
    centre : dict of str to float
        Mean of every primary.
    covariance : array (7, 7)
        Of the fitted ones, in the order of ``FITTED``; the others stay at their mean.
    shared : dict of str to float
        Parameters that are the same in everyone.
    """

    centre: dict[str, float]
    covariance: Array
    shared: dict[str, float]

    def given_need(self, model: Model, rate_u_per_h: float, error: float) -> Belief:
        """Return the belief once a basal rate is known, whose logarithm reads the need in error.

        With the other primaries held, the need is in proportion to Ib: the rule is exact.
        """
        away = float(np.log(rate_u_per_h / basal_need_u_per_h(self, model)))
        away = float(np.clip(away, -FARTHEST_NEED, FARTHEST_NEED))
        reads = np.zeros(len(FITTED))
        reads[FITTED.index("Ib")] = 1.0
        gain = self.covariance @ reads / (reads @ self.covariance @ reads + error**2)
        centre = dict(self.centre)
        for name, pull in zip(FITTED, gain.tolist(), strict=True):
            centre[name] += pull * away
        return Belief(
            centre, self.covariance - np.outer(gain, reads @ self.covariance), self.shared
        )


def belief(model: Model, group: str, weight_kg: float, age_years: float | None) -> Belief:
    """Return what is believed of a person of an age group ("adult", "adolescent", "child").

    Parameters
    ----------
    age_years : float or None
        The group's mean where it is None; heeded within two standard deviations of it.
    """
    joint = fit_distribution(load_population(), model)
    known = {"BW": float(np.log(weight_kg))}
    if age_years is not None:
        at = list(PRIMARY).index("age_years")
        reach = 2.0 * joint.scales[group][at]
        mean = joint.means[group][at]
        known["age_years"] = float(np.clip(np.log(age_years), mean - reach, mean + reach))
    centre, covariance = given(joint, group, known)
    rows = [list(PRIMARY).index(name) for name in FITTED]
    return Belief(
        dict(zip(PRIMARY, centre.tolist(), strict=True)),
        _widened(covariance[np.ix_(rows, rows)]),
        dict(joint.shared),
    )


def given(joint: JointDistribution, group: str, known: dict[str, float]) -> tuple[Array, Array]:
    """Return mean (K,) and covariance (K, K) of transformed primaries given some of them."""
    scale = joint.scales[group]
    mean, covariance = joint.means[group].copy(), joint.root @ joint.root.T
    covariance = covariance * scale[:, None] * scale
    at = [list(PRIMARY).index(name) for name in known]
    values = np.array(list(known.values()))
    gain = np.linalg.solve(covariance[np.ix_(at, at)], covariance[at]).T
    mean = mean + gain @ (values - mean[at])
    mean[at] = values
    return mean, covariance - gain @ covariance[at]


def _widened(covariance: Array) -> Array:
    """Return the covariance (7, 7) of the fitted ones with what the table lacks."""
    wide = covariance.copy()
    for name, sd in WIDER.items():
        i = FITTED.index(name)
        wide[i, i] = max(wide[i, i], sd**2)
    need = np.array([NEED.get(name, 0.0) for name in FITTED])
    return np.asarray(wide + NEED_SD**2 * np.outer(need, need))


def basal_need_u_per_h(belief: Belief, model: Model) -> float:
    """Return the basal insulin that holds the mean body at its basal glucose, U/h."""
    back: dict[str, Callable[[Array], Array]] = {
        "log": np.exp,
        "logit": lambda t: np.asarray(1.0 / (1.0 + np.exp(-t))),
    }
    values = {k: np.array([back[how](np.asarray(belief.centre[k]))]) for k, how in PRIMARY.items()}
    values |= {k: np.array([v]) for k, v in belief.shared.items()}
    params = complete(values, model)
    return float(model.basal_inputs(params)[0, model.input_index["insulin"]] * 60.0)
