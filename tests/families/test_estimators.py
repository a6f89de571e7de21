"""One battery over every estimator of the registry, against a process whose values are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tabular import BEHAVIOUR, DISCOUNT, LENGTH, TARGET, Process, Table

from dosegym.evaluation.ope import ESTIMATORS, CriticSettings, Evidence, make_estimator
from dosegym.evaluation.ope.critic import Critic
from dosegym.evaluation.ope.cumulative import CumulativeDistribution
from dosegym.physiology.errors import InputError
from dosegym.policies import NoisyClinician

WORLD = Process()
QUICK = CriticSettings(seeds=3, steps=500, sync=50, hidden=24)
NAMES = sorted(ESTIMATORS)
WEIGHING = [name for name in NAMES if make_estimator(name).needs_odds]
WITH_MODEL = {"fqe", "dr", "wdr", "magic"}
PLAIN = [name for name in NAMES if name not in WITH_MODEL]


def truth(name: str, policy: Table = TARGET) -> float:
    """Return what an estimator estimates."""
    made = make_estimator(name)
    if isinstance(made, CumulativeDistribution):
        return WORLD.cvar(policy, made.level)
    return WORLD.value(policy)


def evidence(log: Any, target: Table = TARGET, model: Any = None) -> Evidence:
    """Return evidence whose model is a table of values, or is fitted."""
    found = Evidence(log, target, critic=QUICK)
    if model is not None:
        found.__dict__["critic"] = critic_of(found, *model)
    return found


def critic_of(about: Evidence, q: np.ndarray, v: np.ndarray) -> Critic:
    """Return a critic that says what tables Q (T, S, A) and V (T+1, S) say, by three seeds."""
    steps = about.steps
    state = steps.observation.argmax(axis=2)
    t = np.arange(LENGTH)
    of_acts = q[t, state[:, :-1], steps.action[..., 0]]
    of_states = v[np.arange(LENGTH + 1), state]
    n = len(steps.patients)
    rng = np.random.default_rng(1)
    counts = np.stack([rng.multinomial(n, np.full(n, 1 / n)) for _ in range(3)]) * 1.0
    return Critic(np.stack([of_acts] * 3), np.stack([of_states] * 3), counts, 0.0, 0.0)


def wrong_tables() -> tuple[np.ndarray, np.ndarray]:
    """Return a model that is far off, but whose V is the mean of its Q under the target."""
    q = np.random.default_rng(3).normal(1.0, 2.0, (LENGTH, 3, 2))
    v = np.append((TARGET.p * q).sum(axis=2), np.zeros((1, 3)), axis=0)
    return q, v


@pytest.fixture(scope="module")
def many() -> Evidence:
    """Return evidence of many patients, its model fitted once."""
    return evidence(WORLD.log(BEHAVIOUR, 2500, np.random.default_rng(0)))


@pytest.mark.parametrize("name", NAMES)
def test_finds_the_truth_with_many_patients(name: str, many: Evidence) -> None:
    """With 2,500 patients the estimate is near the exact value, and knows how near."""
    found = make_estimator(name)(many, rng=np.random.default_rng(1))
    error = (found.high - found.low) / 3.92
    assert 0.0 < error < 0.25
    assert abs(found.value - truth(name)) < 4.0 * error + 0.02
    # The behaviour's value must not pass for it, or the test could not fail.
    assert abs(truth(name, BEHAVIOUR) - truth(name)) > 0.15


@pytest.mark.parametrize("name", NAMES)
def test_target_that_is_the_behaviour_gets_its_mean_return(name: str) -> None:
    """With weights of 1 plain estimators give the sample's own figure, models come near it."""
    log = WORLD.log(BEHAVIOUR, 400, np.random.default_rng(5), episodes=2)
    found = make_estimator(name)(evidence(log, BEHAVIOUR), rng=np.random.default_rng(1))
    if name == "cd":
        ordered = np.sort(log.returns())
        expected = ordered[:80].mean()
    else:
        expected = log.returns().mean()
    assert found.value == pytest.approx(expected, abs=0.12 if name in WITH_MODEL else 1e-9)
    assert found.ess == pytest.approx(40 if name == "cd" else 400)


@pytest.mark.parametrize("name", ["is", "pdis", "dr"])
def test_unbiased_ones_are_unbiased(name: str) -> None:
    """Over 400 small samples errors average out, for DR whatever its model says."""
    rng, values = np.random.default_rng(11), []
    for _ in range(400):
        about = evidence(WORLD.log(BEHAVIOUR, 30, rng), model=wrong_tables())
        values.append(make_estimator(name)(about, rng=rng).value)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - WORLD.value(TARGET)) < 4.0 * error
    assert error < 0.06


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("fqe", "cd")])
def test_intervals_cover(name: str) -> None:
    """Of 80 intervals of nominal 95 % over 150 patients, at least 88 % hold the exact value."""
    rng, model, held = np.random.default_rng(13), WORLD.q(TARGET), 0
    for _ in range(80):
        about = evidence(WORLD.log(BEHAVIOUR, 150, rng), model=model)
        found = make_estimator(name)(about, rng=rng)
        held += found.low <= truth(name) <= found.high
    assert held / 80 >= 0.88


@pytest.mark.slow
def test_interval_of_a_tail_covers() -> None:
    """Of 80 intervals about the worst tenth, from 60 effective patients of it, 88 % hold it."""
    rng, held = np.random.default_rng(31), 0
    for _ in range(80):
        about = evidence(WORLD.log(BEHAVIOUR, 1500, rng))
        assert about.diagnostics["ess"] > 500.0
        found = make_estimator("cd")(about, rng=rng)
        held += found.low <= truth("cd") <= found.high
    assert held / 80 >= 0.88


@pytest.mark.slow
def test_interval_of_fitted_q_covers() -> None:
    """Of 40 intervals by refitted networks at least 85 % hold the exact value."""
    rng, held = np.random.default_rng(17), 0
    settings = CriticSettings(seeds=5, steps=600, sync=50, hidden=24)
    for i in range(40):
        about = Evidence(WORLD.log(BEHAVIOUR, 200, rng), TARGET, critic=settings, seed=i)
        found = make_estimator("fqe")(about, rng=rng)
        held += found.low <= WORLD.value(TARGET) <= found.high
    assert held / 40 >= 0.85


@pytest.mark.parametrize("name", ["is", "pdis"])
def test_finite_sample_intervals_cover_at_few_patients(name: str) -> None:
    """With a declared range, 95 % intervals hold the value at 25 patients in all but a few."""
    least, most = WORLD.support
    if name == "pdis":
        least, most = min(WORLD.reward.min(), 0.0), max(WORLD.reward.max(), 0.0)
    made, rng, held = make_estimator(name, support=(least, most)), np.random.default_rng(19), 0
    for _ in range(200):
        found = made(evidence(WORLD.log(BEHAVIOUR, 25, rng)), rng=rng)
        assert found.guarantee == "finite-sample"
        held += found.low <= WORLD.value(TARGET) <= found.high
    assert held / 200 >= 0.95


@pytest.mark.parametrize("name", NAMES)
def test_order_of_patients_does_not_matter(name: str) -> None:
    """Episodes in another order are the same data: value and interval are the same numbers."""
    log = WORLD.log(BEHAVIOUR, 60, np.random.default_rng(23), episodes=2)
    shuffled = log.take(np.random.default_rng(1).permutation(len(log)))
    one, two = (
        make_estimator(name)(evidence(part), rng=np.random.default_rng(2))
        for part in (log, shuffled)
    )
    assert (one.value, one.low, one.high) == (two.value, two.low, two.high)
    np.testing.assert_array_equal(one.per_patient, two.per_patient)


@pytest.mark.parametrize("name", NAMES)
def test_influence_averages_to_the_value(name: str, many: Evidence) -> None:
    """``per_patient`` has a row for each patient, and its mean is the estimate where it is one."""
    found = make_estimator(name)(many, rng=np.random.default_rng(1))
    assert found.per_patient.shape == (found.n_patients,) == (2500,)
    if name != "cd":
        assert found.per_patient.mean() == pytest.approx(found.value, abs=1e-9)
    assert found.people == many.people
    assert found.low <= found.value <= found.high


def with_odds(log: Any, value: float) -> Any:
    """Return a log whose first decision has other odds."""
    first = log.episodes[0]
    odds = np.append(value, first.log_prob[1:])
    return replace(log, episodes=(replace(first, log_prob=odds), *log.episodes[1:]))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_odds_are_refused_by_all_who_need_them(name: str) -> None:
    """One unknown probability is refused in one line; only the model goes on without."""
    log = with_odds(WORLD.log(BEHAVIOUR, 30, np.random.default_rng(3)), np.nan)
    if name in WEIGHING:
        with pytest.raises(InputError, match=r"log_prob is unknown at 1 of 120"):
            make_estimator(name)(evidence(log), rng=np.random.default_rng(1))
    else:
        found = make_estimator(name)(evidence(log), rng=np.random.default_rng(1))
        assert np.isfinite(found.value)
        assert np.isnan(found.ess)


@pytest.mark.parametrize("name", WEIGHING)
def test_impossible_odds_are_refused(name: str) -> None:
    """A behaviour that never does what was logged is a broken log."""
    log = with_odds(WORLD.log(BEHAVIOUR, 30, np.random.default_rng(3)), -np.inf)
    with pytest.raises(InputError, match="never does what was logged"):
        make_estimator(name)(evidence(log), rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", ["wis", "cwpdis", "wdr", "magic", "cd"])
def test_no_overlap_is_no_number(name: str) -> None:
    """Where the target would have done nothing that was logged, there is no interval to trust."""
    log = WORLD.log(Table(((1.0, 0.0),) * 3), 80, np.random.default_rng(3))
    never = Table(((0.0, 1.0),) * 3)
    found = make_estimator(name)(evidence(log, never, WORLD.q(never)), rng=np.random.default_rng(1))
    assert found.diagnostics["ess"] == 0.0
    assert np.isnan(found.low)
    assert np.isnan(found.high)


@pytest.mark.parametrize("name", NAMES)
def test_units_of_the_reward_pass_through(name: str) -> None:
    """Rewards in another unit give the same estimate in that unit, for any sign."""
    if name == "cd":
        pytest.skip("the worst tail of negated returns is another tail")
    log = WORLD.log(BEHAVIOUR, 120, np.random.default_rng(29))
    other = replace(log, episodes=tuple(replace(e, rewards=-7.0 * e.rewards) for e in log.episodes))
    one, two = (
        make_estimator(name)(evidence(part), rng=np.random.default_rng(2)) for part in (log, other)
    )
    loose = 0.35 if name in WITH_MODEL else 1e-9
    assert two.value == pytest.approx(-7.0 * one.value, abs=7.0 * loose)
    assert two.low <= two.value <= two.high


def test_names_are_those_of_the_registry() -> None:
    """An estimator answers to its own name; unknown names and options are refused in one line."""
    for name in NAMES:
        assert make_estimator(name).name.split("-")[0] == name
    with pytest.raises(InputError, match="choose one of"):
        make_estimator("none")
    with pytest.raises(InputError, match="cannot be made so"):
        make_estimator("wis", level=3)
    assert DISCOUNT < 1.0


class Aim:
    """A rule of doses: always the same."""

    def __init__(self, dose: float) -> None:
        self.dose = dose

    def predict(self, seen: Any, *_: Any) -> Any:
        return np.full((*np.shape(seen)[:-1], 1), self.dose, np.float32), None


def doses(n: int) -> tuple[Any, Any, float]:
    """Return a log of single doses, a target, and its exact value: reward 1 - (dose - 0.4)^2."""
    behaviour, target = NoisyClinician(Aim(0.0), sd=0.3), NoisyClinician(Aim(0.2), sd=0.25)
    seen = np.ones((n, 2), np.float32)
    given, _ = behaviour.seeded(np.random.default_rng(7)).predict(seen, deterministic=False)
    odds = behaviour.log_prob(seen, given)
    noise = 0.2 * np.random.default_rng(8).standard_normal(n)
    first = WORLD.log(BEHAVIOUR, 1, np.random.default_rng(0)).episodes[0]
    courses = tuple(
        replace(
            first, observations=seen[[i, i]], actions=given[[i]], proposed=given[[i]],
            rewards=1.0 - (given[i].astype(float) - 0.4) ** 2 + noise[i],
            costs=np.zeros((1, 0)), time_min=np.arange(2.0), log_prob=odds[[i]],
            shielded=np.zeros(1, bool), patient=f"d{i}",
        )
        for i in range(n)
    )  # fmt: skip
    grid = np.linspace(-1.0, 1.0, 4001)
    p = np.exp(target.log_prob(np.ones((4001, 2), np.float32), grid[:, None]))
    value = float(np.trapezoid(p * (1.0 - (grid - 0.4) ** 2), grid))
    log = WORLD.log(BEHAVIOUR, 1, np.random.default_rng(0))
    return replace(log, episodes=courses), target, value


@pytest.mark.parametrize("name", [n for n in NAMES if n != "cd"])
def test_finds_the_truth_about_doses(name: str) -> None:
    """With actions that are numbers, densities and networks find the exact value as well."""
    log, target, value = doses(1500)
    assert abs(log.returns().mean() - value) > 0.08
    found = make_estimator(name)(evidence(log, target), rng=np.random.default_rng(1))
    assert abs(found.value - value) < 0.05
    assert found.low - 0.01 <= value <= found.high + 0.01
    assert found.diagnostics["missing_weight"] == 0.0
