"""What a wearable tells of a person's day: heart rate, steps and sleep as typed channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from ..physiology.errors import InputError
from .clock import plausible_time, utc_text
from .limits import Limit
from .quality import Ledger
from .series import Floats, freeze_columns, require_sorted

CHANNELS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "heart_rate": Limit(20, 250, "1/min", "ours: as for heart rates of a chart"),
        "steps": Limit(0, 100_000, "steps", "ours: more in one sample is a typing error"),
        "sleep": Limit(0, 1, "asleep", "a share: 1 asleep, 0 awake"),
    }
)
"""Channel to its bounds and unit; steps are those of the whole interval."""
LONGEST_S: Final = 2 * 86400.0
"""Ours: a longer sample is a forgotten one."""


class Sample(NamedTuple):
    """One value over an interval; `end_s` equals `start_s` where it is of a moment."""

    start_s: float
    end_s: float
    value: float


@dataclass(frozen=True, eq=False)
class Activity:
    """One channel of a wearable.

    Parameters
    ----------
    start_s, end_s : array (n,), seconds since 1970 UTC
        The interval that a value is of; both equal for a value of one moment.
    value : array (n,)
        In the unit of ``CHANNELS``: heart rate 1/min, steps in the interval, sleep 1 or 0.
    """

    start_s: Floats
    end_s: Floats
    value: Floats

    def __post_init__(self) -> None:
        freeze_columns(self, {"start_s": float, "end_s": float, "value": float})
        require_sorted(self.start_s, "activity")
        if np.any(self.end_s < self.start_s):
            raise InputError("activity: an interval ends before it begins; swap its times")

    def __len__(self) -> int:
        return int(self.start_s.size)

    def between(self, start_s: float, end_s: float) -> Activity:
        """Return the samples with ``start_s <= start < end_s``."""
        low, high = np.searchsorted(self.start_s, [start_s, end_s])
        return Activity(self.start_s[low:high], self.end_s[low:high], self.value[low:high])


def activities(
    found: Mapping[str, Iterable[Sample]], near: tuple[float, float], ledger: Ledger
) -> Mapping[str, Activity]:
    """Judge, sort and freeze the samples of each channel.

    Parameters
    ----------
    found : mapping of str to samples
        By the names of ``CHANNELS``.
    near : (float, float), seconds since 1970 UTC
        Samples that begin outside are left out by name.
    ledger : Ledger

    Returns
    -------
    mapping of str to Activity
        Channels that hold anything.

    Raises
    ------
    InputError
        When a channel is none of ``CHANNELS``.
    """
    channels = {}
    for name, samples in found.items():
        if name not in CHANNELS:
            raise InputError(f"activity: {name[:20]!r} is no channel; use {', '.join(CHANNELS)}")
        kept: set[Sample] = set()
        for sample in samples:
            why = _fault(sample, CHANNELS[name], near)
            rounded = Sample(round(sample[0], 3), round(sample[1], 3), float(sample[2]))
            if not why and rounded in kept:
                why = "exact duplicate (overlapping export)"
            if why:
                at = sample.start_s
                ledger.drop(name, why, utc_text(at) if plausible_time(at) else "no time")
            else:
                kept.add(rounded)
        if kept:
            table = np.array(sorted(kept), dtype=float).reshape(-1, 3)
            channels[name] = Activity(table[:, 0], table[:, 1], table[:, 2])
    return MappingProxyType(channels)


def _fault(sample: Sample, limit: Limit, near: tuple[float, float]) -> str:
    """Return why a sample cannot stand, or an empty text."""
    if not (plausible_time(sample.start_s) and plausible_time(sample.end_s)):
        return "time outside 1900 to 2200"
    if not 0 <= sample.end_s - sample.start_s <= LONGEST_S:
        return f"it ends before it begins, or after more than {LONGEST_S / 86400:g} days"
    if not limit.holds(sample.value):
        return f"outside {limit}"
    if not near[0] <= sample.start_s <= near[1]:
        return "more than 2 days away from any glucose reading"
    return ""
