"""Every example runs from top to bottom, as a reader would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# Benchmarks run by `make bench`; these take arguments that keep the run short.
ARGUMENTS = {
    "calibrate_shield.py": ["--patients", "24"],
    "compare_constrained.py": [
        *("--keep", "kept", "--seeds", "1", "--steps", "20000", "--people", "4", "--days", "1")
    ],
    "compare_pressure_policies.py": ["--people", "40"],
    "fuzz_readers.py": ["--files", "160"],
    "make_demo_pressure.py": ["record.json"],
    "make_logged_data.py": ["logged", "--patients", "12", "--truth", "20"],
    "make_demo_record.py": ["record.json"],
    "train_pressure_residual.py": [
        *("--out", "residual.json", "--people", "60", "--steps", "1"),
        *("--test", "3", "--signs", "20"),
    ],
    "train_alarms.py": ["--people", "2", "--ill", "1", "--days", "2"],
    "train_residual.py": [
        *("--out", "residual.json", "--training", "1", "--validation", "1", "--test", "1"),
        *("--steps", "1", "--batch", "8"),
    ],
    "train_insulin_agent.py": ["50000", "agent"],
    "train_offline_agent.py": [
        *("--people", "60", "--steps", "20", "--test", "10", "--out", "agents")
    ],
    "train_pressure_agent.py": ["20000", "agent", "30"],
}
SCRIPTS = sorted(p.name for p in EXAMPLES.glob("*.py") if not p.name.startswith("bench_"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_example_runs(name: str, tmp_path: Path) -> None:
    """The script ends with status 0 and says something, without a warning on the way."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *ARGUMENTS.get(name, [])],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
