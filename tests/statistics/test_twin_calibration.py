"""Intervals and bands of twins cover as often as they say, on people whose bodies are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dosegym.physiology.library import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.twins import fit_twin
from dosegym.twins.calibration import Trial, trial, uniformity
from dosegym.twins.virtual import Life, live


def coverage(trials: list[Trial]) -> tuple[float, float]:
    """Return the coverage of all unknowns' 90 % intervals, and of the next day's glucose."""
    rank = np.array([t.rank for t in trials])
    inside = (rank > 0.05) & (rank < 0.95)
    return float(inside.mean()), float(np.mean([t.glucose for t in trials]))


def test_intervals_cover_and_those_of_independent_noise_do_not() -> None:
    """Sampled 90 % intervals of 8 patients hold 77-99 % of the truths; the naive fit's far less."""
    ours, _ = coverage([trial(seed, draws=64) for seed in range(8)])
    naive, _ = coverage(
        [trial(seed, draws=64, method="laplace", independent=True) for seed in range(8)]
    )
    assert 0.77 <= ours <= 0.99
    assert naive < ours - 0.1


def test_several_days_are_tried_as_one_is() -> None:
    """Two fitted days: six windows and six meals among the unknowns, and a third day foretold."""
    found = trial(3, draws=32, method="laplace", days=2, unlogged=True)
    for kind in ("window", "meal"):
        assert [f"{kind}_{i + 1}" for i in range(6)] == [
            name for name in found.names if name.startswith(kind) and name[-1].isdigit()
        ]
    assert len(found.rank) == len(found.names)
    assert 0.0 < found.glucose <= 1.0


def test_ranks_of_a_wrong_posterior_are_told() -> None:
    """Uniform ranks pass; ranks of intervals that are too narrow fail both checks."""
    rng = np.random.default_rng(1)
    right = uniformity(rng.random(1000))
    assert right.p_value > 0.01
    assert right.distance < right.band
    assert right.low < 0.9 < right.high
    narrow = uniformity(rng.beta(0.6, 0.6, size=1000))
    assert narrow.p_value < 1e-3
    assert narrow.distance > narrow.band
    assert narrow.high < 0.9


@pytest.mark.slow
def test_people_outside_of_the_prior(capsys: pytest.CaptureFixture[str]) -> None:
    """20 virtual adults with a daily rhythm of 20 % and counting errors of 0.2 are held too."""
    rng = np.random.default_rng(77)
    people = load_sampler().sample(20, rng, ["adult"])
    life = Life(days=5.0, swing=0.2, counting_sd=0.2)
    records = live(load_model("uva_padova_2008"), people, life, rng)
    days = [
        fit_twin(record, starts=4, posterior="laplace").quality["held_out_day"]
        for record in records
    ]
    covered = np.array([day["coverage_90"] for day in days])
    with capsys.disabled():
        error = np.mean([day["rmse_mg_dl"] for day in days])
        line = f"\noutside: held-out day {covered.mean():.3f}, error {error:.1f} mg/dL"
        sys.stdout.write(line)
    assert covered.mean() >= 0.85
    assert covered.min() >= 0.5
