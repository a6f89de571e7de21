"""Evaluation of policies of tablets: what would change the meaning of a level is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dosegym.evaluation import evaluate
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy

ONE = {"patient": "person#001"}


@pytest.mark.parametrize("name", ["blood-pressure", "quadpill"])
@pytest.mark.parametrize(
    "keywords",
    [{"formulary": {"arb": "telmisartan"}}, {"interval_days": "chosen"}, {"action": "box"}],
)
def test_another_language_is_refused(name: str, keywords: dict[str, Any]) -> None:
    """An agent trained on the usual tablets is no agent of others, though nothing crashes."""
    key = next(iter(keywords))
    with pytest.raises(InputError, match=rf"^{key} is .* in env-kwargs, the policy acts in"):
        evaluate(load_policy(name), episodes=1, days=28, env_kwargs={**ONE, **keywords})


def test_the_same_tablets_in_other_words_are_taken() -> None:
    """Naming the drugs that the policy acts in anyway changes nothing."""
    plain = evaluate("quadpill", episodes=1, days=28, env_kwargs=ONE)
    own = load_policy("quadpill").formulary.drugs
    named = evaluate("quadpill", episodes=1, days=28, env_kwargs={**ONE, "formulary": list(own)})
    assert plain.rows == named.rows


def test_days_may_be_said_as_a_keyword_but_not_twice() -> None:
    """``days`` among the keywords is not silently overruled."""
    found = evaluate("do_nothing", episodes=1, env_kwargs={**ONE, "days": 56})
    assert found.env_kwargs["days"] == 56
    with pytest.raises(InputError, match="days is 28, and 56 in env-kwargs; give one of them"):
        evaluate("do_nothing", episodes=1, days=28, env_kwargs={**ONE, "days": 56})


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_seed_that_no_generator_takes_is_refused(seed: Any) -> None:
    """The line names the seed before anything is simulated."""
    with pytest.raises(InputError, match=r"seed is .*; give a whole number of at least 0"):
        evaluate("do_nothing", episodes=1, days=28, seed=seed, env_kwargs=ONE)
