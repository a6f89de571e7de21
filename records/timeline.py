"""The timeline: one person's record as typed columns, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ..physiology.errors import InputError
from . import clock
from .activity import Activity
from .diary import Diary
from .grid import RecordGrid, lay_on_grid
from .quality import Account, Dropped, Rows
from .series import BasalIntervals, Boluses, Floats, GlucoseSeries, Meals, TherapySettings


@dataclass(frozen=True, eq=False)
class Timeline:
    """One person's record.

    Parameters
    ----------
    subject : str
        A pseudonym; never a name.
    source_format : str
        The reader that read it, such as ``nightscout``.
    source_sha256 : str
        Of the file; of several files, of their sorted hashes.
    timezone : str
        An IANA name, or a fixed offset such as ``UTC+03:00``.
    glucose : GlucoseSeries, mg/dL
        The sensor's readings; finger sticks where no sensor was worn (see `glucose_source`).
    basal : BasalIntervals or None, U/h
        None where neither a delivery log nor a schedule is known.
    boluses : Boluses, U
        Rapid-acting and regular insulin only.
    meals : Meals, g
    settings : TherapySettings
        In force at the end of the record.
    dropped : tuple of Dropped
        Everything left out, by reason.
    long_acting : Boluses, U
        Injections of intermediate- and long-acting insulin.
    accounts : tuple of Account
        Values seen and kept, by kind.
    notes : tuple of str
        What the reader had to assume, one sentence each.
    glucose_source : "sensor" or "finger"
        What `glucose` was measured by.
    finger_sticks : GlucoseSeries, mg/dL
        All finger sticks; the same as `glucose` where that is made of them.
    diary : Diary
        Meals without grams, exercise, symptoms.
    rows : Rows
        What became of every row of the files.
    activity : mapping of str to Activity
        Heart rate (1/min), steps and sleep of a wearable, by the names of
        ``dosegym.records.activity.CHANNELS``; only channels that hold anything.
    consent : str
        Under which consent it was read: one sentence, without any name.
    consent_id : str
        Which consent document that was (see docs/explanation/consent-and-privacy.md); empty for
        none.
    """

    subject: str
    source_format: str
    source_sha256: str
    timezone: str
    glucose: GlucoseSeries
    basal: BasalIntervals | None
    boluses: Boluses
    meals: Meals
    settings: TherapySettings
    dropped: tuple[Dropped, ...] = ()
    long_acting: Boluses = field(default_factory=lambda: Boluses(np.zeros(0), np.zeros(0)))
    accounts: tuple[Account, ...] = ()
    notes: tuple[str, ...] = ()
    glucose_source: Literal["sensor", "finger"] = "sensor"
    finger_sticks: GlucoseSeries = field(
        default_factory=lambda: GlucoseSeries(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int8))
    )
    diary: Diary = field(default_factory=Diary)
    rows: Rows = field(default_factory=Rows)
    activity: Mapping[str, Activity] = field(default_factory=dict)
    consent: str = ""
    consent_id: str = ""

    def local_minute_of_day(self, time_s: ArrayLike) -> Floats:
        """Return the minute of the person's own day, in [0, 1440).

        Parameters
        ----------
        time_s : array (n,), seconds since 1970 UTC

        Returns
        -------
        array (n,), min
        """
        return clock.local_minute(time_s, clock.zone_of(self.timezone))

    @property
    def sampling_interval_s(self) -> float:
        """Typical time between two readings, s; 300 where fewer than two exist."""
        gaps = np.diff(self.glucose.time_s)
        return float(np.median(gaps)) if gaps.size else 300.0

    @property
    def span_days(self) -> float:
        """Return the days of glucose: first to last reading, the last one's interval included."""
        if len(self.glucose) == 0:
            return 0.0
        length = self.glucose.time_s[-1] - self.glucose.time_s[0]
        return float((length + self.sampling_interval_s) / 86400.0)

    def window(self, start_s: float, end_s: float) -> Timeline:
        """Return the part with ``start_s <= time < end_s``; basal intervals are cut to it.

        Parameters
        ----------
        start_s, end_s : float, seconds since 1970 UTC

        Raises
        ------
        InputError
            When the window is empty.
        """
        if not end_s > start_s:
            raise InputError(f"window: its end {end_s} is not after its start {start_s}")
        return replace(
            self,
            glucose=self.glucose.between(start_s, end_s),
            basal=None if self.basal is None else self.basal.between(start_s, end_s),
            boluses=self.boluses.between(start_s, end_s),
            meals=self.meals.between(start_s, end_s),
            long_acting=self.long_acting.between(start_s, end_s),
            finger_sticks=self.finger_sticks.between(start_s, end_s),
            diary=self.diary.between(start_s, end_s),
            activity={name: one.between(start_s, end_s) for name, one in self.activity.items()},
        )

    def on_grid(self, start_s: float, n: int, step_min: float) -> RecordGrid:
        """Lay the record on `n` equal steps.

        Parameters
        ----------
        start_s : float, seconds since 1970 UTC
        n : int
        step_min : float, min

        Returns
        -------
        RecordGrid
            Columns of shape (n,); see there for units.
        """
        return lay_on_grid(self.glucose, self.basal, self.boluses, self.meals, start_s, n, step_min)
