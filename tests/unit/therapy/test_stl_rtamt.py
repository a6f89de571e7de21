"""Robustness against rtamt 0.4: recorded answers always, the program itself where installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from stl_cases import SIGNALS, STEP, formulas, traces
from stl_rtamt import in_rtamt, rtamt_robustness

from dosegym.therapy.stl import Formula, parse_formula

RECORDED = json.loads(
    (Path(__file__).parents[2] / "reference" / "stl_rtamt.json").read_text("utf-8")
)


def test_recorded_answers_of_rtamt() -> None:
    """Random formulas, written out and read again, have rtamt's robustness at every sample."""
    assert len(RECORDED["cases"]) >= 100
    for case in RECORDED["cases"]:
        judged = parse_formula(case["formula"], SIGNALS)
        trace = {name: np.array(case[name]) for name in SIGNALS}
        expected = [float(value) for value in case["robustness"]]
        assert judged.robustness(trace, RECORDED["step_min"]).tolist() == expected, case
        assert in_rtamt(judged.root) == case["rtamt"]


def test_recorded_formulas_use_every_operator() -> None:
    """The comparison leaves none out, with bounds and without."""
    text = " ".join(case["formula"] for case in RECORDED["cases"])
    for word in ("always", "eventually", "historically", "once", "until", "since"):
        assert f"{word}[" in text
        assert f"{word} (" in text
    for word in ("not (", ") and (", ") or (", ") implies (", " >= ", " > "):
        assert word in text


@pytest.mark.skipif(
    importlib.util.find_spec("rtamt") is None, reason="rtamt is not installed (extra: rtamt)"
)
@settings(max_examples=300, deadline=None)
@given(node=formulas(truths=False), series=traces(gaps=False, lanes=1, shortest=2))
def test_random_formulas_against_rtamt_itself(node: Any, series: Any) -> None:
    """Fresh formulas and traces, at every sample, exactly."""
    trace = {name: values[0] for name, values in series.items()}
    found = Formula(str(node), node, SIGNALS).robustness(trace, STEP)
    assert found.tolist() == rtamt_robustness(in_rtamt(node), trace)
