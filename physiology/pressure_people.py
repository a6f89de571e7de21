"""People with high blood pressure: named ones, and any number drawn from a distribution of them.

Every quantity is drawn from a uniform number of its own through an inverse distribution function,
so person i depends on the stream and on i, never on how many are drawn. Figures of the default
distribution describe treated-hypertension populations in round numbers and are project choices
unless a source is named; a trial replaces them by its own (``evaluation/trials``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from .errors import InputError
from .population import Patients
from .pressure_gains import typical_values
from .pressure_quantities import PARAMETERS, Params
from .renal_function import creatinine_from_egfr, sex_constants

Array = NDArray[np.float64]

MODEL: Final = "dosegym_bp_2026"
GROUPS: Final = ("adult", "older", "kidney_disease")
OLDER_YEARS: Final = 65.0
KIDNEY_EGFR: Final = 60.0
NAMED: Final = 30
# Project choices: beyond these the model's adults would be clipped or were never looked at.
BOUNDS: Final = {
    "age": (18.0, 110.0),
    "untreated_sbp": (90.0, 260.0),
    "egfr": (5.0, 160.0),
    "bmi": (12.0, 80.0),
}
MOST_PULSE_SHIFT: Final = 40.0
HUGE: Final = 1e9
# Their parameters alone then take 2 GB of memory.
MOST_PEOPLE: Final = 5_000_000
_NAMED_KEY: Final = (0x424C4F4F, 0x44505253)

REFERENCE_SBP: Final = 154.0
_STEEP, _MIDDLE = 8.0, 114.6
"""Chosen so that a drug's effect changes by 1.0 mmHg per 10 mmHg at 154 (Law 2003) and a
normotensive person loses less than 5 mmHg."""

COLUMNS: Final = (
    *("age", "sex", "sbp", "pulse", "egfr", "renin_kind", "renin", "rate", "output"),
    *("kP", "kV", "kS", "kA", "sigma", "gh", "gr", "gs"),
    *("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra", "ras"),
    *("potassium", "kK", "sodium", "hNa", "pooling"),
    *("bmi", "height", "diabetes", "cvd", "smoker", "statin", "cholesterol", "hdl"),
    *("pregnant", "asthma", "block", "angioedema", "gout", "cyp2d6", "adherence", "coat"),
    *("entry", "entry_order", "entry_dose"),
    *(f"clearance_{slot}" for slot in ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")),
)
_AT: Final = {name: i for i, name in enumerate(COLUMNS)}


@dataclass(frozen=True)
class PressureSpec:
    """Who the people are; every pair or quadruple is (mean, SD[, lowest, highest]).

    Parameters
    ----------
    age : tuple
        Years.
    female, diabetes, cvd, smoker, low_renin : float
        Shares; ``low_renin`` is that at 60 years and rises by 0.01 a year.
    untreated_sbp : tuple
        Systolic pressure (mmHg) without drugs.
    pulse_shift : float
        mmHg added to everyone's pulse pressure, to give a population its diastolic pressure.
    egfr : tuple
        mL/min/1.73 m2, at 60 years; it falls by 0.8 a year.
    bmi : tuple
        kg/m2.
    """

    age: tuple[float, float, float, float] = (60.0, 12.0, 30.0, 90.0)
    female: float = 0.5
    untreated_sbp: tuple[float, float, float, float] = (154.0, 14.0, 130.0, 210.0)
    pulse_shift: float = 0.0
    egfr: tuple[float, float, float, float] = (80.0, 16.0, 20.0, 120.0)
    low_renin: float = 0.25
    diabetes: float = 0.2
    cvd: float = 0.12
    smoker: float = 0.18
    statin: float = 0.35
    bmi: tuple[float, float, float, float] = (29.0, 5.0, 17.0, 50.0)

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(f.default, tuple):
                low, high = value[2], value[3]
                finite = all(abs(v) < HUGE for v in value)
                if len(value) != 4 or not finite or not value[1] > 0.0 or not low < high:
                    raise InputError(
                        f"{f.name} is {value!r}; give mean, SD above 0, lowest, highest"
                    )
                least, most = BOUNDS[f.name]
                if low < least or high > most:
                    raise InputError(
                        f"{f.name} reaches from {low:g} to {high:g}; stay within {least:g} and "
                        f"{most:g}, where the model's people live"
                    )
                ends = ((low - value[0]) / value[1], (high - value[0]) / value[1])
                if ndtr(ends[1]) - ndtr(ends[0]) < 1e-4:
                    raise InputError(
                        f"{f.name} is {value!r}: hardly anyone lies between {low:g} and {high:g}"
                    )
            elif f.name == "pulse_shift":
                if not abs(value) <= MOST_PULSE_SHIFT:
                    raise InputError(
                        f"{f.name} is {value!r}; give mmHg from -{MOST_PULSE_SHIFT:g} to "
                        f"{MOST_PULSE_SHIFT:g}"
                    )
            elif not 0.0 <= value <= 1.0:
                raise InputError(f"{f.name} is {value!r}; give a share from 0 to 1")


HYPERTENSIVE: Final = PressureSpec()


def spec_of(values: Mapping[str, Any] | PressureSpec | None) -> PressureSpec:
    """Return a specification from JSON-like values; what is left out is the default's.

    Raises
    ------
    InputError
        Naming an unknown field or a value that cannot be.
    """
    if values is None:
        return HYPERTENSIVE
    if isinstance(values, PressureSpec):
        return values
    known = {f.name: f.default for f in fields(PressureSpec)}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"people have no {name!r}; give some of {', '.join(known)}")
        size = len(known[name]) if isinstance(known[name], tuple) else 1  # type: ignore[arg-type]
        parts = list(value) if isinstance(value, (list, tuple)) else [value]
        if len(parts) != size or not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in parts
        ):
            raise InputError(f"{name} is {value!r}; give {size} number{'s' * (size > 1)}")
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return PressureSpec(**given)


def pressure_response(untreated_sbp: Any) -> Any:
    """Return how strongly drugs act at an untreated systolic pressure (mmHg), 1 at 154."""
    reference = 1.0 + (_MIDDLE / REFERENCE_SBP) ** _STEEP
    return reference / (1.0 + (_MIDDLE / untreated_sbp) ** _STEEP)


def _between(u: Array, four: Sequence[float], low: Any = None, high: Any = None) -> Array:
    """Return a normal cut off at its ends (or at closer ones), from uniforms."""
    mean, sd = np.asarray(four[0]), four[1]
    a = ndtr((np.maximum(four[2], low if low is not None else four[2]) - mean) / sd)
    b = ndtr((np.minimum(four[3], high if high is not None else four[3]) - mean) / sd)
    return np.asarray(mean + sd * ndtri(a + u * (b - a)), dtype=np.float64)


def sample_pressure(
    n: int,
    rng: np.random.Generator,
    spec: PressureSpec = HYPERTENSIVE,
    groups: Sequence[str] | None = None,
) -> Patients:
    """Draw independent people.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
        Gives one 128-bit key, and moves on.
    spec : PressureSpec
    groups : sequence of str, optional
        Person i is of group ``groups[i % len(groups)]``; the natural mixture by default.

    Returns
    -------
    Patients
        Groups: ``adult`` (below 65 years, eGFR of 60 and more), ``older`` (the same from 65 on),
        ``kidney_disease`` (eGFR below 60).

    Raises
    ------
    InputError
        If ``n`` is below 1 or a group is unknown.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 1 <= n <= MOST_PEOPLE:
        raise InputError(
            f"number of people is {n!r}; give a whole number of at least 1, at most {MOST_PEOPLE}"
        )
    unknown = [g for g in groups or () if g not in GROUPS]
    if unknown or isinstance(groups, str) or (groups is not None and not len(groups)):
        raise InputError(f"groups is {groups!r}; give a list of some of {', '.join(GROUPS)}")
    key = [int(word) for word in rng.integers(0, 2**32, size=4, dtype=np.uint64)]
    u = np.random.default_rng(np.random.SeedSequence(key)).random((n, len(COLUMNS)))
    mark = f"{key[0]:08x}{key[1] & 0xFFFF:04x}"
    wanted = None if groups is None else [groups[i % len(groups)] for i in range(n)]
    return _people(u, spec, wanted, lambda g, i: f"virtual-{g}#{mark}-{i:05d}")


def people_at(
    u: Array, spec: PressureSpec = HYPERTENSIVE, groups: Sequence[str] | None = None
) -> Patients:
    """Return the people at given places of the distribution.

    Parameters
    ----------
    u : array (n, len(COLUMNS))
        Within 0 and 1: each column's own distribution function. Uniform numbers give the people of
        :func:`sample_pressure`; whoever explores the distribution moves them.
    spec : PressureSpec
    groups : sequence of str (n,), optional
        Each person's group, within which the place is meant; by default the group follows from
        the place.
    """
    wanted = None if groups is None else list(groups)
    return _people(u, spec, wanted, lambda g, i: f"virtual-{g}#at-{i:05d}")


def _people(u: Array, spec: PressureSpec, wanted: list[str] | None, name_of: Any) -> Patients:
    """Build people from uniforms (n, columns)."""
    tiny = 1e-12
    chart = _chart(np.clip(u, tiny, 1.0 - tiny), spec, wanted)
    values = _parameters(np.clip(u, tiny, 1.0 - tiny), chart)
    params = np.stack(np.broadcast_arrays(*(values[q.name] for q in PARAMETERS)), axis=1)
    low, high = (np.array([getattr(q, end) for q in PARAMETERS]) for end in ("low", "high"))
    kidney = chart["egfr0"] < KIDNEY_EGFR
    older = chart["age_years"] >= OLDER_YEARS
    groups = np.where(kidney, GROUPS[2], np.where(older, GROUPS[1], GROUPS[0])).tolist()
    return Patients(
        model=MODEL,
        names=tuple(name_of(g, i) for i, g in enumerate(groups)),
        groups=tuple(groups),
        params=np.clip(params, low, high).astype(np.float64),
        covariates=chart,
    )


def _chart(u: Array, spec: PressureSpec, wanted: list[str] | None) -> dict[str, Array]:
    """Return what a chart knows of each person."""
    n = len(u)

    def of(name: str) -> Array:
        return u[:, _AT[name]]

    kinds = np.array(wanted if wanted is not None else [""] * n)
    age = _between(
        of("age"), spec.age,
        np.where(kinds == "older", OLDER_YEARS, spec.age[2]),
        np.where(kinds == "adult", np.nextafter(OLDER_YEARS, 0.0), spec.age[3]),
    )  # fmt: skip
    mean = spec.egfr[0] - 0.8 * (age - 60.0)
    egfr = _between(
        of("egfr"), (mean, *spec.egfr[1:]),  # type: ignore[arg-type]
        np.where((kinds == "older") | (kinds == "adult"), KIDNEY_EGFR, spec.egfr[2]),
        np.where(kinds == "kidney_disease", np.nextafter(KIDNEY_EGFR, 0.0), spec.egfr[3]),
    )  # fmt: skip
    female = (of("sex") < spec.female).astype(np.float64)
    sbp = _between(of("sbp"), spec.untreated_sbp)
    pulse = 57.0 + spec.pulse_shift + 0.45 * (age - 60.0) + 0.5 * (sbp - REFERENCE_SBP)
    pulse = np.clip(pulse + 7.0 * ndtri(of("pulse")), 28.0, sbp - 45.0)
    low_renin = of("renin_kind") < np.clip(spec.low_renin + 0.01 * (age - 60.0), 0.0, 1.0)
    height = np.where(female > 0, 163.0, 176.0) + 7.0 * ndtri(of("height"))
    bmi = _between(of("bmi"), spec.bmi)
    activity = np.where(of("cyp2d6") < 0.07, 0.0, np.where(of("cyp2d6") > 0.97, 2.0, 1.0))
    may_be = (female > 0) & (age < 45.0)
    chart: dict[str, Any] = {
        "age_years": age,
        "female": female,
        "height_cm": height,
        "bmi": bmi,
        "weight_kg": bmi * (height / 100.0) ** 2,
        "untreated_sbp": sbp,
        "untreated_dbp": sbp - pulse,
        "egfr0": egfr,
        "low_renin": low_renin,
        "diabetes": of("diabetes") < spec.diabetes,
        "cvd": of("cvd") < spec.cvd,
        "smoker": of("smoker") < spec.smoker,
        "statin": of("statin") < spec.statin,
        "total_cholesterol_mg_dl": np.clip(195.0 + 38.0 * ndtri(of("cholesterol")), 131, 319),
        "hdl_mg_dl": np.clip(48.0 + 9.0 * female + 13.0 * ndtri(of("hdl")), 21.0, 99.0),
        "pregnant": may_be & (of("pregnant") < 0.03),
        "asthma": of("asthma") < 0.08,
        "heart_block": of("block") < 0.01,
        "angioedema": of("angioedema") < 0.005,
        "gout": of("gout") < np.where(female > 0, 0.03, 0.07),
        "cyp2d6": activity,
        "adherence_trait": of("adherence"),
        **{name: of(name) for name in COLUMNS if name.startswith("clearance_")},
        "entry_trait": of("entry"),
        "entry_order": of("entry_order"),
        "entry_dose": of("entry_dose"),
        "white_coat_mmhg": 5.0 + 6.0 * ndtri(of("coat")),
    }
    return {k: np.asarray(v, dtype=np.float64) for k, v in chart.items()}


def _parameters(u: Array, chart: Mapping[str, Array]) -> dict[str, Array]:
    """Return the model's parameters of each person."""

    def spread(name: str, sd: float) -> Array:
        """Return a log-normal factor of mean 1."""
        return np.asarray(np.exp(sd * ndtri(u[:, _AT[name]]) - 0.5 * sd**2), dtype=np.float64)

    typical = typical_values()
    age, female, egfr = chart["age_years"], chart["female"], chart["egfr0"]
    sbp, dbp = chart["untreated_sbp"], chart["untreated_dbp"]
    creatinine = creatinine_from_egfr(egfr, age, female)
    kappa, alpha = sex_constants(female)
    reflex = np.clip(1.0 - 0.008 * (age - 60.0), 0.5, 1.3)
    response = pressure_response(sbp)
    kidney = (egfr / 75.0) ** -0.305
    values: dict[str, Array] = {
        "MAP0": dbp + (sbp - dbp) / 3.0,
        "PP0": sbp - dbp,
        "HR0": np.clip(72.0 + 3.0 * (female - 0.5) + 9.0 * ndtri(u[:, _AT["rate"]]), 48.0, 105.0),
        "CO0": np.clip(5.1 - 0.5 * (female - 0.5) + 0.7 * ndtri(u[:, _AT["output"]]), 3.0, 8.5),
        "K0": np.clip(
            4.25 * (egfr / 75.0) ** -0.0429 + 0.30 * ndtri(u[:, _AT["potassium"]]), 3.4, 5.6
        ),
        "Na0": np.clip(140.0 + 1.8 * ndtri(u[:, _AT["sodium"]]), 134.0, 146.0),
        "eGFR0": egfr,
        "creatinine0": creatinine,
        "s0": np.log(creatinine / kappa),
        "alpha": alpha,
        "gh": typical["gh"] * reflex * spread("gh", 0.2),
        "gs": typical["gs"] * spread("gs", 0.2),
        "gr": typical["gr"] * reflex * spread("gr", 0.2),
        "R0": np.where(chart["low_renin"] > 0, 0.5, 1.17) * spread("renin", 0.4),
        "kK": kidney * spread("kK", 0.75),
        "hNa": spread("hNa", 0.9) * np.exp(0.02 * (age - 60.0)) * (1.0 + 0.5 * (female - 0.5)),
        # Old and failing kidneys have less in reserve: a project choice.
        "kD": (egfr / 75.0) ** -0.7 * np.exp(0.015 * (age - 60.0)),
        "pooling": 0.15 * spread("pooling", 0.6) * np.clip(1.0 + 0.025 * (age - 60.0), 0.5, 2.0),
    }
    for name in ("kP", "kV", "kS", "kA", "sigma"):
        values[name] = typical[name] * spread(name, 0.2)
    # The higher the pressure and the lower the renin, the more it rests on aldosterone's retention
    # of sodium: PATHWAY-2's finding in resistant hypertension (doi:10.1016/S2213-8587(18)30071-8).
    values["kA"] = values["kA"] * np.where(chart["low_renin"] > 0, 1.5, 0.85) * (sbp / 154.0) ** 1.5
    for name, sd in (("ccb", 0.55), ("thiazide", 0.6), ("beta_blocker", 0.45), ("mra", 0.45)):
        values[f"r_{name}"] = response * spread(name, sd)
    # ACE inhibitors and receptor blockers meet the same system: most of their response is shared.
    for name in ("acei", "arb"):
        values[f"r_{name}"] = response * spread("ras", 0.4) * spread(name, 0.25)
    return values


@lru_cache(maxsize=1)
def named_people() -> Patients:
    """Return ``person#001`` to ``person#030``, ten of each group, the same for ever."""
    u = np.random.default_rng(np.random.SeedSequence(_NAMED_KEY)).random((NAMED, len(COLUMNS)))
    wanted = [GROUPS[i // (NAMED // len(GROUPS))] for i in range(NAMED)]
    return _people(u, HYPERTENSIVE, wanted, lambda _, i: f"person#{i + 1:03d}")


def typical_person() -> Patients:
    """Return the typical person of the calibration: 154/97 mmHg, aged 60, all responses 1."""
    typical = typical_values()
    creatinine = float(creatinine_from_egfr(75.0, 60.0, 0.0))
    kappa, alpha = (float(value) for value in sex_constants(0.0))
    fixed = {
        "MAP0": 116.0, "PP0": 57.0, "HR0": 72.0, "CO0": 5.1, "K0": 4.3, "Na0": 140.0,
        "eGFR0": 75.0, "creatinine0": creatinine, "s0": np.log(creatinine / kappa),
        "alpha": alpha, "R0": 1.0, "kK": 1.0, "hNa": 1.0, "pooling": 0.15, "kD": 1.0,
    }  # fmt: skip
    row = {name: {**typical, **fixed}.get(name, 1.0) for name in Params._fields}
    covariates = {"age_years": 60.0, "female": 0.0, "weight_kg": 88.0, "egfr0": 75.0}
    return Patients(
        model=MODEL,
        names=("typical",),
        groups=(GROUPS[0],),
        params=np.array([[row[name] for name in Params._fields]]),
        covariates={k: np.array([v]) for k, v in covariates.items()},
    )
