"""The figures of the calibration, by the names of ``data/pressure_targets.csv``."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .engine import engine_for
from .library import load_model
from .pharmacokinetics import TYPICAL, expose, load_kinetics, propagators, stack
from .pressure_people import MODEL, typical_person
from .pressure_scenarios import DOSES, FIVE, SLOPE_SBP, Responses

Array = NDArray[np.float64]

WALD = ("acei", "ccb", "thiazide", "beta_blocker")
# One tablet of each of the five classes; the standard dose of a linear drug may be called 1 mg.
TABLETS = ("lisinopril", "losartan", "amlodipine", "chlorthalidone", "bisoprolol")


def _pair(a: str, b: str) -> str:
    first, second = sorted((a, b), key=FIVE.index)
    return f"{first}+{second}"


def _mean(values: Iterable[Array]) -> Array:
    return np.asarray(np.mean(list(values), axis=0))


def steady_figures(r: Responses) -> dict[str, Array]:
    """Return every figure of a steady state, each (K,) for K sets of gains."""
    return {**_single(r), **_slopes(r), **_pairs(r), **_added(r), **_bodies(r), **_song(r)}


def _single(r: Responses) -> dict[str, Array]:
    return {
        f"law_{which}_{kind}_{dose}": r.fall(f"{kind}:{dose}", which)
        for which in ("sbp", "dbp")
        for kind in FIVE
        for dose in DOSES
    }


def _slopes(r: Responses) -> dict[str, Array]:
    """Return the change of the fall per 10 mmHg of the same untreated pressure."""
    low, high = (f"{s:g}" for s in SLOPE_SBP)
    return {
        f"law_slope_{which}": 10.0
        * _mean(r.fall(f"{c}@{high}", which) - r.fall(f"{c}@{low}", which) for c in FIVE)
        / (r.of(f"none:{high}", which) - r.of(f"none:{low}", which))
        for which in ("sbp", "dbp")
    }


def _pairs(r: Responses) -> dict[str, Array]:
    """Return how two drugs add, and what doubling does instead."""
    one = {c: r.fall(f"{c}:standard") for c in FIVE}
    two = {(a, b): r.fall(_pair(a, b)) for a in FIVE for b in FIVE if a != b}
    several = [(a, b) for a, b in two if a < b and {a, b} != {"acei", "arb"}]
    over = {a: _mean((two[a, b] - one[a]) / one[b] for b in WALD if b != a) for a in WALD}
    adding = _mean(two[a, b] - one[a] for a in WALD for b in WALD if a != b)
    doubling = _mean(r.fall(f"{c}:double") - one[c] for c in WALD)
    return {
        "law_two_drugs": _mean(two[a, b] / (one[a] + one[b]) for a, b in several),
        "wald_pairs": _mean(over.values()),
        **{f"wald_{a}": value for a, value in over.items()},
        "wald_doubling": doubling / adding,
    }


def _added(r: Responses) -> dict[str, Array]:
    """Return what a drug does on top of others."""
    found = {}
    for which in ("sbp", "dbp"):
        alone = 0.5 * (r.fall("acei:double", which) + r.fall("arb:double", which))
        found[f"ontarget_{which}"] = r.fall("ras", which) - alone
        found[f"add_on_ras_{which}"] = _mean(
            r.fall(_pair(c, "beta_blocker"), which) - r.fall(f"{c}:standard", which)
            for c in ("acei", "arb")
        )
    for c in ("ccb", "thiazide"):
        found[f"add_on_{c}_sbp"] = r.fall(_pair(c, "beta_blocker")) - r.fall(f"{c}:standard")
    acd, mra, bb = r.fall("acd"), ("acd+mra:1", "acd+mra:2"), ("acd+bb:0.5", "acd+bb:1")
    potassium = _mean(r.of(name, "potassium") for name in mra) - r.of("acd", "potassium")
    return {
        **found,
        "pathway_spironolactone": _mean(r.fall(name) for name in mra) - acd,
        "pathway_bisoprolol": _mean(r.fall(name) for name in bb) - acd,
        "pathway_potassium": potassium,
    }


def _bodies(r: Responses) -> dict[str, Array]:
    """Return laboratory values, heart rate, hormones, salt."""
    found = {f"potassium_thiazide_{d}": -r.fall(f"thiazide:{d}", "potassium") for d in DOSES}
    for name in ("acei", "beta_blocker"):
        found[f"potassium_{name}"] = -r.fall(f"{name}:standard", "potassium")
    found["heart_rate_beta_blocker"] = -r.fall("beta_blocker:standard", "heart_rate")
    for which in ("sbp", "dbp"):
        found[f"salt_{which}"] = r.fall("salt", which)
    found["renin_salt"] = r.ratio("salt", "renin")
    for label, output in (
        ("renin", "renin"),
        ("output", "cardiac_output"),
        ("volume", "volume"),
        ("creatinine", "creatinine"),
    ):
        for kind in (*FIVE, "mra"):
            found[f"{label}_{kind}"] = r.ratio(f"{kind}:standard", output)
    return found


def _song(r: Responses) -> dict[str, Array]:
    names = [name for name in r.chosen if name.startswith("song:")]
    labels = [name.removeprefix("song:").replace("+", "_") for name in names]
    labels[-1] = "three"
    return {f"song_{label}": r.fall(name) for label, name in zip(labels, names, strict=True)}


def course_figures(r: Responses) -> dict[str, Array]:
    """Return every figure of a time course, each (1,); shipped gains only."""
    at = list(r.chosen).index
    start = float(r.untreated("acei:standard", "sbp")[0])
    falls = start - r.course[:, [at(f"{c}:standard") for c in FIVE]]
    week = {w: falls[7 * w - 1].mean() for w in (1, 2, 3, 4)}
    acei = falls[:, 0]
    figures = {
        "half_effect": _half_time(falls),
        "half_effect_tablets": _half_time(_falls_on_tablets(len(falls))),
        **{f"week_{w}_over_4": week[w] / week[4] for w in (1, 2, 3)},
        "overshoot_acei": acei.max() / acei[-1] - 1.0,
    }
    return {name: np.array([value]) for name, value in figures.items()}


def _half_time(falls: Array) -> float:
    """Return weeks until the mean share (T, C) of the last fall is a half; rows are days' ends."""
    share = np.concatenate([[0.0], (falls / falls[-1]).mean(axis=1)])
    after = int(np.argmax(share >= 0.5))
    return float(np.interp(0.5, share[after - 1 : after + 1], (after - 1, after))) / 7.0


def _falls_on_tablets(days: int) -> Array:
    """Return the falls of SBP (T, 5), mmHg, of the typical person who takes a tablet every day."""
    model = load_model(MODEL)
    kinds = len(TABLETS)
    step = stack([propagators(load_kinetics(drug), TYPICAL, standard_mg=1.0) for drug in TABLETS])
    step = type(step)(*(np.repeat(part, kinds, axis=0) for part in step))
    p = np.repeat(typical_person().params, kinds, axis=0)
    u = np.zeros((days, len(model.inputs), kinds))
    taken = np.ones((kinds, days), dtype=np.uint8)
    expose(step, np.eye(kinds), taken, np.zeros((kinds, kinds, 4)), u)
    u[:, model.input_index["sodium_intake"]] = 1.0
    seen = np.empty((days, len(model.outputs), kinds))
    x = model.initial(p)
    before = model.output(x, model.basal_inputs(p), p)[:, model.output_index["sbp"]]
    engine_for(model).advance(x, p, u, seen=seen)
    return np.asarray(before - seen[:, model.output_index["sbp"]])
