"""A twin's own residual: frozen context, tried on a held-out day, kept through a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology import InputError
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin, load_residual, load_twin
from dosegym.twins.observations import observe
from dosegym.twins.residual_own import OwnResidual, own_residual
from dosegym.twins.residual_people import TRUTHS, live_people


@pytest.fixture(scope="module")
def circadian() -> Timeline:
    """Four days of somebody whose insulin sensitivity swings by 40 % over the day."""
    record = live_people("certification", 1, seed=8, truths=TRUTHS[1:2])[0].timeline
    start = float(record.glucose.time_s[0])
    return record.window(start, start + 4 * 86400.0)


@pytest.fixture(scope="module")
def twin(circadian: Timeline) -> Twin:
    return fit_twin(circadian, starts=2, residual=True)


def test_a_twin_carries_its_residual_through_a_file(twin: Twin, tmp_path: Path) -> None:
    """Name, hash, context, verdict and reason survive; the twin's own hash covers them."""
    own = twin.residual
    assert own is not None
    assert own.sha256 == load_residual().sha256
    assert "120 min ahead on the held-out day" in own.reason or not own.on
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(twin.to_dict()))
    again = load_twin(path)
    assert again.residual == own
    assert again.sha256 == twin.sha256
    assert replace(twin, residual=None).sha256 != twin.sha256


def test_it_is_on_only_where_it_helped(twin: Twin) -> None:
    """The verdict is that of the errors which the reason states."""
    own = twin.residual
    assert own is not None
    if "held-out day" in own.reason:
        with_it, without = (float(own.reason.split(k)[1].split()[0]) for k in ("day ", "it, "))
        assert own.on is (with_it <= without) or with_it == without


def test_the_context_comes_from_the_past_alone(twin: Twin, circadian: Timeline) -> None:
    """Computed anew from body and record it is the same."""
    own = twin.residual
    assert own is not None
    again = own_residual(own.name, twin.where, twin.z, observe(circadian), None)
    np.testing.assert_array_equal(again.context, own.context)
    assert not again.on
    assert "too short" in again.reason or "unlike" in again.reason


def test_a_short_record_leaves_it_off(noisy: Timeline) -> None:
    """Two days spare none to try it on; without the keyword there is no residual."""
    own = fit_twin(noisy, starts=2, residual="uva_padova_2026").residual
    assert own is not None
    assert not own.on
    assert fit_twin(noisy, starts=1).residual is None


def test_a_changed_residual_is_refused(twin: Twin) -> None:
    """A twin fitted with other weights than those found now must be fitted again."""
    own = twin.residual
    assert own is not None
    assert own.load().name == own.name
    with pytest.raises(InputError, match="has changed since the twin was fitted"):
        replace(own, sha256="0" * 64).load()
    assert OwnResidual.from_dict(own.to_dict()) == own
