"""What the blood-pressure report says of evidence: twin, certificate, checks, provenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records.chart import DAY_S
from ..twins.pressure import PressureTwin
from . import figures, figures_pressure
from .checks import percent
from .view_certificate import certificate_view

if TYPE_CHECKING:
    from .pressure_recommendation import PressureRecommendation


def pressure_evidence_view(found: PressureRecommendation) -> dict[str, Any]:
    """Return everything the report shows of evidence."""
    case, twin = found.certificate, found.twin
    group = None if twin is None else twin.group
    return {
        "twin": None if twin is None else _twin(twin),
        "certificate": None if case is None else certificate_view(case, group),
        "checks": [check.to_dict() for check in found.checks],
        "passed": sum(check.passed for check in found.checks),
        "failed": sum(check.status == "failed" for check in found.checks),
        "open": sum(check.status == "not assessed" for check in found.checks),
        "hashes": found.hashes,
        "versions": found.versions,
        "policy": json.dumps(found.policy, sort_keys=True, default=str),
        "seed": found.seed,
        "environment": None,
    }


def _twin(twin: PressureTwin) -> dict[str, Any]:
    quality = twin.quality
    share = quality["foretold_90"]
    foretold = "fewer than three visits" if not np.isfinite(share) else percent(share)
    return {
        "figure": _fit_figure(twin),
        "rows": [
            ("Fitted to", f"{quality['visits']:.0f} visits, {quality['labs']:.0f} blood results"),
            ("Group", twin.group.replace("_", " ")),
            (
                "Error of the fit",
                f"{quality['rmse_sbp_mmhg']:.1f} mmHg systolic (root mean square), bias "
                f"{quality['bias_sbp_mmhg']:+.1f} mmHg (reading minus twin), "
                f"{quality['standard_error']:.2f} times what the device alone would err",
            ),
            ("Visits foretold from the others, in the 90 % band", foretold),
            (
                "Virtual people",
                f"{len(twin)} kept, {twin.distinct} distinct particles, {twin.stages} stages, "
                f"{percent(twin.accepted)} of the last moves accepted",
            ),
        ],
        "known": [
            {
                "meaning": row.meaning,
                "value": _value(row.name, row.mean, row.sd),
                "verdict": row.verdict,
                "spread": percent(min(row.ratio, 1.0)),
                "bar": figures.known_bar(min(row.ratio, 1.0)),
            }
            for row in twin.known
        ],
        "notes": list(twin.notes),
    }


def _value(name: str, mean: float, sd: float) -> str:
    if name == "adherence":
        return f"{percent(mean)} \u00b1 {100 * sd:.0f}"
    unit = {"potassium": "mmol/L", "egfr": "mL/min/1.73 m\u00b2"}.get(name, "mmHg")
    digits = 1 if name == "potassium" else 0
    return f"{mean:.{digits}f} \u00b1 {sd:.{digits + (name == 'potassium')}f} {unit}"


def _fit_figure(twin: PressureTwin) -> str:
    seen = twin.seen
    times = seen.end_s + seen.day * DAY_S
    return figures_pressure.twin_fit(times, (seen.sbp, seen.dbp), twin.explained)
