"""The benchmarks of what-ifs and of calibrated bands run at small size.

Slow; ``tests/unit/twins/test_whatif.py`` holds three people to the same MARD and zones, and bands
to their nominal share, in every run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _run(name: str, *words: str) -> str:
    call = [sys.executable, str(EXAMPLES / name), *words]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_what_ifs_beat_the_prior_and_what_leaves_the_day_out() -> None:
    """Of two people of each kind the twin errs less than the prior mean, 95 % in zones A and B."""
    results = json.loads(_run("bench_whatif.py", "--people", "2", "--draws", "16", "--json"))[
        "results"
    ]
    for kind in ("hovorka", "other_gut"):
        twin, prior = (results[f"{kind}/all/{way}"] for way in ("twin", "prior mean"))
        assert twin["mard_percent"][0] < 12.0 < prior["mard_percent"][0]
        assert twin["zones_ab_percent"][0] >= 95.0
        assert twin["coverage_90_percent"][0] > twin["draws_alone_coverage_90_percent"][0]


@pytest.mark.slow
def test_bands_are_calibrated() -> None:
    """The benchmark of bands prints its four lines."""
    told = _run("bench_conformal.py", "--people", "1", "--fit-days", "1", "--days", "1.5")
    assert told.count("calibrated") == 2
