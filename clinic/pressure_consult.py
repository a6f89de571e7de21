"""Default deny for tablets: every gate in order, and a proposal only where each of them holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ..evaluation.gate.watch import Watch, load_watch
from ..evaluation.safety_case import SafetyCase, load_case
from ..physiology.errors import InputError
from ..physiology.streams import check_seed
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..records.chart import Chart, PressureRecord
from ..twins.pressure import PressureTwin, fit_pressure
from ..twins.pressure_observe import observe_pressure
from .checks import Check, blocking
from .consult import FEWEST_DRAWS, why_refused
from .gates_certificate import certificate_checks
from .person import with_patient
from .pressure_certificate import PRESSURE, applicability_checks
from .pressure_course import PressureCourse
from .pressure_gates import forecast_checks, proposal_checks, twin_checks
from .pressure_observation import Shown, show
from .pressure_propose import Proposal, interval_of, policy_formulary, propose
from .pressure_recommendation import PressureRecommendation
from .pressure_record_gates import record_checks
from .pressure_words import limits_for, reasons_for, watch_for

Progress = Callable[[str], None]

DEFAULT_POLICY: Final = "acc_aha_2025"
DAYS: Final = 84
LONGEST_DAYS: Final = 364


class _Facts(NamedTuple):
    """What is known before anything is proposed."""

    record: PressureRecord
    chart: Chart
    twin: PressureTwin | None
    no_twin: str
    current: PressureCourse | None
    shown: Shown | None


class _Step(NamedTuple):
    """A policy's next step and the weeks under it."""

    proposal: Proposal
    course: PressureCourse


def recommend_pressure(
    record: PressureRecord,
    policy: Any = DEFAULT_POLICY,
    *,
    certificate: SafetyCase | str | Path | None = None,
    watch: Watch | str | Path | None = None,
    days: int = DAYS,
    seed: int = 0,
    draws: int = 400,
    weight_kg: float | None = None,
    age_years: float | None = None,
    progress: Progress | None = None,
) -> PressureRecommendation:
    """Return the next step of a policy for a person with high blood pressure, or a refusal.

    Parameters
    ----------
    record : PressureRecord
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict`` and ``card``.
    certificate : SafetyCase, str or Path, optional
        Without one that was released for this very policy, nothing is proposed.
    watch : Watch, str or Path, optional
        Harms counted since the release (``evaluation.gate.watch``), which may have withdrawn it.
    days : int
        How far ahead the course is shown, 28 to 364.
    seed, draws : int
        Of the twin; draws are possible bodies, at least 20.
    weight_kg, age_years : float, optional
        What the record does not state.
    progress : callable, optional
        Called with a line on what is being done.

    Raises
    ------
    InputError
        If a file or an argument cannot be used at all, or the policy is not one for blood
        pressure; a record that is merely insufficient is a refusal, not an error.
    """
    if not isinstance(days, int) or not 28 <= days <= LONGEST_DAYS:
        raise InputError(f"days is {days!r}; give a whole number from 28 to {LONGEST_DAYS}")
    if not isinstance(draws, int) or draws < FEWEST_DRAWS:
        raise InputError(f"draws is {draws!r}; give a whole number of at least {FEWEST_DRAWS}")
    check_seed(seed)
    tell = progress or (lambda _: None)
    chosen = load_policy(policy) if isinstance(policy, (str, Path)) else policy
    policy_formulary(chosen)
    case = load_case(certificate) if isinstance(certificate, (str, Path)) else certificate
    counted = load_watch(watch) if isinstance(watch, (str, Path)) else watch
    record = with_patient(record, weight_kg, age_years)
    facts = _gather(record, chosen, (days, draws, seed), tell)
    checks, step = _judge(facts, chosen, case, counted, days)
    missing = blocking(checks)
    given = None if missing else step
    return PressureRecommendation(
        refused=given is None,
        checks=tuple(checks),
        reasons=why_refused(missing) if given is None else _reasons(facts, given),
        watch=() if given is None else watch_for(given.proposal, record),
        limited=() if given is None else limits_for(given.proposal),
        created=datetime.now(UTC).replace(microsecond=0).isoformat(),
        days=days,
        seed=seed,
        record=record,
        twin=facts.twin,
        current=facts.current,
        proposed=None if given is None else given.course,
        proposal=None if given is None else given.proposal,
        assumed=() if facts.shown is None else facts.shown.notes,
        certificate=case,
        policy=dict(getattr(chosen, "card", {})),
        policy_sha256=policy_hash(chosen),
    )


def _reasons(facts: _Facts, step: _Step) -> tuple[str, ...]:
    assert facts.current is not None
    return reasons_for(step.proposal, facts.current, step.course)


def _gather(
    record: PressureRecord, policy: Any, wish: tuple[int, int, int], tell: Progress
) -> _Facts:
    """Find out all that the record allows: the twin, and the weeks under the current regimen."""
    days, draws, seed = wish
    chart = record.chart()
    try:
        seen = observe_pressure(record, policy_formulary(policy))
        twin = fit_pressure(seen, seed=seed, draws=draws, progress=tell)
    except InputError as error:
        return _Facts(record, chart, None, str(error), None, None)
    tell("simulating the weeks under the current regimen")
    return _Facts(
        record, chart, twin, "", _course("current regimen", twin, twin.seen.doses.now, days),
        show(twin.seen, interval_of(policy)),
    )  # fmt: skip


def _course(name: str, twin: PressureTwin, mg: np.ndarray, days: int) -> PressureCourse:
    series = twin.forecast(mg, days)
    day = np.arange(days + 1, dtype=np.float64)
    return PressureCourse(name, twin.bodies.formulary, mg, day, series)


def _judge(
    facts: _Facts, policy: Any, case: SafetyCase | None, watch: Watch | None, days: int
) -> tuple[list[Check], _Step | None]:
    """Return every check, and the step that was tried where all but the last could pass."""
    group = None if facts.twin is None else facts.twin.group
    record = record_checks(facts.record, facts.chart)
    checks = [
        *record,
        *twin_checks(facts.twin, facts.no_twin, told=bool(blocking(record))),
        *certificate_checks(case, policy, group, PRESSURE, watch),
        *applicability_checks(case, facts.twin),
    ]
    step = None
    if facts.twin is not None and facts.shown is not None and not blocking(checks):
        proposal = propose(policy, facts.shown, facts.twin.seen, facts.chart)
        step = _Step(proposal, _course("proposal", facts.twin, proposal.mg, days))
    why = "nothing is simulated before the other checks pass"
    seen = None if facts.twin is None else facts.twin.seen
    checks += proposal_checks(None if step is None else step.proposal, facts.chart, seen, why)
    checks += forecast_checks(facts.current, None if step is None else step.course, why)
    return checks, step
