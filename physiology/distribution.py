"""The joint distribution of the people of one age group, fitted to a table of named patients.

Primary parameters of ``uva_padova_2008`` are made normal (logarithm, or logit where a share must
lie in (0, 1)); everything else follows from the steady state (:func:`complete`). Each group keeps
its own means and standard deviations. Ten people a group cannot carry a correlation matrix of 26
quantities, so one matrix is pooled over the groups and shrunk towards zero by the analytic rule of
Schaefer and Strimmer (Stat Appl Genet Mol Biol 2005;4:32, doi:10.2202/1544-6115.1175, unit
diagonal), a Ledoit-Wolf estimator for correlations. Two close relations that shrinking would loosen
are kept by the choice of primaries: stomach emptying by the share kmin/kmax, absorption by ka1/ka2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .model import Model
from .population import Patients

Array = NDArray[np.float64]

HEB = 0.6
"""Basal hepatic extraction of insulin, the same in every named patient (insulin steady state)."""

PRIMARY: Mapping[str, str] = {
    **dict.fromkeys(("age_years", "BW", "Gb", "Ib", "EGPb", "kabs", "kmax"), "log"),
    **dict.fromkeys(("kmin_share", "b", "d"), "logit"),
    **dict.fromkeys(("Vg", "k1", "k2", "kp2", "kp3", "ki", "Vmx", "Km0", "p2u"), "log"),
    **dict.fromkeys(("Vi", "m1", "CL", "ka2"), "log"),
    "ka1_share": "logit",
    **dict.fromkeys(("kd", "ksc"), "log"),
}
"""Primary quantities and the transformation that makes each normal."""

SHARED = ("f", "Fsnc", "ke1", "ke2")
"""Parameters that are the same number in every named patient."""


def _logit(x: Array) -> Array:
    return np.log(x / (1.0 - x))


def _expit(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


_TO_NORMAL: Mapping[str, Callable[[Array], Array]] = {"log": np.log, "logit": _logit}
_FROM_NORMAL: Mapping[str, Callable[[Array], Array]] = {"log": np.exp, "logit": _expit}


def primaries(patients: Patients, model: Model) -> Array:
    """Return the primary quantities (B, K) of people, in the order of ``PRIMARY``."""
    p = model.params(patients.params)
    derived = {
        "age_years": np.asarray(patients.covariates["age_years"]),
        "EGPb": p.kp1 - p.kp2 * p.Gb * p.Vg - p.kp3 * p.Ib,
        "kmin_share": p.kmin / p.kmax,
        "ka1_share": p.ka1 / p.ka2,
        "CL": p.m2 * HEB * p.Vi * p.BW / 0.6,
    }
    return np.stack([derived[k] if k in derived else getattr(p, k) for k in PRIMARY], axis=1)


def complete(values: Mapping[str, Array], model: Model) -> Array:
    """Return parameters (B, P) from primary quantities, with an exact basal steady state.

    Insulin: m30 = HEb m1 / (1 - HEb), m2 = (3/5) CL / (HEb Vi BW), m4 = (2/5) CL / (Vi BW).
    Glucose: kp1 = EGPb + kp2 Gb Vg + kp3 Ib; tissue glucose and Vm0 from balanced plasma and tissue
    fluxes, renal excretion included (Dalla Man 2007, doi:10.1109/TBME.2007.893506).
    """
    v: dict[str, Any] = dict(values)
    v["kmin"] = v["kmin_share"] * v["kmax"]
    v["ka1"] = v["ka1_share"] * v["ka2"]
    v["m30"] = HEB * v["m1"] / (1.0 - HEB)
    v["m2"] = 0.6 * v["CL"] / (HEB * v["Vi"] * v["BW"])
    v["m4"] = 0.4 * v["CL"] / (v["Vi"] * v["BW"])
    Gp = v["Gb"] * v["Vg"]
    excretion = v["ke1"] * np.maximum(Gp - v["ke2"], 0.0)
    uptake = v["EGPb"] - v["Fsnc"] - excretion
    Gt = (v["k1"] * Gp - uptake) / v["k2"]
    v["kp1"] = v["EGPb"] + v["kp2"] * Gp + v["kp3"] * v["Ib"]
    v["Vm0"] = uptake * (v["Km0"] + Gt) / Gt
    columns = [np.asarray(v[q.name], dtype=np.float64) for q in model.parameters]
    return np.stack(np.broadcast_arrays(*columns), axis=1)


def shrunk_correlation(standard: Array, degrees: int) -> tuple[Array, float]:
    """Return the shrunk correlation matrix of standardised rows, and how far it was shrunk.

    Parameters
    ----------
    standard : array (n, K)
        Each column of mean 0 and variance 1 within its group.
    degrees : int
        Degrees of freedom: rows less the group means taken out.

    Returns
    -------
    array (K, K), float
        (1 - s) r + s I, with s the sum of the estimated variances of the off-diagonal r over the
        sum of their squares (Schaefer and Strimmer 2005, unit diagonal).
    """
    n = len(standard)
    products = standard[:, :, None] * standard[:, None, :]
    mean = products.mean(axis=0)
    off = ~np.eye(standard.shape[1], dtype=bool)
    raw = mean * n / degrees
    variance = n * ((products - mean) ** 2).sum(axis=0) / degrees**3
    share = float(np.clip(variance[off].sum() / (raw[off] ** 2).sum(), 0.0, 1.0))
    return np.where(off, (1.0 - share) * raw, 1.0), share


@dataclass(frozen=True)
class JointDistribution:
    """Normal distributions of the transformed primaries, one per group, one correlation for all.

    Parameters
    ----------
    means, scales : mapping of group to array (K,)
        Of the transformed primaries.
    root : array (K, K)
        Cholesky factor of the shrunk correlation.
    shrinkage : float
        Share by which sample correlations were drawn towards zero.
    shared : mapping of str to float
        Parameters that do not vary.
    """

    means: Mapping[str, Array]
    scales: Mapping[str, Array]
    root: Array
    shrinkage: float
    shared: Mapping[str, float]

    def transform(self, group: str, normal: Array) -> dict[str, Array]:
        """Turn independent standard normals (B, K) into primary quantities of one group."""
        # Summed by hand: a matrix product rounds a row differently in batches of different size.
        correlated = np.zeros_like(normal)
        for k, column in enumerate(self.root.T):
            correlated += normal[:, k : k + 1] * column
        z = self.means[group] + self.scales[group] * correlated
        drawn = {k: _FROM_NORMAL[how](z[:, i]) for i, (k, how) in enumerate(PRIMARY.items())}
        return {**drawn, **{k: np.full(len(z), value) for k, value in self.shared.items()}}


def fit_distribution(patients: Patients, model: Model) -> JointDistribution:
    """Fit the joint distribution to named patients (at least three of each group).

    Raises
    ------
    InputError
        If a group has fewer than three people.
    """
    raw = primaries(patients, model)
    how = list(PRIMARY.values())
    z = np.stack([_TO_NORMAL[h](raw[:, i]) for i, h in enumerate(how)], axis=1)
    groups = list(dict.fromkeys(patients.groups))
    rows = {g: z[[i for i, other in enumerate(patients.groups) if other == g]] for g in groups}
    for g in groups:
        if len(rows[g]) < 3:
            raise InputError(f"group {g} has {len(rows[g])} people; a fit needs at least 3")
    means = {g: rows[g].mean(axis=0) for g in groups}
    scales = {g: rows[g].std(axis=0, ddof=1) for g in groups}
    standard = np.concatenate([(rows[g] - means[g]) / scales[g] for g in groups])
    correlation, share = shrunk_correlation(standard, len(standard) - len(groups))
    first = model.params(patients.params[0])
    shared = {k: float(getattr(first, k)) for k in SHARED}
    root = np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    return JointDistribution(means, scales, root, share, shared)
