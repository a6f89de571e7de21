"""Importing DoseGym is quick and draws in nothing heavy."""

import json
import subprocess
import sys

LIMIT_S = 0.3
CODE = """
import json, sys, time
started = time.perf_counter()
import dosegym
seconds = time.perf_counter() - started
heavy = sorted({"torch", "stable_baselines3", "numba", "pandas", "matplotlib"} & set(sys.modules))
print(json.dumps({"seconds": seconds, "heavy": heavy}))
"""


def import_once() -> dict[str, object]:
    """Import the package in a new interpreter and return the time and the heavy modules."""
    result = subprocess.run(
        [sys.executable, "-P", "-c", CODE], capture_output=True, text=True, check=True
    )
    measured: dict[str, object] = json.loads(result.stdout)
    return measured


def test_import_is_light() -> None:
    """The import loads neither torch, nor SB3, nor another heavy package."""
    assert import_once()["heavy"] == []


def test_import_is_quick() -> None:
    """The import takes less than 0.3 s; a busy machine has ten attempts to show it."""
    seconds = []
    while not seconds or (min(seconds) >= LIMIT_S and len(seconds) < 10):
        seconds.append(float(str(import_once()["seconds"])))
    assert min(seconds) < LIMIT_S, seconds
