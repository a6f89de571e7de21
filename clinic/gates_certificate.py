"""Gates on the certificate: valid, of this very policy and rules, holding for this person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..evaluation.constraints import load_constraints
from ..evaluation.gate.lane import conclude
from ..evaluation.gate.watch import Watch
from ..evaluation.safety_case import SafetyCase
from ..evaluation.subjects import subject_of
from ..evaluation.subjects.chart_features import insulin_features
from ..evaluation.subjects.insulin import SCENARIO
from ..physiology.errors import InputError
from ..policies.card import policy_hash
from ..therapy.cohort import Cohort
from ..twins.twin import Twin
from .applicability import (
    certified_cohort,
    chart_ranges,
    cohort_sha256,
    domain_check,
    no_person,
    share_inside,
)
from .checks import Check, judged, percent, skipped
from .limits import LIMITS, GateLimits
from .propose import ENV_ID
from .regimen import Regimen
from .start import Bodies

CERTIFY: Final = "certify the policy: dosegym certify --policy P --json FILE"
CHART: Final = "Usual therapy like that of certified patients"
BODY: Final = "Body like certified bodies"
AGAIN: Final = "certify again with this version of DoseGym"
TITLES: Final = {
    "certificate-present": "Certificate",
    "certificate-verdict": "Verdict",
    "certificate-policy": "Certificate is of this policy",
    "certificate-constraints": "Certificate is of the installed constraints",
    "certificate-environment": "Certificate is of this environment",
    "certificate-valid": "Certificate has not expired",
    "certificate-watch": "Certificate was not withdrawn",
    "certificate-group": "Group within its scope",
    "certificate-population": "Certified patients can be drawn again",
}


@dataclass(frozen=True)
class Examined:
    """What a certificate for one kind of therapy must say of its examination.

    Parameters
    ----------
    env_id : str
        The environment.
    usual : str
        Its usual world in words, as the limit is told.
    easier : callable
        (keywords) -> which of them made the world easier than usual.
    redraw : callable
        (case) -> the certified patients and their hash.
    group_words : str
        What its groups are called.
    """

    env_id: str
    usual: str
    easier: Callable[[dict[str, Any]], list[str]]
    redraw: Callable[[SafetyCase], tuple[int, str]]
    group_words: str


def certificate_checks(
    case: SafetyCase | None,
    policy: Any,
    group: str | None,
    examined: Examined | None = None,
    watch: Watch | None = None,
) -> list[Check]:
    """Return the checks on a certificate.

    Parameters
    ----------
    case : SafetyCase or None
    policy : object
    group : str or None
        The person's; None where it is not known.
    examined : Examined, optional
        What is asked of the examination; that of insulin by default.
    watch : Watch, optional
        Harms counted since the release.
    """
    examined = examined or INSULIN
    if case is None:
        first = judged(
            "certificate-present", TITLES["certificate-present"], False, "none given",
            "a released certificate", CERTIFY,
        )  # fmt: skip
        rest = [id for id in TITLES if id != "certificate-present"]
        return [first, *(skipped(id, TITLES[id], "-", "there is no certificate") for id in rest)]
    return [
        judged(
            "certificate-present", TITLES["certificate-present"], True,
            f"{case.sha256[:12]} of {case.created[:10]}", "a released certificate", "",
        ),
        _verdict(case),
        _same_policy(case, policy),
        _same_constraints(case),
        _same_environment(case, examined),
        _valid(case),
        _watched(case, watch),
        _in_scope(case, group, examined),
        _same_population(case, examined),
    ]  # fmt: skip


def _verdict(case: SafetyCase) -> Check:
    groups = case.population["groups"]
    follows = conclude(case.items, case.lanes, groups) == (case.verdict, case.scope)
    good = follows and case.verdict in ("RELEASE", "RESTRICT")
    failed = sum(not item.passed for item in case.items)
    stopped = [lane.id for lane in case.lanes if lane.status in ("failed", "unknown")]
    scope = f" for {', '.join(case.scope)}" if case.scope else ""
    found = case.verdict + scope + (f", {failed} bounds do not hold" if failed else "")
    found += f", stopped in {', '.join(stopped)}" if stopped else ""
    found += "" if follows else ", which does not follow from its bounds and lanes"
    return judged(
        "certificate-verdict", TITLES["certificate-verdict"], good, found,
        "RELEASE, or RESTRICT with this age group", "use a policy that was released",
        reason="default deny: a verdict that its own findings contradict is not believed",
    )  # fmt: skip


def _same_policy(case: SafetyCase, policy: Any) -> Check:
    own = policy_hash(policy)
    return judged(
        "certificate-policy", TITLES["certificate-policy"], own == case.policy_sha256,
        f"policy {own[:12]}", f"policy {case.policy_sha256[:12]}",
        "give the policy that was certified, or certify this one",
    )  # fmt: skip


def _same_constraints(case: SafetyCase) -> Check:
    name, stated = str(case.constraints.get("name")), str(case.constraints.get("sha256"))
    try:
        rules = load_constraints(name)
        own, words = rules.sha256, f"{rules.name} {rules.version}, {rules.sha256[:12]}"
    except InputError:
        own, words = "", f"{name} is not among the installed constraint sets"
    return judged(
        "certificate-constraints", TITLES["certificate-constraints"], own == stated, words,
        f"{name} {case.constraints.get('version')}, {stated[:12]}", AGAIN,
    )  # fmt: skip


def _same_environment(case: SafetyCase, examined: Examined) -> Check:
    own, meant = str(case.environment.get("id")), examined.env_id
    easier = [] if own != meant else examined.easier(dict(case.environment.get("kwargs", {})))
    return judged(
        "certificate-environment", TITLES["certificate-environment"],
        own == meant and not easier, own + (f" with {', '.join(easier)}" if easier else ""),
        f"{meant} with {examined.usual}", AGAIN,
        reason="project choice: what was shown on easier days says little of real ones",
    )  # fmt: skip


def _easier(kwargs: dict[str, Any]) -> list[str]:
    """Return which keywords of a certification made its world easier than the usual one."""
    scenario = kwargs.get("scenario")
    fields = dict(scenario) if isinstance(scenario, Mapping) else {"preset": scenario}
    found = [] if fields.pop("preset", None) == SCENARIO else [f"scenario {scenario}"]
    found += [f"scenario {key}" for key in fields if key not in ("announced", "lead_min")]
    unlike = {"sensor": "noise_free", "pump": "ideal"}
    found += [f"{key} {value}" for key, value in unlike.items() if kwargs.get(key) == value]
    if kwargs.get("gut", "published") != "published":
        found.append(f"gut {kwargs['gut']}")
    return found


def _valid(case: SafetyCase) -> Check:
    return judged(
        "certificate-valid", TITLES["certificate-valid"], not case.expired(),
        f"valid until {case.expires[:10]}", "a date to come", "certify again",
    )  # fmt: skip


def _watched(case: SafetyCase, watch: Watch | None) -> Check:
    title, limit = TITLES["certificate-watch"], "no watched harm above its certified rate"
    if watch is None:
        found = "no harm was counted since the release"
        return judged("certificate-watch", title, True, found, limit, "")
    own, counted = watch.certificate_sha256 == case.sha256, list(watch.monitors.values())
    found = f"{counted[0].n if counted else 0} patients counted since the release"
    if watch.withdrawn:
        found = f"more frequent than certified: {', '.join(watch.withdrawn)}"
    if not own:
        found = "the watch is of another certificate"
    return judged(
        "certificate-watch", title, own and not watch.withdrawn, found, limit,
        "stop using this policy" if own else "give the watch of this certificate",
        reason="an e-process: whoever looks at any time is misled with 1 % at most",
    )  # fmt: skip


def _in_scope(case: SafetyCase, group: str | None, examined: Examined) -> Check:
    called = examined.group_words
    title = f"{called[0].upper()}{called[1:]} within its scope"
    if group is None:
        limit = f"{called} in scope"
        return skipped("certificate-group", title, limit, f"the {called} is not known")
    return judged(
        "certificate-group", title, case.covers(group), group.replace("_", " "),
        ", ".join(g.replace("_", " ") for g in case.scope) or "none released",
        "use a policy that was released for this group",
    )  # fmt: skip


def _same_population(case: SafetyCase, examined: Examined) -> Check:
    stated = str(case.population.get("sha256"))
    size, own = examined.redraw(case)
    return judged(
        "certificate-population", TITLES["certificate-population"], own == stated,
        f"{size} patients, {own[:12]}", stated[:12], AGAIN,
        reason="without them nobody can say whether this person is like them",
    )  # fmt: skip


def _redraw(case: SafetyCase) -> tuple[int, str]:
    cohort = certified_cohort(case.population, _gut(case))
    return len(cohort), cohort_sha256(cohort)


def _gut(case: SafetyCase) -> str:
    return str(dict(case.environment.get("kwargs", {})).get("gut", "published"))


INSULIN: Final = Examined(
    env_id=ENV_ID,
    usual=f"{SCENARIO} days, a sensor that errs and a pump with limits",
    easier=_easier,
    redraw=_redraw,
    group_words="age group",
)


def applicability_checks(
    case: SafetyCase | None,
    twin: Twin | None,
    regimen: Regimen | None,
    bodies: Bodies | None,
    limits: GateLimits = LIMITS,
) -> list[Check]:
    """Return whether the person is like the certified patients of their age group."""
    if case is None or twin is None or regimen is None or bodies is None:
        return no_person(CHART, BODY, "needs a certificate, a twin and the usual therapy")
    cohort = certified_cohort(case.population, _gut(case))
    if twin.group not in cohort.patients.groups:
        return no_person(CHART, BODY, f"no {twin.group} was among the certified patients")
    weight = float(np.exp(twin.where.centre["BW"]))
    ranges = chart_ranges(cohort, twin.group, regimen.prescription(1), weight)
    outside = [r for r in ranges if not r.inside]
    told = "; ".join(f"{r.name} {r.value:.3g} {r.unit} ({r.low:.3g}-{r.high:.3g})" for r in outside)
    inside, range_ = share_inside(twin.model, cohort, twin.group, bodies.usual)
    need = limits.draws_in_range
    return [
        judged(
            "person-chart", CHART, not outside,
            told or ", ".join(f"{r.name} {r.value:.3g} {r.unit}" for r in ranges),
            "within the range of certified patients",
            "check the settings in the record; this policy was not tested on such therapy",
            reason="smallest to largest among the certified patients of the age group",
        ),
        judged(
            "person-body", BODY, inside >= need.value,
            f"{percent(inside)} of draws; 1 U lowers glucose by {percent(range_.value)}",
            f"{percent(need.value)} within {percent(range_.low)} to {percent(range_.high)}",
            "this policy was not tested on such insulin sensitivity", reason=need.reason,
        ),
        domain_check(case, twin.group, *_features(cohort, twin.group, regimen, weight)),
    ]  # fmt: skip


def _features(
    cohort: Cohort, group: str, regimen: Regimen, weight_kg: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what charts tell of the certified people of a group, and of this person."""
    exam = subject_of(ENV_ID).examination
    inside = np.asarray(cohort.patients.groups) == group
    certified = {k: v[inside] for k, v in exam.features(cohort).items()}
    rx = regimen.prescription(1)
    own = insulin_features(
        weight_kg,
        rx.total_daily_dose_u[0],
        rx.basal_u_per_h[0],
        rx.carb_ratio_g_per_u[0],
        rx.correction_mg_dl_per_u[0],
    )
    return certified, {k: float(v) for k, v in own.items()}
