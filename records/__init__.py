"""DATA IN: readers of CGM and pump files into one typed, unit-carrying timeline."""

from .demo import demo_record
from .detect import FORMATS, read_record
from .grid import RecordGrid
from .quality import Account, Dropped
from .series import (
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
    "Account",
    "BasalIntervals",
    "Boluses",
    "DailySchedule",
    "Dropped",
    "GlucoseSeries",
    "Meals",
    "RecordGrid",
    "Sufficiency",
    "TherapySettings",
    "Timeline",
    "assess",
    "constant_schedule",
    "demo_record",
    "read_record",
    "record_text",
    "write_record",
]
