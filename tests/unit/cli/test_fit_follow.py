"""The verb ``fit --follow``: polls, ends cleanly, and says in one line what is wrong."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from dosegym.cli.fit_follow import url_of
from dosegym.cli.main import main
from dosegym.records import read_record
from dosegym.records.demo import demo_record
from dosegym.records.nightscout_http import NightscoutSite
from dosegym.records.timeline import Timeline
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


def hear_interruptions() -> None:
    """Let the program that comes hear Ctrl-C; one begun in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupting_is_clean(followed: tuple[Path, Path]) -> None:
    """Ctrl-C while it waits ends it with status 130 and no traceback."""
    record, state = followed
    with subprocess.Popen(
        [sys.executable, "-m", "dosegym", "fit", str(record), "--follow", "--state", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interruptions,
    ) as process:  # fmt: skip
        try:
            time.sleep(4.0)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err


def test_an_address_survives_being_a_path() -> None:
    """A path that was an address gives the address back; other paths are paths."""
    assert url_of(Path("https://host:1/a")) == "https://host:1/a"
    assert url_of(Path("data/record.csv")) is None


class Site:
    """A Nightscout site on this machine, serving rows that a test sets."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"entries": [], "treatments": []}
        self.secrets: set[str | None] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind = urlsplit(self.path).path.rsplit("/", 1)[-1].removesuffix(".json")
                site.secrets.add(self.headers.get("api-secret"))
                body = json.dumps(site.rows.get(kind, [])).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a site that answers until the test ends."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever)
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


def rows_of(record: Timeline, shift_s: float) -> dict[str, list[dict[str, Any]]]:
    """Return a record as a site tells it, all times moved."""

    def at(time_s: float) -> str:
        return datetime.fromtimestamp(time_s + shift_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    glucose, basal = record.glucose, record.basal
    assert basal is not None
    entries = [
        {"type": "sgv", "sgv": float(v), "date": 1000.0 * (t + shift_s), "_id": f"e{i}"}
        for i, (t, v) in enumerate(zip(glucose.time_s, glucose.mg_dl, strict=True))
    ]
    boluses = zip(record.boluses.time_s, record.boluses.units, strict=True)
    meals = zip(record.meals.time_s, record.meals.carbs_g, strict=True)
    rates = zip(basal.start_s, basal.end_s, basal.u_per_h, strict=True)
    return {
        "entries": entries,
        "treatments": [
            *({"eventType": "Correction Bolus", "insulin": float(u), "created_at": at(t)}
              for t, u in boluses),
            *({"eventType": "Carb Correction", "carbs": float(g), "created_at": at(t)}
              for t, g in meals),
            *({"eventType": "Temp Basal", "absolute": float(r), "created_at": at(a),
               "duration": float(b - a) / 60.0} for a, b, r in rates),
        ],
    }  # fmt: skip


def test_a_site_is_followed_over_http(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three polls of a real server: what is known, an hour more with an edit, then nothing new."""
    monkeypatch.setenv("DOSEGYM_NIGHTSCOUT_SECRET", "a secret of twelve")
    record = read_record(demo_record())
    end = float(record.glucose.time_s[-1])
    shift = (time.time() - 600.0 - end) // 300.0 * 300.0
    every = rows_of(record.window(end - 86400.0, end + 1.0), shift)
    site.rows = {**every, "entries": every["entries"][:-12]}
    known = NightscoutSite(site.url).poll().timeline()
    known = replace(known, settings=replace(known.settings, weight_kg=75.0))
    twin = fit_twin(known, posterior="laplace", starts=1, hold_out=False)
    Follower(twin, state_dir=tmp_path, members=32).keep()
    words = ["fit", site.url, "--follow", "--once", "--state", str(tmp_path), "--weight-kg", "75"]
    said = []
    for rows in (every["entries"][:-8], every["entries"], every["entries"]):
        site.rows["entries"] = [dict(row) for row in rows]
        if said:
            site.rows["entries"][-11]["sgv"] += 25.0
        assert main(words) == 0
        said.append(capsys.readouterr().out)
    last = [int(np.ceil(every["entries"][i]["date"] / 300_000.0)) for i in (-9, -1)]
    assert "version 1" in said[0]
    assert f"+{last[0] - round(twin.end_s / 300.0)}  " in said[0]
    assert f"+{last[1] - last[0]}, " in said[1]
    assert "read again" in said[1]
    assert said[2] == ""
    assert site.secrets == {hashlib.sha1(b"a secret of twelve").hexdigest()}
    assert not any(b"a secret of twelve" in path.read_bytes() for path in tmp_path.iterdir())
