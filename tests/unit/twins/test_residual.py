"""The trained residual: what it puts out, what it may not see, whether it helps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.physiology import InputError, load_model
from dosegym.physiology.engine import engine_for
from dosegym.twins import load_residual
from dosegym.twins.residual import RESIDUALS, SLOTS, Residual
from dosegym.twins.residual_context import CONTEXT, FEATURES, encode, window_features
from dosegym.twins.residual_judge import (
    Gain,
    bare_error,
    crps_ensemble,
    crps_normal,
    familiar_to,
    gains_by_kind,
    helps,
    person_errors,
    with_members,
)
from dosegym.twins.residual_people import TRUTHS, Known, know, live_people
from dosegym.twins.residual_windows import forecast, neutral_columns

HYBRID = load_model("uva_padova_gains")


@pytest.fixture(scope="module")
def residual() -> Residual:
    return load_residual()


@pytest.fixture(scope="module")
def known() -> Known:
    """Two people of each of two kinds of truth, of the purpose that nothing is trained on."""
    return know(live_people("certification", 2, seed=3, truths=TRUTHS[1::2]))


def test_every_output_is_within_bounds(residual: Residual) -> None:
    """Whatever the features, infinite ones included, gains and coefficients keep their bounds."""
    rng = np.random.default_rng(0)
    wild = rng.standard_normal((2000, len(FEATURES))) * 10.0 ** rng.uniform(-3, 12, (2000, 1))
    bounds = [(q.low, q.high) for q in HYBRID.parameters[-6:]]
    for member in range(len(residual.members)):
        columns = residual.columns(wild, member)
        for k, (low, high) in enumerate(bounds):
            assert columns[:, k].min() >= low
            assert columns[:, k].max() <= high


def test_gains_at_their_bounds_are_admitted_by_the_engine(residual: Residual) -> None:
    """The outermost outputs are within the last bit of what the engine admits."""
    from dosegym.physiology import load_population
    from dosegym.physiology.population import adopt

    table = adopt(HYBRID, load_population()).params[:2].copy()
    far = np.full(len(FEATURES), 1e9)
    table[0, -6:], table[1, -6:] = residual.columns(far, 0), residual.columns(-far, 0)
    state = HYBRID.initial(table)
    engine_for(HYBRID).advance(state, table, np.zeros((5, 2, 2)))
    assert np.isfinite(state).all()


def test_the_ordinary_person_without_an_hour_is_the_bare_body(residual: Residual) -> None:
    """With all features zero every gain is exactly 1 and every coefficient 0."""
    for member in range(len(residual.members)):
        columns = residual.columns(np.zeros(len(FEATURES)), member)
        np.testing.assert_array_equal(columns, list(HYBRID.neutral.values()))


def test_a_residual_that_is_off_changes_nothing(residual: Residual) -> None:
    """Where it did not help in validation, all outputs are neutral."""
    off = replace(residual, card={**residual.card, "on": False})
    day = off.day(residual.contexts, 0)
    assert day.shape == (len(residual.contexts), SLOTS, 6)
    np.testing.assert_array_equal(day, np.broadcast_to(list(HYBRID.neutral.values()), day.shape))


def test_it_survives_a_file(residual: Residual, tmp_path: Path) -> None:
    """Written and read again it has the same hash; one changed weight changes the hash."""
    path = tmp_path / "mine.json"
    data = residual.to_dict()
    path.write_text(json.dumps(data))
    assert load_residual(path).sha256 == residual.sha256
    data["members"][0]["bias"][0] += 1e-6
    path.write_text(json.dumps(data))
    assert load_residual(path).sha256 != residual.sha256


def _without(key: str) -> Any:
    return lambda data: data.pop(key)


@pytest.mark.parametrize(
    "damage",
    [
        _without("members"),
        _without("card"),
        lambda data: data.update(format=99),
        lambda data: data.update(features=["glucose"]),
        lambda data: data["scale"].__setitem__(0, 0.0),
        lambda data: data["members"][0].update(direct=[1.0]),
        lambda data: data["members"][0]["bias"].__setitem__(0, float("nan")),
        lambda data: data["people"].update(threshold=0.0),
        lambda data: data["card"].update(on="yes"),
    ],
)
def test_a_damaged_file_is_refused(residual: Residual, tmp_path: Path, damage: Any) -> None:
    """One line says what is wrong and what to do."""
    data = json.loads(json.dumps(residual.to_dict()))
    damage(data)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"is not a residual .*train it again"):
        load_residual(path)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    """The error names what there is; a missing file is told as such."""
    with pytest.raises(InputError, match=f"choose one of {RESIDUALS[0]}"):
        load_residual("uva")
    with pytest.raises(InputError, match="cannot read residual"):
        load_residual(tmp_path / "none.json")


def test_the_shipped_one_is_on_and_says_why(residual: Residual) -> None:
    """Its card tells command, date, people and scores whose intervals lie above zero."""
    assert residual.on
    assert len(residual.members) == 5
    for entry in ("command", "date", "plan", "people", "truths", "reason"):
        assert residual.card[entry]
    for purpose in ("validation", "test"):
        assert residual.card[purpose]["all"]["120"]["less"][1] > 0.0


def test_it_forecasts_better_on_people_of_another_structure(
    residual: Residual, known: Known
) -> None:
    """Two hours ahead the error of circadian and mixed people is at least a tenth lower."""
    paths = with_members(HYBRID, residual, known.context, known.future)
    better = known.future.readings - paths.mean(axis=0)
    who = known.future.person
    bare = person_errors(bare_error(HYBRID, known.future), who, len(known))[:, 2].mean()
    assert person_errors(better, who, len(known))[:, 2].mean() < 0.9 * bare


def test_gains_see_nothing_of_the_forecast_itself(residual: Residual, known: Known) -> None:
    """Doses, meals and readings after the decision leave every gain bitwise the same."""
    changed = replace(
        known.future,
        inputs=known.future.inputs * 3.0 + 0.1,
        readings=known.future.readings + 50.0,
        start=known.future.start * 1.1,
    )
    for member in range(len(residual.members)):
        np.testing.assert_array_equal(
            residual.columns(window_features(known.context, known.future), member),
            residual.columns(window_features(known.context, changed), member),
        )


def test_more_insulin_in_a_forecast_never_raises_it(residual: Residual, known: Known) -> None:
    """With each member's own gains, extra insulin at any minute raises no forecast."""
    rng, future = np.random.default_rng(1), known.future
    more = future.inputs.copy()
    more[np.arange(len(future)), rng.integers(0, 180, len(future)), 1] += rng.uniform(
        0.1, 20.0, len(future)
    )
    seen = window_features(known.context, future)
    for member in range(len(residual.members)):
        columns = residual.columns(seen, member)
        low = forecast(HYBRID, replace(future, inputs=more), columns)
        assert (low - forecast(HYBRID, future, columns)).max() <= 1e-12


def test_the_past_tells_a_stronger_body(known: Known) -> None:
    """Where truth has muscle gain 1.4 the context says so; the bare truth leaves it near zero."""
    rows = known.past.person == 0
    past = known.past.take(np.flatnonzero(rows))
    strong = neutral_columns(HYBRID, len(past))
    strong[:, :, 1] = 1.4
    basal = np.array([0.015])
    told = []
    for columns in (strong, neutral_columns(HYBRID, len(past))):
        lived = replace(past, readings=forecast(HYBRID, past, columns))
        told.append(encode(HYBRID, lived, 1, basal)[0, CONTEXT.index("past_gain_muscle")])
    # 0.7 tanh(0.53) = log 1.4; the prior draws towards zero, other gains take a share.
    assert told[0] > 0.15
    assert abs(told[1]) < 1e-6


def test_too_short_a_past_tells_nothing(known: Known) -> None:
    """With fewer than twelve stretches the context is the ordinary person's."""
    few = known.past.take(np.arange(8))
    np.testing.assert_array_equal(encode(HYBRID, few, 1, np.array([0.02])), 0.0)


def test_the_neutral_forecast_is_the_bare_models(known: Known) -> None:
    """With neutral columns the hybrid forecasts as the bare model does, to the step's error."""
    future = known.future
    bare = load_model("uva_padova_2008")
    x, kept = future.start.copy(), np.empty((180, future.start.shape[1], len(future)))
    engine_for(bare).advance(x, future.params, future.inputs.transpose(1, 2, 0), record=kept)
    column = bare.state_index["interstitial_glucose_mass"]
    glucose = kept[4::5, column] / bare.params(future.params).Vg
    ours = forecast(HYBRID, future, neutral_columns(HYBRID, len(future)))
    assert np.abs(ours - glucose.T).max() < 0.3


def test_scores_equal_an_independent_implementation() -> None:
    """Both forms of the CRPS equal those of scoringrules."""
    import scoringrules

    rng = np.random.default_rng(2)
    draws, outcome = rng.normal(120.0, 20.0, (30, 50)), rng.normal(120.0, 30.0, 50)
    np.testing.assert_allclose(
        crps_ensemble(draws, outcome),
        scoringrules.crps_ensemble(outcome, draws.T, estimator="nrg"),
        rtol=1e-10,
    )
    mean, spread = draws.mean(axis=0), draws.std(axis=0)
    np.testing.assert_allclose(
        crps_normal(mean, spread, outcome),
        scoringrules.crps_normal(outcome, mean, spread),
        rtol=1e-10,
    )


def test_it_is_switched_off_where_it_does_not_help() -> None:
    """Errors that are no smaller, or smaller by chance only, switch it off, with the reason."""
    rng = np.random.default_rng(3)
    bare = 20.0 + rng.standard_normal((30, 4))
    for hybrid, on in ((bare - 2.0, True), (bare + 1.0, False), (rng.permutation(bare), False)):
        by = gains_by_kind(bare, hybrid, ["a"] * 30, rng)["all"]
        verdict, reason = helps(by)
        assert verdict is on
        assert ("does not help" in reason) is not on
        assert isinstance(by[120], Gain)


def test_the_unfamiliar_is_told_and_widens_the_spread(residual: Residual) -> None:
    """Training people score below 1, absurd ones far above, and the band grows in proportion."""
    assert np.mean(residual.people.score(residual.contexts) < 1.0) > 0.9
    absurd = residual.people.score(np.full(len(CONTEXT), 5.0))
    assert absurd > 2.0
    paths = np.full((5, 36), 120.0)
    plain = residual.spread(paths)
    np.testing.assert_array_equal(plain, residual.floor_mg_dl)
    np.testing.assert_allclose(residual.spread(paths, absurd), plain * absurd)


def test_familiarity_has_the_share_it_says() -> None:
    """Of people like those of the validation 1 % lie beyond the threshold."""
    rng = np.random.default_rng(4)
    one = familiar_to(rng.standard_normal((400, 5)), rng.standard_normal((4000, 5)))
    assert 0.005 < np.mean(one.score(rng.standard_normal((20_000, 5))) > 1.0) < 0.02
