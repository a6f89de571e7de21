"""After a release: harm more frequent than certified withdraws, and only that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.evaluation import certify
from dosegym.evaluation.gate.watch import Watch, load_watch
from dosegym.physiology.errors import InputError


@pytest.fixture(scope="module")
def case(rules_file: Any) -> Any:
    """Return a certificate whose set watches two harms."""
    file = rules_file(("severe-low", "low-54-patient"))
    return certify("constant_basal", constraints=file, patients=90)


def test_a_harmless_use_is_not_withdrawn(case: Any) -> None:
    """A thousand patients without harm leave the certificate as it was."""
    watch = Watch.of(case)
    for _ in range(1000):
        watch = watch.seen(dict.fromkeys(watch.monitors, False))
    assert watch.withdrawn == ()


def test_harm_above_the_limit_withdraws(case: Any, tmp_path: Path) -> None:
    """One patient in ten harmed where one in a hundred was certified is found within hundreds."""
    rng, watch = np.random.default_rng(1), Watch.of(case)
    for _ in range(400):
        watch = watch.seen({"severe-low": bool(rng.random() < 0.1), "low-54-patient": False})
    assert watch.withdrawn == ("severe-low",)
    watch.write(tmp_path / "watch.json")
    again = load_watch(tmp_path / "watch.json")
    assert again == watch
    assert again.seen({"severe-low": False, "low-54-patient": False}).withdrawn == ("severe-low",)


def test_every_watched_harm_must_be_told(case: Any) -> None:
    """A harm that nobody tells of is not the absence of harm."""
    with pytest.raises(InputError, match="'low-54-patient' is not told"):
        Watch.of(case).seen({"severe-low": False})
    with pytest.raises(InputError, match="'headache' is not watched"):
        Watch.of(case).seen({"severe-low": False, "low-54-patient": False, "headache": True})


def test_a_broken_watch_is_refused(tmp_path: Path) -> None:
    """One line for a file that is none."""
    (tmp_path / "w.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(InputError, match="cannot be read"):
        load_watch(tmp_path / "w.json")


def test_a_certificate_that_watches_nothing_gives_no_watch(case: Any) -> None:
    """Without a harm to count there is nothing to withdraw by."""
    lanes = tuple(replace(x, numbers={}) if x.id == "L10" else x for x in case.lanes)
    with pytest.raises(InputError, match="no harm to watch"):
        Watch.of(replace(case, lanes=lanes))
