"""Logged treatment: its checks, its patient-level splits, its one sealed file."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutations import mutate_bytes

from dosegym.evaluation.logged import (
    Logged,
    LoggedEpisode,
    logged_hash,
    read_logged,
    write_logged,
)
from dosegym.evaluation.logged_episode import ARRAYS
from dosegym.physiology.errors import InputError


def episode(patient: str = "p0", n: int = 4, *, levels: bool = False, **change: Any) -> Any:
    """Return a small course of n decisions."""
    rng = np.random.default_rng(n)
    acts = rng.integers(0, 3, (n, 2)) if levels else rng.random((n, 2))
    course: dict[str, Any] = {
        "observations": rng.random((n + 1, 3)),
        "actions": acts,
        "rewards": rng.random(n),
        "costs": rng.random((n, 2)),
        "time_min": np.arange(n + 1) * 5.0,
        "log_prob": np.full(n, -0.5),
        "proposed": acts,
        "shielded": np.zeros(n, bool),
        "terminated": False,
        "truncated": True,
        "patient": patient,
        "group": "adult",
        "seed": n,
    }
    return LoggedEpisode(**{**course, **change})


def logged(n: int = 12, *, levels: bool = False) -> Logged:
    """Return n episodes of n / 2 patients, of different lengths."""
    courses = tuple(episode(f"p{i % (n // 2)}", 2 + i % 4, levels=levels) for i in range(n))
    told = {"policy": "someone"}
    return Logged(courses, "dosegym/Insulin-v0", {"days": 1}, ("a", "b"), told, 0.9, {"k": [1]})


@pytest.mark.parametrize("levels", [False, True])
def test_a_file_gives_back_what_was_written(tmp_path: Path, levels: bool) -> None:
    """Every array, name and number survives the file bit for bit, and so does the hash."""
    one = logged(levels=levels)
    write_logged(tmp_path / "a.npz", one)
    two = read_logged(tmp_path / "a.npz")
    for mine, theirs in zip(one.episodes, two.episodes, strict=True):
        for name in ARRAYS:
            left, right = getattr(mine, name), getattr(theirs, name)
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
        assert (mine.patient, mine.group, mine.seed) == (theirs.patient, theirs.group, theirs.seed)
        assert (mine.terminated, mine.truncated) == (theirs.terminated, theirs.truncated)
    assert (two.env_kwargs, two.meta, two.discount) == (one.env_kwargs, one.meta, one.discount)
    assert logged_hash(one) == logged_hash(two)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    """Whatever bytes change, the file is read as it was or refused in one line."""
    one = logged(levels=True)
    write_logged(tmp_path / "a.npz", one)
    data, told = (tmp_path / "a.npz").read_bytes(), logged_hash(one)
    refused = 0
    for seed in range(300):
        (tmp_path / "b.npz").write_bytes(mutate_bytes(data, random.Random(seed)))
        try:
            found = read_logged(tmp_path / "b.npz")
        except InputError as error:
            refused += len(str(error).splitlines()) == 1
        else:
            assert logged_hash(found) == told
    assert refused > 200


def test_a_changed_number_is_refused(tmp_path: Path) -> None:
    """A reward or a header exchanged in a whole, readable file breaks its seal."""
    one = logged()
    write_logged(tmp_path / "a.npz", one)
    for name, change in (("rewards", 1e-9), ("log_prob", 1e-9), ("header", None)):
        with np.load(tmp_path / "a.npz") as file:
            arrays = {key: file[key] for key in file.files}
        if change is None:
            text = arrays[name].tobytes().replace(b'"discount":0.9', b'"discount":0.8')
            arrays[name] = np.frombuffer(text, np.uint8)
        else:
            arrays[name] = arrays[name] + change
        np.savez(tmp_path / "b.npz", **arrays)
        with pytest.raises(InputError, match="changed since it was written"):
            read_logged(tmp_path / "b.npz")


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a text and another .npz are each told in one line."""
    with pytest.raises(InputError, match="cannot read logged data"):
        read_logged(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not a zip")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", header=np.array([{}], dtype=object))
    for name in ("text", "other", "pickled"):
        with pytest.raises(InputError, match="no file of logged data"):
            read_logged(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rewards": np.zeros(3)}, "does not fit"),
        ({"observations": np.zeros((4, 3))}, "does not fit"),
        ({"rewards": np.full(4, np.nan)}, "rewards is not finite"),
        ({"time_min": np.array([0, 5, 5, 6, 7.0])}, "does not rise"),
        ({"log_prob": np.full(4, np.inf)}, "log_prob"),
        ({"costs": np.zeros(4)}, "costs has shape"),
        ({"patient": ""}, "patient is empty"),
        ({"proposed": np.zeros((4, 2), int)}, "one kind"),
        ({"rewards": np.array(["a"] * 4)}, "give numbers"),
    ],
)
def test_a_wrong_course_is_refused(change: dict[str, Any], words: str) -> None:
    """Shapes that disagree, values that are none and masses above 1 are refused in one line."""
    with pytest.raises(InputError, match=words):
        episode(**change)


def test_a_mass_above_one_is_refused() -> None:
    """Levels have masses: a log above 0 is a density passed off as one."""
    with pytest.raises(InputError, match="log_prob is above 0"):
        episode(levels=True, log_prob=np.full(4, 0.1))


def test_unknown_probabilities_are_kept() -> None:
    """NaN says that nobody knows: it is no error."""
    assert np.isnan(episode(log_prob=np.full(4, np.nan)).log_prob).all()


def test_split_is_by_patient() -> None:
    """No patient is in two parts, everyone is in one, and all their episodes go with them."""
    one = logged(20)
    parts = one.split({"train": 0.5, "gate": 0.5}, np.random.default_rng(0))
    train, gate = (set(part.patients()) for part in parts.values())
    assert not train & gate
    assert train | gate == set(one.patients())
    assert sum(len(part) for part in parts.values()) == len(one)


def test_split_refuses_what_cannot_be_divided() -> None:
    """Shares that do not add up, and parts that would hold nobody, are refused."""
    with pytest.raises(InputError, match="add up to 1"):
        logged().split({"train": 0.5, "gate": 0.6}, np.random.default_rng(0))
    with pytest.raises(InputError, match="hold nobody"):
        logged(2).split({"train": 0.5, "gate": 0.5}, np.random.default_rng(0))


def test_take_and_returns() -> None:
    """Rows keep their order; a return is the discounted sum of rewards."""
    one = logged()
    part = one.take([3, 0])
    assert [e.seed for e in part.episodes] == [one.episodes[3].seed, one.episodes[0].seed]
    first = part.episodes[0]
    expected = sum(0.9**t * r for t, r in enumerate(first.rewards))
    assert part.returns()[0] == pytest.approx(expected)
    with pytest.raises(InputError, match="beyond"):
        one.take([99])


def test_kinds_do_not_mix() -> None:
    """Episodes of levels and of doses, or of another width, do not go into one data set."""
    with pytest.raises(InputError, match="one kind of treatment"):
        replace(logged(), episodes=(episode(), episode(levels=True)))
    with pytest.raises(InputError, match="cost_names"):
        replace(logged(), cost_names=("a",))
