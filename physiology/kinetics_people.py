"""A person's own drug kinetics, as covariates, genotype and chance make them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError
from .kinetics_records import Kinetics
from .renal_function import cockcroft_gault, creatinine_from_egfr

Array = NDArray[np.float64]

ETAS: Final = ("clearance", "volume", "absorption")
# The person by whom a standard dose is measured: the typical patient of dosegym_bp_2026.
TYPICAL: Final = MappingProxyType(
    {"age_years": 60.0, "female": 0.0, "weight_kg": 88.0, "egfr0": 75.0, "cyp2d6": 1.0}
)


class Rates(NamedTuple):
    """A person's own parameters, arrays (B,): litres and hours, the lag folded into absorption."""

    absorption: Array
    clearance: Array
    volume: Array
    exchange: Array
    peripheral: Array
    metabolite_clearance: Array
    metabolite_volume: Array


def individual(
    kinetics: Kinetics, covariates: Mapping[str, ArrayLike], etas: ArrayLike | None = None
) -> Rates:
    """Return people's own parameters.

    Parameters
    ----------
    kinetics : Kinetics
    covariates : mapping of str to array (B,)
        ``age_years``, ``female`` (0 or 1), ``weight_kg``, ``egfr0`` (mL/min/1.73 m2, CKD-EPI 2021)
        and, where known, ``cyp2d6`` (0 poor, 1 normal, 2 ultrarapid; 1 without it).
    etas : array (B, 3), optional
        Standard normals for ``ETAS``; None for people who differ by their covariates only.

    Raises
    ------
    InputError
        If a covariate is missing or not positive, or the normals have another shape.
    """
    chart = _checked(covariates)
    size = len(chart["age_years"])
    eta = np.zeros((size, len(ETAS))) if etas is None else np.asarray(etas, dtype=np.float64)
    if eta.shape != (size, len(ETAS)):
        raise InputError(
            f"etas have the shape {eta.shape} for {size} people; give ({size}, {len(ETAS)})"
        )
    spread = eta * [kinetics.clearance_log_sd, kinetics.volume_log_sd, kinetics.absorption_log_sd]
    own = np.exp(spread)
    clearance, volume, peripheral = _typical(kinetics, chart)
    metabolite = np.full(size, kinetics.metabolite_clearance_l_h)
    second = np.full(size, kinetics.metabolite_volume_l)
    if kinetics.moiety == "metabolite":
        metabolite, second = metabolite * own[:, 0], second * own[:, 1]
    else:
        clearance, volume = clearance * own[:, 0], volume * own[:, 1]
    # A lag delays the mean absorption by its length: it is folded into a slower rate.
    absorption = 1.0 / (1.0 / (kinetics.absorption_per_h * own[:, 2]) + kinetics.lag_h)
    exchange = np.full(size, kinetics.exchange_l_h)
    return Rates(absorption, clearance, volume, exchange, peripheral, metabolite, second)


def _checked(covariates: Mapping[str, ArrayLike]) -> dict[str, Array]:
    missing = [name for name in TYPICAL if name not in covariates and name != "cyp2d6"]
    if missing:
        raise InputError(
            f"covariate {missing[0]!r} is missing; kinetics need "
            "age_years, female, weight_kg and egfr0"
        )
    given = {name: covariates.get(name, default) for name, default in TYPICAL.items()}
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in given.values()))
    chart = dict(zip(given, arrays, strict=True))
    for name in ("age_years", "weight_kg", "egfr0"):
        low = float(np.min(chart[name], initial=np.inf))
        if not low > 0.0:
            raise InputError(f"{name} is {low:g}; give a number above 0")
    return chart


def _typical(k: Kinetics, chart: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """Return clearance, central and peripheral volume (B,) as covariates alone tell them."""
    age, female, weight = chart["age_years"], chart["female"], chart["weight_kg"]
    creatinine = creatinine_from_egfr(chart["egfr0"], age, female)
    crcl = cockcroft_gault(creatinine, age, weight, female)
    heavier = weight / k.weight_reference_kg
    clearance = (
        k.clearance_l_h
        * heavier**k.clearance_weight_exponent
        * (age / k.age_reference_years) ** k.clearance_age_exponent
        * (crcl / k.crcl_reference_ml_min) ** k.clearance_crcl_exponent
        * (creatinine / k.creatinine_reference_mg_dl) ** k.clearance_creatinine_exponent
        * k.clearance_female_factor**female
        + k.renal_clearance_per_crcl * crcl
    )
    # Genotype acts on the way to the blood too, so that area and half-life change apart.
    auc = _by_genotype(chart["cyp2d6"], k.cyp2d6_poor_auc, k.cyp2d6_ultrarapid_auc)
    slower = _by_genotype(chart["cyp2d6"], k.cyp2d6_poor_half_life, k.cyp2d6_ultrarapid_half_life)
    volume = k.volume_l * heavier**k.volume_weight_exponent * slower / auc
    return clearance / auc, volume, k.peripheral_l * heavier**k.peripheral_weight_exponent


def _by_genotype(activity: Array, poor: float, ultrarapid: float) -> Array:
    logs = np.log([poor, 1.0, ultrarapid])
    return np.asarray(np.exp(np.interp(activity, [0.0, 1.0, 2.0], logs)))
