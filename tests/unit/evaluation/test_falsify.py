"""Falsification finds what is there, and everything that it finds can be lived again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dosegym.envs.registry import make_task
from dosegym.evaluation import falsify_search
from dosegym.evaluation.abreast import Abreast
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.evolution import Evolution
from dosegym.evaluation.falsify import Counterexample, Falsification, falsify, replay
from dosegym.evaluation.falsify_insulin import SPACE as INSULIN
from dosegym.evaluation.falsify_pressure import SPACE as PRESSURE
from dosegym.evaluation.falsify_space import Knob, scaled
from dosegym.evaluation.rollout import rollout
from dosegym.evaluation.trajectory import Rollout
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.basal import ConstantBasal

SMALL: dict[str, Any] = {"generations": 3, "lanes": 12, "seed": 5}
LOWS = ("severe-low", "low-54-for-15-min")


@pytest.fixture(scope="module")
def tenfold() -> Falsification:
    """Return what is found in ten times the basal rate."""
    return falsify(ConstantBasal(factor=10.0), days=2, judged=LOWS, **SMALL)


def test_ten_times_the_basal_rate_is_found_in_every_group(tenfold: Falsification) -> None:
    """A gross overdose breaks the limits in each group, in the likeliest people too."""
    assert tenfold.found
    assert set(tenfold.worst) == set(tenfold.likeliest) == {"adult", "adolescent", "child"}
    assert all(c.violates and c.rule in LOWS for c in tenfold.worst.values())
    assert all(c.violates for c in tenfold.likeliest.values())
    assert tenfold.robustness == min(c.robustness for c in tenfold.worst.values())
    assert sum(tenfold.evaluations.values()) == 36
    assert all(0 < tenfold.violations[g] <= n for g, n in tenfold.evaluations.items())
    for group, found in tenfold.likeliest.items():
        assert found.radius <= tenfold.worst[group].radius + 1e-9
        assert 0.0 <= found.farther <= 1.0


def test_a_counterexample_is_lived_again_to_the_last_bit(tenfold: Falsification) -> None:
    """Through JSON and back, in an ordinary rollout of one lane, the margin is the same number."""
    for found in (*tenfold.worst.values(), *tenfold.likeliest.values()):
        text = json.dumps(found.to_dict(), allow_nan=False)
        again = Counterexample.from_dict(json.loads(text))
        assert replay(again, ConstantBasal(factor=10.0)) == found.robustness
    with pytest.raises(InputError, match="too much or too little"):
        Counterexample.from_dict({"robustness": 1.0})


def test_another_policy_can_be_put_into_the_same_world(tenfold: Falsification) -> None:
    """Usual care, in its own dosing mode, keeps safe whom ten times the basal rate harms."""
    found = tenfold.likeliest["adult"]
    assert replay(found, load_policy("basal_bolus")) > 0.0 > found.robustness


def test_no_basal_insulin_at_all_is_found_by_its_highs() -> None:
    """With every rule judged, a policy that gives nothing is caught by high glucose."""
    result = falsify(ConstantBasal(factor=0.0), days=2, groups=["adult"], **SMALL)
    worst = result.worst["adult"]
    assert worst.violates
    assert worst.rule in ("high-400-for-2-h", "insulin-lack-patient")


def test_the_same_seed_finds_the_same() -> None:
    """Two searches with one seed agree in everything; another seed does not; no global chance."""
    kwargs: dict[str, Any] = {"days": 1, "groups": "adult", "generations": 2, "lanes": 6}
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1][:8].tolist()  # type: ignore[index]  # noqa: NPY002
    one = falsify("constant_basal", seed=3, **kwargs)
    two = falsify("constant_basal", seed=3, **kwargs)
    other = falsify("constant_basal", seed=4, **kwargs)
    assert one == two
    assert one.course != other.course
    assert np.random.get_state()[1][:8].tolist() == before  # type: ignore[index]  # noqa: NPY002


def test_without_the_scenario_people_live_the_certified_days() -> None:
    """Every keyword is then the certification's, and every person a plausible one."""
    result = falsify("constant_basal", days=1, groups="child", scenario=False, **SMALL)
    worst = result.worst["child"]
    assert worst.knobs == {}
    assert worst.keywords["scenario"] == "messy"
    assert "start_glucose" not in worst.keywords
    place = np.array([list(worst.coordinates.values())])
    assert INSULIN.plausible(place, ["child"]).all()
    assert worst.radius == pytest.approx(float(np.linalg.norm(place)))


class _Blind:
    """Points at random from the population, learning nothing: what a search must beat."""

    def __init__(self, dimension: int, size: int, reach: float, rng: np.random.Generator) -> None:
        self.shape, self.reach, self.rng = (size, dimension), reach, rng

    def ask(self) -> Any:
        return np.clip(self.rng.standard_normal(self.shape), -self.reach, self.reach)

    def tell(self, points: Any, values: Any) -> None:
        """Forget them."""


def test_the_search_beats_drawing_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """With equally many lives of guideline care, the search finds harm several times as often."""
    kwargs: dict[str, Any] = {"generations": 12, "lanes": 36, "seed": 1}
    sought = falsify("acc_aha_2025", **kwargs)
    monkeypatch.setattr(falsify_search, "Evolution", _Blind)
    drawn = falsify("acc_aha_2025", **kwargs)
    assert sought.robustness < drawn.robustness
    assert sum(sought.violations.values()) > 2 * sum(drawn.violations.values())
    for found in sought.worst.values():
        assert replay(found, load_policy("acc_aha_2025")) == found.robustness


def test_how_far_out_a_person_is_comes_from_the_populations_own_coordinates() -> None:
    """Radius and share farther out agree with people drawn from the coordinates' law."""
    result = falsify("do_nothing", generations=1, lanes=4, groups="adult", days=28, seed=2)
    found = result.worst["adult"]
    drawn = np.random.default_rng(3).standard_normal((20_000, len(PRESSURE.coordinates)))
    place = np.array(list(found.coordinates.values()))
    assert found.radius == pytest.approx(np.linalg.norm(place))
    farther = (np.linalg.norm(drawn, axis=1) > found.radius).mean()
    assert found.farther == pytest.approx(farther, abs=0.015)


# ---------------------------------------------------------------- parts


def test_lanes_abreast_live_as_they_would_alone() -> None:
    """Six lanes of different people, scenarios, sensors and starts, each equal to its own task."""
    kwargs = {"scenario": "messy", "days": 1, "terminate": None, "by_lane": True}
    kwargs["action"] = "basal_and_bolus"
    rng = np.random.default_rng(0)
    groups = ["adult", "adolescent", "child"] * 2
    places = 0.5 * rng.standard_normal((6, len(INSULIN.coordinates)))
    cohort = INSULIN.people(places, groups, [f"p{i}" for i in range(6)], kwargs)
    tasks = []
    for i in range(6):
        knobs = {k.name: k.value(rng.uniform(-3, 3)) for k in INSULIN.knobs(kwargs)}
        keywords = INSULIN.keywords(kwargs, knobs)
        tasks.append(make_task("dosegym/Insulin-v0", **keywords, cohort=cohort.take([i])))
    policy = load_policy("basal_bolus")
    together = rollout(Abreast(tasks, cohort), policy, list(range(6)))  # type: ignore[arg-type]
    assert together.names == tuple(f"p{i}" for i in range(6))
    for i, task in enumerate(tasks):
        alone = rollout(task, policy, [i])
        for name, column in alone.series.items():
            np.testing.assert_array_equal(together.series[name][:, i], column[:, 0])


def test_the_usual_knobs_are_the_certified_scenario() -> None:
    """At the middle of the box a day is the preset's, meal for meal and reading for reading."""
    kwargs = {"scenario": "messy", "days": 1, "terminate": None, "start_glucose": 140.0}
    people = {"patient": "adult#001", "action": "basal_and_bolus", "by_lane": True}
    middle = {k.name: k.value(0.0) for k in INSULIN.knobs(kwargs)}
    policy = load_policy("basal_bolus")
    runs = [
        rollout(make_task("dosegym/Insulin-v0", **keywords, **people), policy, [7])
        for keywords in (kwargs, INSULIN.keywords(kwargs, middle))
    ]
    for name in runs[0].series:
        np.testing.assert_array_equal(runs[0].series[name], runs[1].series[name])


@pytest.mark.parametrize("sensor", ["dexcom_g6", "noise_free", {"preset": "dexcom_g5"}])
def test_every_kind_of_sensor_can_be_moved(sensor: Any) -> None:
    """A bias moves every reading by itself where there is an error process to move."""
    kwargs = {"scenario": "fasting", "sensor": sensor}
    knobs = {k.name: k.value(0.0) for k in INSULIN.knobs(kwargs)}
    assert ("sensor_bias_mg_dl" in knobs) == (sensor != "noise_free")
    assert "carbs_scale" not in knobs
    if "sensor_bias_mg_dl" not in knobs:
        return
    people = {"patient": "adult#001", "days": 1}
    readings = []
    for bias in (0.0, 12.0):
        keywords = INSULIN.keywords(kwargs, knobs | {"sensor_bias_mg_dl": bias})
        task = make_task("dosegym/Insulin-v0", **keywords, **people, by_lane=True)
        readings.append(rollout(task, load_policy("constant_basal"), [3]).series["cgm_mg_dl"])
    np.testing.assert_allclose(readings[1] - readings[0], 12.0, atol=1e-3)


def _course(glucose: list[float]) -> Rollout:
    series = {"glucose_mg_dl": np.array([[0.0, *glucose]], dtype=np.float32).T}
    return Rollout(("a",), ("adult",), (0,), 5.0, series, np.zeros(1))


@pytest.mark.parametrize(
    ("glucose", "rule", "broken"),
    [
        ([140.0] * 9 + [53.0] * 3 + [140.0] * 40, "low-54-for-15-min", False),
        ([140.0] * 9 + [53.0] * 4 + [140.0] * 40, "low-54-for-15-min", True),
        ([140.0] * 9 + [401.0] * 24 + [140.0] * 40, "high-400-for-2-h", False),
        ([140.0] * 9 + [401.0] * 25 + [140.0] * 40, "high-400-for-2-h", True),
        ([140.0] * 9 + [40.0] + [140.0] * 40, "severe-low", False),
        ([140.0] * 9 + [39.9] + [140.0] * 40, "severe-low", True),
    ],
)
def test_rules_on_a_course_count_minutes(glucose: list[float], rule: str, broken: bool) -> None:
    """A run of readings breaks a rule only if it spans the whole time, or goes below the limit."""
    margins = INSULIN.margins(_course(glucose), load_constraints("insulin-v1"))
    assert (margins[rule][0] < 0.0) == broken


def test_a_margin_is_one_at_the_usual_value() -> None:
    """Steady usual glucose has a margin of 1 by every rule; margins fall towards the limit."""
    margins = INSULIN.margins(_course([140.0] * 50), load_constraints("insulin-v1"))
    assert all(m[0] == pytest.approx(1.0) for m in margins.values())
    assert scaled(np.array([90.0, 110.0]), 90.0, 130.0).tolist() == [0.0, 0.5]


def test_a_rule_speaks_only_of_its_groups() -> None:
    """Potassium in kidney disease has a limit of its own, and adults have theirs."""
    people = {"patient": "kidney_disease", "days": 28, "by_lane": True, "terminate": None}
    run = rollout(make_task("dosegym/BloodPressure-v0", **people), load_policy("do_nothing"), [1])
    margins = PRESSURE.margins(run, load_constraints("blood-pressure-v1"))
    assert np.isinf(margins["potassium-high"]).all()
    assert np.isfinite(margins["potassium-high-kidney"]).all()


def test_a_knob_is_linear_on_each_side() -> None:
    """Low, usual and high at -3, 0 and 3; the box is never left."""
    knob = Knob("x", "1", 0.0, 0.1, 0.6)
    got = [knob.value(z) for z in (-9.0, -3.0, -1.5, 0.0, 1.5, 3.0, 9.0)]
    assert got == pytest.approx([0.0, 0.0, 0.05, 0.1, 0.35, 0.6, 0.6])


def test_the_evolution_descends() -> None:
    """On a shifted sphere within the box, a few generations come near its centre."""
    search = Evolution(10, 20, 3.0, np.random.default_rng(2))
    least = np.inf
    for _ in range(60):
        points = search.ask()
        assert np.abs(points).max() <= 3.0
        values = ((points - 1.0) ** 2).sum(axis=1)
        search.tell(points, values)
        least = min(least, float(values.min()))
    assert least < 1e-3


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"generations": 0}, "generations is 0"),
        ({"lanes": 11}, "lanes is 11"),
        ({"groups": ["older"]}, "choose among adult"),
        ({"groups": []}, "choose among adult"),
        ({"seed": -1}, "seed is -1"),
        ({"judged": ["nothing"]}, "judged names 'nothing'"),
        ({"constraints": "blood-pressure-v1"}, "is for dosegym/Insulin-v0"),
        ({"env_kwargs": {"physiology": "hovorka_2004"}}, "physiology is 'hovorka_2004'"),
    ],
)
def test_what_cannot_be_searched_is_refused(keywords: dict[str, Any], words: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(InputError, match=words):
        falsify(ConstantBasal(), **{"days": 1, **SMALL, **keywords})
