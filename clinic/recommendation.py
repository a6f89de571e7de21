"""A recommendation for the next day, or a refusal that says what is missing: default deny."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..evaluation.safety_case import SafetyCase, load_case
from ..evaluation.versions import versions
from ..physiology.errors import InputError
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..records.detect import read_record
from ..records.sufficiency import Sufficiency, assess
from ..records.timeline import Timeline
from ..twins.fit import fit_twin
from ..twins.observations import SHORTEST_HOURS
from ..twins.twin import Twin, load_twin
from .as_json import as_json, write_json
from .checks import Check, blocking
from .gates_certificate import applicability_checks, certificate_checks
from .gates_forecast import forecast_checks
from .gates_record import record_checks
from .gates_twin import age_group, twin_checks
from .habits import Habits, habits_of
from .person import with_person
from .propose import Forecast, forecast_current, with_proposal
from .regimen import Regimen, regimen_of
from .start import Bodies, bodies_of
from .words import limits_for, reasons_for, watch_for

Progress = Callable[[str], None]

LONGEST_HOURS: Final = 72
FEWEST_DRAWS: Final = 20


@dataclass(frozen=True)
class Recommendation:
    """What may be said about a person's next day.

    Parameters
    ----------
    refused : bool
        True unless every essential check passed; then ``forecast`` holds no proposal.
    checks : tuple of Check
        Every gate, passed or not, in order.
    reasons : tuple of str
        Why it was refused and what to do, or what the proposal changes and is expected to do.
    watch, limited : tuple of str
        What to observe, and what the pump's limits changed; empty where refused.
    created : str, ISO time
    hours, seed : int
    record : Timeline
    enough : Sufficiency
    habits : Habits
    twin : Twin or None
    bodies : Bodies or None
        Draws of the twin at the end of the record.
    regimen : Regimen or None
    forecast : Forecast or None
    certificate : SafetyCase or None
    policy : dict
        The policy's card.
    policy_sha256 : str
    """

    refused: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    watch: tuple[str, ...]
    limited: tuple[str, ...]
    created: str
    hours: int
    seed: int
    record: Timeline
    enough: Sufficiency
    habits: Habits
    twin: Twin | None
    bodies: Bodies | None
    regimen: Regimen | None
    forecast: Forecast | None
    certificate: SafetyCase | None
    policy: dict[str, Any]
    policy_sha256: str

    @property
    def hashes(self) -> dict[str, str | None]:
        """SHA-256 of everything that the answer rests on."""
        case = self.certificate
        return {
            "record": self.record.source_sha256,
            "twin": None if self.twin is None else self.twin.sha256,
            "policy": self.policy_sha256,
            "certificate": None if case is None else case.sha256,
            "constraints": None if case is None else str(case.constraints.get("sha256")),
        }

    @property
    def versions(self) -> dict[str, str]:
        """The software that produced the answer."""
        return versions()

    def to_dict(self) -> dict[str, Any]:
        """Return everything in JSON; see docs/reference/report.md."""
        return as_json(self)

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all."""
        write_json(self, path)


def recommend(
    record: Timeline | str | Path,
    policy: Any,
    *,
    certificate: SafetyCase | str | Path | None = None,
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
    _check_arguments(hours, draws)
    timeline = read_record(record) if isinstance(record, (str, Path)) else record
    timeline = with_person(timeline, weight_kg, age_years)
    if timeline.span_days * 24.0 < SHORTEST_HOURS:
        raise InputError(
            f"the record holds {timeline.span_days * 24.0:.1f} h of glucose; a report needs at "
            f"least {SHORTEST_HOURS} h (give a longer export)"
        )
    chosen = load_policy(policy) if isinstance(policy, (str, Path)) else policy
    case = load_case(certificate) if isinstance(certificate, (str, Path)) else certificate
    enough, habits = assess(timeline), habits_of(timeline)
    known, no_twin = _twin_for(timeline, twin, seed, tell)
    checks = [
        *record_checks(timeline, enough, habits),
        *twin_checks(timeline, known, no_twin),
        *certificate_checks(case, chosen, age_group(timeline)),
    ]
    bodies = None if known is None else bodies_of(known, timeline, draws, _generator(seed))
    regimen, forecast = _current(timeline, known, bodies, habits, case, hours, seed, tell)
    checks += applicability_checks(case, known, regimen, bodies)
    tried = None
    if forecast is not None and not blocking(checks):
        tell("simulating the day under the policy")
        tried = with_proposal(forecast, timeline, chosen)
    checks += forecast_checks(tried, "nothing is simulated before the other checks pass")
    missing = blocking(checks)
    shown = forecast if missing else tried
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
        enough=enough,
        habits=habits,
        twin=known,
        bodies=bodies,
        regimen=regimen,
        forecast=shown,
        certificate=case,
        policy=dict(getattr(chosen, "card", {})),
        policy_sha256=policy_hash(chosen),
    )


def why_refused(missing: Sequence[Check]) -> tuple[str, ...]:
    """Return one sentence for each check that failed; else for those that could not be made."""
    failed = [check for check in missing if check.status == "failed"]
    return tuple(check.sentence() for check in failed or missing)


def _check_arguments(hours: int, draws: int) -> None:
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


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed))


def _current(
    record: Timeline, twin: Twin | None, bodies: Bodies | None, habits: Habits,
    case: SafetyCase | None, hours: int, seed: int, tell: Progress,
) -> tuple[Regimen | None, Forecast | None]:  # fmt: skip
    """Return the current regimen and the forecast under it, as far as the record allows them."""
    if twin is None or bodies is None:
        return None, None
    try:
        regimen = regimen_of(record, twin)
    except InputError:
        # The record check on basal insulin says the same to the reader.
        return None, None
    tell("simulating the day under the current regimen")
    certified = None if case is None else dict(case.environment.get("kwargs", {}))
    return regimen, forecast_current(
        record, bodies, regimen, habits, certified=certified, hours=hours, seed=seed
    )
