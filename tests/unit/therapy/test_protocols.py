"""Published limits: goals at their edges, presets, and a source for every number."""

from __future__ import annotations

from dataclasses import fields

import pytest

from dosegym.physiology.errors import InputError
from dosegym.therapy import protocols
from dosegym.therapy.protocols import GRI, PRESETS, Goal, Source, glucose_preset

RECORDS = (
    protocols.LEVELS,
    protocols.GMI,
    protocols.GRI,
    protocols.KOVATCHEV,
    protocols.MAGNI,
    protocols.EPISODES,
    protocols.SUFFICIENCY,
    protocols.MARGINS,
    protocols.INSULIN_DOSES,
    protocols.STARTING_RULES,
    *PRESETS.values(),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_record_names_its_source(record: object) -> None:
    """Each record of numbers carries at least one source with a text."""
    sources = [getattr(record, f.name) for f in fields(record) if "source" in f.name]
    assert sources
    assert all(isinstance(source, Source) and source.text for source in sources)


def test_goals_at_their_edge() -> None:
    """Consensus goals are strict (below 4 %), except 36 % variability, which meets its goal."""
    below = Goal("time_below_70", "below", 4.0)
    assert (below.met(3.99), below.met(4.0)) == (True, False)
    goals = {goal.metric: goal for goal in PRESETS["standard"].goals}
    assert goals["cv"].met(36.0)
    assert not goals["time_in_range"].met(70.0)
    assert not goals["time_in_range"].met(float("nan"))


def test_risk_index_weights_are_the_published_four() -> None:
    """Weights times shares give Klonoff's 3.0, 2.4, 1.6 and 0.8."""
    found = (
        GRI.hypo_weight,
        GRI.hypo_weight * GRI.low_share,
        GRI.hyper_weight,
        GRI.hyper_weight * GRI.high_share,
    )
    assert found == pytest.approx((3.0, 2.4, 1.6, 0.8))


def test_older_goals_are_stricter_on_lows_and_laxer_on_highs() -> None:
    """Older or high-risk people: under 1 % below 70, over 50 % in range, under 10 % above 250."""
    goals = {goal.metric: goal.limit for goal in PRESETS["older_high_risk"].goals}
    assert goals["time_below_70"] == 1.0
    assert (goals["time_in_range"], goals["time_above_250"]) == (50.0, 10.0)


def test_unknown_preset_lists_the_known_ones() -> None:
    """An unknown preset is refused with the list of those there are."""
    with pytest.raises(InputError, match="'child' is unknown; choose one of standard, older_high"):
        glucose_preset("child")
