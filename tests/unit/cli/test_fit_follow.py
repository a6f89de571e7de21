"""The verb ``fit --follow``: polls, ends cleanly, and says in one line what is wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.cli.fit_follow import url_of
from dosegym.cli.main import main
from dosegym.records import read_record
from dosegym.records.demo import demo_record
from dosegym.records.write import write_record
from dosegym.twins import fit_twin
from dosegym.twins.stream import Follower
from dosegym.twins.stream_state import load

BAD_INPUT, INTERRUPTED = 2, 130


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a record that has grown by an hour, and the state of what came before."""
    folder = tmp_path_factory.mktemp("follow")
    record = read_record(demo_record())
    end = float(record.glucose.time_s[-1])
    record = record.window(end - 2 * 86400.0, end + 1.0)
    record = replace(record, settings=replace(record.settings, weight_kg=75.0))
    twin = fit_twin(
        record.window(end - 2 * 86400.0, end - 3600.0), posterior="laplace", starts=1,
        hold_out=False,
    )  # fmt: skip
    Follower(twin, state_dir=folder, members=32).keep()
    write_record(record, folder / "record.csv")
    return folder / "record.csv", folder


def test_a_poll_prints_a_line_and_keeps_the_twin(
    followed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """One poll takes in the hour that is new, and a second one has nothing to say."""
    record, state = followed
    words = ["fit", str(record), "--follow", "--once", "--state", str(state)]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "version 1" in out
    kept = load(state)
    assert kept is not None
    assert kept.version == 1
    assert np.isfinite(kept.now.bank.main.values).all()
    assert main(words) == 0
    assert "version" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["nothing-here.csv"],
        ["http://example.org/site"],
        ["https://user:word@example.org"],
        ["x.csv", "--interval", "0"],
        ["x.csv", "--out", "twin.json"],
    ],
)
def test_bad_input_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Missing files, addresses that would leak, and idle intervals end in status 2."""
    assert main(["fit", words[0], "--follow", "--once", *words[1:]]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "word" not in lines[0].replace("password", "")


def test_interrupting_is_clean(followed: tuple[Path, Path]) -> None:
    """Ctrl-C while it waits ends it with status 130 and no traceback."""
    record, state = followed
    with subprocess.Popen(
        [sys.executable, "-m", "dosegym", "fit", str(record), "--follow", "--state", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        time.sleep(4.0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err


def test_an_address_survives_being_a_path() -> None:
    """A path that was an address gives the address back; other paths are paths."""
    assert url_of(Path("https://host:1/a")) == "https://host:1/a"
    assert url_of(Path("data/record.csv")) is None
