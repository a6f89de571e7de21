"""Side effects: published excesses by dose, monotone, one trait a person, RAS blocker on oedema."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.therapy import side_effects as se

N = len(se.CLASSES)


def alone(slot: int, exposure: float, female: float = 1.0) -> np.ndarray:
    """Return the rates of someone with one drug only."""
    exposures = np.zeros((1, N))
    exposures[0, slot] = exposure
    return se.rates(exposures, np.array([female]))[0]


def any_excess(slot: int, exposure: float) -> float:
    """Return the share of people with any symptom of one drug, its background taken off."""
    return 1.0 - float(np.prod(1.0 - (alone(slot, exposure) - alone(slot, 0.0))))


@pytest.mark.parametrize(
    ("slot", "published"),
    [
        (se.THIAZIDE, (2.0, 9.9, 17.8)),
        (se.BETA_BLOCKER, (5.5, 7.5, 9.4)),
        (se.ACEI, (3.9, 3.9, 3.9)),
        (se.ARB, (0.0, 0.0, 1.9)),
        (se.CCB, (1.6, 8.3, 14.9)),
    ],
)
def test_excess_is_laws(slot: int, published: tuple[float, ...]) -> None:
    """Half, standard and double dose give Law 2003's excess within half a point."""
    seen = [100.0 * any_excess(slot, u) for u in (0.5, 1.0, 2.0)]
    assert seen == pytest.approx(published, abs=0.5)


def test_oedema_is_the_label_of_amlodipine() -> None:
    """1.8, 3.0 and 10.8 % at 2.5, 5 and 10 mg a day against 0.6 % on placebo."""
    k = se.KINDS.index("oedema")
    seen = [100.0 * alone(se.CCB, u)[k] for u in (0.0, 0.5, 1.0, 2.0)]
    assert seen == pytest.approx([0.6, 1.8, 3.0, 10.8])


def test_ras_blocker_spares_oedema() -> None:
    """Both kinds of RAS blocker lower it by 0.62 on average, the ACE inhibitor more by 0.74."""
    k = se.KINDS.index("oedema")
    exposures = np.zeros((4, N))
    exposures[:, se.CCB] = 2.0
    exposures[1, se.ACEI] = exposures[2, se.ARB] = 1.0
    exposures[3, se.ACEI] = 0.5
    caused = se.rates(exposures)[:, k] - se.EFFECTS[k].background
    acei, arb = caused[1] / caused[0], caused[2] / caused[0]
    assert np.sqrt(acei * arb) == pytest.approx(0.62)
    assert acei / arb == pytest.approx(0.74)
    assert caused[1] < caused[3] < caused[0]


@given(st.sampled_from(se.KINDS), st.floats(0.0, 8.0), st.floats(1.0, 4.0))
def test_more_drug_never_means_less_risk(kind: str, low: float, times: float) -> None:
    """Excess rises with exposure, is nothing without drug and stays a probability."""
    less, more = se.excess(kind, [low, low * times])
    assert 0.0 <= less <= more <= 0.5
    assert float(se.excess(kind, 0.0)) == 0.0


def test_excess_has_no_jump() -> None:
    """Nearby exposures give nearby rates, at the tables' knots as well."""
    grid = np.geomspace(1e-3, 8.0, 4000)
    for kind in se.KINDS:
        assert np.abs(np.diff(se.excess(kind, grid))).max() < 1e-3


def test_gynaecomastia_is_mens() -> None:
    """Spironolactone causes it in men by dose and never in women."""
    k = se.KINDS.index("gynaecomastia")
    assert alone(se.MRA, 2.0, female=1.0)[k] == 0.0
    assert alone(se.MRA, 1.0, female=0.0)[k] == pytest.approx(0.05)
    assert alone(se.MRA, 4.0, female=0.0)[k] == pytest.approx(0.30)


def test_symptoms_occur_at_their_rates_and_return_to_the_same_people() -> None:
    """Flags have the rates' frequency, and a lower dose's sufferers suffer at the higher too."""
    rng, n = np.random.default_rng(0), 40_000
    traits = np.stack([se.traits(rng) for _ in range(n)])
    exposures = np.ones((n, N))
    one, two = se.symptoms(exposures, traits), se.symptoms(2.0 * exposures, traits)
    assert one.mean(axis=0) == pytest.approx(se.rates(exposures[:1])[0], abs=0.006)
    assert not (one & ~two).any()
    assert np.array_equal(one, se.symptoms(exposures, traits))


def test_reports_group_the_kinds() -> None:
    """Oedema and cough show in their own columns and everything else as other symptoms."""
    for k, effect in enumerate(se.EFFECTS):
        present = np.zeros((1, se.N_TRAITS), bool)
        present[0, k] = True
        columns = se.reported(present)[0]
        assert [name for name, on in zip(se.REPORTS, columns, strict=True) if on] == [
            effect.reported_as
        ]
        assert se.name_of(effect.name)
