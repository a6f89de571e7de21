"""Virtual people under tablets, and a record turned into what a twin is fitted to."""

from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.physiology.pressure_people import sample_pressure
from dosegym.records import PressureRecord, demo_pressure_record, read_pressure
from dosegym.records.chart import Medication
from dosegym.therapy.formulary import CLASSES, load_formulary
from dosegym.twins.pressure_body import PressureBodies, live, untreated
from dosegym.twins.pressure_observe import observe_pressure
from dosegym.twins.pressure_seen import Doses

FORMULARY = load_formulary()


@pytest.fixture(scope="module")
def bodies() -> PressureBodies:
    """Return forty people who take nothing."""
    return untreated(sample_pressure(40, np.random.default_rng(5)), FORMULARY)


@pytest.fixture(scope="module")
def record() -> PressureRecord:
    """Return the bundled record."""
    return read_pressure(demo_pressure_record())


def daily(days: int, **doses: float) -> np.ndarray:
    """Return so many days of a regimen in mg."""
    return np.tile([doses.get(kind, 0.0) for kind in CLASSES], (days, 1))


def test_untreated_people_stay_as_they_are(bodies: PressureBodies) -> None:
    """Without tablets everybody keeps the untreated pressure and potassium."""
    _, series = live(bodies, daily(60), [0, 60])
    np.testing.assert_allclose(
        series["sbp"][1], bodies.people.covariates["untreated_sbp"], rtol=1e-6
    )
    np.testing.assert_allclose(series["potassium"][1], series["potassium"][0], rtol=1e-9)


def test_tablets_lower_pressure_and_wear_off(bodies: PressureBodies) -> None:
    """An ACE inhibitor lowers everybody's pressure; weeks after the last tablet it is back."""
    mg = np.concatenate([daily(90, acei=10.0), daily(120)])
    _, series = live(bodies, mg, [0, 90, 210])
    assert (series["sbp"][1] < series["sbp"][0]).all()
    np.testing.assert_allclose(series["sbp"][2], series["sbp"][0], atol=0.5)


def test_days_may_be_lived_in_pieces(bodies: PressureBodies) -> None:
    """Asking for more days on the way changes nothing at the end."""
    mg = np.concatenate([daily(20, ccb=5.0), daily(40, ccb=5.0, thiazide=12.5)])
    _, once = live(bodies, mg, [60])
    _, often = live(bodies, mg, list(range(61)))
    np.testing.assert_allclose(often["sbp"][-1], once["sbp"][0], rtol=1e-12)


def test_taking_rows_takes_the_same_people(bodies: PressureBodies) -> None:
    """People taken from a batch live on as they would have in it."""
    rows = np.array([3, 3, 17])
    _, all_of_them = live(bodies, daily(30, arb=50.0), [30])
    _, some = live(bodies.take(rows), daily(30, arb=50.0), [30])
    np.testing.assert_allclose(some["sbp"][0], all_of_them["sbp"][0][rows], rtol=1e-12)


def test_doses_hold_until_the_next_change() -> None:
    """A regimen holds from its day on, the first one also before it."""
    doses = Doses(FORMULARY, np.array([-50.0, -10.0]), np.array([[1.0] * 6, [2.0] * 6]))
    found = doses.on(np.array([-80.0, -50.0, -10.5, -10.0, 0.0]))[:, 0]
    assert found.tolist() == [1.0, 1.0, 1.0, 2.0, 2.0]


def test_record_becomes_visits_weeks_and_doses(record: PressureRecord) -> None:
    """Clinic readings stay visits, home readings become weeks, doses follow the prescriptions."""
    seen = observe_pressure(record)
    assert seen.setting.count("home_week") == 2
    assert seen.readings[[i for i, s in enumerate(seen.setting) if s == "home_week"]].tolist() == [
        14.0,
        14.0,
    ]
    assert seen.doses.now.tolist() == [20.0, 0.0, 10.0, 0.0, 0.0, 0.0]
    assert not seen.doses.on(np.array([-400.0])).any()
    at = seen.doses.day[1:]
    assert (np.diff(at) > 0.0).all()
    assert float(seen.day[-1]) <= 0.0


def test_until_forgets_the_future(record: PressureRecord) -> None:
    """What was known at a visit holds neither later visits nor later blood tests."""
    seen = observe_pressure(record)
    early = seen.until(2)
    assert len(early) == 3
    assert (early.lab_day <= early.day[-1]).all()
    assert len(early.lab_day) < len(seen.lab_day)


def given(**changes: object) -> Medication:
    """Return a prescription of amlodipine, changed."""
    base = {"drug": "amlodipine", "drug_class": "ccb", "strength_mg": 5.0, "daily_mg": 5.0}
    return Medication(**{**base, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("drugs", "words"),
    [
        (
            (given(daily_mg=None, why_unknown="no dosage is given"),),
            "dose of amlodipine is unknown",
        ),
        ((given(drug="ramipril", drug_class="acei"),), "ramipril is not modelled"),
        (
            (
                given(drug="bisoprolol", drug_class="beta_blocker"),
                given(drug="atenolol", drug_class="beta_blocker"),
            ),
            "are of one class",
        ),
    ],
)
def test_what_cannot_be_modelled_is_refused(
    record: PressureRecord, drugs: tuple[Medication, ...], words: str
) -> None:
    """A dose that nobody recorded, an unknown drug and two of one class each give a clear line."""
    with pytest.raises(InputError, match=words):
        observe_pressure(replace(record, medications=drugs))


def test_silence_about_drugs_is_no_empty_list(record: PressureRecord) -> None:
    """A record that says nothing of drugs is refused; one that says 'none' is not."""
    silent = replace(record, medications=(), medications_told=False)
    with pytest.raises(InputError, match="says nothing of drugs"):
        observe_pressure(silent)
    assert not observe_pressure(replace(silent, medications_told=True)).doses.now.any()


def test_visits_on_an_unknown_past_drug_are_left_out(record: PressureRecord) -> None:
    """Readings taken before a drug that cannot be modelled was washed out are not used."""
    end = float(record.readings.time_s[4])
    past = given(drug="ramipril", drug_class="acei", status="stopped", end_s=end)
    seen = observe_pressure(replace(record, medications=(*record.medications, past)))
    first = seen.end_s + float(seen.day[0]) * 86400.0
    assert first >= end + 28 * 86400.0
