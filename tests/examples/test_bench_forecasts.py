"""The benches of forecasts run at a small size and print their tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = EXAMPLES.parents[1] / "shared" / "data"


def printed(name: str, *arguments: str) -> str:
    """Return what a bench prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_virtual_people_are_forecast_by_all() -> None:
    """Five forecasters stand beside each other at each of four horizons."""
    out = printed("bench_forecasts.py", "--people", "3", "--days", "3", "--fit-days", "2")
    for minutes in (30, 60, 120, 240):
        assert sum(line.startswith(f"| {minutes} |") for line in out.splitlines()) == 5


@pytest.mark.slow
def test_risks_are_reported_or_said_not_to_be() -> None:
    """Each of three models and two limits has its part, judged or with the reason why not."""
    out = printed("bench_hypo.py", "--train", "2", "--test", "2", "--days", "3", "--fit-days", "2")
    assert out.count("### ") == 6


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(
    not DATA.is_dir(), reason="sample files (../shared/data) are not beside the checkout"
)
def test_real_files_have_a_row_beside_both_baselines() -> None:
    """A short real file is fitted and forecast, and its row holds all four forecasters."""
    out = printed("bench_real_files.py", "--only", "t1dsim_ai")
    row = next(line for line in out.splitlines() if line.startswith("| t1dsim_ai"))
    assert row.count("/") >= 2 * 4
