"""A small run of the benchmark of followed twins: people, faults, filters, alarms fit together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "examples" / "bench_stream.py"


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["--part", "cost", "--repeats", "40"], r"256 members: ([\d.]+) ms least"),
        (["--part", "alarms", "--people", "2", "--days", "2"], r"occlusion: found \d of \d"),
        (["--part", "illness", "--ill", "1", "--days", "5"], r"illness: found \d of 1"),
    ],
)
def test_bench_runs_small(words: list[str], pattern: str) -> None:
    """Each part ends with its figures; an update of 256 members takes 5 ms at most, undisturbed."""
    command = [sys.executable, str(BENCH), "--stream", "validation", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    found = re.search(pattern, done.stdout)
    assert found, done.stdout
    if found.groups():
        assert float(found[1]) <= 5.0
