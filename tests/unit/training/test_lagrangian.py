"""PPO with multipliers: known optima, files, logs, and refusals."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bandits import Bandits
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger

from dosegym.envs import make_sb3_vec_env
from dosegym.physiology.errors import InputError
from dosegym.training import train
from dosegym.training.lagrangian import PPOLagrangian, mixed

ENV = "dosegym/Insulin-v0"
ALIKE: dict[str, Any] = {
    "n_steps": 8, "batch_size": 128, "n_epochs": 4, "seed": 0, "device": "cpu",
    "learning_rate": 3e-3, "ent_coef": 0.005,
    "policy_kwargs": {"net_arch": [8], "log_std_init": -2.0},
}  # fmt: skip


def bandit(**costs: Any) -> Bandits:
    """Return 64 lanes that pay the action."""
    return Bandits(64, lambda a: a, costs or {"square": np.square})


def learned(env: Bandits, steps: int, **options: Any) -> PPOLagrangian:
    """Return a model after some learning."""
    model = PPOLagrangian("MlpPolicy", env, **{**ALIKE, **options})
    model.learn(steps)
    return model


def chosen(model: PPOLagrangian) -> float:
    """Return the action without exploration."""
    return float(model.predict(np.ones((1, 1), np.float32), deterministic=True)[0][0, 0])


@pytest.mark.parametrize("limit", [0.25, 0.09])
def test_it_finds_the_known_optimum(limit: float) -> None:
    """Reward a under mean a^2 <= limit: the best is sqrt(limit), and the multiplier holds it."""
    model = learned(bandit(), 90_000, limits={"square": limit})
    assert chosen(model) == pytest.approx(np.sqrt(limit), abs=0.05)
    assert 0.0 < model.multipliers.values[0] < model.multipliers.gains.cap


def test_a_limit_that_does_not_bind_leaves_no_multiplier() -> None:
    """Under a limit no action reaches, the multiplier falls to zero and the best is 1."""
    model = learned(bandit(), 40_000, limits={"square": 2.0}, gains={"start": 1.0})
    assert model.multipliers.values[0] == 0.0
    assert chosen(model) > 0.9


def test_of_two_limits_the_tighter_decides() -> None:
    """Under |a| <= 0.6 and a^2 <= 0.09 on average the action is 0.3; the slack one lets go."""
    env = bandit(size=np.abs, square=np.square)
    model = learned(env, 60_000, limits={"size": 0.6, "square": 0.09})
    assert chosen(model) == pytest.approx(0.3, abs=0.04)
    assert model.multipliers.values[0] == 0.0
    assert model.multipliers.values[1] > 0.0


def test_where_no_cost_counts_it_is_ppo() -> None:
    """With multipliers at zero and one batch per rollout, actor and critic move as PPO's do."""
    plain = PPO("MlpPolicy", bandit(), **{**ALIKE, "batch_size": 512})
    bound = PPOLagrangian(
        "MlpPolicy", bandit(), limits={"square": 9.0}, **{**ALIKE, "batch_size": 512}
    )
    begun = {key: value.clone() for key, value in plain.policy.state_dict().items()}
    assert torch.equal(begun["action_net.weight"], bound.policy.state_dict()["action_net.weight"])
    for model in (plain, bound):
        # The cost critic's first weights have moved the generator on.
        torch.manual_seed(1)
        model.learn(512)
    after = bound.policy.state_dict()
    for key, value in plain.policy.state_dict().items():
        torch.testing.assert_close(after[key], value, rtol=1e-4, atol=1e-6)
    assert not torch.equal(begun["action_net.weight"], after["action_net.weight"])


def test_advantages_are_weighed_by_hand() -> None:
    """(A - sum of lambda A_k) / (1 + sum of lambda), each at mean 0 and standard deviation 1."""
    reward = np.array([[1.0, 3.0]], np.float32)
    costs = np.array([[[0.0, 5.0], [4.0, 5.0]]], np.float32)
    found = mixed(reward, costs, np.array([0.5, 7.0]))
    # The second cost does not vary: nothing is left of it but its share in the divisor.
    np.testing.assert_allclose(found, [[(-1 + 0.5) / 8.5, (1 - 0.5) / 8.5]], rtol=1e-5)


@pytest.mark.slow
def test_a_tail_limit_is_stricter_than_a_mean_limit() -> None:
    """The worst fifth of episodes is held where the mean was, so less is risked."""
    chance = np.random.default_rng(0)

    def risk(action: Any) -> Any:
        """Return 1 with the probability of the action's positive part, else 0."""
        return (chance.random(len(action)) < np.maximum(action, 0.0)).astype(np.float64)

    found = {}
    for name, tails in (("mean", {}), ("tail", {"risk": 0.2})):
        env = Bandits(64, lambda a: a, {"risk": risk}, length=4)
        options = {"tails": tails, "learning_rate": 1e-2, "gains": {"ki": 0.05}}
        model = learned(env, 90_000, limits={"risk": 0.4}, **options)
        found[name] = chosen(model)
        share = model.tails.get("risk", 1.0)
        rates = np.sort(model.episodes.ended_rates()[:, 0])[::-1]
        measured = rates[: int(share * len(rates))].mean()
        assert measured == pytest.approx(0.4, abs=0.12)
    assert found["mean"] == pytest.approx(0.4, abs=0.1)
    assert found["tail"] < found["mean"] - 0.1


def test_it_goes_on_from_its_file(tmp_path: Path) -> None:
    """Multipliers, running episodes and cost critic come back from the zip."""
    env = Bandits(64, lambda a: a, {"square": np.square}, length=3)
    model = PPOLagrangian("MlpPolicy", env, limits={"square": 0.01}, **ALIKE)
    model.learn(1024)
    assert model.multipliers.values[0] > 0.0
    model.save(tmp_path / "model.zip")
    again: Any = PPOLagrangian.load(tmp_path / "model.zip", env=env)
    assert again.limits == {"square": 0.01}
    assert again.multipliers.state() == model.multipliers.state()
    assert again.episodes.state() == model.episodes.state()
    assert again.episodes.totals.any()
    for key, value in model.policy.state_dict().items():
        assert torch.equal(again.policy.state_dict()[key], value)
    again.learn(512)


def test_its_file_is_plain_ppo(tmp_path: Path) -> None:
    """A finished run loads through load_policy in a process that never sees training code."""
    small = {
        "n_envs": 8, "n_steps": 8, "batch_size": 32, "n_epochs": 1, "net_arch": [8],
        "validation.days": 1, "validation.lanes": 2,
    }  # fmt: skip
    out = train(
        ENV, algo="ppo_lagrangian", timesteps=128, out=tmp_path / "run", overrides=small,
        env_kwargs={"days": 1}, progress=False,
    )  # fmt: skip
    code = (
        "import sys; from dosegym.policies import load_policy; "
        f"p = load_policy({str(out)!r}); print(type(p.model).__name__, p.card['algo']); "
        "assert not [m for m in sys.modules if m.startswith('dosegym.training')]; "
        "assert not hasattr(p.model, 'episode_state')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["PPO", "ppo_lagrangian"]


def test_costs_come_from_the_batch_as_from_the_infos() -> None:
    """Read from arrays, the costs in the buffer are those of the infos."""
    env = make_sb3_vec_env(ENV, 6, seed=3, days=1, terminate=[100.0, 150.0], start_glucose=140.0)
    limits = {"above_250": 0.1, "below_70": 0.1, "cost": 1.0}
    model = PPOLagrangian(
        "MlpPolicy", env, limits=limits, n_steps=40, batch_size=120, n_epochs=1, seed=0,
        device="cpu",
    )  # fmt: skip
    seen: list[Any] = []
    real = env.step_wait

    def step_wait() -> Any:
        result = real()
        seen.append(
            [[*(i["costs"][k] for k in ("above_250", "below_70")), i["cost"]] for i in result[3]]
        )
        return result

    env.step_wait = step_wait  # type: ignore[method-assign]
    model.learn(240)
    np.testing.assert_allclose(model.rollout_buffer.costs, np.array(seen), rtol=1e-6)
    assert model.rollout_buffer.costs.any()


def test_what_follows_a_time_limit_is_foreseen_and_what_follows_a_death_is_not() -> None:
    """Through a real rollout: cut-off episodes promise what the critic sees in their last view."""
    env = make_sb3_vec_env(
        ENV, 12, seed=3, days=1, step_min=15, terminate=[65.0, 330.0], start_glucose=140.0
    )
    model = PPOLagrangian(
        "MlpPolicy", env, limits={"above_250": 0.1}, n_steps=100, batch_size=1200, n_epochs=1,
        seed=0, device="cpu", policy_kwargs={"log_std_init": -2.0},
    )  # fmt: skip
    with torch.no_grad():
        # A critic that foresees 7 from every view makes a promise visible.
        head: Any = model.policy.cost_value_net
        head.weight.zero_()
        head.bias.fill_(7.0)
        # About the basal rate, so that some live to the end of the day.
        dose: Any = model.policy.action_net
        dose.bias.fill_(-0.25)
    ends: dict[tuple[int, int], Any] = {}
    real = env.step_wait

    def step_wait() -> Any:
        result = real()
        for lane in np.flatnonzero(result[2]):
            ends[len(steps), int(lane)] = result[3][lane]
        steps.append(result)
        return result

    steps: list[Any] = []
    env.step_wait = step_wait  # type: ignore[method-assign]
    model.learn(1200)
    buffer = model.rollout_buffer
    cut = {place for place, info in ends.items() if info["TimeLimit.truncated"]}
    died = set(ends) - cut
    assert cut == set(buffer.cut_off)
    assert cut
    assert died
    for place, seen in zip(buffer.cut_off, buffer.cut_off_observations, strict=True):
        np.testing.assert_array_equal(seen, ends[place]["terminal_observation"])
    gamma = model.gamma
    for step, lane in ends:
        promise = gamma * 7.0 if (step, lane) in cut else 0.0
        expected = buffer.costs[step, lane, 0] + promise - 7.0
        assert buffer.cost_advantages[step, lane, 0] == pytest.approx(expected, rel=1e-5)


def test_it_logs_every_constraint() -> None:
    """Cost, limit, multiplier and the share of episodes over the limit go to the log by name."""
    model = PPOLagrangian("MlpPolicy", bandit(), limits={"square": 0.01}, **ALIKE)
    logger = Logger(None, [])
    model.set_logger(logger)
    kept: dict[str, Any] = {}
    real = logger.dump

    def dump(step: int = 0) -> None:
        kept.update(logger.name_to_value)
        real(step)

    logger.dump = dump  # type: ignore[method-assign]
    model.learn(1024, log_interval=1)
    assert {f"safety/square/{k}" for k in ("cost", "limit", "lambda", "violation_rate")} <= set(
        kept
    )
    assert kept["safety/square/limit"] == 0.01
    assert kept["safety/square/violation_rate"] > 0.2


def test_a_missing_cost_is_refused() -> None:
    """A cost that the environment does not tell of is an error, never zero."""
    model = PPOLagrangian("MlpPolicy", bandit(), limits={"harm": 0.1}, **ALIKE)
    with pytest.raises(InputError, match="info has no cost 'harm'"):
        model.learn(512)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "limits is {}"),
        ({"limits": {"square": -1.0}}, "limit of square is -1.0"),
        ({"limits": {"square": 0.1}, "tails": {"size": 0.1}}, "tails name 'size'"),
        ({"limits": {"square": 0.1}, "tails": {"square": 0.0}}, "tail of square is 0.0"),
        ({"limits": {"square": 0.1}, "gains": {"ki": -1.0}}, "multiplier ki is -1.0"),
    ],
)
def test_bad_limits_are_refused(options: dict[str, Any], words: str) -> None:
    """Limits, tails and gains out of range are named in one line."""
    with pytest.raises(InputError, match=words):
        PPOLagrangian("MlpPolicy", bandit(), **options, **ALIKE)


def test_an_unknown_cost_is_refused_before_learning() -> None:
    """A native environment says at once which costs it has."""
    env = make_sb3_vec_env(ENV, 2, days=1)
    with pytest.raises(InputError, match=r"limits name 'hypo'.*below_54, below_70"):
        PPOLagrangian("MlpPolicy", env, limits={"hypo": 0.1}, **{**ALIKE, "batch_size": 16})
