"""What the losses of implicit and conservative Q-learning converge to, against exact answers."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, MultiDiscrete
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_problems import CHAIN, LINE, PROBLEMS, logged
from scipy.integrate import trapezoid
from scipy.stats import expectile

from dosegym.evaluation.logged import Logged, LoggedEpisode
from dosegym.physiology.errors import InputError
from dosegym.training.offline.cql import ConservativeNumbers, conservative
from dosegym.training.offline.cql_levels import ConservativeLevels
from dosegym.training.offline.iql import ImplicitQ
from dosegym.training.offline.loop import draw, fit
from dosegym.training.offline.settings import CqlSettings, IqlSettings
from dosegym.training.offline.spaces import Spaces
from dosegym.training.offline.transitions import to_buffer

PAYS = np.array([0.0, 0.0, 1.0, 3.0])


def bandit() -> tuple[Logged, Spaces]:
    """Return one decision among four levels, of which the data hold unequally many."""
    levels = np.repeat(np.arange(4), [40, 30, 20, 10])
    episodes = tuple(
        LoggedEpisode(
            np.zeros((2, 1)), np.array([[a]]), PAYS[[a]], np.zeros((1, 1)), np.arange(2.0),
            np.zeros(1), np.array([[a]]), np.zeros(1, bool), True, False, f"p{i}", "all", 0,
        )
        for i, a in enumerate(levels)
    )  # fmt: skip
    spaces = Spaces(Box(0.0, 1.0, (1,), np.float32), MultiDiscrete([4]))
    return Logged(episodes, "test", {}, ("none",), {}), spaces


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_iql_value_is_the_expectile_of_the_data_and_its_actor_the_tilted_behaviour(
    share: float,
) -> None:
    """In a bandit V is SciPy's expectile of the rewards; pi is behaviour x exp(beta u), scaled."""
    data, spaces = bandit()
    told = IqlSettings(
        expectile=share, temperature=1.0, net_arch=[16], learning_rate="lin_1e-2", tau=0.05
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = ImplicitQ(spaces, told)
        fit(learner, to_buffer(data, spaces), told, 2000, np.random.default_rng(0))
        here = torch.zeros(1, 1)
        value = float(learner.model.policy.predict_values(here).detach())
        chances = learner.model.policy.get_distribution(here).distribution[0].probs[0].detach()
    earned = np.concatenate([e.rewards for e in data.episodes])
    assert value == pytest.approx(expectile(earned, share), abs=0.04)
    tilted = np.array([0.4, 0.3, 0.2, 0.1]) * np.exp(PAYS - value)
    np.testing.assert_allclose(chances.numpy(), tilted / tilted.sum(), atol=0.04)


def test_conservative_values_of_a_bandit_are_below_the_rewards_where_data_are_thin() -> None:
    """At the optimum 2 p (Q - r) = alpha (p - softmax(Q)): checked level by level."""
    data, spaces = bandit()
    told = CqlSettings(conservative=0.5, net_arch=[16], learning_rate="lin_1e-2")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = ConservativeLevels(spaces, told)
        fit(learner, to_buffer(data, spaces), told, 3000, np.random.default_rng(0))
        found = learner.q(torch.zeros(4, 1), torch.arange(4)[:, None]).detach().numpy()[:, 0]
    share = np.array([0.4, 0.3, 0.2, 0.1])
    softmax = np.exp(found) / np.exp(found).sum()
    np.testing.assert_allclose(2 * share * (found - PAYS), 0.5 * (share - softmax), atol=0.02)
    assert found[3] < PAYS[3] - 0.3


@given(seed=st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_levels_sum_over_all_actions_exactly(seed: int) -> None:
    """Entry by entry, log sum exp equals that over every combination of levels."""
    spaces = Spaces(Box(0.0, 1.0, (3,), np.float32), MultiDiscrete([3, 2, 4]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = ConservativeLevels(spaces, CqlSettings(net_arch=[8]))
        with torch.no_grad():
            learner.model.policy.action_net.weight.mul_(100.0)
            seen = torch.rand(1, 3)
            each = learner._each(learner.model.policy, seen)
            split = float(torch.stack([e.logsumexp(dim=1) for e in each]).sum())
            every = torch.tensor(list(itertools.product(range(3), range(2), range(4))))
            values = learner.q(seen.expand(len(every), 3), every)[:, 0]
            likeliest, _ = learner.model.predict(seen.numpy()[0], deterministic=True)
    assert split == pytest.approx(float(values.logsumexp(dim=0)), abs=1e-4)
    assert every[values.argmax()].tolist() == likeliest.tolist()


def test_numbers_integrate_as_quadrature_does() -> None:
    """The importance-sampled log integral of exp Q agrees with the trapezium rule."""
    told = CqlSettings(net_arch=[16], actions=200_000)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = ConservativeNumbers(LINE.spaces, told)
        here, there = torch.tensor([[0.3]]), torch.tensor([[-0.2]])
        with torch.no_grad():
            for network in learner.model.critic.q_networks:
                network[-1].weight.mul_(10.0)
            found = learner._log_integrals(here, there)[0]
            grid = torch.linspace(-1.0, 1.0, 20_001)[:, None]
            heights = torch.cat(learner.model.critic(here.expand(len(grid), 1), grid), dim=1)
            exact = np.log(trapezoid(heights.double().exp().numpy(), dx=1e-4, axis=0))
    np.testing.assert_allclose(found.numpy(), exact, atol=0.03)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_unseen_actions_are_valued_lower_than_by_plain_learning(problem: str) -> None:
    """Trained on one action alone, CQL puts the others further below it than alpha = 0 does."""
    chosen, rng = PROBLEMS[problem], np.random.default_rng(0)
    data = logged(chosen, 100, rng, chosen.best)
    gaps = {}
    for weight in (0.0, 1.0):
        told = CqlSettings(conservative=weight, net_arch=[32], learning_rate=3e-3, gamma=0.9)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            learner: Any = conservative(chosen.spaces, told)
            fit(learner, to_buffer(data, chosen.spaces), told, 600, np.random.default_rng(0))
            state = chosen.start(200, np.random.default_rng(1))
            seen = torch.from_numpy(chosen.see(state))
            other = chosen.chance(state, np.random.default_rng(2))
            with torch.no_grad():
                mine, theirs = (
                    learner.q(seen, torch.from_numpy(np.asarray(a, kind)))
                    for a in (chosen.best(state), other)
                    for kind in (np.int64 if chosen is CHAIN else np.float32,)
                )
        gaps[weight] = float((mine - theirs).mean())
    assert gaps[1.0] > gaps[0.0] + 0.5


def test_each_network_is_moved_by_its_own_loss_alone() -> None:
    """No gradient of an actor's loss reaches a critic, nor of a critic's an actor or a value."""
    data = logged(LINE, 20, np.random.default_rng(0))
    buffer = to_buffer(data, LINE.spaces)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        cql = ConservativeNumbers(LINE.spaces, CqlSettings(net_arch=[8]))
        iql = ImplicitQ(LINE.spaces, IqlSettings(net_arch=[8]))
        batch = draw(buffer, np.arange(50))
        policy = iql.model.policy
        for learner, name, owners in (
            (cql, "actor", [cql.model.actor]),
            (cql, "critic", [cql.model.critic]),
            (cql, "conservative", [cql.model.critic]),
            (iql, "critic", [iql.critic]),
            (iql, "value", [policy.mlp_extractor.value_net, policy.value_net]),
        ):
            everything = learner.parameters()
            for parameter in everything:
                parameter.grad = None
            learner.losses(batch)[name].backward()  # type: ignore[attr-defined]
            moved = {id(p) for p in everything if p.grad is not None and p.grad.abs().sum() > 0}
            own = {id(p) for network in owners for p in network.parameters()}
            assert moved
            assert moved <= own


def test_a_loss_that_breaks_down_is_one_line() -> None:
    """Losses that are no longer numbers end the run and name the mend."""
    data = logged(LINE, 20, np.random.default_rng(0))
    told = CqlSettings(net_arch=[8], reward_scale=1e30)
    buffer = to_buffer(data, LINE.spaces, reward_scale=told.reward_scale)
    learner = conservative(LINE.spaces, told)
    with pytest.raises(InputError, match="critic is inf after 1 steps; lower"):
        fit(learner, buffer, told, 1, np.random.default_rng(0))
