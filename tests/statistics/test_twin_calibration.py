"""Intervals and bands of twins cover as often as they say, on people whose bodies are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import stats

from dosegym.physiology.library import load_model
from dosegym.physiology.population import Patients
from dosegym.physiology.sampling import load_sampler
from dosegym.records.timeline import Timeline
from dosegym.twins import fit_twin
from dosegym.twins.coordinates import NAMES, Coordinates, coordinates_for
from dosegym.twins.fit import most_probable
from dosegym.twins.forecast import score
from dosegym.twins.noise import LARGEST_RHO
from dosegym.twins.observations import observe
from dosegym.twins.search import starting_points
from dosegym.twins.virtual import Life, live

BODY = len(NAMES) - 3  # what was on board at the start is not drawn
HALF_WIDTH = stats.norm.ppf(0.95)


def drawn(n: int, life: Life, seed: int) -> tuple[Coordinates, np.ndarray, tuple[Timeline, ...]]:
    """Draw bodies from the prior and let them live."""
    rng = np.random.default_rng(seed)
    where = coordinates_for("adult", 75.0, None)
    z = np.clip(rng.standard_normal((n, len(NAMES))), -2.5, 2.5)
    z[:, BODY:] = 0.0
    people = Patients(
        where.model.name, tuple(f"body-{i}" for i in range(n)), ("adult",) * n, where.params(z),
        {"weight_kg": np.full(n, 75.0), "age_years": np.full(n, 40.0)},
    )  # fmt: skip
    return where, z, live(where.model, people, life, rng, where.carb_factor(z))


def coverage(
    n: int, life: Life, largest_rho: float, seed: int = 5, starts: int = 2
) -> tuple[float, float, float]:
    """Return the 90 % coverage of coordinates and of the held-out day, and its error, mg/dL."""
    where, z, records = drawn(n, life, seed)
    rng = np.random.default_rng(seed)
    inside, held = [], []
    for i, record in enumerate(records):
        seen = observe(record)
        known = seen.until(len(seen.glucose) - 1 - 288)
        first = starting_points(starts, np.random.default_rng(i))
        found = most_probable(where, known, first, largest_rho=largest_rho)
        spread = np.sqrt(np.diag(found.covariance))[:BODY]
        inside.append(np.abs(found.z - z[i])[:BODY] < HALF_WIDTH * spread)
        day = score(where, found, known, seen, rng)
        held.append((day["coverage_90"], day["rmse_mg_dl"]))
    covered, error = np.mean(held, axis=0)
    return float(np.mean(inside)), float(covered), float(error)


def test_intervals_cover_and_those_of_independent_noise_do_not() -> None:
    """90 % intervals of 20 bodies from two days cover 80 to 97 %; the naive fit far less."""
    life = Life(days=3.0)
    ours, day, _ = coverage(20, life, LARGEST_RHO)
    naive, _, _ = coverage(10, life, 0.0)
    assert 0.80 <= ours <= 0.97
    assert naive < ours - 0.15
    assert day >= 0.85


def test_the_band_covers_days_that_differ() -> None:
    """Where days, hours and meals vary as is believed, the 90 % band of a new day holds 80-97 %."""
    life = Life(days=3.0, day_sd=0.17, window_sd=0.2, counting_sd=0.2)
    _, day, _ = coverage(12, life, LARGEST_RHO)
    assert 0.80 <= day <= 0.97


@pytest.mark.slow
def test_a_hundred_bodies(capsys: pytest.CaptureFixture[str]) -> None:
    """The same at full size: 100 bodies, steady days and varying ones; figures are printed."""
    for name, life in (
        ("steady", Life(days=4.0)),
        ("varying", Life(days=4.0, day_sd=0.17, window_sd=0.2, counting_sd=0.2)),
    ):
        ours, day, error = coverage(100, life, LARGEST_RHO, seed=6, starts=4)
        naive, naive_day, _ = coverage(100, life, 0.0, seed=6, starts=4)
        with capsys.disabled():
            line = (
                f"\n{name}: coordinates {ours:.3f} (independent noise {naive:.3f}), held-out day "
            )
            line += f"{day:.3f} ({naive_day:.3f}), error {error:.1f} mg/dL"
            sys.stdout.write(line)
        assert 0.80 <= ours <= 0.97
        assert naive < ours - 0.15
        assert day >= 0.80


@pytest.mark.slow
def test_people_outside_of_the_prior(capsys: pytest.CaptureFixture[str]) -> None:
    """20 virtual adults with a daily rhythm of 20 % and counting errors of 0.2 are held too."""
    rng = np.random.default_rng(77)
    people = load_sampler().sample(20, rng, ["adult"])
    life = Life(days=5.0, swing=0.2, counting_sd=0.2)
    records = live(load_model("uva_padova_2008"), people, life, rng)
    days = [fit_twin(record, starts=4).quality["held_out_day"] for record in records]
    covered = np.array([day["coverage_90"] for day in days])
    with capsys.disabled():
        error = np.mean([day["rmse_mg_dl"] for day in days])
        line = f"\noutside: held-out day {covered.mean():.3f}, error {error:.1f} mg/dL"
        sys.stdout.write(line)
    assert covered.mean() >= 0.85
    assert covered.min() >= 0.5
