"""A followed twin counts everything once, whatever comes late and whenever the process dies."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records.series import Boluses, GlucoseSeries, Meals
from dosegym.records.timeline import Timeline
from dosegym.records.write import write_record
from dosegym.twins import Twin, fit_twin, stream, stream_change, stream_refit
from dosegym.twins.ensemble import ensemble_of, remembering
from dosegym.twins.stream import Follower, follow
from dosegym.twins.stream_refit import nightly, tempered
from dosegym.twins.stream_state import STATE_FILE, append_lines
from dosegym.twins.virtual import Life

HOURS = 29.0
FEW = {"members": 32, "refit": None}


@pytest.fixture(scope="module")
def lived(body_in_prior: Callable[..., tuple[np.ndarray, Timeline]]) -> tuple[Twin, Timeline]:
    """Return a twin of a day, and the record that goes on."""
    record: Timeline = body_in_prior(12, Life(days=2.4))[1]
    twin = fit_twin(until(record, 24.0), posterior="laplace", starts=1, hold_out=False)
    return twin, record


def until(record: Timeline, hours: float) -> Timeline:
    """Return the record of the first hours."""
    start = float(record.glucose.time_s[0])
    return record.window(start, start + hours * 3600.0 + 1.0)


def values(follower: Follower) -> np.ndarray:
    """Return the members of all filters."""
    bank = follower.state.now.bank
    return np.concatenate([bank.main.values.ravel(), bank.others.values.ravel()])


def test_many_polls_or_one_end_alike(lived: tuple[Twin, Timeline]) -> None:
    """Polling every hour and once at the end give bit-identical filters."""
    twin, record = lived
    often, once = Follower(twin, **FEW), Follower(twin, **FEW)
    for hours in np.arange(25.0, HOURS + 0.1, 1.0):
        often.poll(until(record, float(hours)))
    update = once.poll(until(record, HOURS))
    assert update is not None
    assert update.intervals == round((HOURS - 24.0) * 12)
    assert np.array_equal(values(often), values(once))
    assert often.twin.sha256 == once.twin.sha256
    assert once.poll(until(record, HOURS)) is None


@pytest.mark.parametrize("late_s", [0.0, 4.0, 149.0, 151.0, 296.0])
def test_no_reading_of_the_fit_is_taken_in_again(
    lived: tuple[Twin, Timeline], late_s: float
) -> None:
    """A sensor's clock is no multiple of five minutes; what was fitted is not followed as well."""
    record = until(lived[1], 25.0)
    glucose = record.glucose
    shifted = GlucoseSeries(glucose.time_s + late_s, glucose.mg_dl, glucose.censored)
    record = replace(record, glucose=shifted)
    known = record.window(float(shifted.time_s[0]), float(shifted.time_s[-13]) + 1.0)
    twin = fit_twin(known, posterior="laplace", starts=1, hold_out=False)
    follower = Follower(twin, **FEW)
    assert follower.poll(known) is None
    update = follower.poll(record)
    assert update is not None
    assert update.intervals in (12, 13)
    assert np.isfinite(follower.state.steps.reading).sum() == 12


def changes(record: Timeline) -> dict[str, Timeline]:
    """Return records in which one entry of the last hours is different."""
    glucose, boluses, meals, basal = record.glucose, record.boluses, record.meals, record.basal
    assert basal is not None
    late = float(record.glucose.time_s[-1]) - 2 * 3600.0
    edited = np.array(glucose.mg_dl)
    edited[-20] += 30.0
    add = np.append(boluses.time_s, late), np.append(boluses.units, 2.0)
    ate = np.append(meals.time_s, late), np.append(meals.carbs_g, 30.0)
    order, dish = np.argsort(add[0]), np.argsort(ate[0])
    keep = np.arange(len(glucose)) != len(glucose) - 15
    return {
        "edited reading": replace(
            record, glucose=GlucoseSeries(glucose.time_s, edited, glucose.censored)
        ),
        "deleted reading": replace(
            record,
            glucose=GlucoseSeries(
                glucose.time_s[keep], glucose.mg_dl[keep], glucose.censored[keep]
            ),
        ),
        "late bolus": replace(record, boluses=Boluses(add[0][order], add[1][order])),
        "late meal": replace(record, meals=Meals(ate[0][dish], ate[1][dish])),
        "edited basal": replace(record, basal=replace(basal, u_per_h=basal.u_per_h * 1.1)),
    }


def test_late_edited_and_deleted_entries_are_as_if_always_so(
    lived: tuple[Twin, Timeline],
) -> None:
    """After a change the twin equals one that saw the changed record alone; undone, the first."""
    twin, record = lived
    record = until(record, HOURS)
    follower = Follower(twin, **FEW)
    follower.poll(record)
    before = follower.twin.sha256
    for name, other in changes(record).items():
        update = follower.poll(other)
        fresh = Follower(twin, **FEW)
        fresh.poll(other)
        assert update is not None, name
        assert update.rewound > 0, name
        assert np.array_equal(values(follower), values(fresh)), name
        assert follower.twin.sha256 != before, name
        follower.poll(record)
        assert follower.twin.sha256 == before, name


def test_what_is_older_than_the_window_is_not_seen(
    lived: tuple[Twin, Timeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit within the window (here a day, else 14) rewinds; an older one changes nothing."""
    for module in (stream, stream_change):
        monkeypatch.setattr(module, "DAYS_KEPT", 1)
    twin, record = lived
    follower = Follower(twin, **FEW)
    for hours in (47.0, 57.0):
        follower.poll(until(record, hours))
    record = until(record, 57.0)
    before = follower.twin.sha256
    for hours, seen in ((26.0, False), (50.0, True)):
        value = np.array(record.glucose.mg_dl)
        value[round(12 * hours)] += 30.0
        glucose = replace(record.glucose, mg_dl=value)
        update = follower.poll(replace(record, glucose=glucose))
        assert (update is not None) == seen
        assert (follower.twin.sha256 != before) == seen


def test_an_export_of_the_last_hours_deletes_nothing(lived: tuple[Twin, Timeline]) -> None:
    """A record that begins later is taken for a shorter export, and glucose of before stays."""
    twin, record = lived
    start = float(record.glucose.time_s[0])
    follower = Follower(twin, **FEW)
    follower.poll(until(record, 27.0))
    part = record.window(start + 26 * 3600.0, start + HOURS * 3600.0 + 1.0)
    update = follower.poll(part)
    assert update is not None
    assert update.intervals == round((HOURS - 27.0) * 12)
    assert update.rewound <= 12


def test_versions_are_counted_and_kept(lived: tuple[Twin, Timeline], tmp_path: Path) -> None:
    """Each update has the next number and a hash of its own, in a file that only grows."""
    twin, record = lived
    follower = Follower(twin, state_dir=tmp_path, **FEW)
    for hours in (25.0, 26.0, 27.0):
        follower.poll(until(record, hours))
    lines = [json.loads(s) for s in (tmp_path / "versions.jsonl").read_text().splitlines()]
    assert [line["version"] for line in lines] == [1, 2, 3]
    assert len({line["sha256"] for line in lines}) == 3
    assert lines[-1]["sha256"] == follower.twin.sha256
    assert Follower(state_dir=tmp_path, **FEW).twin.sha256 == follower.twin.sha256


def test_a_torn_history_is_mended(tmp_path: Path) -> None:
    """A line that was cut off is written again, whole ones are not repeated."""
    path = tmp_path / "lines"
    append_lines(path, ("one", "two"))
    path.write_bytes(path.read_bytes()[:-2])
    append_lines(path, ("one", "two", "three"))
    assert path.read_text() == "one\ntwo\nthree\n"


def test_a_torn_state_is_one_line(lived: tuple[Twin, Timeline], tmp_path: Path) -> None:
    """A state file that is not whole is refused by name."""
    (tmp_path / STATE_FILE).write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match="not a state"):
        Follower(state_dir=tmp_path)
    with pytest.raises(InputError, match="neither a twin nor a state"):
        Follower()


SCRIPT = """
    import sys, numpy as np
    from pathlib import Path
    from dosegym.records import read_record
    from dosegym.twins import load_twin
    from dosegym.twins.stream import Follower
    folder, full = Path(sys.argv[1]), read_record(sys.argv[2])
    start = float(full.glucose.time_s[0])
    twin = load_twin(folder / "twin.json")
    follower = Follower(twin, state_dir=folder, members=32, refit=None)
    print("ready", flush=True)
    for hours in np.arange(24.25, 27.01, 0.25):
        follower.poll(full.window(start, start + float(hours) * 3600.0 + 1.0))
"""


def test_a_killed_process_goes_on_as_if_nothing_had_happened(
    lived: tuple[Twin, Timeline], tmp_path: Path
) -> None:
    """SIGKILL at random moments: the end is bit-identical, every version written once."""
    twin, record = lived
    write_record(record, tmp_path / "record.csv")
    luck = random.Random(4)
    folders = [tmp_path / "killed", tmp_path / "whole"]
    for folder in folders:
        folder.mkdir()
        (folder / "twin.json").write_text(json.dumps(twin.to_dict()))
    script = textwrap.dedent(SCRIPT)
    arguments = [sys.executable, "-c", script]
    for _ in range(2):
        with subprocess.Popen(
            [*arguments, str(folders[0]), str(tmp_path / "record.csv")], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(luck.uniform(0.02, 0.25))
            process.kill()
    for folder in folders:
        subprocess.run(
            [*arguments, str(folder), str(tmp_path / "record.csv")], check=True, timeout=120,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    killed, whole = (Follower(state_dir=folder, **FEW) for folder in folders)
    assert np.array_equal(values(killed), values(whole))
    for folder in folders:
        text = (folder / "versions.jsonl").read_text()
        numbers = [json.loads(line)["version"] for line in text.splitlines()]
        assert numbers == list(range(1, len(numbers) + 1))
    assert killed.twin.sha256 == whole.twin.sha256


def test_follow_yields_updates(lived: tuple[Twin, Timeline]) -> None:
    """The generator polls its source each time it is asked."""
    twin, record = lived
    hours = iter((25.0, 25.0, 26.0))
    updates = follow(lambda: until(record, next(hours)), twin, **FEW)
    first, same, last = next(updates), next(updates), next(updates)
    assert first is not None
    assert last is not None
    assert same is None
    assert last.version == 2


def test_a_record_from_another_year_is_refused(lived: tuple[Twin, Timeline]) -> None:
    """A leap of weeks is not followed blindly."""
    twin, record = lived
    far = replace(record, glucose=GlucoseSeries(
        record.glucose.time_s + 60 * 86400.0, record.glucose.mg_dl, record.glucose.censored
    ))  # fmt: skip
    with pytest.raises(InputError, match="fit a new twin"):
        Follower(twin, **FEW).poll(far)


def test_a_nightly_fit_replaces_the_ensemble(lived: tuple[Twin, Timeline]) -> None:
    """At three in the morning a new fit is made of the record so far, and only of it."""
    twin, record = lived
    asked: list[float] = []

    def refit(record: Timeline, twins: list[Twin], end_s: float, seed: int) -> Twin:
        asked.append(end_s)
        assert twins[0] is twin
        return replace(twin, end_s=end_s)

    follower = Follower(twin, members=32, refit=refit)
    update = follower.poll(until(record, 57.0))
    assert update is not None
    assert len(asked) == 1
    assert follower.state.now.twin == 1
    assert any("nightly fit" in note for note in update.notes)


def test_a_nightly_fit_keeps_what_lately_means(lived: tuple[Twin, Timeline]) -> None:
    """How far insulin action of late lies from the usual one outlives the change of ensembles."""
    twin = lived[0]
    rng = np.random.default_rng(5)
    before = ensemble_of(twin, rng, 64)
    before["action_24_h"][:] -= 0.4
    after = remembering(ensemble_of(twin, rng, 32), before)
    away = after["action_24_h"] - after["usual_action"]
    assert away.mean() == pytest.approx(-0.4, abs=1e-9)
    assert (after["action_6_h"] - after["usual_action"]).mean() == pytest.approx(0.0, abs=1e-9)


def test_a_nightly_fit_starts_from_what_older_days_taught(
    lived: tuple[Twin, Timeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days within the window count by their readings only, days before it by a tempered prior."""
    twin, record = lived
    end = twin.end_s + 86400.0
    inside = nightly(record, [twin], end, 0)
    assert np.array_equal(inside.where.root, twin.where.root)
    monkeypatch.setattr(stream_refit, "WINDOW_S", 86400.0)
    for days, least, most in ((0.0, 0.0, 1.0), (400.0, 0.999, 1.001)):
        old = replace(twin, end_s=end - 86400.0 - days * 86400.0)
        fresh = nightly(record, [old], end, 0)
        ratio = np.linalg.det(fresh.where.root) / np.linalg.det(twin.where.root)
        assert least < ratio < most
    assert fresh.end_s == pytest.approx(end, abs=300.0)


def test_the_tempered_prior_is_the_power_of_the_likelihood(lived: tuple[Twin, Timeline]) -> None:
    """Exponent 0 gives the prior back, 1 the posterior, and between them precisions add."""
    where = lived[0].where
    root = 0.4 * np.eye(11)
    covariance = root @ root.T
    mean = np.zeros(11)
    mean[:7] = 0.5
    none, whole = (tempered(where, mean, covariance, kept) for kept in (0.0, 1.0))
    assert np.allclose(none.root, where.root)
    assert none.centre == pytest.approx(where.centre)
    assert np.allclose(whole.root, where.root * 0.4)
    moved = where.params(np.concatenate([np.full((1, 7), 0.5), np.zeros((1, 4))], axis=1))
    assert np.allclose(whole.params(np.zeros((1, 11))), moved)
    half = tempered(where, mean, covariance, 0.5)
    expected = 1.0 / np.sqrt(1.0 + 0.5 * (1.0 / 0.16 - 1.0))
    assert np.allclose(half.root, where.root * expected)
