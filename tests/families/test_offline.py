"""One battery for every offline algorithm: it imitates, improves, repeats itself and is loaded."""

import functools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, MultiDiscrete
from offline_problems import CHAIN, PROBLEMS, Problem, logged, mean_return

from dosegym.evaluation.collect import collect
from dosegym.evaluation.logged import Logged, LoggedEpisode
from dosegym.policies import load_policy
from dosegym.training.config import read_settings
from dosegym.training.offline import OFFLINE, train_offline
from dosegym.training.offline.learner import Algorithm
from dosegym.training.offline.loop import fit
from dosegym.training.offline.spaces import Spaces, spaces_of
from dosegym.training.offline.transitions import to_buffer

SMALL: dict[str, Any] = {"net_arch": [32], "learning_rate": 3e-3, "batch_size": 128, "gamma": 0.9}
# Of each environment: who treats, and how long.
TREATED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "insulin": ("dosegym/Insulin-v0", "basal_bolus", {"days": 1, "scenario": "announced"}),
    "pressure": ("dosegym/BloodPressure-v0", "acc_aha_2025", {"days": 112}),
}
CASES = (*TREATED, "pressure in numbers")
ACTS = ("actions", "proposed")
SHORT: dict[str, Any] = {"net_arch": [8], "batch_size": 16, "held_out": 0.25, "log_every": 10}


def learned(algo: Algorithm, problem: Problem, data: Logged, steps: int, seed: int = 0) -> Any:
    """Return a learner trained on data of a small problem."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = algo.settings(**SMALL)
        learner = algo.build(problem.spaces, settings)
        buffer = to_buffer(data, problem.spaces)
        fit(learner, buffer, settings, steps, np.random.default_rng(seed))
    return learner


def acts(learner: Any, problem: Problem) -> Any:
    """Return what a learner's agent does at states."""
    return lambda state: learner.model.predict(problem.see(state), deterministic=True)[0]


@functools.cache
def treated(case: str) -> Logged:
    """Return what a known policy did to eight people."""
    if case not in TREATED:
        return in_numbers(treated("pressure"))
    env_id, policy, keywords = TREATED[case]
    people = {"population": "virtual", "size": 8, "purpose": "training", "seed": 0}
    return collect(env_id, policy, people, 0, env_kwargs=keywords)


def in_numbers(levels: Logged) -> Logged:
    """Return logged levels as the numbers from -1 to 1 that ask for them."""
    top = np.array(spaces_of(levels.env_id, levels.env_kwargs).levels) - 1
    keywords = {**levels.env_kwargs, "action": "box"}
    episodes = tuple(
        replace(one, **{name: 2.0 * getattr(one, name) / top - 1.0 for name in ACTS})
        for one in levels.episodes
    )
    return replace(levels, episodes=episodes, env_kwargs=keywords)


def run(algo: str, case: str, out: Path, **more: Any) -> Path:
    """Train for a few steps."""
    told = {"timesteps": 20, "overrides": SHORT, "progress": False, **more}
    return train_offline(treated(case), algo=algo, out=out, **told)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("algo", OFFLINE)
def test_it_reproduces_a_deterministic_expert(algo: str, problem: str) -> None:
    """From an expert's episodes alone every algorithm learns to act as the expert."""
    chosen, rng = PROBLEMS[problem], np.random.default_rng(0)
    learner = learned(OFFLINE[algo], chosen, logged(chosen, 100, rng, chosen.best), 800)
    state = chosen.start(300, rng)
    # Numbers agree within 2 % of their range.
    close = np.abs(acts(learner, chosen)(state) - chosen.best(state)) < 0.04
    assert close.mean() > 0.98


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("algo", [name for name, entry in OFFLINE.items() if entry.improves])
def test_it_improves_on_random_data(algo: str, problem: str) -> None:
    """From random actions it finds a policy within a tenth of the way from them to the optimum."""
    chosen, rng = PROBLEMS[problem], np.random.default_rng(0)
    learner = learned(OFFLINE[algo], chosen, logged(chosen, 300, rng), 1200)
    behaviour = mean_return(chosen, lambda state: chosen.chance(state, rng))
    best = mean_return(chosen, chosen.best)
    gained = mean_return(chosen, acts(learner, chosen)) - behaviour
    assert gained > 0.9 * (best - behaviour) > 0.0


@pytest.mark.parametrize("algo", [name for name, entry in OFFLINE.items() if entry.improves])
def test_truncation_bootstraps_and_termination_does_not(algo: str) -> None:
    """Reward 1 for ever, cut off every step, is worth 1 / (1 - gamma); ended every step, 1."""
    spaces = Spaces(Box(0.0, 1.0, (1,), np.float32), MultiDiscrete([1]))
    settings = OFFLINE[algo].settings(**{**SMALL, "gamma": 0.8, "tau": 0.1, "learning_rate": 1e-2})
    worth = {}
    for died in (True, False):
        one = LoggedEpisode(
            np.ones((2, 1)), np.zeros((1, 1), int), np.ones(1), np.zeros((1, 1)), np.arange(2.0),
            np.zeros(1), np.zeros((1, 1), int), np.zeros(1, bool), died, not died, "p", "all", 0,
        )  # fmt: skip
        data = Logged((one,), "test", {}, ("none",), {})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            learner: Any = OFFLINE[algo].build(spaces, settings)
            fit(learner, to_buffer(data, spaces), settings, 1000, np.random.default_rng(0))
            value = learner.q(torch.ones(1, 1), torch.zeros(1, 1, dtype=torch.long))
        worth[died] = float(value.detach())
    assert worth[True] == pytest.approx(1.0, abs=0.05)
    assert worth[False] == pytest.approx(5.0, abs=0.25)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("algo", OFFLINE)
def test_it_saves_loads_and_acts(algo: str, case: str, tmp_path: Path) -> None:
    """A short run's folder is loaded as a policy of the data's environment that acts within it."""
    policy = load_policy(run(algo, case, tmp_path / "run"))
    data = treated(case)
    assert policy.env_id == data.env_id
    assert policy.card["algo"] == algo
    seen = data.episodes[0].observations[:5]
    many, _ = policy.predict(seen)
    space = spaces_of(data.env_id, data.env_kwargs).action
    assert many.shape == (5, *space.shape)
    assert all(space.contains(action) for action in many)
    one, _ = policy.predict(seen[0])
    np.testing.assert_allclose(one, many[0], atol=1e-6)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("algo", OFFLINE)
def test_the_same_seed_gives_the_same_agent(algo: str, case: str, tmp_path: Path) -> None:
    """Bit for bit, wherever the global generator is, which it leaves alone; not so another seed."""
    first = run(algo, case, tmp_path / "first", seed=3)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again = run(algo, case, tmp_path / "again", seed=3)
    assert torch.equal(before, torch.get_rng_state())
    other = run(algo, case, tmp_path / "other", seed=4)
    a, b, c = (load_policy(path).model.policy.state_dict() for path in (first, again, other))
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


@pytest.mark.parametrize("algo", OFFLINE)
def test_its_files_hold_for_every_environment_of_data(algo: str) -> None:
    """Its YAML has settings that its own type accepts, for every environment."""
    kinds = {name: entry.settings for name, entry in OFFLINE.items()}
    for env_id, _, _ in TREATED.values():
        settings, sha256 = read_settings(kinds, algo, env_id)
        assert isinstance(settings, OFFLINE[algo].settings)
        assert len(sha256) == 64


@pytest.mark.parametrize("algo", OFFLINE)
def test_an_agent_is_loaded_without_training_code(algo: str, tmp_path: Path) -> None:
    """``load_policy`` imports nothing of ``dosegym.training``: a verdict cannot depend on it."""
    folder = run(algo, "pressure", tmp_path / "run")
    code = (
        "import sys; from dosegym.policies import load_policy; "
        f"load_policy({str(folder)!r}); "
        "sys.exit(any(name.startswith('dosegym.training') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_chain_is_what_it_says() -> None:
    """The chain's optimum is worth 1 from everywhere, so that a share of it means something."""
    assert mean_return(CHAIN, CHAIN.best) == 1.0
