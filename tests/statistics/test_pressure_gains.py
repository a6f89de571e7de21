"""The blood-pressure body with gains: what is tested of it, since nothing is promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology import Model, Patients, load_model
from dosegym.physiology.models.dosegym_bp_gains import ADDED
from dosegym.physiology.population import adopt
from dosegym.physiology.pressure_people import sample_pressure
from dosegym.physiology.pressure_spread import steady_outputs
from dosegym.therapy.formulary import CLASSES

PEOPLE = 1000
DOSES = (0.25, 0.5, 1.0, 2.0, 4.0)


@pytest.fixture(scope="module")
def hybrid() -> Model:
    return load_model("dosegym_bp_gains")


@pytest.fixture(scope="module")
def plain() -> Patients:
    return sample_pressure(PEOPLE, np.random.default_rng(1))


@pytest.fixture(scope="module")
def people(hybrid: Model, plain: Patients) -> Patients:
    """Return the thousand with gains anywhere within their bounds, half of them at the ends."""
    ours, rng = adopt(hybrid, plain), np.random.default_rng(2)
    params = ours.params.copy()
    ends = rng.random(PEOPLE) < 0.5
    for k, q in enumerate(hybrid.parameters[-len(ADDED) :]):
        anywhere = np.exp(rng.uniform(np.log(q.low), np.log(q.high), PEOPLE))
        at_end = np.where(rng.random(PEOPLE) < 0.5, q.low, q.high)
        params[:, k - len(ADDED)] = np.where(ends, at_end, anywhere)
    return replace(ours, params=params)


@pytest.mark.parametrize("kind", CLASSES)
def test_more_dose_never_raises_steady_pressure(hybrid: Model, people: Patients, kind: str) -> None:
    """From none to 4 standard doses each step lowers SBP, but for one person in 100 by 2 mmHg."""
    sbp = hybrid.output_index["sbp"]
    levels = [steady_outputs(people)[:, sbp]]
    levels += [steady_outputs(people, **{kind: dose})[:, sbp] for dose in DOSES]
    steps = np.diff(np.array(levels), axis=0)
    wrong = (steps > 1e-6).any(axis=0)
    said = f"{int(wrong.sum())} of {PEOPLE} people, by up to {steps.max():.2f} mmHg, on {kind}"
    assert wrong.mean() <= 0.01, said
    assert steps.max() < 2.0, said


def test_a_stronger_drug_gain_lowers_more(hybrid: Model, plain: Patients) -> None:
    """On every class's standard dose the mean fall grows with the gain on drug effects."""
    ours, sbp = adopt(hybrid, plain), hybrid.output_index["sbp"]
    for kind in CLASSES:
        falls = []
        for gain in (0.5, 1.0, 2.0):
            params = ours.params.copy()
            params[:, -2] = gain
            some = replace(ours, params=params)
            falls.append((steady_outputs(some) - steady_outputs(some, **{kind: 1.0}))[:, sbp])
        assert falls[0].mean() < falls[1].mean() < falls[2].mean(), kind


def test_untreated_people_are_the_same_whatever_their_gains(
    people: Patients, plain: Patients
) -> None:
    """Without drugs and at usual salt nothing moves."""
    np.testing.assert_allclose(steady_outputs(people), steady_outputs(plain), rtol=1e-12)


def test_neutral_gains_are_the_bare_body(hybrid: Model, plain: Patients) -> None:
    """With both gains 1 every output after 240 days of two drugs is the bare model's."""
    ours = adopt(hybrid, plain)
    doses = {"acei": 1.0, "thiazide": 0.5}
    np.testing.assert_allclose(
        steady_outputs(ours, **doses), steady_outputs(plain, **doses), rtol=1e-12
    )
