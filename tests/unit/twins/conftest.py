"""Virtual people whose bodies lie in the prior, and records of theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.population import Patients
from dosegym.records.series import BasalIntervals, Boluses, GlucoseSeries, Meals, TherapySettings
from dosegym.records.timeline import Timeline
from dosegym.twins.coordinates import NAMES, coordinates_for, start_coordinate
from dosegym.twins.virtual import Life, Mishaps, live

WEIGHT_KG = 75.0


@pytest.fixture(scope="session")
def body_in_prior() -> Callable[..., tuple[np.ndarray, Timeline]]:
    """Return a function that draws a body from the adult prior and lets it live."""

    def make(seed: int, life: Life, mishaps: Mishaps | None = None) -> tuple[np.ndarray, Timeline]:
        rng = np.random.default_rng(seed)
        where = coordinates_for("adult", WEIGHT_KG, None)
        z = np.clip(rng.standard_normal((1, len(NAMES))), -1.5, 1.5)
        z[:, -3:] = 0.0
        z[:, -2] = -4.0  # nothing on board
        basal_glucose = where.params(z)[0, where.model.parameter_index["Gb"]]
        z[:, -1] = start_coordinate(basal_glucose)
        person = Patients(
            where.model.name, (f"body-{seed}",), ("adult",), where.params(z),
            {"weight_kg": np.array([WEIGHT_KG]), "age_years": np.array([40.0])},
        )  # fmt: skip
        eaten = where.carb_factor(z)
        (record,) = live(where.model, person, life, rng, eaten, mishaps=mishaps)
        return z[0], record

    return make


@pytest.fixture(scope="session")
def noisy(body_in_prior: Callable[..., tuple[np.ndarray, Timeline]]) -> Timeline:
    """Two days of one body with an ordinary sensor."""
    record: Timeline = body_in_prior(11, Life(days=2.0))[1]
    return record


@pytest.fixture
def plain() -> Callable[..., Timeline]:
    """Return a function that makes a short flat record of chosen readings and doses."""

    def make(minutes: np.ndarray, **changes: object) -> Timeline:
        time = 1_772_409_600.0 + 60.0 * np.asarray(minutes, dtype=float)
        n = len(time)
        record = Timeline(
            subject="flat", source_format="test", source_sha256="0" * 64, timezone="UTC",
            glucose=GlucoseSeries(time, np.full(n, 120.0), np.zeros(n, dtype=np.int8)),
            basal=BasalIntervals(time[:1], time[-1:] + 300.0, np.array([1.0])),
            boluses=Boluses(np.zeros(0), np.zeros(0)),
            meals=Meals(np.zeros(0), np.zeros(0)),
            settings=TherapySettings(),
        )  # fmt: skip
        return replace(record, **changes)  # type: ignore[arg-type]

    return make
