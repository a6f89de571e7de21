"""What the report says of evidence: the twin, the certificate, the checks, where all comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..twins.twin import Twin
from . import figures
from .checks import percent
from .gates_twin import own_average_error
from .start import Bodies, samples_of
from .view_certificate import certificate_view

if TYPE_CHECKING:
    from .recommendation import Recommendation

FIT_DAYS: Final = 3.0
BAND: Final = (0.05, 0.95)
NOISE_SEED: Final = 1


def evidence_view(found: Recommendation) -> dict[str, Any]:
    """Return everything the report shows of evidence."""
    return {
        "twin": None if found.twin is None else _twin(found, found.twin),
        "certificate": None
        if found.certificate is None
        else certificate_view(found.certificate, None if found.twin is None else found.twin.group),
        "checks": [check.to_dict() for check in found.checks],
        "passed": sum(check.passed for check in found.checks),
        "failed": sum(check.status == "failed" for check in found.checks),
        "open": sum(check.status == "not assessed" for check in found.checks),
        "hashes": found.hashes,
        "versions": found.versions,
        "policy": json.dumps(found.policy, sort_keys=True, default=str),
        "seed": found.seed,
        "environment": None
        if found.forecast is None
        else json.dumps(found.forecast.environment, sort_keys=True, default=str),
    }


def _twin(found: Recommendation, twin: Twin) -> dict[str, Any]:
    held = twin.quality.get("held_out_day")
    return {
        "figure": None if found.bodies is None else _fit_figure(found, twin, found.bodies),
        "quality": twin.quality,
        "held": None
        if not held
        else {
            "rmse": f"{held['rmse_mg_dl']:.1f} mg/dL",
            "bias": f"{held['bias_mg_dl']:+.1f} mg/dL",
            "mard": f"{held['mard_percent']:.1f} %",
            "coverage": percent(held["coverage_90"]),
            "naive": f"{own_average_error(found.record):.1f} mg/dL",
        },
        "known": [
            {
                "meaning": row["meaning"],
                "verdict": row["verdict"],
                "spread": percent(min(row["sd"], 1.0)),
                "bar": figures.known_bar(min(float(row["sd"]), 1.0)),
            }
            for row in twin.known()
        ],
        "notes": [note for note in twin.notes if note not in found.record.notes],
        "group": twin.group,
        "weight": f"{float(np.exp(twin.where.centre['BW'])):.0f} kg",
    }


def _fit_figure(found: Recommendation, twin: Twin, bodies: Bodies) -> str:
    """Draw the last days; the band holds 90 % of draws with the noise of readings about them."""
    part = samples_of(bodies, FIT_DAYS)
    readings = bodies.seen.glucose[part]
    draws = bodies.glucose[part]
    noise = np.random.default_rng(NOISE_SEED).standard_normal(draws.shape)
    low, high = np.quantile(draws + twin.noise.sigma * noise, BAND, axis=1)
    first = bodies.seen.start_s + (part.start or 0) * 300.0
    begins = float(found.record.local_minute_of_day(np.array([first]))[0])
    minutes = begins + 5.0 * np.arange(len(readings), dtype=np.float64)
    return figures.twin_fit(minutes, readings, low, high, bodies.likely[part])
