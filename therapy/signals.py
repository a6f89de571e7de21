"""Per-patient numbers that constraints may speak of, by environment: units and possible ranges."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..physiology.quantity import Quantity

INSULIN: Final = "dosegym/Insulin-v0"
BLOOD_PRESSURE: Final = "dosegym/BloodPressure-v0"


def _share(name: str, doc: str) -> Quantity:
    return Quantity(name, "%", 0.0, 100.0, doc)


def _table(*signals: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({signal.name: signal for signal in signals})


_INSULIN = _table(
    Quantity("min_glucose", "mg/dL", 0.0, 1000.0, "lowest glucose of the horizon"),
    Quantity("max_glucose", "mg/dL", 0.0, 1000.0, "highest glucose of the horizon"),
    Quantity("mean_glucose", "mg/dL", 0.0, 1000.0, "time-weighted mean glucose"),
    _share("time_below_54", "time below 54 mg/dL"),
    _share("time_below_70", "time below 70 mg/dL"),
    _share("time_in_range", "time in the target range, 70-180 mg/dL"),
    _share("time_in_tight_range", "time in 70-140 mg/dL"),
    _share("time_above_180", "time above 180 mg/dL"),
    _share("time_above_250", "time above 250 mg/dL"),
    Quantity("gri", "1", 0.0, 100.0, "glycemia risk index"),
)

# A bound on a mean needs a range, the tighter the narrower: values beyond it count as its ends.
_BLOOD_PRESSURE = _table(
    Quantity("mean_sbp", "mmHg", 80.0, 220.0, "time-weighted mean systolic pressure"),
    Quantity("mean_dbp", "mmHg", 30.0, 140.0, "time-weighted mean diastolic pressure"),
    Quantity("lowest_sbp", "mmHg", 0.0, 300.0, "lowest systolic pressure of any day"),
    Quantity("lowest_heart_rate", "1/min", 0.0, 250.0, "lowest heart rate of any day"),
    Quantity("highest_potassium", "mmol/L", 1.0, 12.0, "highest serum potassium of any day"),
    Quantity("lowest_potassium", "mmol/L", 1.0, 12.0, "lowest serum potassium of any day"),
    Quantity("lowest_sodium", "mmol/L", 80.0, 190.0, "lowest serum sodium of any day"),
    Quantity("last_egfr_ratio", "1", 0.0, 5.0, "eGFR at the end over that at entry"),
    _share("time_in_target", "days below the target of both pressures"),
    _share("time_110_130", "time with systolic pressure from 110 to 130 mmHg"),
    _share("kidney_injury", "100 if creatinine reached 1.5 times its value before, else 0"),
    _share("electrolyte_event", "100 if an electrolyte event happened, else 0"),
    _share("serious_harm", "100 if any serious harm happened, else 0"),
    _share("contraindicated", "visits at which a contraindicated regimen was asked for"),
    _share("orthostatic", "visit intervals with an orthostatic fall"),
    Quantity(
        "hypotension_days",
        "%",
        0.0,
        20.0,
        "days with symptomatic hypotension; 20 if there are more",
    ),
)

#: Keys of the metrics of ``evaluation``, by environment id.
SIGNALS_OF: Final[Mapping[str, Mapping[str, Quantity]]] = MappingProxyType(
    {INSULIN: _INSULIN, BLOOD_PRESSURE: _BLOOD_PRESSURE}
)

#: Every signal by name; a name means the same in every environment.
SIGNALS: Final[Mapping[str, Quantity]] = MappingProxyType(
    {name: signal for table in SIGNALS_OF.values() for name, signal in table.items()}
)

#: What a noninferiority item compares with, by environment id.
COMPARATORS: Final[Mapping[str, str]] = MappingProxyType(
    {INSULIN: "current_regimen", BLOOD_PRESSURE: "guideline_care"}
)
