"""Adults for ``hovorka_2004``: drawn one by one, and thirty of them with names.

Medians and spreads are those of the virtual adults of the McGill artificial-pancreas simulator
(public repository McGillDiabetesLab/artificial-pancreas-simulator, ``patientRandom``), which names
as its sources Wilinska et al. 2010 (J Diabetes Sci Technol 4:132-44) and Boiroux et al. 2017; the
tables of the papers were not seen [unverified]. Their medians are close to the means that Wilinska
gives as the same repository reports them: SIT 18.4e-4, SID 5.05e-4, SIE 190e-4, ka 0.018, ke 0.14.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .library import load_model
from .population import Patients

Array = NDArray[np.float64]

# Median and standard deviation of the logarithm.
LOG_NORMAL: Final = {
    # Basal glucose is a project choice: people on a usual, somewhat cautious basal rate.
    "Gb": (126.0, 0.1),
    "F01": (0.0110, 0.1),
    "k12": (0.05, 0.4),
    "VG": (0.16, 0.05),
    "R_cl": (0.01, 0.2),
    "ka1": (0.0035, 0.4),
    "ka2": (0.055, 0.4),
    "ka3": (0.025, 0.4),
    "SIT": (18.0e-4, 0.4),
    "SID": (5.0e-4, 0.4),
    "SIE": (190e-4, 0.4),
    "VI": (0.12, 0.05),
    "ke": (0.14, 0.2),
    "tmaxI": (1.0 / 0.018, 0.2),
    "tmaxG": (40.0, 0.2),
    # Median of Wilinska 2010; the spread is a project choice.
    "ka_int": (float(np.exp(-2.372)), 0.3),
}
# Production beyond insulin-independent uptake, so that insulin is needed by construction: with it
# EGP0 has the median of 0.017 and the spread of 0.2 (log units) that it has there.
SURPLUS: Final = (0.0060, 0.5)
SHARED: Final = {"R_thr": 11.0, "AG": 0.8}
WEIGHT_KG: Final = (45.0, 95.0)
AGE_YEARS: Final = (18.0, 70.0)  # project choice
# Basal rates outside are drawn again, as there.
BASAL_U_PER_H: Final = (0.1, 2.2)
NAMED, NAMED_SEED = 30, 2004
_REACH_SD = 3.0
_MOST_ATTEMPTS = 100


def sample_hovorka(n: int, rng: np.random.Generator) -> Patients:
    """Return ``n`` independent adults.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
        Gives one key, and moves on; person i depends on the key and i, never on n.

    Raises
    ------
    InputError
        If ``n`` is below 1.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError(f"number of patients is {n!r}; give a whole number of at least 1")
    key = [int(word) for word in rng.integers(0, 2**32, size=4, dtype=np.uint64)]
    model = load_model("hovorka_2004")
    params, age = np.empty((n, len(model.parameters))), np.empty(n)
    waiting = np.arange(n)
    for attempt in range(_MOST_ATTEMPTS):
        source = np.random.default_rng(np.random.SeedSequence(key, spawn_key=(attempt,)))
        width = len(LOG_NORMAL) + 3
        normal = source.standard_normal((int(waiting[-1]) + 1, width))[waiting]
        params[waiting], age[waiting] = _draw(normal)
        basal = 60.0 * model.basal_inputs(params[waiting])[:, model.input_index["insulin"]]
        waiting = waiting[(basal < BASAL_U_PER_H[0]) | (basal > BASAL_U_PER_H[1])]
        if not len(waiting):
            break
    else:
        raise RuntimeError(f"no plausible person in {_MOST_ATTEMPTS} attempts")
    mark = f"{key[0]:08x}{key[1] & 0xFFFF:04x}"
    names = tuple(f"hovorka-adult#{mark}-{i:05d}" for i in range(n))
    return _patients(names, params, age)


def _draw(normal: Array) -> tuple[Array, Array]:
    """Return parameters (B, P) and ages (B,) from standard normals (B, K)."""
    from scipy.special import ndtr

    held = np.clip(normal, -_REACH_SD, _REACH_SD)
    values = {
        name: median * np.exp(spread * held[:, i])
        for i, (name, (median, spread)) in enumerate(LOG_NORMAL.items())
    }
    surplus, weight, age = held[:, len(LOG_NORMAL) :].T
    values["EGP0"] = values["F01"] + SURPLUS[0] * np.exp(SURPLUS[1] * surplus)
    values["BW"] = WEIGHT_KG[0] + (WEIGHT_KG[1] - WEIGHT_KG[0]) * ndtr(weight)
    values |= {name: np.full(len(normal), v) for name, v in SHARED.items()}
    order = load_model("hovorka_2004").Params._fields
    years = AGE_YEARS[0] + (AGE_YEARS[1] - AGE_YEARS[0]) * ndtr(age)
    return np.stack([values[name] for name in order], axis=1), years


def _patients(names: tuple[str, ...], params: Array, age: Array) -> Patients:
    return Patients(
        model="hovorka_2004",
        names=names,
        groups=("adult",) * len(names),
        params=params,
        covariates={"age_years": age, "weight_kg": params[:, 0].copy()},
    )


def named_hovorka() -> Patients:
    """Return ``adult#001`` to ``adult#030``, always the same people."""
    people = sample_hovorka(NAMED, np.random.default_rng(NAMED_SEED))
    names = tuple(f"adult#{i + 1:03d}" for i in range(NAMED))
    return _patients(names, people.params, np.asarray(people.covariates["age_years"]))
