"""Training runs through the model's own equations, and only where torch is."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology import load_model
from dosegym.twins.residual_build import Plan, residual_from
from dosegym.twins.residual_context import columns_of, window_features
from dosegym.twins.residual_judge import bare_error, with_members
from dosegym.twins.residual_people import TRUTHS, Known, know, live_people
from dosegym.twins.residual_train import Training, simulated, train_members
from dosegym.twins.residual_windows import BLOCKS, forecast

HYBRID = load_model("uva_padova_gains")


@pytest.fixture(scope="module")
def known() -> Known:
    return know(live_people("training", 2, seed=5, truths=TRUTHS[1::2]))


def test_torch_simulates_what_the_engine_does(known: Known) -> None:
    """Under any outputs both paths of the same equations agree, and gradients are finite."""
    import torch

    some = known.future.take(np.arange(0, len(known.future), 40))
    raw = np.random.default_rng(0).standard_normal((len(some), BLOCKS, 6))
    leaf = torch.tensor(raw, requires_grad=True)
    glucose = simulated(HYBRID, some, leaf)
    np.testing.assert_allclose(
        glucose.detach().numpy(), forecast(HYBRID, some, columns_of(raw)), rtol=1e-7, atol=1e-7
    )
    glucose[:, -1].sum().backward()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()
    step = np.zeros_like(raw)
    step[:, 0, 1] = 1e-4
    ends = [forecast(HYBRID, some, columns_of(raw + s * step))[:, -1] for s in (1.0, -1.0)]
    slope = (ends[0] - ends[1]) / 2e-4
    np.testing.assert_allclose(leaf.grad[:, 0, 1].numpy(), slope, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def trained(known: Known) -> tuple:
    return train_members(
        HYBRID, known.future, known.context, Training(members=2, hidden=4, steps=2, batch=24)
    )


def test_a_few_steps_lower_the_training_error(known: Known, trained: tuple) -> None:
    """Even two steps forecast these people better than the bare body does."""
    from dosegym.twins.residual import Residual

    draft = Residual("draft", trained[0], trained[1], *[None] * 4, {"on": True})  # type: ignore[arg-type]
    paths = with_members(HYBRID, draft, known.context, known.future)
    after = known.future.readings - paths.mean(axis=0)
    before = bare_error(HYBRID, known.future)
    assert np.nanmean(after**2) < 0.95 * np.nanmean(before**2)


def test_the_same_seed_gives_the_same_members(known: Known, trained: tuple) -> None:
    """Training is reproducible, and members differ from each other."""
    how = Training(members=2, hidden=4, steps=2, batch=24)
    again = train_members(HYBRID, known.future, known.context, how)[0]
    for a, b in zip(trained[0], again, strict=True):
        np.testing.assert_array_equal(a.inner, b.inner)
        np.testing.assert_array_equal(a.direct, b.direct)
    assert not np.array_equal(again[0].inner, again[1].inner)


def test_a_residual_that_learned_nothing_right_is_off(known: Known) -> None:
    """Trained on readings of other people's, it is no help and is switched off by itself."""
    from dataclasses import replace

    shuffled = np.random.default_rng(1).permutation(len(known.future))
    # Contexts of the wrong sign: what the past told points the wrong way.
    wrong = replace(
        known,
        context=-2.0 * known.context,
        future=replace(known.future, activity=known.future.activity[shuffled]),
    )
    groups = {"training": known, "validation": wrong}
    plan = Plan(how=Training(members=1, hidden=4, steps=1, batch=24))
    residual = residual_from(plan, HYBRID, groups)
    assert not residual.on
    assert "does not help" in residual.card["reason"]
    columns = residual.columns(window_features(known.context, known.future), 0)
    np.testing.assert_array_equal(columns, np.broadcast_to([1, 1, 1, 1, 0, 0], columns.shape))
