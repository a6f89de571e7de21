"""DATA IN: readers of CGM, pump, blood-pressure and FHIR files into typed records with units."""

from .activity import CHANNELS, Activity
from .chart import Chart, Condition, Medication, Person, PressureRecord
from .consent import PURPOSES, permit_twin
from .deidentify import deidentified, new_key, read_key
from .demo import demo_pressure_record, demo_record
from .detect import FORMATS, read_people, read_record
from .diary import NOTED, Diary
from .genotype import GENES, GeneCall, Genotype
from .grid import RecordGrid
from .pressure_series import Labs, Pressures
from .pressure_sufficiency import PressureSufficiency, assess_pressure
from .quality import Account, Dropped, Rows
from .read_genotype import read_genotype
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
    "CHANNELS",
    "FORMATS",
    "GENES",
    "INSULINS",
    "NOTED",
    "PRESSURE_FORMATS",
    "PURPOSES",
    "Account",
    "Activity",
    "BasalIntervals",
    "Boluses",
    "Chart",
    "Condition",
    "DailySchedule",
    "Diary",
    "Dropped",
    "GeneCall",
    "Genotype",
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
    "deidentified",
    "demo_pressure_record",
    "demo_record",
    "kind_of_record",
    "new_key",
    "permit_twin",
    "read_genotype",
    "read_key",
    "read_people",
    "read_pressure",
    "read_record",
    "record_text",
    "write_record",
]
