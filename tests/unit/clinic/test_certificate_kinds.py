"""How a certificate shows courses, hard items and tails: on paper and on the console."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dosegym.cli.certify import print_case
from dosegym.clinic.view_certificate import certificate_view, used_share
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.safety_case import SafetyCase
from dosegym.evaluation.temporal import verdict_key
from dosegym.evaluation.verdict import ItemResult, judge_all
from dosegym.therapy.constraint import FormulaClaim, TailItem

N = 1000


def results(violations: int) -> tuple[ItemResult, ...]:
    """Return the results of the new items of the second set, some people having violated each."""
    rules = load_constraints("insulin-v2")
    items = tuple(i for i in rules.items if isinstance(i, FormulaClaim | TailItem))
    values = {i.signal: np.zeros(N) for i in items if isinstance(i, TailItem)}
    harmed = np.where(np.arange(N) < violations, -1.0, 1.0)
    values |= {verdict_key(i.id): harmed for i in items if isinstance(i, FormulaClaim)}
    chosen = rules.model_copy(update={"items": items})
    return tuple(judge_all(chosen, values, values, ["adult"] * N))


@pytest.fixture
def told(case: SafetyCase) -> SafetyCase:
    """Return a certificate with those results, of which one person violated each formula."""
    return replace(case, items=results(1))


def test_every_kind_is_told_in_its_own_terms(told: SafetyCase) -> None:
    """Shares of patients in per cent, tails in their unit, formulas word for word."""
    shown = {item["id"]: item for item in certificate_view(told, "adult")["items"]}
    low = shown["prolonged-low"]
    assert (low["unit"], low["observed"], low["passed"]) == ("% of patients", "0.10", True)
    assert low["what"] == "always(eventually[0, 15 min](glucose >= 54 mg/dL))"
    stacking = shown["insulin-stacking"]
    assert (stacking["limit"], stacking["passed"]) == ("0.00", False)
    assert stacking["what"].endswith("iob_cap), never violated")
    tail = shown["low-54-tail"]
    assert (tail["unit"], tail["what"]) == ("%", "time below 54, mean of the worst")


def test_a_hard_item_uses_all_or_nothing_of_its_limit() -> None:
    """Kept, its bar is empty; violated once, it is over the limit."""
    for violations, used in ((0, 0.0), (1, 1.5)):
        hard = [item for item in results(violations) if item.type == "hard"]
        assert len(hard) == 2
        assert [used_share(item) for item in hard] == [used, used]
        assert [item.passed for item in hard] == [violations == 0] * 2


def test_the_console_says_that_a_hard_item_allows_none(
    told: SafetyCase, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its limit is no number that an observed share could be compared with."""
    print_case(told)
    printed = capsys.readouterr().out
    (line,) = [row for row in printed.splitlines() if "insulin-stacki" in row]
    assert "none" in line
    assert "NO" in line
