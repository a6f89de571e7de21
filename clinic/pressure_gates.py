"""Gates on a record of pressures, on its twin and on the forecast under a proposal."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..records.chart import Chart
from ..therapy.pressure_protocols import LIMITS
from ..twins.pressure import PressureTwin
from ..twins.pressure_seen import PressureSeen
from .checks import Check, judged, percent, skipped
from .limits import PRESSURE_LIMITS, PressureGateLimits
from .pressure_course import HARMS, TARGET, PressureCourse
from .pressure_propose import Proposal, forbidden

TWIN: Final = {
    "twin-fitted": "Twin fitted",
    "twin-fit": "Error of the fit",
    "twin-foretold": "Visits foretold from the others",
    "twin-sample": "Virtual people like this one",
    "twin-known": "Pressure known beyond the prior",
}
HARM_MEND: Final = "keep the current regimen, or choose another policy"


def twin_checks(
    twin: PressureTwin | None,
    why_not: str,
    *,
    told: bool = False,
    limits: PressureGateLimits = PRESSURE_LIMITS,
) -> list[Check]:
    """Return the checks on a twin; without one, why there is none, unless ``told`` already."""
    if twin is None and told:
        why = "there is no twin"
        first = skipped("twin-fitted", TWIN["twin-fitted"], "a twin", why_not)
        return [first, *(skipped(i, TWIN[i], "-", why) for i in TWIN if i != "twin-fitted")]
    if twin is None:
        first = judged("twin-fitted", TWIN["twin-fitted"], False, why_not, "a twin", "")
        why = "there is no twin"
        return [first, *(skipped(i, TWIN[i], "-", why) for i in TWIN if i != "twin-fitted")]
    size = f"{twin.quality['visits']:.0f} visits, {twin.quality['labs']:.0f} laboratory results"
    return [
        judged("twin-fitted", TWIN["twin-fitted"], True, size, "a twin", ""),
        _fit(twin, limits),
        _foretold(twin, limits),
        _sample(twin, limits),
        _known(twin, limits),
    ]


def _fit(twin: PressureTwin, limits: PressureGateLimits) -> Check:
    need, error = limits.fit_error, float(twin.quality["standard_error"])
    return judged(
        "twin-fit", TWIN["twin-fit"], error <= need.value,
        f"{error:.2f} times what the device alone would err", f"at most {need.value:g} times",
        "check readings and tablets in the record; the model does not explain them",
        reason=need.reason,
    )  # fmt: skip


def _foretold(twin: PressureTwin, limits: PressureGateLimits) -> Check:
    need, share = limits.foretold, twin.quality["foretold_90"]
    limit = f"at least {percent(need.value)} inside the 90 % band"
    if not np.isfinite(share):
        return skipped("twin-foretold", TWIN["twin-foretold"], limit, "fewer than three visits")
    return judged(
        "twin-foretold", TWIN["twin-foretold"], share >= need.value,
        f"{percent(share)} of {twin.quality['foretold_visits']:.0f}", limit,
        "export more visits, or check that all tablets are recorded", reason=need.reason,
    )  # fmt: skip


def _sample(twin: PressureTwin, limits: PressureGateLimits) -> Check:
    need, rate = limits.distinct, limits.accepted
    good = twin.distinct >= need.value and twin.accepted >= rate.value
    return judged(
        "twin-sample", TWIN["twin-sample"], good,
        f"{twin.distinct} that differ, {percent(twin.accepted)} of moves accepted",
        f"at least {need.value:g}, and {percent(rate.value)}",
        "such readings are rare among the model's people; check them", reason=need.reason,
    )  # fmt: skip


def _known(twin: PressureTwin, limits: PressureGateLimits) -> Check:
    need = limits.known
    ratio = next(row.ratio for row in twin.known if row.name == "sbp")
    return judged(
        "twin-known", TWIN["twin-known"], ratio <= need.value,
        f"{percent(ratio)} of the uncertainty about such people is left",
        f"at most {percent(need.value)}", "measure at more visits, or for a week at home",
        reason=need.reason,
    )  # fmt: skip


def proposal_checks(
    proposal: Proposal | None, chart: Chart, seen: PressureSeen | None, why_not: str
) -> list[Check]:
    """Return the check that nothing else in the chart forbids what is started or raised."""
    title = "Nothing in the record against what is started or raised"
    if proposal is None or seen is None:
        return [skipped("proposal-allowed", title, "-", why_not)]
    found = forbidden(proposal, chart, seen)
    return [
        judged(
            "proposal-allowed", title, not found, "; ".join(found) or "none in the record", "none",
            "add what is missing, or choose another policy", reason="labels of the drugs",
        )
    ]  # fmt: skip


def forecast_checks(
    current: PressureCourse | None,
    proposed: PressureCourse | None,
    why_not: str,
    limits: PressureGateLimits = PRESSURE_LIMITS,
) -> list[Check]:
    """Return the checks on a person's forecast under the proposal."""
    titles = {f"forecast-{harm.id}": f"{harm.title} in the forecast" for harm in HARMS}
    worse = "Probability that the proposal ends further from the target"
    if current is None or proposed is None:
        ids = {**titles, "forecast-worse": worse}
        return [skipped(id, title, "-", why_not) for id, title in ids.items()]
    return [
        *(_harm(harm.id, harm.serious, current, proposed, limits) for harm in HARMS),
        judged(
            "forecast-worse", worse, share_worse(current, proposed) <= limits.worse.value,
            percent(share_worse(current, proposed)), f"at most {percent(limits.worse.value)}",
            HARM_MEND, reason=limits.worse.reason,
        ),
    ]  # fmt: skip


def _harm(
    id: str, serious: bool, current: PressureCourse, proposed: PressureCourse,
    limits: PressureGateLimits,
) -> Check:  # fmt: skip
    """Judge one harm: never much likelier than now; a serious one never likely."""
    title = next(h.title for h in HARMS if h.id == id) + " in the forecast"
    now, then = current.chance(id), proposed.chance(id)
    allowed = now + limits.extra.value
    # Where the present regimen is no safer, a serious harm must not keep it in place.
    ceiling = max(limits.serious.value, now) if serious else 1.0
    holds = then <= min(allowed, ceiling) + 1e-12
    limit = f"at most {percent(min(allowed, ceiling))}"
    return judged(
        f"forecast-{id}", title, holds, f"in {percent(then, 1)} of draws, now {percent(now, 1)}",
        limit, HARM_MEND, reason=limits.serious.reason if serious else limits.extra.reason,
    )  # fmt: skip


def share_worse(current: PressureCourse, proposed: PressureCourse) -> float:
    """Return the share of draws that end further above (or far below) the target than now.

    How far a draw is from the target is how much its systolic pressure lies above it at the end,
    or below 100 mmHg.
    """

    def far(course: PressureCourse) -> np.ndarray:
        sbp = course.last("sbp")
        return np.maximum(sbp - TARGET.sbp_mmhg, 0.0) + np.maximum(LIMITS.sbp_low_mmhg - sbp, 0.0)

    return float((far(proposed) > far(current) + 0.5).mean())
