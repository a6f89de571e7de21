"""What a follower tells of an update, and the twin as it is after it."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, replace

import numpy as np

from ..records.timeline import Timeline
from .anomaly import Flag
from .drift import insulin_action
from .ensemble_kalman import STEPS_A_DAY
from .noise import Noise
from .posterior import Posterior
from .stream_grid import STEP_S
from .stream_state import Following
from .twin import Twin


@dataclass(frozen=True)
class Update:
    """What a poll changed.

    Parameters
    ----------
    version : int
    sha256 : str
        Of the twin as it is now.
    time_s : float
        End of what was taken in, seconds since 1970 UTC.
    intervals : int
        Taken in for the first time.
    rewound : int
        Taken in anew, since something in them had changed.
    glucose, low, high : float, mg/dL
        Of the body now, and where 90 % of members are.
    action_percent : float
        Insulin action now over that of the first fit.
    twin_age_days : float
        Since the last nightly fit, or the first one.
    flags : tuple of Flag
        Alarms that were not given before.
    notes : tuple of str
    """

    version: int
    sha256: str
    time_s: float
    intervals: int
    rewound: int
    glucose: float
    low: float
    high: float
    action_percent: float
    twin_age_days: float
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]


def twin_now(state: Following) -> Twin:
    """Return the twin of a state: the last fit with the ensemble as its posterior."""
    base, main = state.twins[state.now.twin], state.now.bank.main
    assert base.posterior is not None
    z, noise = main.z[0].copy(), main.noise[0].copy()
    end_s = STEP_S * (state.now.number + 1)
    steps = state.steps
    minute = float(steps.minute_of_day[-1]) if len(steps) else end_s / 60.0 % 1440.0
    spread = np.tile(astuple(base.variation), (len(z), 1))
    diagnostics = {"method": "ensemble_kalman", "draws": len(z)}
    present = main.present(0, end_s, minute)
    sigma, rho = noise.mean(axis=0).tolist()
    return replace(
        base, z=z.mean(axis=0), covariance=np.cov(z.T), noise=Noise(sigma, rho), end_s=end_s,
        posterior=Posterior(z, noise, spread, present, diagnostics),
        settings={**base.settings, "end_minute": minute},
    )  # fmt: skip


def line_of(state: Following, record: Timeline, new: int, again: int) -> str:
    """Return the line of the history for an update."""
    twin = twin_now(state)
    return json.dumps(
        {
            "version": state.version,
            "sha256": twin.sha256,
            "fit": state.now.twin,
            "end_s": twin.end_s,
            "intervals": new,
            "rewound": again,
            "record_sha256": record.source_sha256,
        },
        sort_keys=True,
    )


def update_of(
    state: Following, new: int, again: int, flags: tuple[Flag, ...], notes: tuple[str, ...]
) -> Update:
    """Return the update that has led to a state.

    Parameters
    ----------
    new, again : int
        Intervals taken in for the first time, and anew.
    """
    bank = state.now.bank
    glucose = bank.main.glucose(bank.main.params())[0]
    low, high = np.quantile(glucose, [0.05, 0.95]).tolist()
    daily = [total / n for _, total, n in state.now.daily if n >= STEPS_A_DAY // 2]
    first = daily[0] if daily else insulin_action(bank)
    action = 100.0 * float(np.exp(insulin_action(bank) - first))
    time_s = STEP_S * (state.now.number + 1)
    age = (time_s - state.twins[state.now.twin].end_s) / 86400.0
    return Update(
        state.version, json.loads(state.lines[-1])["sha256"], time_s, new, again,
        float(glucose.mean()), low, high, action, age, flags, notes,
    )  # fmt: skip
