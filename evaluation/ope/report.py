"""All estimators of a target beside the baselines: numbers, agreement, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...physiology.errors import InputError
from .baselines import baselines, behaviour_value
from .critic import CriticSettings
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .hidden_causes import HiddenCauses, hidden_causes
from .parts import Part
from .registry import make_estimator
from .veto import Verdict, informative, ope_verdict

USUAL: Final = ("wis", "cwpdis", "wdr", "magic", "fqe")
BESIDE: Final = ("wis", "cwpdis")


@dataclass(frozen=True)
class Report:
    """What logged data say of one target.

    Parameters
    ----------
    behaviour : Estimate
    target : mapping of estimator to Estimate
    baselines : mapping of baseline to mapping of estimator to Estimate
    verdict : Verdict
    hidden : HiddenCauses or None
        How far the word of ``wis`` holds against causes of treatment that the log does not tell;
        None if it was not asked or has nothing to say. No part of the verdict.
    """

    behaviour: Estimate
    target: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    verdict: Verdict
    hidden: HiddenCauses | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The verdict's, and what hidden causes could do to it."""
        return self.verdict.reasons + (() if self.hidden is None else (self.hidden.sentence,))

    def table(self) -> str:
        """Return all estimates as a Markdown table."""
        rows = [
            "| policy | estimator | value | 95 % interval | effective patients |",
            "|---|---|---|---|---|",
            _row("behaviour", self.behaviour),
        ]
        rows += [_row("target", e) for e in self.target.values()]
        for name, found in self.baselines.items():
            rows += [_row(name, e) for e in found.values()]
        return "\n".join(rows)


def _row(name: str, e: Estimate) -> str:
    return (
        f"| {name} | {e.method} | {e.value:.4g} | [{e.low:.4g}, {e.high:.4g}] | "
        f"{e.ess:.1f} of {e.n_patients} |"
    )


def judge_target(
    gate: Part,
    target: Any,
    margin: float,
    *,
    trained_on: frozenset[str],
    selected_on: frozenset[str] = frozenset(),
    estimators: Sequence[str] = USUAL,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
    critic: CriticSettings | None = None,
) -> Report:
    """Estimate a target's value on the gate's patients and judge it against the behaviour.

    Parameters
    ----------
    gate : Part
        Of role "gate"; other parts are refused.
    target : object
        A policy.
    margin : float
    trained_on, selected_on : frozenset of str
        See :func:`veto.ope_verdict`.
    estimators : sequence of str
        Decided before looking at the data.
    rng : numpy.random.Generator
    confidence : float
    critic : CriticSettings, optional

    Raises
    ------
    InputError
        If the part is not the gate's, or what estimators need is missing.
    """
    if gate.role != "gate":
        raise InputError(f"the part is for {gate.role}; judge on the gate's part only")
    evidence = Evidence(gate.logged, target, critic=critic)
    found = {
        name: make_estimator(name)(evidence, rng=rng, confidence=confidence) for name in estimators
    }
    behaviour = behaviour_value(gate.logged, rng=rng, confidence=confidence)
    beside = {}
    for name, policy in baselines(gate.logged).items():
        about = Evidence(gate.logged, policy)
        beside[name] = {e: make_estimator(e)(about, rng=rng, confidence=confidence) for e in BESIDE}
    verdict = ope_verdict(
        list(found.values()), behaviour, margin, trained_on=trained_on, selected_on=selected_on
    )
    hidden = None
    if "wis" in found and informative(found["wis"]) and np.isfinite(found["wis"].high):
        hidden = hidden_causes(evidence, behaviour.low - margin, rng=rng, confidence=confidence)
    return Report(behaviour, found, beside, verdict, hidden)
