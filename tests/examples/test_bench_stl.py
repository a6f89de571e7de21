"""The benchmark of temporal formulas runs at a small size, and rtamt where it is there agrees."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "examples" / "bench_stl.py"


def test_bench_runs_small() -> None:
    """It prints its times, a bounded monitor and, with rtamt, the same robustness."""
    done = subprocess.run(
        [sys.executable, BENCH, "8", "300"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "8 traces of 300 samples" in done.stdout
    assert "5 kept" in done.stdout
    if importlib.util.find_spec("rtamt") is None:
        assert "rtamt is not installed" in done.stdout
    else:
        assert "same robustness: True" in done.stdout
