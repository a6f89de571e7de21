"""The table per group: seeds averaged first, patients counted, missing values told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.evaluation.summary import per_patient, summarise
from dosegym.physiology.errors import InputError


def row(patient: str, group: str, seed: int, **metrics: float) -> dict[str, Any]:
    return {"patient": patient, "group": group, "seed": seed, "metrics": metrics}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_seeds_are_averaged_before_anything_else() -> None:
    """Two seeds of one patient count once: n is patients, sd is between patients."""
    rows = [
        row("a", "adult", 0, tir=60.0),
        row("a", "adult", 1, tir=80.0),
        row("b", "adult", 0, tir=90.0),
    ]
    entry = summarise(rows, rng=rng())["adult"]["tir"]
    assert (entry["mean"], entry["n"]) == (80.0, 2)
    assert entry["sd"] == pytest.approx(np.sqrt(200.0))
    assert 70.0 <= entry["low"] <= 80.0 <= entry["high"] <= 90.0


def test_everyone_is_pooled_and_resampled_within_groups() -> None:
    """Group "all" weighs patients equally; groups without inner spread leave it no width."""
    rows = [row(f"c{i}", "child", 0, tir=60.0) for i in range(3)]
    rows += [row(f"a{i}", "adult", 0, tir=90.0) for i in range(9)]
    summary = summarise(rows, rng=rng())
    assert list(summary) == ["child", "adult", "all"]
    assert summary["all"]["tir"]["mean"] == 82.5
    assert summary["all"]["tir"]["low"] == summary["all"]["tir"]["high"] == 82.5
    assert summary["all"]["tir"]["n"] == 12


def test_missing_values_lower_n_only_where_missing() -> None:
    """A metric unknown for one patient is summarised over the others; for all, it is NaN."""
    rows = [
        row("a", "adult", 0, tir=60.0, events=np.nan, never=np.nan),
        row("b", "adult", 0, tir=70.0, events=2.0, never=np.nan),
        row("c", "adult", 0, tir=80.0, events=4.0, never=np.nan),
    ]
    adult = summarise(rows, rng=rng())["adult"]
    assert (adult["tir"]["n"], adult["events"]["n"], adult["never"]["n"]) == (3, 2, 0)
    assert adult["events"]["mean"] == 3.0
    assert np.isnan(adult["never"]["mean"])
    assert list(adult) == ["tir", "events", "never"]


def test_one_patient_has_a_mean_and_nothing_else() -> None:
    """With a single patient neither spread nor interval is made up."""
    entry = summarise([row("a", "adult", 0, tir=60.0)], rng=rng())["all"]["tir"]
    assert (entry["mean"], entry["n"]) == (60.0, 1)
    assert np.isnan([entry["sd"], entry["low"], entry["high"]]).all()


def test_order_of_rows_does_not_change_the_means() -> None:
    """Rows in any order give the same averages per patient."""
    rows = [row(f"p{i % 4}", "adult", i // 4, tir=float(i * i % 17)) for i in range(12)]
    groups, values = per_patient(rows)
    back, reversed_values = per_patient(rows[::-1])
    forward = dict(zip(groups, values["tir"], strict=True))
    assert forward == pytest.approx(dict(zip(back, reversed_values["tir"], strict=True)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "0 rows"),
        ([row("a", "adult", 0, x=1), row("a", "child", 1, x=1)], "groups adult and child"),
        ([row("a", "adult", 0, x=1), row("b", "adult", 0, y=1)], "metric x is missing"),
        ([row("a", "all", 0, x=1)], "reserved"),
    ],
)
def test_refusals_name_the_fault(rows: list[dict[str, Any]], message: str) -> None:
    """No rows, a patient in two groups, uneven metrics and a group called all are refused."""
    with pytest.raises(InputError, match=message):
        summarise(rows, rng=rng())
