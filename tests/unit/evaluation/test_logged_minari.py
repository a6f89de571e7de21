"""Logged treatment as Minari data sets, where Minari is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dosegym.evaluation.collect import collect
from dosegym.evaluation.logged import logged_hash
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician


def test_without_minari_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed Minari is told which extra brings it."""
    import sys

    from dosegym.evaluation.logged_minari import read_minari

    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(InputError, match=r"dosegym\[data\]"):
        read_minari("dosegym/none-v0")


def test_minari_gives_back_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data set through Minari is the same data set, and its infos have the promised keys."""
    minari = pytest.importorskip("minari")
    pytest.importorskip("h5py")
    from dosegym.evaluation.logged_minari import read_minari, write_minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    clinician = NoisyClinician(load_policy("acc_aha_2025"), epsilon=0.2)
    people = {"population": "virtual", "size": 3, "purpose": "training", "seed": 1}
    one = collect("dosegym/BloodPressure-v0", clinician, people, 1, env_kwargs={"days": 112})
    write_minari("dosegym/pressure/noisy-v0", one)
    two = read_minari("dosegym/pressure/noisy-v0")
    assert logged_hash(two) == logged_hash(one)
    found = next(minari.load_dataset("dosegym/pressure/noisy-v0").iterate_episodes())
    assert set(found.infos["cost"]) == set(one.cost_names)
    np.testing.assert_array_equal(found.infos["behavior_log_prob"][1:], one.episodes[0].log_prob)
    with pytest.raises(InputError, match="Minari cannot make"):
        write_minari("dosegym/pressure/noisy-v0", one)
