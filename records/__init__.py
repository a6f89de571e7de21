"""DATA IN: readers of CGM, pump, blood-pressure and FHIR files into typed records with units."""

from .chart import Chart, Condition, Medication, Person, PressureRecord
from .demo import demo_pressure_record, demo_record
from .detect import FORMATS, read_people, read_record
from .diary import NOTED, Diary
from .grid import RecordGrid
from .pressure_series import Labs, Pressures
from .pressure_sufficiency import PressureSufficiency, assess_pressure
from .quality import Account, Dropped, Rows
from .read_pressure import PRESSURE_FORMATS, kind_of_record, read_pressure
from .series import (
    INSULINS,
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
    constant_schedule,
)
from .sufficiency import Sufficiency, assess
from .timeline import Timeline
from .write import record_text, write_record

__all__ = [
    "FORMATS",
    "INSULINS",
    "NOTED",
    "PRESSURE_FORMATS",
    "Account",
    "BasalIntervals",
    "Boluses",
    "Chart",
    "Condition",
    "DailySchedule",
    "Diary",
    "Dropped",
    "GlucoseSeries",
    "Labs",
    "Meals",
    "Medication",
    "Person",
    "PressureRecord",
    "PressureSufficiency",
    "Pressures",
    "RecordGrid",
    "Rows",
    "Sufficiency",
    "TherapySettings",
    "Timeline",
    "assess",
    "assess_pressure",
    "constant_schedule",
    "demo_pressure_record",
    "demo_record",
    "kind_of_record",
    "read_people",
    "read_pressure",
    "read_record",
    "record_text",
    "write_record",
]
