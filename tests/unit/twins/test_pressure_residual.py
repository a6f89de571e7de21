"""The blood-pressure residual: bounded, silent at rest, switched off by its own verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.physiology.library import load_model
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
    features_of,
    load_pressure_residual,
)
from dosegym.twins.pressure_residual_judge import case_of, judge_pressure, signs_of
from dosegym.twins.pressure_residual_train import (
    Lesson,
    PressureTraining,
    foretold_change,
    lesson,
    members_from,
)
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


def test_training_finds_planted_gains() -> None:
    """Changes foretold under known gains, no noise: training finds these gains, and no others."""
    import torch

    told = lesson(240, stream(0, "training"))
    told = Lesson(told.believed, told.inputs[:14], told.change)
    seen = features_of(told.believed.covariates)
    planted = np.zeros((240, len(GAINED)))
    planted[:, [0, 2]] = 0.8 * seen[:, :1] * np.array([-1.0, 1.0])
    model, rows = load_model(told.believed.model), np.arange(240)
    raw = torch.tensor(planted, dtype=torch.float32)
    change = foretold_change(model, told, rows, raw).numpy().astype(np.float64)
    how = PressureTraining(members=1, steps=30, batch=24, rate=0.05, shrinkage=0.05)
    (member,) = members_from(replace(told, change=change), how, stream(1, "training"))
    found, truth = (np.tanh(v) for v in (member.raw(seen, np.zeros(7)), planted))
    for k in (0, 2):
        assert np.corrcoef(found[:, k], truth[:, k])[0, 1] > 0.9
        assert found[:, k].std() > 0.5 * truth[:, k].std()
    assert (found[:, [1, 3, 4, 5]].std(axis=0) < 0.1).all()


def test_the_shipped_one_has_learned_how_answers_differ() -> None:
    """Its gains go with the truth of new people in each class, on the mean of its members."""
    _, believed = other_people(300, stream(0, "validation"))
    shipped = load_pressure_residual()
    assert shipped.on
    each = [
        np.log(shipped.gains(believed.covariates, np.full(300, m)))
        for m in range(len(shipped.members))
    ]
    gains, truth = np.mean(each, axis=0), shifts(believed.covariates)
    assert all(np.corrcoef(gains[:, k], truth[:, k])[0, 1] > 0.4 for k in range(6))


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
