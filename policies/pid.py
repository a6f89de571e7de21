"""PID control of the CGM reading, with published gains per patient or gains by rule."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from .rule import Array, Chart, Doses, DosingRule, Memory, Seen, within

# Gains by rule, as multiples of the prescribed basal per mg/dL: found by
# `dosegym.training.tune_pid` on virtual patients of the training stream.
RULE_KP, RULE_KI, RULE_KD = -0.00492, -7.49e-05, -0.284
SETPOINT_MG_DL = 120.0


@lru_cache(maxsize=1)
def published_gains() -> dict[str, tuple[float, float, float, float]]:
    """Return RL4BG's setpoint, kp, ki, kd by patient name (see the data file's header)."""
    text = resources.files("dosegym.policies.data").joinpath("pid_rl4bg.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        r["name"]: (float(r["setpoint"]), float(r["kp"]), float(r["ki"]), float(r["kd"]))
        for r in rows
    }


@dataclass
class Pid(DosingRule):
    """Insulin (U/min) = base + kp e + ki sum(e) + kd (e - e_before), never below zero.

    The error e is the setpoint minus the CGM reading, in mg/dL.

    Parameters
    ----------
    gains : str
        ``"rl4bg"``: the published gains of the named patients (Fox 2020; no base, the sum is never
        bounded); ``"rule"``: ``kp``, ``ki``, ``kd`` times the prescribed basal, which is the base,
        with the sum bounded; ``"auto"``: published where the lane's patient has them, else by rule.
    patient : str, optional
        Whose published gains to use when nobody says who is in which lane.
    kp, ki, kd : float
        Gains by rule, per mg/dL; a negative gain doses more the higher glucose is.
    windup_mg_dl_steps : float
        Bound of the error sum by rule, mg/dL x decisions.
    """

    gains: str = "auto"
    patient: str | None = None
    kp: float = RULE_KP
    ki: float = RULE_KI
    kd: float = RULE_KD
    windup_mg_dl_steps: float = 6000.0
    name: str = field(default="pid", init=False)
    _names: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("kp", "ki", "kd"):
            within(name, getattr(self, name), -100.0, 100.0)
        within("windup_mg_dl_steps", self.windup_mg_dl_steps, 0.0, 1e9)
        if self.gains not in ("auto", "rl4bg", "rule"):
            raise InputError(f"gains is {self.gains!r}; choose auto, rl4bg or rule")
        if self.patient is not None and self.patient not in published_gains():
            raise InputError(
                f"patient {self.patient!r} has no published PID gains; name one of the 30 or "
                "use gains='rule'"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """The rule's own settings."""
        keys = ("gains", "patient", "kp", "ki", "kd", "windup_mg_dl_steps")
        return {k: getattr(self, k) for k in keys}

    def meet(self, chart: Chart) -> None:
        """Learn the names, for the published gains."""
        self._names = tuple(chart.names)

    def remember(self, n: int) -> Memory:
        """Return the error sum and the previous error."""
        return {"sum": np.zeros(n), "before": np.full(n, np.nan)}

    def _published(self, n: int) -> tuple[Array, ...]:
        names = self._names or (self.patient,) * n
        if len(names) != n:
            raise InputError(
                f"the PID has met {len(names)} patients, the batch has {n} lanes; call "
                "meet(Chart(names, groups)) with those in it, or load the policy anew"
            )
        table = published_gains()
        none = (np.nan,) * 4
        if self.gains == "rule":
            return tuple(np.full((4, n), np.nan))
        missing = [x for x in names if x not in table]
        if self.gains == "rl4bg" and missing:
            raise InputError(f"patient {missing[0]!r} has no published PID gains; use gains='rule'")
        return tuple(np.array([table.get(str(x), none) for x in names]).T)

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return the rate as basal; no bolus."""
        setpoint, kp, ki, kd = self._published(len(seen.cgm))
        named = np.isfinite(kp)
        base = seen.basal_u_per_h / 60.0
        error = np.where(named, setpoint, SETPOINT_MG_DL) - seen.cgm
        total = memory["sum"] + error
        bound = self.windup_mg_dl_steps
        total = np.where(named, total, np.clip(total, -bound, bound))
        # Published runs start from a previous error of zero; the rule from no change.
        first = np.where(named, 0.0, error)
        change = error - np.where(np.isnan(memory["before"]), first, memory["before"])
        by_name = kp * error + ki * total + kd * change
        by_rule = base * (1.0 + self.kp * error + self.ki * total + self.kd * change)
        rate = np.maximum(np.where(named, by_name, by_rule), 0.0)
        return Doses(rate * 60.0, np.zeros_like(rate)), {"sum": total, "before": error}
