"""Default deny: every gate in order, and a proposal only where each of them holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ..evaluation.gate.watch import Watch, load_watch
from ..evaluation.safety_case import SafetyCase, load_case
from ..evaluation.subjects import environment_of
from ..physiology.errors import InputError
from ..physiology.streams import check_seed
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..records.detect import read_record
from ..records.sufficiency import Sufficiency, assess
from ..records.timeline import Timeline
from ..twins.fit import fit_twin
from ..twins.observations import SHORTEST_HOURS
from ..twins.twin import Twin, load_twin
from .checks import Check, blocking
from .gates_certificate import applicability_checks, certificate_checks
from .gates_forecast import forecast_checks
from .gates_record import record_checks
from .gates_twin import age_group, twin_checks
from .habits import Habits, habits_of
from .person import with_person
from .propose import Forecast, forecast_current, with_proposal
from .recommendation import Recommendation
from .regimen import Regimen, regimen_of
from .start import Bodies, bodies_of
from .words import limits_for, reasons_for, watch_for

Progress = Callable[[str], None]

INSULIN: Final = "dosegym/Insulin-v0"
LONGEST_HOURS: Final = 72
FEWEST_DRAWS: Final = 20


def recommend(
    record: Timeline | str | Path,
    policy: Any,
    *,
    certificate: SafetyCase | str | Path | None = None,
    watch: Watch | str | Path | None = None,
    twin: Twin | str | Path | None = None,
    hours: int = 24,
    seed: int = 0,
    draws: int = 200,
    weight_kg: float | None = None,
    age_years: float | None = None,
    progress: Progress | None = None,
) -> Recommendation:
    """Return a dosing trajectory for the next hours of a person, or a refusal.

    Parameters
    ----------
    record : Timeline, str or Path
        A person's record or a file of it.
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict`` and ``card``.
    certificate : SafetyCase, str or Path, optional
        Without one that was released for this very policy, nothing is proposed.
    watch : Watch, str or Path, optional
        Harms counted since the release (``evaluation.gate.watch``), which may have withdrawn it.
    twin : Twin, str or Path, optional
        Fitted here when left out.
    hours : int
        How far ahead, 1 to 72.
    seed, draws : int
        Of the forecast; draws are possible bodies, at least 20.
    weight_kg, age_years : float, optional
        What the record does not state.
    progress : callable, optional
        Called with a line on what is being done.

    Returns
    -------
    Recommendation

    Raises
    ------
    InputError
        If a file or an argument cannot be used at all; a record that is merely insufficient is a
        refusal, not an error.
    """
    tell = progress or (lambda _: None)
    _check_arguments(hours, draws, seed)
    timeline = _record_of(record, weight_kg, age_years)
    chosen = load_policy(policy) if isinstance(policy, (str, Path)) else policy
    _check_policy(chosen)
    case = load_case(certificate) if isinstance(certificate, (str, Path)) else certificate
    counted = load_watch(watch) if isinstance(watch, (str, Path)) else watch
    facts = _gather(timeline, twin, case, _Wish(hours, draws, seed), tell)
    checks, shown = _judge(facts, chosen, counted, tell)
    missing = blocking(checks)
    return Recommendation(
        refused=bool(missing),
        checks=tuple(checks),
        reasons=why_refused(missing) or reasons_for(shown),
        watch=watch_for(shown),
        limited=limits_for(shown),
        created=datetime.now(UTC).replace(microsecond=0).isoformat(),
        hours=hours,
        seed=seed,
        record=timeline,
        enough=facts.enough,
        habits=facts.habits,
        twin=facts.twin,
        bodies=facts.bodies,
        regimen=facts.regimen,
        forecast=shown,
        certificate=case,
        policy=dict(getattr(chosen, "card", {})),
        policy_sha256=policy_hash(chosen),
    )


class _Wish(NamedTuple):
    """How far ahead, over how many bodies, by which seed."""

    hours: int
    draws: int
    seed: int


class _Facts(NamedTuple):
    """What is known before anything is proposed."""

    record: Timeline
    enough: Sufficiency
    habits: Habits
    twin: Twin | None
    no_twin: str
    bodies: Bodies | None
    regimen: Regimen | None
    forecast: Forecast | None
    case: SafetyCase | None


def _gather(
    record: Timeline,
    given: Twin | str | Path | None,
    case: SafetyCase | None,
    wish: _Wish,
    tell: Progress,
) -> _Facts:
    """Find out all that the record allows: habits, twin, regimen, and the day under the regimen."""
    habits = habits_of(record)
    twin, no_twin = _twin_for(record, given, wish.seed, tell)
    bodies, regimen, forecast = None, None, None
    if twin is not None:
        rng = np.random.default_rng(np.random.SeedSequence(wish.seed))
        bodies = bodies_of(twin, record, wish.draws, rng)
        regimen = _regimen_for(record, twin)
    if bodies is not None and regimen is not None:
        tell("simulating the day under the current regimen")
        certified = None if case is None else dict(case.environment.get("kwargs", {}))
        forecast = forecast_current(
            record, bodies, regimen, habits,
            certified=certified, hours=wish.hours, seed=wish.seed,
        )  # fmt: skip
    return _Facts(record, assess(record), habits, twin, no_twin, bodies, regimen, forecast, case)


def _judge(
    facts: _Facts, policy: Any, watch: Watch | None, tell: Progress
) -> tuple[list[Check], Forecast | None]:
    """Return every check, and the forecast that may be shown: with a proposal only if all hold."""
    checks = [
        *record_checks(facts.record, facts.enough, facts.habits),
        *twin_checks(facts.record, facts.twin, facts.no_twin),
        *certificate_checks(facts.case, policy, age_group(facts.record), watch=watch),
        *applicability_checks(facts.case, facts.twin, facts.regimen, facts.bodies),
    ]
    tried = None
    if facts.forecast is not None and not blocking(checks):
        tell("simulating the day under the policy")
        tried = with_proposal(facts.forecast, facts.record, policy)
    held = {} if facts.twin is None else facts.twin.quality.get("held_out_day") or {}
    checks += forecast_checks(
        tried,
        "nothing is simulated before the other checks pass",
        overstated_mg_dl=held.get("overstated_90_mg_dl"),
    )
    return checks, facts.forecast if blocking(checks) else tried


def _record_of(
    record: Timeline | str | Path, weight_kg: float | None, age_years: float | None
) -> Timeline:
    """Return the record of a person known as well as the caller knows them; refuse mere hours."""
    timeline = read_record(record) if isinstance(record, (str, Path)) else record
    timeline = with_person(timeline, weight_kg, age_years)
    hours = timeline.span_days * 24.0
    if hours < SHORTEST_HOURS:
        raise InputError(
            f"the record holds {hours:.1f} h of glucose; a report needs at least "
            f"{SHORTEST_HOURS} h (give a longer export)"
        )
    return timeline


def why_refused(missing: Sequence[Check]) -> tuple[str, ...]:
    """Return one sentence for each check that failed; else for those that could not be made."""
    failed = [check for check in missing if check.status == "failed"]
    return tuple(check.sentence() for check in failed or missing)


def _check_policy(policy: Any) -> None:
    meant = environment_of(policy)
    if meant != INSULIN:
        raise InputError(
            f"policy is for {meant}, the record is of glucose; choose one such as basal_bolus"
        )


def _check_arguments(hours: int, draws: int, seed: int) -> None:
    check_seed(seed)
    if not isinstance(hours, int) or not 1 <= hours <= LONGEST_HOURS:
        raise InputError(f"hours is {hours!r}; give a whole number from 1 to {LONGEST_HOURS}")
    if not isinstance(draws, int) or draws < FEWEST_DRAWS:
        raise InputError(f"draws is {draws!r}; give a whole number of at least {FEWEST_DRAWS}")


def _twin_for(
    record: Timeline, given: Twin | str | Path | None, seed: int, tell: Progress
) -> tuple[Twin | None, str]:
    """Return the twin given or fitted, or None and why the record does not allow one."""
    if isinstance(given, Twin):
        return given, ""
    if given is not None:
        return load_twin(given), ""
    try:
        return fit_twin(record, seed=seed, progress=tell), ""
    except InputError as error:
        return None, str(error)


def _regimen_for(record: Timeline, twin: Twin) -> Regimen | None:
    """Return the current regimen; None where no pump's basal is known, which a check tells."""
    try:
        return regimen_of(record, twin)
    except InputError:
        return None
