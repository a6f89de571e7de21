"""The days between visits: doses become exposures, tablets are forgotten, people fall ill."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.physiology.pharmacokinetics import steady_exposure
from dosegym.therapy.adherence import load_adherence
from dosegym.therapy.formulary import CLASSES

REGIMEN = [3, 0, 3, 2, 0, 2]
STANDARD = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]


def test_without_kinetics_a_dose_is_its_exposure_from_the_first_day(
    watched: Any, treat: Any
) -> None:
    """Standard doses prescribed reach the body as exposures of one standard dose at once."""
    task = watched(kinetics=False)
    treat(REGIMEN, task=task, steps=2)
    for given in task.engine.given:
        exposures = given[:, :6].transpose(0, 2, 1)
        np.testing.assert_allclose(
            exposures, np.broadcast_to(STANDARD, exposures.shape), rtol=1e-12
        )


def test_with_kinetics_exposure_rises_to_that_of_the_steady_state(watched: Any, treat: Any) -> None:
    """Day by day exposures rise, and after a year are what the steady state's formula says."""
    task = watched()
    treat(REGIMEN, task=task)
    days = np.concatenate(task.engine.given)[:, [0, 2, 3, 5]]
    assert (np.diff(days, axis=0) > -1e-9).all()
    mg = task.cohort.formulary.mg_of(np.tile(REGIMEN, (24, 1)))
    expected = steady_exposure(task.day_step, mg)[:, [0, 2, 3, 5]].T
    np.testing.assert_allclose(days[-1], expected, rtol=1e-3)
    assert (days[0] < expected).all()


@pytest.mark.parametrize("kinetics", [True, False])
def test_people_enter_settled(treat: Any, kinetics: bool) -> None:
    """On what they came with, adherent and well, nobody's pressure or blood changes in a year."""

    def same(t: int, step: Any) -> np.ndarray:
        return np.asarray(step.applied)

    course = treat(same, n=30, patient="all", kinetics=kinetics)
    assert course.log["n_drugs"].max() >= 2
    for name, within in (("sbp_mmhg", 1e-4), ("dbp_mmhg", 1e-4), ("potassium_mmol_l", 1e-5)):
        np.testing.assert_allclose(course.log[name], course.log[name][:1] + 0 * course.log[name],
                                   atol=within)  # fmt: skip
    assert (course.log["kidney_injury"] == 0.0).all()


def test_tablets_are_taken_as_often_as_adherence_says(treat: Any) -> None:
    """The share of days with tablets is the preset's probability, and wanes after a year."""
    n = 400
    usual = {"preset": "usual", "waning_per_year": 0.6}
    course = treat(
        [0, 0, 3, 0, 0, 0], n=n, days=728, adherence=usual,
        patient={"population": "virtual", "size": n, "entry": [1.0]},
    )  # fmt: skip
    task = course.task
    share = task.charts[:, task.charts.shape[1] - 3]
    days = np.arange(728)
    law = load_adherence(usual)
    expected = law.probability(share[:, None], 1, days[None]).mean(axis=0).reshape(26, 28).mean(1)
    seen = course.log["adherence"][1:].mean(axis=1)
    assert seen[-1] < 0.7 * seen[0]
    # A month's mean of 400 people: 28 days, not independent, of 0.09 variance between days.
    np.testing.assert_allclose(seen[1:], expected[1:], atol=0.03)


def test_illness_lowers_pressure_and_filtration_in_its_interval(watched: Any, treat: Any) -> None:
    """Against the same people never ill, every illness takes volume, pressure and filtration."""
    ill = {"preset": "usual", "rate_per_year": 6.0, "rate_from_65": 6.0, "loss_median": 0.03}
    tasks = [watched(sick_days=kind) for kind in (ill, "none")]
    sick, well = (treat(REGIMEN, task=task, steps=1) for task in tasks)
    loss = tasks[0].engine.given[0][:, 7]
    hit = loss.sum(axis=0) > 0.03
    assert 4 < hit.sum() < 24
    at = tasks[0].model.output_index
    less = tasks[0].engine.seen[0] - tasks[1].engine.seen[0]
    for name, by in (("volume", 0.01), ("sbp", 0.5)):
        assert (less[:, at[name]].min(axis=0)[hit] < -by).all(), name
    # Filtration is autoregulated: it falls in those whom the loss takes out of that range.
    egfr = less[:, at["egfr"]][:, hit]
    assert egfr.min(axis=0).mean() < -5.0
    assert egfr.max() < 0.5
    never = loss.sum(axis=0) == 0.0
    for name in ("sbp_mmhg", "lowest_sbp_mmhg", "creatinine_mg_dl"):
        np.testing.assert_array_equal(sick.log[name][1, never], well.log[name][1, never])


def test_less_salt_is_what_the_body_is_told(watched: Any, treat: Any) -> None:
    """``sodium_intake`` reaches the body each day, and pressure is lower with less."""
    task = watched(sodium_intake=0.6)
    low = treat([0] * 6, task=task, steps=1)
    assert (task.engine.given[0][:, 6] == 0.6).all()
    usual = treat([0] * 6, steps=1)
    assert (low.log["sbp_mmhg"] < usual.log["sbp_mmhg"]).all()


def test_chosen_intervals_are_kept_and_cut_at_the_horizon(treat: Any) -> None:
    """14, 28, 56 and 84 days as chosen; the last visit falls on the horizon, where all is over."""
    choice = np.tile(np.array([[0] * 6 + [i] for i in range(4)]), (6, 1))
    course = treat(choice, interval_days="chosen", days=70, steps=5)
    ended = course.truncated.argmax(axis=0)
    assert ended[:4].tolist() == [5, 3, 2, 1]
    days = course.log["interval_days"][:, :4]
    assert days[1:6, 0].tolist() == [14.0] * 5
    assert days[1:4, 1].tolist() == [28.0, 28.0, 14.0]
    assert days[1:3, 2].tolist() == [56.0, 14.0]
    assert days[1, 3] == 70.0


def test_lanes_at_different_dates_live_as_they_would_alone(treat: Any) -> None:
    """With intervals of their own, 24 people in one batch get what each gets alone, bit for bit."""
    rng = np.random.default_rng(2)
    wishes = np.concatenate(
        [rng.integers(0, 4, (4, 24, 6)), rng.integers(0, 4, (4, 24, 1))], axis=2
    )
    settings = {"interval_days": "chosen", "adherence": "usual", "sick_days": "usual",
                "measurement": "office_attended", "by_lane": False}  # fmt: skip
    together = treat(lambda t, _: wishes[t], steps=4, seed=7, **settings)
    for lane in (0, 5, 23):
        alone = treat(
            lambda t, _, i=lane: wishes[t, i : i + 1], n=1, steps=4, seed=7 + lane, **settings
        )
        for name, values in alone.log.items():
            np.testing.assert_array_equal(values[:, 0], together.log[name][:, lane], err_msg=name)


def test_kidney_injury_is_seen_across_a_visit(treat: Any) -> None:
    """Creatinine 1.5 times that of six days ago counts when the visit lies between the two days."""
    from dosegym.envs.blood_pressure_interval import live_interval
    from dosegym.envs.blood_pressure_orders import orders_of

    course = treat([0] * 6, n=2, steps=1)
    task, episode, state = course.task, course.lanes.episode, course.lanes.state
    now = state.outputs[:, task.model.output_index["creatinine"]]
    state.creatinine[0, -5] = now[0] / 1.6
    lived = live_interval(task, episode, state, orders_of(task, episode, state, np.zeros((2, 6))))
    assert lived.injury.tolist() == [True, False]


def test_classes_of_the_model_are_those_of_the_formulary(watched: Any) -> None:
    """The first six inputs of the body are the classes, in the formulary's order."""
    task = watched()
    assert tuple(q.name for q in task.model.inputs[:6]) == CLASSES
