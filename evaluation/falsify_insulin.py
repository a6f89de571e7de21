"""What a falsifier may vary in ``dosegym/Insulin-v0``: bodies, meals, counting, sensor, start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..envs.insulin_start import START_RANGE_MG_DL
from ..physiology.distribution import PRIMARY
from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.sampling import Population, load_sampler
from ..therapy.cohort import Cohort, cohort_of
from ..therapy.constraint import ConstraintSet
from ..therapy.prescription import Prescription
from ..therapy.protocols import LEVELS
from ..therapy.scenario import load_scenario
from ..therapy.sensor import load_sensor
from ..therapy.sensor_noise import CalibratedNoise, JohnsonNoise
from .falsify_space import (
    Array,
    Keywords,
    Knob,
    Space,
    item_margins,
    packed,
    scaled,
    unpacked,
)
from .scoring import COLUMNS
from .trajectory import Rollout

USUAL_MG_DL: Final = 140.0
LOW_MIN: Final = 15.0
"""An episode of low glucose lasts so long (consensus of 2017, doi:10.2337/dc17-1600)."""
HIGH_MG_DL: Final = 400.0
"""Highest reading that sensors show; that two hours above it are harm is a project choice."""
HIGH_MIN: Final = 120.0
_BODIES: Final = ("uva_padova_2008", "uva_padova_gains")
SEEN_MG_DL: Final = (10.0, 1000.0)
"""Beyond these a glucose counts as the nearer one: the body's equations mean nothing there."""
_USUAL: Final[Mapping[str, float]] = dict.fromkeys(
    ("min_glucose", "max_glucose", "mean_glucose"), USUAL_MG_DL
)

# A set that asks about these is searched for a lasting low, or a lasting high.
_LOWS: Final = ("min_glucose", "time_below_54", "time_below_70")
_HIGHS: Final = ("max_glucose", "mean_glucose", "time_above_250")

# Widths are project choices: what a bad fortnight may bring, not what is usual. That counting errs
# by 40 % either way: Deeb 2017 (10.1177/1932296816679850) finds SDs of about 20 %. A sensor 15
# mg/dL off is 10 % at 150 mg/dL, the mean error of present sensors.
_MEALS: Final = (
    Knob("carbs_scale", "1", 0.4, 1.0, 2.0),
    Knob("meal_shift_min", "min", -90.0, 0.0, 90.0),
)
_TOLD: Final = (
    Knob("missed_rate", "1", 0.0, 0.1, 0.6),
    Knob("counting_log_mean", "1", -0.5, -0.095, 0.5),
    Knob("counting_log_sd", "1", 0.0, 0.1945, 0.5),
)
_SENSOR: Final = (
    Knob("sensor_bias_mg_dl", "mg/dL", -15.0, 0.0, 15.0),
    Knob("sensor_noise_factor", "1", 0.5, 1.0, 2.0),
)
_START: Final = Knob("start_glucose", "mg/dL", START_RANGE_MG_DL[0], 140.0, START_RANGE_MG_DL[1])


@lru_cache(maxsize=1)
def _population() -> Population:
    return load_sampler("uva_padova_virtual")


def _knobs(kwargs: Keywords) -> tuple[Knob, ...]:
    scenario = load_scenario(kwargs.get("scenario", "unannounced"))
    sensor = load_sensor(kwargs.get("sensor", "breton_kovatchev"))
    errs = isinstance(sensor.noise, (JohnsonNoise, CalibratedNoise))
    told = [
        replace(knob, usual=min(max(getattr(scenario, knob.name), knob.low), knob.high))
        for knob in _TOLD
    ]
    return (
        *(_MEALS if scenario.slots else ()),
        *(told if scenario.announced else ()),
        *(_SENSOR if errs else ()),
        _START,
    )


def _plausible(places: Array, groups: Sequence[str]) -> NDArray[np.bool_]:
    return _population().people_at(places, groups)[1]


def _people(places: Array, groups: Sequence[str], names: Sequence[str], kwargs: Keywords) -> Cohort:
    people, _ = _population().people_at(places, groups)
    return cohort_of(_model(kwargs), replace(people, names=tuple(names)))


def _model(kwargs: Keywords) -> Any:
    body = kwargs.get("physiology", _BODIES[0])
    if body not in _BODIES:
        raise InputError(f"physiology is {body!r}; falsification knows {', '.join(_BODIES)}")
    gut = kwargs.get("gut", "published")
    return load_model(body) if gut == "published" else load_model(body, gut=gut)


def _keywords(kwargs: Keywords, knobs: Mapping[str, float]) -> dict[str, Any]:
    """Return one lane's keywords; without knobs they are the given ones."""
    changed = dict(kwargs)
    if not knobs:
        return changed
    asked = kwargs.get("scenario", "unannounced")
    scenario = dict(asked) if isinstance(asked, Mapping) else {"preset": asked}
    base = load_scenario(asked)
    scenario |= {k.name: knobs[k.name] for k in _TOLD if k.name in knobs}
    if "carbs_scale" in knobs:
        scenario["carbs_scale"] = base.carbs_scale * knobs["carbs_scale"]
        scenario["slots"] = [_shifted(asdict(s), knobs["meal_shift_min"]) for s in base.slots]
    changed["scenario"] = scenario
    if "sensor_bias_mg_dl" in knobs:
        changed["sensor"] = _sensor(kwargs.get("sensor", "breton_kovatchev"), knobs)
    changed["start_glucose"] = knobs["start_glucose"]
    return changed


def _shifted(slot: dict[str, Any], minutes: float) -> dict[str, Any]:
    moved = ("time_mean_min", "time_low_min", "time_high_min")
    return slot | {k: float(np.clip(slot[k] + minutes, 0.0, 1439.0)) for k in moved}


def _sensor(asked: Any, knobs: Mapping[str, float]) -> dict[str, Any]:
    """Return a sensor whose readings lie off by a bias and whose noise is larger or smaller."""
    bias, factor = knobs["sensor_bias_mg_dl"], knobs["sensor_noise_factor"]
    sensor = dict(asked) if isinstance(asked, Mapping) else {"preset": asked}
    noise = load_sensor(asked).noise
    if isinstance(noise, JohnsonNoise):
        # Both scaled, so that the factor leaves the mean error, which is about zero, where it is.
        return sensor | {"xi": noise.xi * factor + bias, "scale": noise.scale * factor}
    assert isinstance(noise, CalibratedNoise)
    level, *rest = noise.offset
    wider = {
        name: [*getattr(noise, name)[:2], getattr(noise, name)[2] * factor**2]
        for name in ("specific", "common")
    }
    return sensor | {"offset": [level + bias, *rest], **wider}


def _columns(rules: ConstraintSet) -> tuple[str, ...]:
    return (COLUMNS[rules.trace],)


def _margins(run: Rollout, rules: ConstraintSet) -> dict[str, Array]:
    """Return margins on a logarithmic scale, on which lows and highs weigh alike."""
    glucose = np.clip(run.series[COLUMNS[rules.trace]][1:].astype(np.float64), *SEEN_MG_DL)
    signals = {
        "min_glucose": glucose.min(axis=0),
        "max_glucose": glucose.max(axis=0),
        "mean_glucose": glucose.mean(axis=0),
    }
    lowest = _windows(glucose, LOW_MIN, run.step_min).max(axis=-1).min(axis=0)
    highest = _windows(glucose, HIGH_MIN, run.step_min).min(axis=-1).max(axis=0)
    asked = {getattr(item, "signal", "") for item in rules.items}
    found = item_margins(run, rules, signals, _USUAL, scale=np.log)
    if asked & set(_LOWS):
        found["low-54-for-15-min"] = scaled(lowest, LEVELS.very_low, USUAL_MG_DL, np.log)
    if asked & set(_HIGHS):
        found["high-400-for-2-h"] = scaled(highest, HIGH_MG_DL, USUAL_MG_DL, np.log)
    return found


def _windows(glucose: Array, minutes: float, step_min: float) -> Array:
    """Return every stretch of so many minutes, array (windows, B, readings)."""
    readings = min(int(np.ceil(minutes / step_min)) + 1, len(glucose))
    return sliding_window_view(glucose, readings, axis=0)


def _pack(cohort: Cohort) -> dict[str, Any]:
    return packed(cohort.patients) | {
        "therapy": {k: float(v[0]) for k, v in vars(cohort.therapy).items()}
    }


def _unpack(person: Mapping[str, Any], kwargs: Keywords) -> Cohort:
    therapy = Prescription(*(np.array([person["therapy"][f.name]]) for f in fields(Prescription)))
    return Cohort(unpacked(person), therapy)


SPACE: Final = Space(
    coordinates=tuple(PRIMARY),
    knobs=_knobs,
    plausible=_plausible,
    people=_people,
    keywords=_keywords,
    columns=_columns,
    margins=_margins,
    signals=tuple(dict.fromkeys((*_USUAL, *_LOWS, *_HIGHS))),
    pack=_pack,
    unpack=_unpack,
)
