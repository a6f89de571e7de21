"""The metrics of a blood-pressure evaluation: units, ranges and which way each improves."""

from __future__ import annotations

from typing import Final

from ..subject import Better, Metric

_ENDLESS: Final = float("inf")


def _share(name: str, better: Better, doc: str) -> Metric:
    return Metric(name, "%", better, 0.0, 100.0, doc)


def _pressure(name: str, doc: str, better: Better = "neither") -> Metric:
    return Metric(name, "mmHg", better, 0.0, 400.0, doc)


def _salt(name: str, better: Better, doc: str) -> Metric:
    return Metric(name, "mmol/L", better, 0.0, 200.0, doc)


def _intervals(name: str, what: str) -> Metric:
    return _share(name, "lower", f"visit intervals with {what} on any day")


METRICS: Final = (
    _share("time_in_target", "higher", "days with both pressures below the target (130/80 mmHg)"),
    _share("time_110_130", "higher", "time with systolic pressure from 110 to 130 mmHg"),
    _share("control_140_90", "higher", "100 if below 140/90 mmHg at the end, else 0"),
    _share("measured_control_140_90", "higher", "the same, as measured at the last visit"),
    _share("control_130_80", "higher", "100 if below 130/80 mmHg at the end, else 0"),
    _share("measured_control_130_80", "higher", "the same, as measured at the last visit"),
    _pressure("mean_sbp", "mean systolic pressure"),
    _pressure("mean_dbp", "mean diastolic pressure"),
    _pressure("last_sbp", "systolic pressure at the end"),
    _pressure("last_dbp", "diastolic pressure at the end"),
    _pressure("measured_last_sbp", "systolic pressure measured at the last attended visit"),
    _pressure("measured_last_dbp", "diastolic pressure measured at the last attended visit"),
    _pressure("lowest_sbp", "lowest systolic pressure of any day", "higher"),
    Metric("lowest_heart_rate", "1/min", "higher", 0.0, 250.0, "lowest heart rate of any day"),
    _intervals("sbp_below_100", "systolic pressure below 100 mmHg"),
    _intervals("potassium_high", "potassium above 5.5 mmol/L"),
    _intervals("potassium_low", "potassium below 3.5 mmol/L"),
    _intervals("egfr_drop", "eGFR 30 % below that at entry"),
    _intervals("bradycardia", "heart rate below 50/min"),
    _intervals("orthostatic", "a fall of 20 systolic or 10 diastolic on standing"),
    _share("contraindicated", "lower", "visits at which a contraindicated regimen was asked for"),
    _share("oedema", "lower", "visit intervals with ankle oedema"),
    _share("cough", "lower", "visit intervals with dry cough"),
    _share("other_symptoms", "lower", "visit intervals with another side effect"),
    _share("hypotension_days", "lower", "days with symptomatic hypotension"),
    Metric(
        "hypotension_per_year", "1/year", "lower", 0.0, _ENDLESS,
        "visit intervals with symptomatic hypotension",
    ),
    _salt("highest_potassium", "lower", "highest serum potassium of any day"),
    _salt("lowest_potassium", "higher", "lowest serum potassium of any day"),
    _salt("lowest_sodium", "higher", "lowest serum sodium of any day"),
    Metric("last_egfr_ratio", "1", "higher", 0.0, _ENDLESS, "eGFR at the end over that at entry"),
    Metric(
        "lowest_egfr_ratio", "1", "higher", 0.0, _ENDLESS,
        "lowest eGFR of any day over that without drugs",
    ),
    _share("kidney_injury", "lower", "100 if acute kidney injury happened, else 0"),
    _share("electrolyte_event", "lower", "100 if an electrolyte event happened, else 0"),
    _share("serious_harm", "lower", "100 if any serious harm happened, else 0"),
    Metric("n_drugs", "drugs", "lower", 0.0, 6.0, "drugs prescribed, mean over time"),
    Metric("last_n_drugs", "drugs", "lower", 0.0, 6.0, "drugs prescribed at the end"),
    Metric("standard_doses", "doses", "lower", 0.0, _ENDLESS, "standard doses, mean over time"),
    Metric("changes_per_year", "1/year", "neither", 0.0, _ENDLESS, "visits that changed a dose"),
    _share("visits_attended", "higher", "visits attended"),
    _share("adherence", "higher", "doses taken"),
    _share("shielded", "neither", "visits at which less or other was given than asked for"),
    Metric("mean_reward", "1", "higher", -_ENDLESS, _ENDLESS, "reward per visit"),
)  # fmt: skip
