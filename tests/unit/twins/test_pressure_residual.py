"""The blood-pressure residual: bounded, silent at rest, switched off by its own verdict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.physiology.pressure_people import sample_pressure
from dosegym.physiology.pressure_quantities import PARAMETERS
from dosegym.physiology.streams import stream
from dosegym.therapy.formulary import load_formulary
from dosegym.twins.pressure import fit_pressure
from dosegym.twins.pressure_body import untreated
from dosegym.twins.pressure_prior import prior_of
from dosegym.twins.pressure_residual import (
    FEATURES,
    GAIN_REACH,
    GAINED,
    PressureResidual,
    load_pressure_residual,
)
from dosegym.twins.pressure_residual_judge import case_of, judge_pressure, signs_of
from dosegym.twins.pressure_residual_train import PressureTraining, train_pressure_members
from dosegym.twins.pressure_truth import other_people, shifts
from dosegym.twins.residual import Member


def extreme(sign: float, on: bool = True) -> PressureResidual:
    """Return a residual whose network drives every gain to its bound for people over 60."""
    inner = np.zeros((len(FEATURES), 1))
    inner[0] = 50.0
    member = Member(inner, np.zeros(1), np.full((1, len(GAINED)), 50.0 * sign), np.zeros(7))
    return PressureResidual("extreme", (member,), {"on": on, "reason": "made for a test"})


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_gains_never_leave_their_bounds(sign: float) -> None:
    """A network of huge weights moves gains to exp(+-reach) and no further."""
    people = sample_pressure(200, np.random.default_rng(0))
    gains = extreme(sign).gains(people.covariates, np.zeros(200, dtype=np.int64))
    reach = np.exp(np.array(GAIN_REACH))
    assert (gains <= reach * (1 + 1e-12)).all()
    assert (gains >= 1 / reach * (1 - 1e-12)).all()
    assert np.isclose(np.abs(np.log(gains)).max(axis=0), GAIN_REACH).all()


def test_untreated_people_are_left_as_they_are() -> None:
    """Gains at their bounds change no output of anybody who takes nothing."""
    people = sample_pressure(50, np.random.default_rng(1))
    changed = extreme(1.0).applied(people, np.zeros(50, dtype=np.int64))
    one, other = (untreated(p, load_formulary()) for p in (people, changed))
    assert not np.array_equal(people.params, changed.params)
    np.testing.assert_array_equal(one.x, other.x)
    others = [i for i, q in enumerate(PARAMETERS) if q.name not in GAINED]
    np.testing.assert_array_equal(people.params[:, others], changed.params[:, others])


def test_a_residual_that_is_off_changes_nothing() -> None:
    """With its card off, even extreme weights give gains of exactly 1."""
    people = sample_pressure(50, np.random.default_rng(1))
    rows = np.zeros(50, dtype=np.int64)
    np.testing.assert_array_equal(
        extreme(1.0, on=False).applied(people, rows).params, people.params
    )


def test_training_finds_how_answers_differ() -> None:
    """A small training learns that the old answer calcium blockers more and ACE inhibitors less."""
    how = PressureTraining(people=600, members=2, steps=40, batch=48)
    members = train_pressure_members(how, stream(0, "training"))
    _, believed = other_people(300, stream(0, "validation"))
    trained = PressureResidual("small", members, {"on": True, "reason": "on trial"})
    gains = np.log(trained.gains(believed.covariates, np.zeros(300, dtype=np.int64)))
    truth = shifts(believed.covariates)
    for k in (0, 2):
        assert np.corrcoef(gains[:, k], truth[:, k])[0, 1] > 0.3


def test_the_shipped_residual_carries_its_verdict(tmp_path: Path) -> None:
    """It round-trips, and is on exactly where the interval of its gain on test people says so."""
    shipped = load_pressure_residual()
    first = shipped.card["test"]["first_drug"]
    assert shipped.on == (first["low"] > 0.0)
    path = tmp_path / "residual.json"
    path.write_text(json.dumps(shipped.to_dict()), encoding="utf-8")
    assert load_pressure_residual(path).sha256 == shipped.sha256


def test_a_fit_takes_the_member_as_one_more_unknown() -> None:
    """A fit with a residual has one coordinate more, and says in a note whether it is on."""
    rng = np.random.default_rng(2)
    body = untreated(sample_pressure(1, rng), load_formulary())
    case = case_of(body, rng, treated=True)
    shipped = load_pressure_residual()
    assert prior_of({}, shipped).size == prior_of({}).size + 1
    twin = fit_pressure(case.seen, draws=50, residual=shipped)
    assert any("learned residual" in note for note in twin.notes)


def test_judging_and_signs_count_people() -> None:
    """The verdict is of people, and doses are compared pairwise in each class."""
    found = judge_pressure(extreme(1.0), 4, np.random.default_rng(3))
    assert found.people == 4
    assert found.bare > 0.0
    signs = signs_of(40, np.random.default_rng(4))
    assert all(one.pairs == 200 for one in signs.values())
    assert signs["acei"].raised == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [("[]", "not a pressure residual"), ("{", "not a pressure residual"), ("{}", "features")],
)
def test_a_bad_file_ends_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    """What is no residual is refused in one line that names the file."""
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as error:
        load_pressure_residual(path)
    assert "\n" not in str(error.value)
