"""Whether higher pressure ever makes a policy give less, all else being equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.monotone import monotonicity
from dosegym.policies.step_table_file import shipped_tables
from dosegym.therapy.formulary import CLASSES


def people(visit: Any, formulary: Any, n: int = 1500) -> Any:
    """Return people of all kinds on random regimens."""
    rng = np.random.default_rng(7)
    now = rng.integers(0, np.array(formulary.levels), (n, 6)) * (rng.random((n, 6)) < 0.4)
    now[:, 1] *= now[:, 0] == 0
    doses = formulary.standard_of(now)
    return visit(
        sbp=np.round(rng.normal(135, 18, n)),
        dbp=np.round(rng.normal(82, 11, n)),
        age=rng.normal(65, 12, n),
        bmi=rng.normal(28, 4, n),
        risk_10y=rng.random(n) * 0.2,
        potassium=rng.normal(4.4, 0.6, n),
        heart_rate=rng.normal(70, 12, n),
        egfr_ratio=rng.normal(0.95, 0.15, n),
        dizzy=(rng.random(n) < 0.1).astype(float),
        cvd=(rng.random(n) < 0.2).astype(float),
        weeks=rng.integers(0, 13, n) * 4.0,
        **{f"dose_{k}": doses[:, i] for i, k in enumerate(CLASSES)},
    )


@pytest.mark.parametrize("name", sorted(shipped_tables()))
def test_step_tables_are_monotone(name: str, visit: Any) -> None:
    """No shipped table gives less of any class when the pressure measured is higher."""
    policy = load_policy(name)
    crowd = people(visit, policy.formulary)
    _, state = policy.predict(crowd)
    for memory in (None, {**state, "due_week": state["due_week"] - 100.0}):
        found = monotonicity(policy, crowd, memory)
        assert found.holds, found
        assert found.pairs == 5 * len(crowd)


class Backward:
    """Gives half a dose of amlodipine at high pressure and a whole one at low."""

    formulary = "default"

    def predict(self, observation: Any, *_: Any) -> tuple[Any, None]:
        """Return the regimens."""
        levels = np.zeros((len(observation), 6), np.int64)
        levels[:, 2] = np.where(observation[:, 1] > 0.0, 2, 3)
        return levels, None


def test_a_backward_policy_is_found_out(visit: Any) -> None:
    """A policy that gives half a standard dose less above 140 mmHg is counted and measured."""
    found = monotonicity(Backward(), visit(sbp=np.array([139.0, 150.0])), rises_mmhg=(5.0, 10.0))
    assert (found.pairs, found.weaker, found.less_of_a_class) == (4, 1, 1)
    assert found.largest_fall == pytest.approx(0.5)
    assert not found.holds


def test_only_levels_can_be_judged(visit: Any) -> None:
    """A policy that answers with continuous actions is refused."""

    class Continuous(Backward):
        def predict(self, observation: Any, *_: Any) -> tuple[Any, None]:
            return np.zeros((len(observation), 6), np.float32), None

    with pytest.raises(InputError, match="give one that answers levels"):
        monotonicity(Continuous(), visit())
