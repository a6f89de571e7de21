"""The residual inside the insulin task: keywords, draws, what is told, and the sign of a dose."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.envs.core import streams_of, transition
from dosegym.physiology import InputError
from dosegym.physiology.models.uva_padova_gains import ADDED
from dosegym.twins import load_residual
from dosegym.twins.residual_context import CONTEXT

ID, NAME = "dosegym/Insulin-v0", "uva_padova_2026"
BODY = {"physiology": "uva_padova_gains"}


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"residual": NAME}, "give physiology='uva_padova_gains'"),
        ({**BODY, "residual": "other"}, f"choose one of {NAME}"),
        ({**BODY, "residual": 3}, "residual is 3; give a name"),
        ({**BODY, "residual": {"name": NAME, "gain": 2}}, "perhaps context and member"),
        ({**BODY, "residual": {"name": NAME, "member": 5}}, "whole number from 0 to 4"),
        ({**BODY, "residual": {"name": NAME, "member": True}}, "whole number from 0 to 4"),
        ({**BODY, "residual": {"name": NAME, "context": [1.0]}}, "finite numbers: past_gain"),
        ({**BODY, "residual": {"name": NAME, "context": "me"}}, "finite numbers: past_gain"),
    ],
)
def test_a_wrong_residual_is_refused(kwargs: dict[str, Any], words: str) -> None:
    """The error names the keyword and what to give."""
    with pytest.raises(InputError, match=words):
        make_task(ID, **kwargs)


def test_gains_in_force_are_told_and_follow_the_clock() -> None:
    """Info tells the gains of the half hour, those of the person's day, whoever doses what."""
    residual = load_residual()
    context = residual.contexts[3]
    fixed = {"name": NAME, "context": context.tolist(), "member": 2}
    env = gym.make(ID, **BODY, residual=fixed, start_hour=22.0, days=1)
    day, low = residual.day(context, 2), env.action_space.low
    _, info = env.reset(seed=4)
    minute = 22 * 60
    for _ in range(40):
        truth = info["truth"]
        np.testing.assert_array_equal([truth[n] for n in ADDED], day[minute // 30 % 48])
        assert truth["residual_member"] == 2.0
        minute = int(info["time_min"])
        _, _, over, _, info = env.step(low)
        if over:
            break
    assert len(np.unique(day[:, 1])) > 10


def test_each_episode_draws_a_member_and_a_person() -> None:
    """Over many episodes all members and many contexts come up; the same seed draws the same."""
    task = make_task(ID, **BODY, residual=NAME)

    def begun(seed: int) -> Any:
        streams = [streams_of(g) for g in np.random.default_rng(seed).spawn(200)]
        return task.begin(streams, range(200))[0]

    first, again, other = begun(1), begun(1), begun(2)
    assert set(first.member.tolist()) == set(range(5))
    assert len(np.unique(first.gains[:, 0], axis=0)) > 100
    np.testing.assert_array_equal(first.gains, again.gains)
    assert not np.array_equal(first.gains, other.gains)


def test_without_a_residual_nothing_is_drawn_or_told() -> None:
    """The body with gains but no residual is the bare one to the step's error, same keys."""
    logs = {}
    for physiology in ("uva_padova_2008", "uva_padova_gains"):
        env = gym.make(ID, physiology=physiology, start_hour=8.0, days=1)
        _, info = env.reset(seed=2)
        rows = [info["truth"]]
        for _ in range(100):
            *_, info = env.step(np.array([-0.25], np.float32))
            rows.append(info["truth"])
        logs[physiology] = rows
    a, b = logs.values()
    assert list(a[0]) == list(b[0])
    apart = [abs(x["glucose_mg_dl"] - y["glucose_mg_dl"]) for x, y in zip(a, b, strict=True)]
    assert max(apart) < 0.5


def test_a_larger_dose_never_raises_glucose_in_the_environment() -> None:
    """Same seeds, meals and gains, nobody treats a low: more insulin gives no higher glucose."""
    task = make_task(
        ID,
        **BODY,
        residual=NAME,
        patient="all",
        scenario={"preset": "unannounced", "rescue_g": 0.0},
        terminate=None,
        days=1,
    )
    streams = [[streams_of(g) for g in np.random.default_rng(3).spawn(64)] for _ in range(2)]
    rng = np.random.default_rng(5)
    runs = [task.begin(s, range(64))[:2] for s in streams]
    column = task.log_columns.index("glucose_mg_dl")
    for _ in range(120):
        low = rng.uniform(-1.0, 0.5, (64, 1))
        # The pump rounds down and has a limit: more asked is never less given.
        high = np.minimum(low + rng.uniform(0.0, 0.5, (64, 1)), 1.0)
        glucose = []
        for i, action in enumerate((low, high)):
            state, step = transition(task, runs[i][0], runs[i][1], action)
            runs[i] = (runs[i][0], state)
            glucose.append(step.log[:, column])
        assert (glucose[1] - glucose[0]).max() <= 1e-12


def test_context_has_the_names_the_page_tells() -> None:
    """What a residual may know is a fixed list without insulin on board or simulated glucose."""
    assert len(CONTEXT) == 13
    assert not any("iob" in name or "glucose_mg" in name for name in CONTEXT)
