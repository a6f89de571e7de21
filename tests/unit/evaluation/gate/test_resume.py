"""A certification killed at any moment leaves no certificate, and goes on to the same one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dosegym.evaluation import load_case

ASIDE = ("created", "expires", "sha256", "lanes")


def command(rules: Path, work: Path, out: Path) -> list[str]:
    """Return the command line of a small certification."""
    words = [sys.executable, "-m", "dosegym", "certify", "--policy", "pid", "--groups", "adult"]
    words += ["--constraints", str(rules), "--patients", "60"]
    return [*words, "--work", str(work), "--json", str(out), "--html", str(out) + ".html"]


def content(path: Path) -> dict[str, Any]:
    """Return what a certificate says, but for the time of its making."""
    data = json.loads(path.read_text("utf-8"))
    return {k: v for k, v in data.items() if k not in ASIDE} | {
        "lanes": [x for x in data["lanes"] if x["id"] != "L10"]
    }


@pytest.fixture(scope="module")
def rules(rules_file: Any) -> Path:
    """Return rules over two days."""
    file: Path = rules_file((), days=2)
    return file


def test_a_killed_run_goes_on_to_the_same_certificate(rules: Path, tmp_path: Path) -> None:
    """SIGKILL after each finished part: no certificate lies there, and the last is as without."""
    whole, parted = tmp_path / "whole.json", tmp_path / "parted.json"
    subprocess.run(command(rules, tmp_path / "w1", whole), check=False, capture_output=True)
    parts = len(list((tmp_path / "w1").glob("*.npz")))
    assert parts >= 6
    work, killed = tmp_path / "w2", 0
    for wanted in (1, 2, 4):
        with subprocess.Popen(
            command(rules, work, parted), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            until = time.monotonic() + 240.0
            while run.poll() is None and time.monotonic() < until:
                if len(list(work.glob("*.npz"))) >= wanted:
                    os.kill(run.pid, signal.SIGKILL)
                    break
                time.sleep(0.01)
            run.wait()
            killed += run.returncode == -signal.SIGKILL
        assert not parted.exists()
        assert not Path(f"{parted}.html").exists()
        kept = {p.name: p.read_bytes() for p in work.glob("*.npz")}
    assert killed == 3
    subprocess.run(command(rules, work, parted), check=False, capture_output=True)
    assert content(parted) == content(whole)
    # What was finished before the last kill was taken, not made again.
    assert all((work / name).read_bytes() == data for name, data in kept.items())
    assert load_case(parted).verdict == load_case(whole).verdict


def test_other_arguments_do_not_take_the_parts(rules: Path, tmp_path: Path) -> None:
    """The same folder with another seed is refused in one line, with status 2."""
    words = command(rules, tmp_path / "w", tmp_path / "c.json")
    subprocess.run(words, check=False, capture_output=True)
    other = subprocess.run([*words, "--seed", "9"], check=False, capture_output=True, text=True)
    assert other.returncode == 2
    assert "holds another certification" in other.stderr
    assert len(other.stderr.strip().splitlines()) == 1
