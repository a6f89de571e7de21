"""Side effects of tablets: who has which symptom at which exposure.

Each person has one uniform trait per kind of symptom and has the symptom while the trait lies
below its rate at the present exposures. A symptom therefore comes with a dose, goes with it, and
comes back to the same person. Dizziness is not here: it follows from the simulated pressure.

Excess over placebo at half, standard and double dose: Law 2003 (10.1136/bmj.326.7404.1427), of
which ankle oedema from the label of amlodipine; between these, and to 0.25 and 4 standard doses,
monotone piecewise-linear in the logarithm of exposure, and proportional to exposure below 0.25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .formulary import CLASSES

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

ACEI, ARB, CCB, THIAZIDE, BETA_BLOCKER, MRA = range(len(CLASSES))
# Exposures, in standard doses, at which a table below gives the excess.
KNOTS: Final = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
_LOG_KNOTS: Final = np.log(KNOTS)


@dataclass(frozen=True)
class SideEffect:
    """One kind of symptom.

    Parameters
    ----------
    name : str
    slot : int
        Class of drug that causes it, -1 for none.
    excess : tuple of float
        Share of people with it above placebo, at ``KNOTS``.
    background : float
        Share of people with it on placebo.
    reported_as : {"oedema", "cough", "other_symptoms"}
        Column of the observation it shows in.
    men_only : bool
    source : str
    """

    name: str
    slot: int
    excess: tuple[float, ...]
    background: float
    reported_as: str
    source: str
    men_only: bool = False


_LAW = "Law 2003, excess at half, standard and double dose"
_ENDS = "0.25 and 4 standard doses extrapolated along the same line"
EFFECTS: Final = (
    SideEffect(
        "oedema", CCB, (0.006, 0.012, 0.024, 0.102, 0.180), 0.006, "oedema",
        f"label of amlodipine: 1.8, 3.0 and 10.8 % at 2.5, 5 and 10 mg, placebo 0.6 %; {_ENDS}",
    ),
    SideEffect(
        "cough", ACEI, (0.039, 0.039, 0.039, 0.039, 0.039), 0.010, "cough",
        f"{_LAW}: 3.9 % at each; background: placebo arm of the lisinopril label (unverified)",
    ),
    SideEffect(
        "thiazide", THIAZIDE, (0.004, 0.020, 0.099, 0.178, 0.257), 0.0, "other_symptoms",
        f"{_LAW}: 2.0, 9.9 and 17.8 %; at 0.25 by the same ratio as from standard to half dose, "
        "near placebo as Bennett 2017 finds; at 4 along the line",
    ),
    SideEffect(
        "beta_blocker", BETA_BLOCKER, (0.035, 0.055, 0.075, 0.094, 0.113), 0.0, "other_symptoms",
        f"{_LAW}: 5.5, 7.5 and 9.4 %; {_ENDS}",
    ),
    SideEffect(
        "vasodilation", CCB, (0.002, 0.004, 0.057, 0.057, 0.057), 0.0, "other_symptoms",
        f"{_LAW}: 1.6, 8.3 and 14.9 % with any symptom of a calcium channel blocker, less oedema; "
        "headache and flushing, levelled above the standard dose to stay monotone",
    ),
    SideEffect(
        "arb", ARB, (0.0, 0.0, 0.0, 0.019, 0.038), 0.0, "other_symptoms",
        f"{_LAW}: -1.8, 0 and 1.9 %, no benefit counted",
    ),
    SideEffect(
        "gynaecomastia", MRA, (0.012, 0.025, 0.050, 0.090, 0.300), 0.0, "other_symptoms",
        "men: Jeunemaitre 1987 (Am J Cardiol 60:820), 6.9 % at 50 mg a day or less; Huffman 1978 "
        "(Clin Pharmacol Ther 24:465), 30 % at 100 mg; split within 25-50 mg: project choice",
        men_only=True,
    ),
    SideEffect(
        "nonspecific", -1, (0.0, 0.0, 0.0, 0.0, 0.0), 0.040, "other_symptoms",
        "project choice: complaints that placebo arms have too, whatever is taken",
    ),
)  # fmt: skip
KINDS: Final = tuple(effect.name for effect in EFFECTS)
N_TRAITS: Final = len(EFFECTS)
REPORTS: Final = ("oedema", "cough", "other_symptoms")

# Relative risk of oedema with a RAS blocker at standard dose or more, falling to 1 without it.
# Makani 2011 (10.1016/j.amjmed.2010.08.007): 0.62 for both, ACE inhibitor over ARB 0.74; split
# here symmetrically about 0.62, which is ours.
OEDEMA_RISK_ACEI: Final = 0.62 * np.sqrt(0.74)
OEDEMA_RISK_ARB: Final = 0.62 / np.sqrt(0.74)


def excess(kind: str, exposure: ArrayLike) -> Array:
    """Return the share of people with a symptom above placebo.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    exposure : array
        Of its class, in standard doses; constant above 4, proportional below 0.25.
    """
    table = np.array(EFFECTS[KINDS.index(kind)].excess)
    return _excess(table, np.maximum(np.asarray(exposure, np.float64), 0.0))


def _excess(table: Array, exposure: Array) -> Array:
    inside = np.interp(np.log(np.maximum(exposure, KNOTS[0])), _LOG_KNOTS, table)
    return np.asarray(inside * np.minimum(exposure / KNOTS[0], 1.0))


def rates(exposures: ArrayLike, female: ArrayLike = 0.0) -> Array:
    """Return the share of people who have each symptom.

    Parameters
    ----------
    exposures : array (B, 6), standard doses
        In the order of ``formulary.CLASSES``.
    female : array (B,), 0 or 1

    Returns
    -------
    array (B, N_TRAITS)
    """
    u = np.maximum(np.asarray(exposures, np.float64), 0.0)
    men = 1.0 - np.asarray(female, np.float64)
    result = np.empty((len(u), N_TRAITS))
    for k, effect in enumerate(EFFECTS):
        if effect.slot < 0:
            result[:, k] = effect.background
            continue
        caused = _excess(np.array(effect.excess), u[:, effect.slot])
        if effect.name == "oedema":
            caused = caused * _oedema_risk(u)
        result[:, k] = effect.background + (caused * men if effect.men_only else caused)
    return result


def _oedema_risk(exposures: Array) -> Array:
    acei = 1.0 - (1.0 - OEDEMA_RISK_ACEI) * np.minimum(exposures[:, ACEI], 1.0)
    arb = 1.0 - (1.0 - OEDEMA_RISK_ARB) * np.minimum(exposures[:, ARB], 1.0)
    return np.asarray(np.minimum(acei, arb))


def traits(rng: np.random.Generator) -> Array:
    """Return one person's uniform traits, (N_TRAITS,)."""
    return rng.random(N_TRAITS)


def symptoms(exposures: ArrayLike, traits: Array, female: ArrayLike = 0.0) -> Flags:
    """Return who has which symptom, (B, N_TRAITS).

    Parameters
    ----------
    exposures : array (B, 6), standard doses
    traits : array (B, N_TRAITS)
        Uniform, from :func:`traits`.
    female : array (B,), 0 or 1
    """
    present: Flags = traits < rates(exposures, female)
    return present


_GROUPS: Final = np.array([[e.reported_as == name for name in REPORTS] for e in EFFECTS])


def reported(present: Flags) -> Flags:
    """Return the observation's columns oedema, cough and other symptoms, (B, 3)."""
    columns: Flags = (present.astype(np.int64) @ _GROUPS.astype(np.int64)) > 0
    return columns


def name_of(kind: str) -> str:
    """Return a kind of symptom in words for a report."""
    words = {
        "oedema": "ankle oedema",
        "cough": "dry cough",
        "thiazide": "side effects of a thiazide (dizziness, impotence, cramps)",
        "beta_blocker": "side effects of a beta-blocker (cold hands, fatigue)",
        "vasodilation": "headache or flushing",
        "arb": "side effects of an ARB",
        "gynaecomastia": "swollen or tender breasts",
        "nonspecific": "non-specific complaints",
    }
    return words[kind]
