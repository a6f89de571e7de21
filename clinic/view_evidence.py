"""What the report says of evidence: the twin, the certificate, the checks, where all comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..evaluation.safety_case import ItemResult, SafetyCase
from ..twins.twin import Twin
from . import figures
from .checks import percent
from .gates_twin import own_average_error
from .start import Bodies, samples_of

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
        else _certificate(found, found.certificate),
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


def _certificate(found: Recommendation, case: SafetyCase) -> dict[str, Any]:
    group = None if found.twin is None else found.twin.group
    shown = [item for item in case.items if item.group in ("all", group)]
    return {
        "verdict": case.verdict,
        "scope": ", ".join(case.scope) or "nobody",
        "sentence": case.sentence,
        "assumptions": [dict(entry) for entry in case.assumptions],
        "items": [_item(item) for item in shown],
        "hidden": len(case.items) - len(shown),
        "created": case.created[:10],
        "expires": case.expires[:10],
        "expired": case.expired(),
        "comparator": case.comparator,
        "population": f"{case.population.get('n')} virtual patients "
        f"({', '.join(case.population.get('groups', []))}), followed for "
        f"{case.constraints.get('horizon_days')} days each",
        "constraints": f"{case.constraints.get('name')} {case.constraints.get('version')}",
        "worst": [dict(entry) for entry in case.worst],
        "hashes": {
            "certificate": case.sha256,
            "policy": case.policy_sha256,
            "constraints": str(case.constraints.get("sha256")),
            "population": str(case.population.get("sha256")),
        },
    }


def _item(item: ItemResult) -> dict[str, Any]:
    scale, unit = (100.0, "% of patients") if item.type == "chance" else (1.0, item.unit)
    lower_is_harm = item.type == "noninferiority" and item.harm == "below"
    limit = -item.limit if lower_is_harm else item.limit
    rule = (
        f" {'under' if item.harm == 'below' else 'over'} {item.threshold:g}"
        if item.threshold
        else ""
    )
    return {
        "id": item.id,
        "hazard": item.hazard,
        "what": f"{item.signal.replace('_', ' ')}{rule}",
        "group": item.group,
        "observed": f"{scale * item.observed:.2f}",
        "bound": f"{scale * item.bound:.2f}",
        "limit": f"{scale * limit:.2f}",
        "unit": unit,
        "bar": figures.limit_bar(used_share(item), item.passed),
        "n": item.n,
        "method": item.method,
        "confidence": f"{100 * item.confidence:.3g}\u00a0%",
        "passed": item.passed,
    }


def used_share(item: ItemResult) -> float:
    """Return how much of its limit a bound uses up; 1 is the limit, below 0 a gain."""
    if item.type == "noninferiority" and item.harm == "below":
        return -item.bound / item.limit
    if item.type == "mean" and item.harm == "below":
        return item.limit / item.bound if item.bound > 0 else 1.5
    return item.bound / item.limit if item.limit > 0 else 1.5
