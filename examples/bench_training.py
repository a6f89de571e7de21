"""What the environment costs a learner: PPO on it beside PPO on an environment that does nothing.

python examples/bench_training.py [ENV]
"""

import sys
import time

import numpy as np
import torch
from stable_baselines3.common.logger import configure

from dosegym.envs import make_task
from dosegym.envs.sb3 import DoseVecEnv
from dosegym.training import load_settings
from dosegym.training.build import make_lanes, make_model
from dosegym.training.callbacks import ClinicalLog

ID = sys.argv[1] if len(sys.argv) > 1 else "dosegym/Insulin-v0"
SETTINGS = load_settings("ppo", ID).settings
LANES, STEPS = SETTINGS.n_envs, SETTINGS.n_steps
ROLLOUTS, ROUNDS = 4, 7  # rollouts timed at a time, rounds of interleaved runs


class DoesNothing(DoseVecEnv):
    """The same spaces and lanes; every step hands out the same observations, and nothing ends."""

    def reset(self):
        """Keep what the steps hand out."""
        self.observations = super().reset()
        self.rewards = np.zeros(self.num_envs, np.float32)
        self.dones = np.zeros(self.num_envs, np.bool_)
        self.infos = [{} for _ in range(self.num_envs)]
        return self.observations

    def step_async(self, actions):
        """Ignore the actions."""

    def step_wait(self):
        """Hand out the same again."""
        return self.observations, self.rewards, self.dones, self.infos


def learner(env):
    """Return PPO as training begins it, without a log on disk."""
    model = make_model("ppo", env, SETTINGS, seed=0)
    model.set_logger(configure(None, []))
    return model


def speed(model, callback=None):
    """Return environment steps a second over some rollouts."""
    steps = ROLLOUTS * STEPS * LANES
    start = time.perf_counter()
    model.learn(steps, callback=callback, reset_num_timesteps=model.num_timesteps == 0)
    return steps / (time.perf_counter() - start)


torch.set_num_threads(1)
people = {**SETTINGS.env_kwargs, **({"patient": "adult"} if "Insulin" in ID else {})}
plain, logged = (make_lanes(ID, LANES, 0, people) for _ in range(2))
runs = {
    "does nothing": (learner(DoesNothing(make_task(ID, **people), LANES, ID, people)), None),
    "environment": (learner(plain), None),
    "with clinical log": (learner(logged), ClinicalLog(logged, window=STEPS * LANES)),
}
for model, callback in runs.values():
    speed(model, callback)  # compile and warm up
speeds = {name: [] for name in runs}
for _ in range(ROUNDS):
    for name, (model, callback) in runs.items():
        speeds[name].append(speed(model, callback))
base = np.array(speeds["does nothing"])
for name, values in speeds.items():
    ratio = np.median(np.array(values) / base)
    print(f"PPO, {name:22s} {np.median(values):10,.0f} steps/s   {100 * ratio:5.1f} % of nothing")
