"""Endpoints of a trial: each measure against a course whose value is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.evaluation.rollout import Rollout
from dosegym.evaluation.trial_endpoints import values_of, visit_of
from dosegym.evaluation.trial_protocol import Endpoint
from dosegym.physiology.errors import InputError

FOUR_WEEKS_MIN = 28 * 1440.0


@pytest.fixture
def run() -> Rollout:
    """Return three people at visits in weeks 0, 4, 8 and 12."""
    series = {
        "sbp": [[150, 160, 140], [140, 150, 139], [130, 139, 141], [138, 141, 120]],
        "dbp": [[90, 95, 85], [85, 91, 80], [84, 88, 82], [89, 80, 75]],
        "doses": [[1, 1, 1], [1, 1, 1], [1, 2, 1], [2, 2, 0.5]],
        "event": [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 3, 0]],
        "reward": [[0, 0, 0]] * 4,
    }
    names = ("a", "b", "c")
    columns = {k: np.array(v, np.float32) for k, v in series.items()}
    return Rollout(names, ("adult",) * 3, (1, 2, 3), FOUR_WEEKS_MIN, columns, np.zeros(3))


def asked(measure: str, **keys: Any) -> Endpoint:
    """Return an endpoint of one measure."""
    names = {"id": "x", "label": "x", "unit": "1", "arm": "a", "status": "none"}
    return Endpoint.model_validate({**names, "measure": measure, **keys})


@pytest.mark.parametrize(
    ("measure", "keys", "wanted"),
    [
        ("value", {"column": "sbp", "week": 12}, [138, 141, 120]),
        ("value", {"column": "sbp", "week": 0}, [150, 160, 140]),
        ("change", {"column": "sbp", "week": 12}, [-12, -19, -20]),
        ("change", {"column": "sbp", "week": 12, "from_week": 4}, [-2, -9, -19]),
        ("below", {"limits": {"sbp": 140, "dbp": 90}, "week": 12}, [100, 0, 100]),
        ("below", {"limits": {"dbp": 89}, "week": 12}, [0, 100, 100]),
        ("rise", {"column": "doses", "week": 12, "from_week": 4}, [100, 100, 0]),
        ("rise", {"column": "doses", "week": 8, "from_week": 4}, [0, 100, 0]),
        ("ever", {"column": "event"}, [0, 100, 0]),
        ("ever", {"column": "event", "above": 2}, [0, 100, 0]),
        ("ever", {"column": "event", "week": 4}, [0, 0, 0]),
        ("events", {"column": "event"}, [0, 2 * 100 * 365.25 / 84, 0]),
        ("events", {"column": "event", "from_week": 8}, [0, 100 * 365.25 / 28, 0]),
        ("within", {"column": "sbp", "range": [130, 140]}, [100, 100 / 3, 100 / 3]),
        ("within", {"column": "sbp", "range": [None, 139]}, [200 / 3, 100 / 3, 200 / 3]),
        ("mean", {"column": "sbp"}, [136, 430 / 3, 400 / 3]),
        ("mean", {"column": "sbp", "from_week": 8, "week": 12}, [134, 140, 130.5]),
    ],
)
def test_a_measure_gives_the_known_value(
    measure: str, keys: dict[str, Any], wanted: list[float], run: Rollout
) -> None:
    """Each measure of a course computed by hand; events before the first interval do not count."""
    assert values_of(asked(measure, **keys), run) == pytest.approx(wanted)


def test_a_week_without_a_visit_is_refused(run: Rollout) -> None:
    """A week between visits, or past the last, is told with the visits there are."""
    with pytest.raises(InputError, match="week is 6, on which no visit falls: there are 3 visits"):
        values_of(asked("value", column="sbp", week=6), run)
    with pytest.raises(InputError, match="week is 16"):
        visit_of(16.0, FOUR_WEEKS_MIN, 3)


def test_a_span_must_rise(run: Rollout) -> None:
    """A span that ends where it begins holds nothing."""
    with pytest.raises(InputError, match="give rising weeks"):
        values_of(asked("mean", column="sbp", from_week=8, week=8), run)
