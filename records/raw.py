"""What a reader hands to the cleaning: numbers with times, neither sorted nor judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ..physiology.errors import InputError
from .activity import Sample
from .delivery import Delivery
from .quality import Ledger
from .series import TherapySettings
from .values import GlucoseUnit


class Reading(NamedTuple):
    """One sensor value in the file's unit; NaN with a censoring where the file had a word."""

    time_s: float
    value: float
    censored: int = 0


class Event(NamedTuple):
    """Insulin (U) or carbohydrate (g) at a time; `insulin` is a place in `series.INSULINS`."""

    time_s: float
    amount: float
    insulin: int = 0


class Noted(NamedTuple):
    """A note of a diary at a time; `code` is a place in `diary.NOTED`."""

    time_s: float
    code: int


@dataclass(frozen=True)
class RawRecord:
    """One export as numbers.

    Parameters
    ----------
    source_format : str
    timezone : str
    glucose_unit : "mg/dL" or "mmol/L"
    glucose : sequence of Reading
    boluses, long_acting : sequence of Event, U
    meals : sequence of Event, g
    delivery : Delivery
    settings : TherapySettings
    ledger : Ledger
    notes : tuple of str
    subject : str or None
        A pseudonym stated in the file.
    person : frozenset of str
        Whatever tells persons apart (names, birth dates); compared in memory, kept nowhere.
    glucose_source : "sensor" or "finger"
        What `glucose` was measured by.
    fingers : sequence of Reading
        Finger sticks beside a sensor, in `glucose_unit`.
    diary : sequence of Noted
    activity : mapping of str to sequence of Sample
        By the names of ``dosegym.records.activity.CHANNELS``.
    """

    source_format: str
    timezone: str
    glucose_unit: GlucoseUnit
    glucose: Sequence[Reading] = ()
    boluses: Sequence[Event] = ()
    long_acting: Sequence[Event] = ()
    meals: Sequence[Event] = ()
    delivery: Delivery = field(default_factory=Delivery)
    settings: TherapySettings = field(default_factory=TherapySettings)
    ledger: Ledger = field(default_factory=Ledger)
    notes: tuple[str, ...] = ()
    subject: str | None = None
    person: frozenset[str] = frozenset()
    glucose_source: Literal["sensor", "finger"] = "sensor"
    fingers: Sequence[Reading] = ()
    diary: Sequence[Noted] = ()
    activity: Mapping[str, Sequence[Sample]] = field(default_factory=dict)

    def last_time(self) -> float:
        """Return the latest time of anything in the record; -inf where there is nothing."""
        columns = (self.glucose, self.boluses, self.meals, self.long_acting)
        return max((item[0] for column in columns for item in column), default=float("-inf"))


def combine(records: Sequence[RawRecord]) -> RawRecord:
    """Join several exports of one person; they may overlap.

    Raises
    ------
    InputError
        When formats, units, time zones or persons differ.
    """
    ordered = sorted(records, key=RawRecord.last_time)
    joined = ordered[0]
    for other in ordered[1:]:
        _require_same("format", joined.source_format, other.source_format)
        _require_same("glucose unit", joined.glucose_unit, other.glucose_unit)
        _require_same("timezone", joined.timezone, other.timezone)
        _require_same("glucose source", joined.glucose_source, other.glucose_source)
        if joined.person != other.person or joined.subject != other.subject:
            raise InputError(
                "record: the files of this folder name different persons; put one person's "
                "exports into a folder of their own"
            )
        joined.ledger.absorb(other.ledger)
        joined = replace(
            joined,
            glucose=(*joined.glucose, *other.glucose),
            boluses=(*joined.boluses, *other.boluses),
            long_acting=(*joined.long_acting, *other.long_acting),
            meals=(*joined.meals, *other.meals),
            fingers=(*joined.fingers, *other.fingers),
            diary=(*joined.diary, *other.diary),
            delivery=joined.delivery.joined(other.delivery),
            activity={
                name: (*joined.activity.get(name, ()), *other.activity.get(name, ()))
                for name in {**joined.activity, **other.activity}
            },
            settings=other.settings.filled_from(joined.settings),
            notes=tuple(dict.fromkeys((*joined.notes, *other.notes))),
        )
    return joined


def _require_same(what: str, one: str, other: str) -> None:
    if one != other:
        raise InputError(
            f"{what}: the files of this folder disagree ({one} and {other}); give one file, or "
            "files of one export"
        )
