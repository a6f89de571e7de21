"""A small run of the coverage benchmark: every table is printed, faulty formulas among them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "examples" / "bench_coverage.py"


def test_bench_runs_small() -> None:
    """Few studies suffice to mark what is far too low, and mark nothing that holds."""
    words = ["--studies", "40", "--approximate", "4", "--monitors", "3"]
    command = [sys.executable, str(BENCH), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    rows = {row.split(" |")[0]: row for row in done.stdout.splitlines() if row.startswith("| ")}
    for name in ("betting", "cvar rockafellar-uryasev", "cvar dkw", "order statistic"):
        assert "!" not in rows[f"| {name}"]
    assert "!" in rows["| student-t"]
    assert "!" in rows["| Hoeffding of SCOPE-RL 0.2.1"]
    assert "covers 89.9 %" in done.stdout
    assert "rate 20 %: 100 %" in done.stdout
