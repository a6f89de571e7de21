"""Counting low-glucose events by the consensus rules, for many patients at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..therapy.protocols import EPISODES

_GAP, _LOW, _NORMAL = 0, 1, 2


def count_episodes(
    glucose: NDArray[np.float64], minutes: NDArray[np.float64], threshold: float
) -> NDArray[np.int64]:
    """Count events below ``threshold`` in every column.

    An event begins with at least 15 consecutive minutes below the threshold and ends with at least
    15 consecutive minutes at or above it (Battelino 2023, doi 10.1016/S2213-8587(22)00319-9).
    A missing reading counts for neither side; missing time over 45 minutes ends an event, which is
    iglu's default and not part of the consensus.

    Parameters
    ----------
    glucose : array (T, B), mg/dL
        NaN where missing.
    minutes : array (T, B), min
        Time each sample stands for, missing ones included.
    threshold : float, mg/dL
        An event lies strictly below it.

    Returns
    -------
    array (B,), events
    """
    missing = np.isnan(glucose)
    state = np.where(missing, _GAP, np.where(glucose < threshold, _LOW, _NORMAL))
    patient, kind, duration = _runs(state.T, minutes.T)
    keep = (kind != _GAP) | (duration > EPISODES.gap_min)
    patient, kind, duration = _merge(patient[keep], kind[keep], duration[keep])
    begins = (kind == _LOW) & (duration >= EPISODES.begin_min)
    ends = (kind == _GAP) | ((kind == _NORMAL) & (duration >= EPISODES.end_min))
    decisive = begins | ends
    patient, begins = patient[decisive], begins[decisive]
    already_low = np.zeros(begins.size, bool)
    already_low[1:] = begins[:-1] & (patient[1:] == patient[:-1])
    return np.bincount(patient[begins & ~already_low], minlength=glucose.shape[1])


def _runs(
    state: NDArray[np.int64], minutes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Run-length encode (B, T): patient, kind and duration of each run, in order of time."""
    width = state.shape[1]
    flat = state.ravel()
    first = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]] | _row_starts(flat.size, width))
    return first // width, flat[first], np.add.reduceat(minutes.ravel(), first)


def _row_starts(size: int, width: int) -> NDArray[np.bool_]:
    """Mark the first sample of every patient, so that no run crosses from one to the next."""
    starts = np.zeros(size, bool)
    starts[::width] = True
    return starts


def _merge(
    patient: NDArray[np.int64], kind: NDArray[np.int64], duration: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Join neighbouring runs of one kind, which a short gap had split."""
    if patient.size == 0:
        return patient, kind, duration
    changed = (kind[1:] != kind[:-1]) | (patient[1:] != patient[:-1])
    first = np.flatnonzero(np.r_[True, changed])
    return patient[first], kind[first], np.add.reduceat(duration, first)
