"""Masks rebuilt from what an agent observes."""

from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_sb3_vec_env
from dosegym.policies.pressure_mask import action_mask, current_levels, screened
from dosegym.therapy.formulary import CLASSES, load_formulary
from dosegym.therapy.pressure_view import PRESSURE_VIEW

ENV = "dosegym/BloodPressure-v0"
TABLETS = load_formulary()
STARTS = dict(zip(CLASSES, np.cumsum([0, *TABLETS.levels[:-1]]), strict=True))


def seen(levels: tuple[int, ...] = (0,) * 6, **values: float) -> Any:
    """Return one observation: a healthy chart but for what is named."""
    told = {f.name: f.offset for f in PRESSURE_VIEW.features} | {"egfr": 80.0, "attended": 1.0}
    told |= dict.fromkeys(("pregnant", "asthma", "heart_block", "angioedema"), 0.0)
    doses = TABLETS.standard_of(np.array(levels))
    told |= {f"dose_{kind}": doses[i] for i, kind in enumerate(CLASSES)} | values
    stored = [(told[f.name] - f.offset) / f.scale for f in PRESSURE_VIEW.features]
    return np.array(stored, np.float32)


def opened(mask: Any, kind: str) -> list[bool]:
    """Return the mask of one class."""
    first = STARTS[kind]
    return mask[first : first + TABLETS.levels[CLASSES.index(kind)]].tolist()


def test_a_healthy_chart_leaves_everything_open() -> None:
    """Without a drug and without a contraindication every level may be chosen."""
    assert action_mask(seen()).all()
    assert action_mask(seen()).shape == (sum(TABLETS.levels),)


@pytest.mark.parametrize("levels", [(0, 0, 0, 0, 0, 0), (3, 0, 2, 1, 4, 2), (0, 4, 4, 3, 1, 1)])
def test_the_regimen_is_read_back(levels: tuple[int, ...]) -> None:
    """Doses in the observation become the levels they came from."""
    np.testing.assert_array_equal(current_levels(seen(levels), TABLETS), levels)


def test_an_ace_inhibitor_closes_the_other() -> None:
    """On an ACE inhibitor no angiotensin receptor blocker may be added, and the reverse."""
    mask = action_mask(seen((3, 0, 0, 0, 0, 0)))
    assert opened(mask, "arb") == [True] + [False] * (TABLETS.levels[1] - 1)
    assert all(opened(mask, "acei"))


def test_asthma_closes_the_beta_blocker() -> None:
    """Only none of it is left."""
    mask = action_mask(seen(asthma=1.0))
    assert opened(mask, "beta_blocker") == [True] + [False] * (TABLETS.levels[4] - 1)


def test_a_potassium_at_the_limit_is_not_above_it() -> None:
    """float32 does not push a reading of exactly 5.5 over the limit of 5.5."""
    at, above = (opened(action_mask(seen(potassium=k)), "acei") for k in (5.5, 5.6))
    assert all(at)
    assert above == [True] + [False] * (TABLETS.levels[0] - 1)


def test_a_missed_visit_leaves_the_regimen_as_it_is() -> None:
    """Nothing can be prescribed to who did not come, whatever the chart says."""
    levels = (2, 0, 1, 0, 3, 0)
    mask = action_mask(seen(levels, attended=0.0, asthma=1.0))
    assert mask.sum() == len(CLASSES)
    for kind, level in zip(CLASSES, levels, strict=True):
        assert opened(mask, kind)[level]


def test_a_wider_action_stays_open_beyond_the_classes() -> None:
    """The choice of the next visit's date is nobody's contraindication."""
    wide = action_mask(seen(asthma=1.0)[None], choices=sum(TABLETS.levels) + 4)
    assert wide.shape == (1, sum(TABLETS.levels) + 4)
    assert wide[0, -4:].all()


@pytest.mark.parametrize("kwargs", [{}, {"formulary": {"arb": "telmisartan"}}])
def test_it_is_the_mask_of_the_environment(kwargs: dict[str, Any]) -> None:
    """Over a year of random prescriptions to 64 people, the observation gives the same mask."""
    env = make_sb3_vec_env(ENV, 64, seed=3, days=364, patient="all", **kwargs)
    rng = np.random.default_rng(0)
    observation: Any = env.reset()
    closed = 0
    for _ in range(14):
        theirs = np.stack(env.env_method("action_masks"))
        ours = action_mask(observation, kwargs.get("formulary", "default"), theirs.shape[1])
        np.testing.assert_array_equal(ours, theirs)
        closed += int((~theirs).sum())
        levels = rng.integers(env.action_space.nvec, size=(64, len(env.action_space.nvec)))  # type: ignore[attr-defined]
        observation, *_ = env.step(levels)
    assert closed > 0


def test_two_blockers_asked_at_once_become_one() -> None:
    """Of an ACE inhibitor and an angiotensin receptor blocker the former is left."""
    asked = np.array([3, 2, 1, 0, 0, 0])
    np.testing.assert_array_equal(screened(seen(), asked), [3, 0, 1, 0, 0, 0])


def test_what_is_not_forbidden_stays_to_the_bit() -> None:
    """Numbers that round to permitted levels are left as they are, further entries too."""
    asked = np.array([-0.31, -1.0, 0.123, 0.9, -0.97, -1.0, 0.4], np.float32)
    np.testing.assert_array_equal(screened(seen(), asked), asked)
    closed = screened(seen(asthma=1.0), np.where(np.arange(7) == 4, 0.8, asked).astype(np.float32))
    assert closed[4] == -1.0
    np.testing.assert_array_equal(np.delete(closed, 4), np.delete(asked, 4))


@pytest.mark.parametrize("action", ["levels", "box"])
def test_screened_actions_are_given_and_never_count_as_contraindicated(action: str) -> None:
    """Over a year of random proposals the environment has nothing left to refuse."""
    env: Any = make_sb3_vec_env(ENV, 64, seed=4, days=364, patient="all", action=action)
    rng = np.random.default_rng(1)
    observation: Any = env.reset()
    changed = 0
    for _ in range(13):
        draw = rng.random((64, 6))
        levels = action == "levels"
        asked = (draw * env.task.nvec).astype(int) if levels else (2.0 * draw - 1.0)
        safe = screened(observation, asked)
        changed += int((safe != asked).sum())
        observation, *_ = env.step(safe)
        contraindicated = env.task.cost_names.index("contraindicated")
        assert not env.last_step.log[:, contraindicated].any()
    assert changed > 0
