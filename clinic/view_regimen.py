"""What the blood-pressure report shows of regimens: tablets, the expected course, harms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..therapy.formulary import CLASS_NAMES
from . import figures_regimen
from .checks import percent
from .pressure_course import HARMS, TARGET, PressureCourse
from .pressure_gates import share_worse
from .pressure_words import headline

if TYPE_CHECKING:
    from .pressure_recommendation import PressureRecommendation

LABS: Final = (
    ("potassium", "potassium", "mmol/L", (3.5, 5.5)),
    ("egfr", "eGFR", "mL/min/1.73 m²", ()),
)


def regimen_view(found: PressureRecommendation) -> dict[str, Any]:
    """Return everything the report shows of regimens."""
    current, proposed = found.current, found.proposed
    trusted = all(c.passed for c in found.checks if c.id.startswith("twin-"))
    view: dict[str, Any] = {
        "released": proposed is not None,
        "trusted": trusted,
        "weeks": f"{found.days / 7:.0f}",
        "assumed": list(found.assumed),
        "target": f"{TARGET.sbp_mmhg:g}/{TARGET.dbp_mmhg:g}",
        "course": None,
    }
    if current is None or not (trusted or proposed is not None):
        return view
    expected = _expected(current, proposed)
    return view | {
        "headline": "" if found.proposal is None else headline(found.proposal),
        "rows": [] if found.proposal is None else [_row(r) for r in found.proposal.rows()],
        "course": figures_regimen.expected_course(current, proposed),
        "labs": [
            (title, figures_regimen.expected_lab(current, proposed, name, title, unit, limits))
            for name, title, unit, limits in LABS
        ],
        "expected": expected,
        "cards": _cards(expected),
        "harms": _harms(current, proposed),
        "draws": len(current.last("sbp")),
    }


def _row(row: dict[str, Any]) -> dict[str, str]:
    def dose(mg: float) -> str:
        return f"{mg:g} mg" if mg > 0.0 else "-"

    return {
        "drug": row["drug"],
        "class": CLASS_NAMES[row["class"]],
        "now": dose(row["now_mg"]),
        "then": dose(row["mg"]),
        "change": row["change"].replace("x", "\u00d7"),
        "same": row["change"] == "unchanged",
    }


def _expected(current: PressureCourse, proposed: PressureCourse | None) -> list[dict[str, str]]:
    """Return rows: what, under the current regimen, under the proposal."""

    def band(course: PressureCourse | None, name: str, digits: int) -> str:
        if course is None:
            return ""
        low, middle, high = np.quantile(course.last(name), (0.05, 0.5, 0.95))
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    rows = [
        {"what": what, "now": band(current, name, digits), "then": band(proposed, name, digits)}
        for name, what, digits in (
            ("sbp", "Systolic pressure, mmHg", 0),
            ("dbp", "Diastolic pressure, mmHg", 0),
            ("heart_rate", "Heart rate, 1/min", 0),
            ("potassium", "Potassium, mmol/L", 1),
            ("sodium", "Sodium, mmol/L", 0),
            ("creatinine", "Creatinine, mg/dL", 2),
            ("egfr", "eGFR, mL/min/1.73 m²", 0),
        )
    ]
    rows.append(
        {
            "what": f"Chance to be below {TARGET.sbp_mmhg:g}/{TARGET.dbp_mmhg:g} mmHg",
            "now": percent(current.in_target()),
            "then": "" if proposed is None else percent(proposed.in_target()),
        }
    )
    return rows


def _cards(expected: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """Return what opens the report: both pressures, potassium and the chance of the target."""
    chosen = (expected[0], expected[1], expected[3], expected[-1])
    return [(r["what"], r["now"].split(" (")[0], r["then"].split(" (")[0]) for r in chosen]


def _harms(current: PressureCourse, proposed: PressureCourse | None) -> list[dict[str, str]]:
    rows = [
        {
            "what": harm.title,
            "now": percent(current.chance(harm.id), 1),
            "then": "" if proposed is None else percent(proposed.chance(harm.id), 1),
        }
        for harm in HARMS
    ]
    if proposed is not None:
        worse = percent(share_worse(current, proposed))
        rows.append({"what": "Ending further from the target than now", "now": "", "then": worse})
    return rows
