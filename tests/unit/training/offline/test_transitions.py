"""From logged episodes to a replay buffer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, MultiDiscrete
from offline_problems import CHAIN, LINE, logged
from stable_baselines3.common.buffers import ReplayBuffer

from dosegym.evaluation.logged import Logged
from dosegym.physiology.errors import InputError
from dosegym.training.offline.spaces import Spaces
from dosegym.training.offline.transitions import to_buffer


def chain(n: int = 20) -> Logged:
    """Return random walks, some of which arrive and some of which are cut off."""
    return logged(CHAIN, n, np.random.default_rng(0))


def test_it_is_the_buffer_that_sb3_itself_would_have_filled() -> None:
    """Every array equals that of a buffer fed step by step as SB3's collection feeds it."""
    data = chain()
    steps = sum(len(episode) for episode in data.episodes)
    fed = ReplayBuffer(steps, CHAIN.spaces.observation, CHAIN.spaces.action, device="cpu")
    for episode in data.episodes:
        for t in range(len(episode)):
            last = t == len(episode) - 1
            info: dict[str, Any] = {"TimeLimit.truncated": last and episode.truncated}
            fed.add(
                episode.observations[t], episode.observations[t + 1], episode.proposed[t],
                np.array(episode.rewards[t]), np.array(last), [info],
            )  # fmt: skip
    made = to_buffer(data, CHAIN.spaces)
    assert {episode.terminated for episode in data.episodes} == {True, False}
    for name in ("observations", "next_observations", "actions", "rewards", "dones", "timeouts"):
        np.testing.assert_array_equal(getattr(made, name), getattr(fed, name))
    assert made.size() == fed.size() == steps


def test_an_end_of_the_log_alone_is_no_end() -> None:
    """Neither terminated nor truncated: nothing is done, and the last step bootstraps."""
    episodes = tuple(replace(e, terminated=False, truncated=False) for e in chain().episodes)
    made = to_buffer(replace(chain(), episodes=episodes), CHAIN.spaces)
    assert not made.dones.any()


def test_a_death_at_the_horizon_is_a_death() -> None:
    """Both flags set: the value ends."""
    episodes = tuple(replace(e, terminated=True, truncated=True) for e in chain().episodes)
    made = to_buffer(replace(chain(), episodes=episodes), CHAIN.spaces)
    last = np.cumsum([len(e) for e in episodes]) - 1
    assert made._get_samples(last).dones.numpy().all()


def test_penalties_are_subtracted_by_name_before_the_scale() -> None:
    """Reward = scale x (reward - weight x cost of that name)."""
    data = chain()
    costs = np.random.default_rng(1)
    episodes = tuple(replace(e, costs=costs.random((len(e), 2))) for e in data.episodes)
    data = replace(data, episodes=episodes, cost_names=("low", "high"))
    made = to_buffer(data, CHAIN.spaces, cost_penalties={"high": 3.0}, reward_scale=0.5)
    expected = np.concatenate([0.5 * (e.rewards - 3.0 * e.costs[:, 1]) for e in episodes])
    np.testing.assert_allclose(made.rewards[:, 0], expected, rtol=1e-6)


def test_what_was_asked_for_is_learned_not_what_was_given() -> None:
    """Where something intervened the buffer holds the proposal."""
    data = chain()
    episodes = tuple(replace(e, actions=0 * e.actions) for e in data.episodes)
    made = to_buffer(replace(data, episodes=episodes), CHAIN.spaces)
    np.testing.assert_array_equal(
        made.actions[:, 0], np.concatenate([e.proposed for e in data.episodes])
    )


@pytest.mark.parametrize(
    ("spaces", "said"),
    [
        (Spaces(Box(0, 1, (4,)), CHAIN.spaces.action), "show 6 features, test shows 4"),
        (Spaces(CHAIN.spaces.observation, LINE.spaces.action), "logged actions are 2 levels"),
        (Spaces(CHAIN.spaces.observation, MultiDiscrete([3, 2, 2])), "logged actions are 2 levels"),
        (Spaces(CHAIN.spaces.observation, MultiDiscrete([2, 2])), "logged action 0 is 2"),
    ],
)
def test_data_of_other_spaces_are_refused(spaces: Spaces, said: str) -> None:
    """One line names what does not fit."""
    with pytest.raises(InputError, match=said):
        to_buffer(chain(), spaces)


def test_an_unknown_cost_is_refused() -> None:
    """A penalty on a cost that the data lack would silently do nothing."""
    with pytest.raises(InputError, match="names 'hypo'; the data's costs are none"):
        to_buffer(chain(), CHAIN.spaces, cost_penalties={"hypo": 1.0})


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        (Box(0, 1, (2, 2)), CHAIN.spaces.action),
        (CHAIN.spaces.observation, Box(0.0, 1.0, (1,))),
        (CHAIN.spaces.observation, MultiDiscrete([[2, 2], [2, 2]])),
    ],
)
def test_spaces_of_another_kind_are_refused(observation: Any, action: Any) -> None:
    """Images, numbers of another range and tables of levels have no learner here."""
    with pytest.raises(InputError, match="offline learning takes"):
        Spaces(observation, action)
