"""Proximal policy optimisation under limits on named costs: PPO with Lagrange multipliers.

Ray, Achiam and Amodei 2019 (Benchmarking Safe Exploration in Deep Reinforcement Learning) describe
PPO-Lagrangian; multipliers follow Stooke 2020 (arXiv 2007.03964). The learner is the PPO of
Stable-Baselines3 with three things around its update: before it the multipliers move and the cost
critic learns, and the advantages that the update sees are

    (A - sum of lambda_k A_k) / (1 + sum of lambda_k),

each of A (reward) and A_k (costs) brought to mean 0 and standard deviation 1 over the rollout.

A limit is in units of cost per step: of an indicator, the share of steps; the measured cost is the
mean over the rollout. With a tail share the limit holds for the mean of that share of the worst
episodes (CVaR), as :func:`~dosegym.training.cost_episodes.excess` explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.utils import obs_as_tensor

from ..physiology.errors import InputError
from ..policies.cost_critic import ActorCostCriticPolicy
from .cost_buffer import CostRolloutBuffer
from .cost_episodes import EpisodeCosts, tail_mean
from .cost_source import cost_reader
from .cost_tap import CostTap
from .multipliers import Gains, Multipliers, check_limits

# Below these a spread is noise of the critic, and dividing by it would make it loud.
LEAST_ADVANTAGE_SD = 1e-3
LEAST_RETURN_SD = 1e-2
# A tail needs this many finished episodes in it before it is told from the whole.
LEAST_TAIL = 5
_OWN = ("multipliers", "episodes", "rollout_buffer_class", "rollout_buffer_kwargs")


class PPOLagrangian(PPO):
    """PPO that keeps the costs of its policy below limits.

    Its file is one of plain PPO with the policy ``ActorCostCriticPolicy``: ``PPO.load`` reads it
    and leaves the multipliers aside; ``PPOLagrangian.load`` goes on learning with them.

    Parameters
    ----------
    policy : str or type
        "MlpPolicy", or a subclass of ``ActorCostCriticPolicy``.
    env : VecEnv or Env
        Its costs stand in ``info["costs"]`` by name, or in ``info["cost"]``.
    limits : mapping of str to float
        Limit of each cost, per step.
    tails : mapping of str to float, optional
        For costs named here the limit holds for the mean of this share of the worst episodes.
    gains : Gains or mapping, optional
        Of the multipliers.
    cost_epochs : int, optional
        Passes of the cost critic over a rollout; by default ``n_epochs``.
    **kwargs
        As ``PPO``; ``normalize_advantage`` is not among them.

    Raises
    ------
    InputError
        If limits or tails cannot be used, or while learning, a cost is missing from an info.
    """

    policy_aliases: ClassVar[dict[str, Any]] = {"MlpPolicy": ActorCostCriticPolicy}
    multipliers: Multipliers
    episodes: EpisodeCosts
    rollout_buffer: CostRolloutBuffer  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        policy: Any,
        env: Any,
        limits: Mapping[str, float] | None = None,
        tails: Mapping[str, float] | None = None,
        gains: Gains | Mapping[str, Any] | None = None,
        cost_epochs: int | None = None,
        *,
        _init_setup_model: bool = True,
        **kwargs: Any,
    ) -> None:
        # SB3 makes an empty learner first when it loads one; its attributes follow.
        if _init_setup_model or limits is not None:
            self.limits = check_limits(limits or {})
            self.tails = _check_tails(tails or {}, self.limits)
            given = gains if isinstance(gains, Gains) else Gains(**(gains or {}))
            self.gains: dict[str, Any] = dict(vars(given))
        self.cost_epochs = cost_epochs
        super().__init__(
            policy, env, normalize_advantage=False, _init_setup_model=_init_setup_model, **kwargs
        )

    def _setup_model(self) -> None:
        if isinstance(self.observation_space, spaces.Dict):
            raise InputError(
                "PPOLagrangian needs an array as observation; flatten the dictionary first"
            )
        if self.env is not None:
            cost_reader(self.env, list(self.limits))
        n_costs = len(self.limits)
        self.policy_kwargs = {**self.policy_kwargs, "n_costs": n_costs}
        self.rollout_buffer_class = CostRolloutBuffer
        self.rollout_buffer_kwargs = {"n_costs": n_costs}
        super()._setup_model()
        self.multipliers = Multipliers(self.limits, Gains(**self.gains))
        self.episodes = EpisodeCosts(self.n_envs, n_costs)
        kept = vars(self).pop("multiplier_state", None)
        if kept is not None:
            self.multipliers.restore(kept)
        running = vars(self).pop("episode_state", None)
        if running is not None and len(running["steps"]) == self.n_envs:
            self.episodes.restore(running)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), *_OWN]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the model as ``PPO.save`` does, its multipliers and running costs included."""
        self.multiplier_state = self.multipliers.state()
        self.episode_state = self.episodes.state()
        super().save(*args, **kwargs)
        del self.multiplier_state, self.episode_state

    # ------------------------------------------------------------------------------- experience

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Collect experience as PPO does, costs beside rewards."""
        self.episodes.begin(np.asarray(self._last_episode_starts, np.bool_))
        share = np.array([self.tails.get(name, 1.0) for name in self.limits])
        reader = cost_reader(env, list(self.limits))
        tap = CostTap(reader, callback, rollout_buffer, self.episodes, self.thresholds(), share)
        if not super().collect_rollouts(env, tap, rollout_buffer, n_rollout_steps):  # type: ignore[arg-type]
            return False
        self._measured = tap.total / n_rollout_steps
        self._foresee(rollout_buffer)
        return True

    def _foresee(self, buffer: CostRolloutBuffer) -> None:
        """Let the cost critic, which has not changed during the rollout, see all of it at once."""
        shape = (buffer.buffer_size, buffer.n_envs, buffer.n_costs)
        values = self._cost_values(_rows(buffer.observations)).reshape(shape)
        last = self._cost_values(np.asarray(self._last_obs))
        cut_off = np.zeros((0, buffer.n_costs), np.float32)
        if buffer.cut_off:
            cut_off = self._cost_values(np.stack(buffer.cut_off_observations))
        ended = np.asarray(self._last_episode_starts, np.bool_)
        buffer.compute_cost_advantages(values, last, cut_off, ended)

    def _cost_values(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        with torch.no_grad():
            seen: Any = obs_as_tensor(observations, self.device)
            values = self.policy.predict_cost_values(seen)  # type: ignore[operator]
        return np.asarray(values.cpu().numpy(), np.float32)

    def thresholds(self) -> NDArray[np.float64]:
        """Return the cost of a whole episode (K,) above which it lies in the tail, or -inf.

        That is the value at risk, but never more than the limit allows: a policy under which every
        episode costs the same and too much would otherwise have no tail to learn from. Where no
        tail is asked for, or too few episodes are finished to tell it, -inf: the mean counts.
        """
        found = np.full(len(self.limits), -np.inf)
        for k, (name, limit) in enumerate(self.limits.items()):
            share = self.tails.get(name)
            if share is not None and share * self.episodes.finished >= LEAST_TAIL:
                risk = np.quantile(self.episodes.ended_totals()[:, k], 1.0 - share)
                found[k] = min(risk, limit * self.episodes.mean_steps())
        return found

    # --------------------------------------------------------------------------------- learning

    def train(self) -> None:
        """Move the multipliers, teach the cost critic, then update as PPO does."""
        fresh = self.episodes.take_fresh()
        measured, known = self._costs_now(len(fresh) > 0)
        weights = self.multipliers.update(measured, known)
        buffer = self.rollout_buffer
        buffer.advantages = mixed(buffer.advantages, buffer.cost_advantages, weights)
        self._update_learning_rate(self.policy.optimizer)
        loss = self._teach_cost_critic()
        super().train()
        self.logger.record("train/cost_value_loss", loss)
        for k, (name, limit) in enumerate(self.limits.items()):
            if known[k]:
                self.logger.record_mean(f"safety/{name}/cost", float(measured[k]))
            self.logger.record(f"safety/{name}/limit", limit)
            self.logger.record(f"safety/{name}/lambda", float(weights[k]))
            if len(fresh):
                rate = float(np.mean(fresh[:, k] > limit))
                self.logger.record_mean(f"safety/{name}/violation_rate", rate)

    def _costs_now(self, any_ended: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the measured costs (K,) and which of them are new."""
        measured, known = self._measured.copy(), np.ones(len(self.limits), np.bool_)
        risk = self.thresholds()
        for k, name in enumerate(self.limits):
            if np.isfinite(risk[k]):
                measured[k] = tail_mean(self.episodes.ended_rates()[:, k], self.tails[name])
                known[k] = any_ended
        return measured, known

    def _teach_cost_critic(self) -> float:
        """Fit the cost critic to the rollout's returns, every cost in its own spread."""
        policy: Any = self.policy
        buffer = self.rollout_buffer
        returns = _rows(buffer.cost_returns)
        spread = np.maximum(returns.std(axis=0), LEAST_RETURN_SD).astype(np.float32)
        seen = torch.as_tensor(_rows(buffer.observations), device=self.device)
        wanted = torch.as_tensor(returns / spread, device=self.device)
        scale = torch.as_tensor(spread, device=self.device)
        own = [*policy.cost_net.parameters(), *policy.cost_value_net.parameters()]
        policy.set_training_mode(True)
        losses = []
        for _ in range(self.cost_epochs or self.n_epochs):
            # SB3 draws its minibatches from this generator too, and a checkpoint keeps it.
            order = np.random.permutation(len(returns))  # noqa: NPY002
            for first in range(0, len(order), self.batch_size):
                batch = torch.from_numpy(order[first : first + self.batch_size])
                foreseen = policy.predict_cost_values(seen[batch]) / scale
                loss: Any = torch.nn.functional.mse_loss(foreseen, wanted[batch])
                policy.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(own, self.max_grad_norm)
                policy.optimizer.step()
                losses.append(loss.item())
        return float(np.mean(losses))


def mixed(
    advantages: NDArray[np.float32],
    cost_advantages: NDArray[np.float32],
    multipliers: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the advantages (T, N) of the Lagrangian, of reward (T, N) and costs (T, N, K).

    A cost that hardly varies is centred but not blown up to a standard deviation of 1.
    """
    reward = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    spread = np.maximum(cost_advantages.std(axis=(0, 1)), LEAST_ADVANTAGE_SD)
    costs = (cost_advantages - cost_advantages.mean(axis=(0, 1))) / spread
    total = (reward - costs @ multipliers) / (1.0 + multipliers.sum())
    return np.asarray(total, np.float32)


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return (T, N, ...) as (T x N, ...)."""
    return array.reshape(-1, *array.shape[2:])


def _check_tails(tails: Mapping[str, float], limits: Mapping[str, float]) -> dict[str, float]:
    for name, share in tails.items():
        if name not in limits:
            raise InputError(f"tails name {name!r}, which has no limit; add it to limits")
        if not 0.0 < float(share) <= 1.0:
            raise InputError(f"tail of {name} is {share!r}; give a share above 0 and at most 1")
    return {str(name): float(share) for name, share in tails.items()}
