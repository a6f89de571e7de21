"""The shipped constraint set: loadable, hashed, its limits defensible at 3,000 patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.constraints import list_constraints, load_constraints
from dosegym.evaluation.metrics import cgm_metrics
from dosegym.evaluation.planning import failures_allowed
from dosegym.evaluation.statistics import betting, paired_difference
from dosegym.physiology.errors import InputError
from dosegym.therapy.constraint import ChanceItem, MeanItem, NonInferiorityItem
from dosegym.therapy.protocols import LEVELS, MARGINS, PRESETS
from dosegym.therapy.signals import INSULIN, SIGNALS_OF

N = 3000
GOALS = {goal.metric: goal.limit for goal in PRESETS["standard"].goals}


def test_insulin_set_is_listed_and_loads_by_name_and_path() -> None:
    """The set loads by its name and, from the same file, by its path, with one hash."""
    assert "insulin-v1" in list_constraints()
    by_name = load_constraints("insulin-v1")
    folder = Path(load_constraints.__code__.co_filename).parent
    assert load_constraints(folder / "insulin-v1.yaml").sha256 == by_name.sha256
    assert (by_name.name, by_name.horizon_days, by_name.trace) == ("insulin-v1", 14, "truth")


def test_every_signal_is_a_metric() -> None:
    """Whatever a constraint may speak of is computed from glucose, within its stated range."""
    metrics = cgm_metrics([40.0, 100.0, 300.0])
    signals = SIGNALS_OF[INSULIN]
    assert set(signals) <= set(metrics)
    assert all(signal.low <= metrics[name] <= signal.high for name, signal in signals.items())


def test_deltas_fill_the_total() -> None:
    """The items share out exactly the total error probability."""
    constraints = load_constraints("insulin-v1")
    spent = sum(item.delta for item in constraints.items)
    assert spent == pytest.approx(constraints.total_delta)


def test_chance_items_refuse_one_patient_in_fifty_and_can_be_met() -> None:
    """At n = 3,000 a 2 % harm passes with probability below 1e-10, one of 0.1 % over 0.999."""
    for item in load_constraints("insulin-v1").items:
        if isinstance(item, ChanceItem):
            allowed = failures_allowed(N, item.limit, confidence=1 - item.delta)
            assert allowed is not None
            assert stats.binom.cdf(allowed, N, 0.02) < 1e-10
            assert stats.binom.cdf(allowed, N, 0.001) > 0.999


def test_mean_limits_are_the_consensus_goals() -> None:
    """Mean limits are the goals of the standard preset, written once more for the reader."""
    means = [item for item in load_constraints("insulin-v1").items if isinstance(item, MeanItem)]
    assert {item.signal: item.limit for item in means} == {
        key: GOALS[key] for key in ("time_below_54", "time_below_70", "time_above_250")
    }


def test_thresholds_and_margins_are_those_of_the_protocols() -> None:
    """Other numbers of the file equal the one place where clinical numbers live."""
    items = {item.id: item for item in load_constraints("insulin-v1").items}
    assert items["severe-low"].threshold == LEVELS.severe_low
    assert items["low-54-patient"].threshold == GOALS["time_below_54"]
    assert items["insulin-lack-patient"].threshold == LEVELS.very_high
    assert items["not-worse-in-range"].margin == MARGINS.time_in_range
    assert items["not-worse-below-54"].margin == MARGINS.time_below_54


def test_margins_can_be_shown_by_an_equal_policy() -> None:
    """At n = 3,000 a policy equal to the regimen up to noise keeps every mean and margin item."""
    rng = np.random.default_rng(0)
    typical = {"time_below_54": 0.3, "time_below_70": 1.5, "time_above_250": 2.5}
    for item in load_constraints("insulin-v1").items:
        confidence = 1 - item.delta
        side = "upper" if item.harm == "above" else "lower"
        if isinstance(item, MeanItem):
            values = rng.gamma(0.5, typical[item.signal] / 0.5, N).clip(0, 100)
            bound = betting(values, support=item.support, confidence=confidence, side=side)
            assert item.slack(bound.value) > 0, item.id
        elif isinstance(item, NonInferiorityItem):
            center, noise = (0.3, 0.3) if item.signal == "time_below_54" else (75.0, 6.0)
            regimen = rng.gamma(4.0, center / 4.0, N).clip(0, 100)
            policy = (regimen + rng.normal(0, noise, N)).clip(0, 100)
            bound = paired_difference(
                policy, regimen, support=item.support, confidence=confidence, side=side
            )
            assert item.slack(bound.value) > 0, item.id


def test_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    """An unknown name or path is refused in one line that lists the known sets."""
    with pytest.raises(InputError, match=r"'insuline-v1' is neither .* one of .*insulin-v1"):
        load_constraints("insuline-v1")
    with pytest.raises(InputError, match="neither a readable file"):
        load_constraints(tmp_path)


def test_file_that_is_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused by name."""
    path = tmp_path / "broken.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match=r"broken\.yaml is not UTF-8"):
        load_constraints(path)
