"""Numbers that constraints may speak of, by environment: units and possible ranges.

Of a whole horizon (``SIGNALS_OF``), one per patient; of every step of it (``TRACES_OF``), for
temporal formulas.
"""

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
    Quantity("lbgi", "1", 0.0, 100.0, "low blood glucose index"),
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

_INSULIN_TRACES = _table(
    Quantity("glucose", "mg/dL", 0.0, 1000.0, "glucose that the set's trace names"),
    Quantity("cgm", "mg/dL", 0.0, 1000.0, "what the sensor showed"),
    Quantity("basal", "U/h", 0.0, 1000.0, "basal rate set on the pump"),
    Quantity("bolus", "U", 0.0, 1000.0, "bolus given by the pump"),
    Quantity("iob", "U", -1000.0, 1000.0, "insulin on board above basal"),
    Quantity("carbs", "g", 0.0, 1000.0, "carbohydrate eaten in the step"),
    Quantity("iob_cap", "U", 0.0, 1000.0, "the patient's cap of insulin on board"),
    Quantity("usual_basal", "U/h", 0.0, 1000.0, "the patient's prescribed basal rate"),
    Quantity("pump_max_basal", "U/h", 0.0, 1000.0, "highest basal rate of the pump"),
    Quantity("pump_max_bolus", "U", 0.0, 1000.0, "largest bolus of the pump"),
)

# Of the interval between visits that ends at the sample, unless it says "at the visit".
_PRESSURE_TRACES = _table(
    Quantity("sbp", "mmHg", 0.0, 300.0, "systolic pressure at the visit"),
    Quantity("dbp", "mmHg", 0.0, 200.0, "diastolic pressure at the visit"),
    Quantity("heart_rate", "1/min", 0.0, 250.0, "heart rate at the visit"),
    Quantity("potassium", "mmol/L", 0.0, 15.0, "serum potassium at the visit"),
    Quantity("sodium", "mmol/L", 0.0, 200.0, "serum sodium at the visit"),
    Quantity("creatinine", "mg/dL", 0.0, 50.0, "serum creatinine at the visit"),
    Quantity("egfr", "mL/min/1.73m2", 0.0, 250.0, "filtration rate at the visit"),
    Quantity("lowest_sbp", "mmHg", 0.0, 300.0, "lowest systolic pressure of any day"),
    Quantity("lowest_heart_rate", "1/min", 0.0, 250.0, "lowest heart rate of any day"),
    Quantity("highest_potassium", "mmol/L", 0.0, 15.0, "highest potassium of any day"),
    Quantity("lowest_potassium", "mmol/L", 0.0, 15.0, "lowest potassium of any day"),
    Quantity("lowest_sodium", "mmol/L", 0.0, 200.0, "lowest sodium of any day"),
    Quantity("egfr_ratio", "1", 0.0, 5.0, "lowest eGFR of any day over that without drugs"),
    Quantity("hypotension", "d", 0.0, 400.0, "days with symptoms of low pressure"),
    Quantity("contraindicated", "1", 0.0, 1.0, "1 if a contraindicated regimen was asked for"),
    Quantity("n_drugs", "1", 0.0, 6.0, "drugs prescribed"),
    Quantity("interval", "d", 0.0, 400.0, "length of the interval"),
    Quantity("titration_gap", "d", 0.0, 4000.0, "days since the last change, if changed; or 4000"),
)

#: What temporal formulas may speak of, by environment id.
TRACES_OF: Final[Mapping[str, Mapping[str, Quantity]]] = MappingProxyType(
    {INSULIN: _INSULIN_TRACES, BLOOD_PRESSURE: _PRESSURE_TRACES}
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
