"""One run: same seed same result, its folder, its manifest, and what is refused."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from dosegym.evaluation import evaluate
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.training import load_settings, train
from dosegym.training.build import make_lanes, make_model
from dosegym.training.manifest import write_agent
from dosegym.training.score import Episodes

Arguments = Callable[..., dict[str, Any]]
ENV = "dosegym/Insulin-v0"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one finished run."""
    changes = {
        "n_envs": 8, "n_steps": 8, "batch_size": 32, "n_epochs": 2, "net_arch": [8],
        "validation.lanes": 2, "validation.days": 1,
    }  # fmt: skip
    out = tmp_path_factory.mktemp("runs") / "deep" / "run"
    kwargs = {"days": 1, "action": "basal_and_bolus"}
    return train(
        ENV, timesteps=100, seed=3, out=out, env_kwargs=kwargs, overrides=changes, progress=False
    )


def weights(policy: Any) -> dict[str, torch.Tensor]:
    """Return a policy's network parameters."""
    state: dict[str, torch.Tensor] = policy.model.policy.state_dict()
    return state


def test_the_folder_holds_what_is_documented(run: Path) -> None:
    """Agent, last agent, their manifests, the run and its log; nothing temporary."""
    assert sorted(path.name for path in run.iterdir()) == [
        "agent.zip", "last.json", "last.zip", "manifest.json", "run.json", "tensorboard"
    ]  # fmt: skip


def test_the_manifest_describes_the_agent(run: Path) -> None:
    """Hash, seed, keywords, versions, streams, settings and figures are in it."""
    told = json.loads((run / "manifest.json").read_text("utf-8"))
    assert told["sha256"] == hashlib.sha256((run / "agent.zip").read_bytes()).hexdigest()
    assert (told["algo"], told["env_id"], told["seed"]) == ("ppo", ENV, 3)
    # 100 steps round up to two rollouts of 64.
    assert (told["timesteps_asked"], told["timesteps"]) == (100, 128)
    assert told["env_kwargs"] == {"reward": "kovatchev", "days": 1, "action": "basal_and_bolus"}
    assert told["hyperparameters"]["net_arch"] == [8]
    assert told["hyperparameters_sha256"] == load_settings("ppo", ENV).sha256
    assert told["streams"] == {"training": {"seed": 3}, "validation": {"seed": 0}}
    assert {"python", "dosegym", "stable-baselines3", "torch", "numpy"} <= set(told["versions"])
    assert told["validation"]["score"] <= 100.0


def test_the_spec_makes_the_training_environment_again(run: Path) -> None:
    """Gymnasium builds from the manifest's spec an environment with the same keywords."""
    told = json.loads((run / "manifest.json").read_text("utf-8"))
    spec = gym.envs.registration.EnvSpec.from_json(told["spec"])
    assert spec.kwargs == told["env_kwargs"]
    env = gym.make(spec)
    assert env.action_space.shape == (2,)
    env.close()


def test_the_folder_loads_as_a_policy_and_is_evaluated(run: Path) -> None:
    """load_policy takes the folder; evaluation uses the action it was trained with."""
    policy = load_policy(run)
    assert policy.wants["action"] == "basal_and_bolus"
    result = evaluate(policy, episodes=1, days=1, env_kwargs={"patient": "adult#001"})
    assert result.env_kwargs["action"] == "basal_and_bolus"
    assert len(result.rows) == 1


def test_saved_and_loaded_agents_act_alike(tmp_path: Path) -> None:
    """The model in memory and the policy from disk give the same actions, bit for bit."""
    changes = {"n_envs": 4, "n_steps": 8, "batch_size": 32}
    settings = load_settings("ppo", ENV, changes).settings
    model = make_model("ppo", make_lanes(ENV, 4, 0, {"days": 1}), settings, 0)
    write_agent(model, tmp_path / "one.zip", {"algo": "ppo"})
    policy = load_policy(tmp_path / "one.zip")
    seen = np.random.default_rng(1).normal(size=(16, *model.observation_space.shape))
    ours, _ = policy.predict(seen.astype(np.float32), deterministic=True)
    theirs, _ = model.predict(seen.astype(np.float32), deterministic=True)
    np.testing.assert_array_equal(ours, theirs)


def test_loading_an_agent_leaves_the_global_generators_alone(run: Path) -> None:
    """Nobody's random numbers change because an agent was read from disk."""
    np.random.seed(12)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(12)  # noqa: NPY002
    load_policy(run)
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_a_changed_byte_is_refused(run: Path, tmp_path: Path) -> None:
    """A model file that is not the manifest's is refused unless it is trusted."""
    data = bytearray((run / "agent.zip").read_bytes())
    data[-1] ^= 1
    (tmp_path / "agent.zip").write_bytes(bytes(data))
    (tmp_path / "manifest.json").write_bytes((run / "manifest.json").read_bytes())
    with pytest.raises(InputError, match=r"file changed since training.*--trust"):
        load_policy(tmp_path)


def test_an_agent_without_manifest_is_refused_unless_trusted(run: Path, tmp_path: Path) -> None:
    """A bare zip needs the caller's word."""
    (tmp_path / "agent.zip").write_bytes((run / "agent.zip").read_bytes())
    with pytest.raises(InputError, match="no manifest beside it"):
        load_policy(tmp_path)
    assert load_policy(tmp_path, trust=True).name == "learned"


def test_same_seed_same_agent_other_seed_another(arguments: Arguments, tmp_path: Path) -> None:
    """Two runs of a seed end bit-identical whatever came before; another seed differs."""
    first = train(**arguments("ppo", tmp_path / "a", seed=1))
    np.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    second = train(**arguments("ppo", tmp_path / "b", seed=1))
    third = train(**arguments("ppo", tmp_path / "c", seed=2))
    a, b, c = (weights(load_policy(path / "last.zip")) for path in (first, second, third))
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


def test_threads_are_given_back(arguments: Arguments, tmp_path: Path) -> None:
    """Torch has as many threads after a run as before."""
    before = torch.get_num_threads()
    train(**arguments("ppo", tmp_path / "a", timesteps=64))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"algo": "dqn"}, "algorithm is 'dqn'"),
        ({"env_id": "dosegym/Nothing-v0"}, "environment id is 'dosegym/Nothing-v0'"),
        ({"timesteps": 0}, "timesteps is 0"),
        ({"timesteps": 1.5}, "timesteps is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"overrides": {"n_stepz": 1}}, "'n_stepz'"),
        ({"env_kwargs": {"patint": 1}}, "'patint'"),
        ({"env_kwargs": {"patient": "adult#099"}}, "adult#099"),
        ({"env_kwargs": [1]}, "env_kwargs is"),
        ({"env_kwargs": {"sensor": "eye"}}, "eye"),
        ({"resume": True}, "no run to resume"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    """One line, and the folder does not exist afterwards."""
    asked = {"env_id": ENV, "timesteps": 64, "out": tmp_path / "run", "progress": False, **changes}
    with pytest.raises(InputError) as caught:
        train(**asked)
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("purpose", ["validation", "test", "certification"])
def test_patients_of_other_purposes_are_not_trained_on(purpose: str, tmp_path: Path) -> None:
    """Virtual patients kept for judging agents are refused as training patients."""
    people = {"population": "virtual", "size": 2, "purpose": purpose}
    with pytest.raises(InputError, match=f"purpose is '{purpose}'"):
        train(ENV, timesteps=64, out=tmp_path / "run", env_kwargs={"patient": people})
    assert not (tmp_path / "run").exists()


def test_another_run_is_not_written_over(run: Path) -> None:
    """A folder that holds a run is refused, and stays as it is."""
    before = (run / "agent.zip").read_bytes()
    with pytest.raises(InputError, match=r"already holds a run.*--resume"):
        train(ENV, timesteps=64, out=run, progress=False)
    assert (run / "agent.zip").read_bytes() == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """``out`` may not be a file."""
    place = tmp_path / "file"
    place.write_text("x")
    with pytest.raises(InputError, match="which is a file"):
        train(ENV, timesteps=64, out=place, progress=False)
    with pytest.raises(InputError, match="cannot make"):
        train(ENV, timesteps=64, out=place / "run", progress=False)


def test_ppo_learns_to_dose_one_adult(tmp_path: Path) -> None:
    """A few seconds on one adult with an exact sensor beat the basal rate by ten points."""
    kwargs = {"patient": "adult#001", "sensor": "noise_free", "days": 1}
    changes = {
        "n_envs": 128, "n_steps": 24, "batch_size": 1024, "learning_rate": "lin_3e-3",
        "net_arch": [32], "gamma": 0.97, "validation.every": 30_000, "validation.lanes": 8,
        "validation.days": 1,
    }  # fmt: skip
    out = train(
        ENV, timesteps=120_000, out=tmp_path / "run", env_kwargs=kwargs, overrides=changes,
        progress=False,
    )  # fmt: skip
    judge = Episodes(ENV, kwargs, days=1, lanes=8, purpose="validation", seed=0)
    learned, basal = judge(load_policy(out)), judge(load_policy("constant_basal"))
    assert learned["score"] > basal["score"] + 10.0
    assert learned["magni_risk"] < basal["magni_risk"]
