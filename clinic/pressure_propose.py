"""A policy's next step for a person: what it asks, what the rules let pass, in tablets a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.blood_pressure_orders import INTERVALS
from ..physiology.errors import InputError
from ..records.chart import Chart
from ..therapy.contraindication import RULES, Screen, make_chart
from ..therapy.contraindication import Chart as RuleChart
from ..therapy.formulary import CLASSES, DRUGS, Formulary, load_formulary
from ..therapy.pressure_protocols import LABS
from ..twins.pressure_seen import PressureSeen
from .pressure_observation import Shown

Array = NDArray[np.float64]
Levels = NDArray[np.int64]

ENV_ID: Final = "dosegym/BloodPressure-v0"
VISIT_DAYS: Final = 28
# Other drugs that must not meet a raised dose of these classes (labels of the latter).
INTERACTIONS: Final = (
    ("lithium", ("acei", "arb", "thiazide"), "lithium may reach toxic levels"),
    ("potassium", ("acei", "arb", "mra"), "potassium may rise dangerously"),
    ("potassium_sparing", ("acei", "arb", "mra"), "potassium may rise dangerously"),
    ("trimethoprim", ("acei", "arb", "mra"), "potassium may rise dangerously"),
)


@dataclass(frozen=True)
class Proposal:
    """One step of a policy.

    Parameters
    ----------
    formulary : Formulary
        The person's drugs; the policy's in classes that the person does not take.
    now, asked, applied : int array (6,)
        Levels of the current regimen (the nearest), of what the policy asks, of what may be given.
    mg_now, mg : array (6,)
        Daily doses now and proposed.
    rules : tuple of str
        Why something asked is not given.
    visit_days : int
        When the policy wants to see the person again.
    """

    formulary: Formulary
    now: Levels
    asked: Levels
    applied: Levels
    mg_now: Array
    mg: Array
    rules: tuple[str, ...]
    visit_days: int

    @property
    def raised(self) -> tuple[str, ...]:
        """Classes started or raised."""
        return tuple(k for i, k in enumerate(CLASSES) if self.mg[i] > self.mg_now[i])

    @property
    def changed(self) -> tuple[str, ...]:
        """Classes whose dose differs from now."""
        return tuple(k for i, k in enumerate(CLASSES) if self.mg[i] != self.mg_now[i])

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each drug taken now or proposed: class, drug, mg now, mg, change."""
        return [
            {
                "class": kind,
                "drug": self.formulary.drugs[i],
                "now_mg": float(self.mg_now[i]),
                "mg": float(self.mg[i]),
                "change": _change(float(self.mg_now[i]), float(self.mg[i])),
            }
            for i, kind in enumerate(CLASSES)
            if self.mg_now[i] > 0.0 or self.mg[i] > 0.0
        ]

    def labs_due(self) -> tuple[float, float] | None:
        """Return the days between which blood is to be drawn for what changed; None for nothing."""
        if not set(self.changed) & set(LABS.classes):
            return None
        return LABS.first_days, LABS.latest_days


def _change(before: float, after: float) -> str:
    if before == after:
        return "unchanged"
    if before == 0.0:
        return "start"
    if after == 0.0:
        return "stop"
    return f"{'raise' if after > before else 'lower'} x {after / before:g}"


def policy_formulary(policy: Any) -> Formulary:
    """Return the drugs that a policy's levels mean.

    Raises
    ------
    InputError
        If the policy is not one for blood pressure.
    """
    env_id = _env_id(policy)
    if env_id != ENV_ID:
        raise InputError(
            f"policy is for {env_id}, the record is of blood pressure; choose one such as "
            "acc_aha_2025"
        )
    return load_formulary(dict(policy.wants).get("formulary", "default"))


def _env_id(policy: Any) -> str:
    card = dict(getattr(policy, "card", {}))
    stated = getattr(policy, "env_id", None) or card.get("env_id") or card.get("environment")
    return str(stated or "dosegym/Insulin-v0")


def propose(policy: Any, shown: Shown, seen: PressureSeen, chart: Chart) -> Proposal:
    """Return a policy's next step.

    Parameters
    ----------
    policy : object
        With SB3's ``predict``; it is shown the visits in turn, so that it remembers them.
    shown : Shown
    seen : PressureSeen
        With the person's formulary.
    chart : Chart
        Of the record's end, for the contraindications.

    Raises
    ------
    InputError
        If the policy's answer is no regimen.
    """
    answer, state = None, None
    for i, observation in enumerate(shown.observations):
        begin = np.array([i == 0])
        answer, state = policy.predict(observation[None], state, begin, True)
    own = seen.doses.formulary
    now = np.array(
        [own.nearest_level(i, mg / DRUGS[own.drugs[i]].standard_mg)
         for i, mg in enumerate(seen.doses.now)]
    )  # fmt: skip
    asked = _levels(policy, np.asarray(answer)[0], now, seen.doses, own)
    applied, rule = Screen(own).enforce(now[None], asked[None], rule_chart(chart, seen))
    mg = np.where(applied[0] == now, seen.doses.now, own.mg_of(applied[0]))
    texts = tuple(RULES[int(r)].text for r in dict.fromkeys(rule[0].tolist()) if r >= 0)
    days = _visit_days(policy, np.asarray(answer)[0])
    return Proposal(own, now, asked, applied[0], seen.doses.now, mg, texts, days)


def _levels(policy: Any, answer: Array, now: Levels, doses: Any, own: Formulary) -> Levels:
    """Return the levels asked for in the person's formulary."""
    theirs = policy_formulary(policy)
    if answer.shape[-1] < len(CLASSES):
        raise InputError(f"policy answered {answer!r}; a regimen has {len(CLASSES)} levels")
    asked = np.asarray(answer[: len(CLASSES)])
    if dict(policy.wants).get("action", "levels") == "box":
        top = np.array(theirs.levels) - 1
        asked = np.rint(0.5 * (np.clip(asked, -1.0, 1.0) + 1.0) * top)
    found = []
    for i, level in enumerate(np.asarray(asked, dtype=np.int64)):
        if not 0 <= level < theirs.levels[i]:
            raise InputError(
                f"policy asks for level {level} of {CLASSES[i]}; it has {theirs.levels[i]} levels"
            )
        found.append(own.nearest_level(i, float(theirs.standard[i, level])))
    return np.array(found)


def interval_of(policy: Any) -> float:
    """Return the days between the visits that a policy is made for."""
    wanted = dict(policy.wants).get("interval_days", VISIT_DAYS)
    return float(VISIT_DAYS if wanted == "chosen" else wanted)


def _visit_days(policy: Any, answer: Array) -> int:
    """Return when a policy wants to see the person again: its own interval, or the one it chose."""
    wanted = dict(policy.wants).get("interval_days", VISIT_DAYS)
    if wanted != "chosen":
        return int(wanted)
    chosen = float(answer[-1])
    if dict(policy.wants).get("action") == "box":
        chosen = 0.5 * (np.clip(chosen, -1.0, 1.0) + 1.0) * (len(INTERVALS) - 1)
    return INTERVALS[int(np.clip(np.rint(chosen), 0, len(INTERVALS) - 1))]


def rule_chart(chart: Chart, seen: PressureSeen) -> RuleChart:
    """Return what the contraindications read of a record; NaN where nothing was measured."""
    conditions = chart.conditions
    return make_chart(
        1,
        pregnant=conditions["pregnant"],
        asthma=conditions["asthma"],
        heart_block=conditions["heart_block"],
        angioedema=conditions["angioedema"],
        heart_rate=heart_rate_of(chart, seen),
        potassium=chart.latest.get("potassium", np.nan),
        sodium=chart.latest.get("sodium", np.nan),
        egfr=chart.latest.get("egfr", np.nan),
    )


def heart_rate_of(chart: Chart, seen: PressureSeen) -> float:
    """Return the newest heart rate, taken with a reading or by itself; NaN where there is none."""
    rates = [(day, rate) for day, rate in zip(seen.day, seen.heart_rate, strict=True)
             if np.isfinite(rate)]  # fmt: skip
    if "heart_rate" in chart.latest:
        rates.append((-chart.age_days["heart_rate"], chart.latest["heart_rate"]))
    return float(max(rates)[1]) if rates else float("nan")


def forbidden(proposal: Proposal, chart: Chart, seen: PressureSeen) -> list[str]:
    """Return why a drug that the proposal starts or raises must not be given.

    A rule cannot fire on what was never measured; so what it reads must be there.
    """
    found = []
    if "beta_blocker" in proposal.raised and not np.isfinite(heart_rate_of(chart, seen)):
        found.append("a beta-blocker without a heart rate in the record")
    if "thiazide" in proposal.raised and "sodium" not in chart.latest:
        found.append("a diuretic without a sodium in the record")
    for kind in proposal.raised:
        drug = proposal.formulary.drugs[CLASSES.index(kind)]
        if {kind, drug} & set(chart.intolerances):
            found.append(f"{drug} is not tolerated")
        for other, classes, why in INTERACTIONS:
            names = [item.drug for item in chart.drugs_of(other)]
            if kind in classes and names:
                found.append(f"{drug} with {names[0]}: {why}")
    return found
