"""Measured values into the units of the chart: UCUM codes that are understood, bounds that hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..physiology import units
from .limits import Limit

Convert = Callable[[float], float]


def _same(value: float) -> float:
    return value


def _times(factor: float) -> Convert:
    return lambda value: value * factor


_PRESSURE = {"mm[hg]": _same, "mmhg": _same, "kpa": _times(units.MMHG_PER_KPA)}
_MOLAR = {"mmol/l": _same, "meq/l": _same}  # one charge each: sodium and potassium
_CHOLESTEROL = {"mg/dl": _same, "mmol/l": _times(1.0 / units.MMOL_L_PER_MG_DL_CHOLESTEROL)}
_RATE = {"/min": _same, "{beats}/min": _same, "beats/min": _same, "bpm": _same, "1/min": _same}
_FILTRATION: Final[dict[str, Convert]] = dict.fromkeys(
    (
        "ml/min/{1.73_m2}",
        "ml/min/1.73.m2",
        "ml/min/1.73m2",
        "ml/min/{1.73m2}",
        "ml/min/1.73 m2",
        "ml/min/1.73_m2",
        "ml/min/1.73.m^2",
        "ml/min/{1.73}m2",
    ),
    _same,
)

_BY_QUANTITY: Final[dict[str, Mapping[str, Convert]]] = {
    "pressure": _PRESSURE,
    "heart_rate": _RATE,
    "potassium": _MOLAR,
    "sodium": _MOLAR,
    "creatinine": {
        "mg/dl": _same,
        "umol/l": _times(units.MG_DL_PER_UMOL_L_CREATININE),
        "µmol/l": _times(units.MG_DL_PER_UMOL_L_CREATININE),
    },
    "egfr": _FILTRATION,
    "hba1c": {"%": _same, "mmol/mol": units.hba1c_percent},
    "total_cholesterol": _CHOLESTEROL,
    "hdl": _CHOLESTEROL,
    "ldl": _CHOLESTEROL,
    "triglycerides": {"mg/dl": _same, "mmol/l": _times(units.MG_DL_PER_MMOL_L_TRIGLYCERIDES)},
    "uacr": {
        "mg/g": _same,
        "mg/g{creat}": _same,
        "ug/mg": _same,
        "mg/mmol": _times(units.MG_G_PER_MG_MMOL_CREATININE),
    },
    "weight": {
        "kg": _same,
        "g": _times(1e-3),
        "[lb_av]": _times(units.KG_PER_LB),
        "[stone_av]": _times(14.0 * units.KG_PER_LB),
    },
    "height": {
        "cm": _same,
        "m": _times(100.0),
        "[in_i]": _times(units.CM_PER_INCH),
        "[ft_i]": _times(12.0 * units.CM_PER_INCH),
    },
    "bmi": {"kg/m2": _same, "kg/m^2": _same},
}
UNITS: Final[Mapping[str, Mapping[str, Convert]]] = MappingProxyType(_BY_QUANTITY)

_FAULT = "ours: beyond it a typing or unit error, not a living adult"
LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "sbp": Limit(50, 320, "mmHg", _FAULT),
        "dbp": Limit(20, 220, "mmHg", _FAULT),
        "heart_rate": Limit(20, 250, "1/min", _FAULT),
        "potassium": Limit(1.5, 10, "mmol/L", _FAULT),
        "sodium": Limit(95, 200, "mmol/L", _FAULT),
        "creatinine": Limit(0.1, 25, "mg/dL", _FAULT),
        "egfr": Limit(1, 220, "mL/min/1.73 m2", _FAULT),
        "hba1c": Limit(2.5, 25, "%", _FAULT),
        "total_cholesterol": Limit(30, 1000, "mg/dL", _FAULT),
        "hdl": Limit(3, 200, "mg/dL", _FAULT),
        "ldl": Limit(3, 900, "mg/dL", _FAULT),
        "triglycerides": Limit(10, 10_000, "mg/dL", _FAULT),
        "uacr": Limit(0, 30_000, "mg/g", _FAULT),
        "weight": Limit(2, 400, "kg", _FAULT),
        "height": Limit(40, 250, "cm", _FAULT),
        "bmi": Limit(8, 120, "kg/m2", _FAULT),
    }
)


def in_chart_unit(quantity: str, value: float | None, unit: str) -> tuple[float, str]:
    """Convert a value into the chart's unit and judge it.

    Parameters
    ----------
    quantity : str
        A name of ``LIMITS``.
    value : float or None
    unit : str
        UCUM code or printed unit.

    Returns
    -------
    (value, why)
        `why` is empty where the value is good, else the reason to leave it out.
    """
    if value is None:
        return 0.0, "no number"
    table = UNITS["pressure" if quantity in {"sbp", "dbp"} else quantity]
    convert = table.get(unit.replace(" ", "").lower(), table.get(unit.lower()))
    if convert is None:
        return 0.0, f"the unit is {unit[:24]!r}" if unit else "no unit"
    converted = convert(value)
    limit = LIMITS[quantity]
    if not limit.holds(converted):
        return converted, f"outside {limit}"
    return converted, ""
