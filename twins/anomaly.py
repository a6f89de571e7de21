"""Alarms: one per episode, from the weights of hypotheses, surprises and the record itself.

A monitor is fed after every interval. It opens an episode when the probability of a hypothesis
passes its threshold, and closes it when the probability has fallen; between the two nothing is
said again. Two general tests stand beside the hypotheses: the normalised innovation squared over
half an hour and an hour (chi-squared), and a two-sided CUSUM (Page, Biometrika 1954;41:100-15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .anomaly_features import weaker
from .anomaly_table import MEANINGS
from .anomaly_thresholds import THRESHOLDS, Threshold
from .bank import Bank, prior_weights
from .hypotheses import NAMES, rows_of
from .missed_bolus import evident_without_bolus, logged_without_bolus
from .stream_grid import STEP_S, Steps
from .weighing import LEARNT, weighings

Array = NDArray[np.float64]
SHORT, LONG = 6, 12  # intervals
CUSUM_SLACK, CUSUM_MOST = 0.5, 60.0
ALARM_NAMES = {"compression": "compression_low", "drift": "sensor_drift"}


@dataclass(frozen=True)
class Flag:
    """One alarm.

    Parameters
    ----------
    kind : str
        One of ``anomaly_table.MEANINGS``.
    time_s, since_s : float, seconds since 1970 UTC
        When it was raised, and when it seems to have begun.
    evidence : mapping of str to float
        ``probability`` and ``log10_bayes_factor`` of a hypothesis, ``chi2`` and ``cusum`` of the
        general tests, ``rise_mg_dl`` of a meal without insulin.
    """

    kind: str
    time_s: float
    since_s: float
    evidence: Mapping[str, float]

    @property
    def means(self) -> str:
        """What it says."""
        return MEANINGS[self.kind].means

    @property
    def what_to_do(self) -> str:
        """One plain sentence; never a dose."""
        return MEANINGS[self.kind].do

    def to_dict(self) -> dict[str, Any]:
        """Return the alarm in JSON."""
        return {**asdict(self), "evidence": dict(self.evidence), "what_to_do": self.what_to_do}


@dataclass(frozen=True)
class Episode:
    """What a monitor remembers of one kind of alarm; counts of intervals, -1 for never."""

    above: int = 0
    rising: int = -1
    open: bool = False
    last: int = -(10**6)


@dataclass(frozen=True)
class Monitor:
    """What has been watched so far of one person.

    Parameters
    ----------
    recent : tuple of float
        The last twelve normalised innovations; NaN without a reading.
    cusum : tuple of (float, float)
        Upwards and downwards.
    episodes : mapping of str to Episode
    changed : bool
        Insulin sensitivity has changed for days, and that was said.
    """

    recent: tuple[float, ...] = ()
    cusum: tuple[float, float] = (0.0, 0.0)
    episodes: Mapping[str, Episode] = field(default_factory=dict)
    changed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the monitor in JSON."""
        episodes = {k: asdict(v) for k, v in self.episodes.items()}
        return {
            "recent": list(self.recent),
            "cusum": list(self.cusum),
            "episodes": episodes,
            "changed": self.changed,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Monitor:
        """Return the monitor that ``to_dict`` described."""
        episodes = {k: Episode(**v) for k, v in data["episodes"].items()}
        up, down = data["cusum"]
        return cls(tuple(data["recent"]), (float(up), float(down)), episodes, data["changed"])


def watch(
    monitor: Monitor,
    bank: Bank,
    standard: float,
    features: Array,
    steps: Steps,
    k: int,
    number: int,
) -> tuple[Monitor, tuple[Flag, ...]]:
    """Return the monitor after one more interval, and the alarms that it raises.

    Parameters
    ----------
    monitor : Monitor
    bank : Bank
        One person's filters, after the interval.
    standard : float
        Normalised innovation; NaN without a reading.
    features : array (F,)
        What alarms look at (``anomaly_features``).
    steps : Steps
    k : int
        The interval's place in ``steps``.
    number : int
        The interval's number since 1970, which goes on where ``steps`` is cut.
    """
    monitor = _surprised(monitor, standard)
    probability = bank.probability()[0]
    flags: list[Flag] = []
    episodes = dict(monitor.episodes)
    for i, name in enumerate(NAMES):
        odds = float(probability[i])
        p = float(alarm_probability(name, features, np.array(odds)))
        alarm = ALARM_NAMES.get(name, name)
        episode, fires = follow(episodes.get(name, Episode()), p, number, THRESHOLDS[name])
        episodes[name] = episode
        if fires:
            since = steps.end_s(k) - STEP_S * (number - episode.rising + 1)
            if name == "meal":
                alarm = "missed_bolus" if evident_without_bolus(steps, k) else "unlogged_meal"
            flags.append(Flag(alarm, steps.end_s(k), since, _evidence(name, p, odds)))
    flags += _of_record(steps, k, number, episodes)
    busy = any(e.open for e in episodes.values())
    flags += _general(monitor, steps, k, number, episodes, busy)
    return replace(monitor, episodes=episodes), tuple(flags)


def follow(episode: Episode, p: float, number: int, threshold: Threshold) -> tuple[Episode, bool]:
    """Return an episode after one more interval, and whether it is time for an alarm."""
    above = episode.above + 1 if p >= threshold.opens else 0
    rising = episode.rising
    if p < threshold.opens / 4.0:
        rising = -1
    elif rising < 0:
        rising = number
    fires = above >= threshold.intervals and not episode.open
    is_open = (episode.open or fires) and p >= threshold.closes
    quiet = number - episode.last < threshold.quiet
    last = number if fires or episode.open else episode.last
    return Episode(above, rising, is_open, last), fires and not quiet


def alarm_probability(name: str, features: Array, hypothesis: Array) -> Array:
    """Return the probability (...) of a kind of fault from features (..., F).

    What was learnt on virtual people; where nothing was, the probability of the hypothesis itself,
    and for an illness that insulin acted less over twelve hours.
    """
    if name == "illness":
        return weaker(features)
    if name not in LEARNT:
        return hypothesis
    score = weighings()[name].score(features)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0))))


def _evidence(name: str, alarm: float, p: float) -> dict[str, float]:
    prior = float(sum(prior_weights()[1 + i] for i in rows_of(name)))
    odds = np.log10(max(p, 1e-12) / max(1.0 - p, 1e-12)) - np.log10(prior / (1.0 - prior))
    return {"probability": round(alarm, 6), "log10_bayes_factor": round(float(odds), 3)}


def _surprised(monitor: Monitor, standard: float) -> Monitor:
    recent = (*monitor.recent, float(standard))[-LONG:]
    if np.isnan(standard):
        return replace(monitor, recent=recent)
    s = float(np.clip(standard, -4.0, 4.0))
    up, down = monitor.cusum
    up = min(max(0.0, up + s - CUSUM_SLACK), CUSUM_MOST)
    down = min(max(0.0, down - s - CUSUM_SLACK), CUSUM_MOST)
    return replace(monitor, recent=recent, cusum=(up, down))


def surprise(monitor: Monitor) -> tuple[float, float, float]:
    """Return the p-values of the squared innovations over 6 and 12 intervals, and the CUSUM."""
    from scipy.stats import chi2

    out = []
    for n in (SHORT, LONG):
        last = np.array(monitor.recent[-n:])
        there = last[np.isfinite(last)]
        enough = len(there) >= n // 2
        out.append(float(chi2.sf(np.sum(there**2), len(there))) if enough else 1.0)
    return out[0], out[1], max(monitor.cusum)


def _general(
    monitor: Monitor, steps: Steps, k: int, number: int, episodes: dict[str, Episode], busy: bool
) -> list[Flag]:
    """Return the alarm of the general tests, unless a hypothesis explains the readings."""
    short, long, cusum = surprise(monitor)
    threshold = THRESHOLDS["unexplained"]
    strange = min(short, long) < 1.0 - threshold.opens or cusum > threshold.cusum
    episode, fires = follow(
        episodes.get("unexplained", Episode()), 1.0 if strange else 0.0, number,
        Threshold(0.5, 0.5, threshold.intervals),
    )  # fmt: skip
    episodes["unexplained"] = episode
    if not fires or busy:
        return []
    since = steps.end_s(k) - STEP_S * LONG
    values = {"p_6": short, "p_12": long, "cusum": round(cusum, 2)}
    return [Flag("unexplained", steps.end_s(k), since, values)]


def _of_record(steps: Steps, k: int, number: int, episodes: dict[str, Episode]) -> list[Flag]:
    """Return the alarm of a logged meal whose insulin is not in the record."""
    found = logged_without_bolus(steps, k)
    episode, fires = follow(
        episodes.get("record", Episode()), 0.0 if found is None else 1.0, number,
        Threshold(0.5, 0.5, 1),
    )  # fmt: skip
    episodes["record"] = episode
    if not fires or found is None:
        return []
    at, rise = found
    evidence = {"rise_mg_dl": round(rise, 1)}
    return [Flag("missed_bolus", steps.end_s(k), steps.end_s(at) - STEP_S, evidence)]
