"""What a record of pressure must hold before anything may be recommended, gate by gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import (
    Condition,
    Labs,
    Medication,
    Person,
    PressureRecord,
    Pressures,
    assess_pressure,
)
from dosegym.records.chart_at import current_drugs, last_change
from dosegym.records.pressure_window import GATES

DAY = 86_400.0
END = 20_000 * DAY


def pressures(days, setting="home", sbp=150.0, averaged=1.0):
    """Return readings this many days before the end, oldest first."""
    times = END - DAY * np.sort(np.asarray(days, dtype=float))[::-1]
    n = len(times)
    sbp = np.broadcast_to(np.asarray(sbp, dtype=float), n)
    return Pressures(times, sbp, sbp - 60, np.full(n, np.nan), [setting] * n, np.full(n, averaged))


def lab(value, days):
    """Return one value, this many days old."""
    return Labs(np.array([END - days * DAY]), np.array([value]))


def drug(name="lisinopril", kind="acei", daily=10.0, days=300.0, **fields):
    """Return a prescription begun this many days ago."""
    start = None if days is None else END - days * DAY
    return Medication(name, kind, 10.0, daily, start_s=start, **fields)


WEEK = [d + half for d in range(7) for half in (0.1, 0.12, 0.5, 0.52)]
GOOD = PressureRecord(
    subject="P1",
    source_format="fhir_r4",
    source_sha256="0",
    timezone="UTC",
    person=Person(age_years=60.0, female=True),
    readings=pressures(WEEK),
    labs={"potassium": lab(4.2, 100), "creatinine": lab(1.0, 100)},
    medications=(drug(),),
    medications_told=True,
    last_s=END,
)


def reasons(**changes):
    """Return the shortfalls of the good record with some parts replaced."""
    return assess_pressure(replace(GOOD, **changes)).reasons_insufficient


def test_a_full_record_suffices_and_its_mean_leaves_out_the_first_home_day():
    """Seven home days: the mean is that of the last six, as ESH 2023 asks."""
    first = np.array(WEEK) >= 6
    values = np.where(np.sort(np.array(WEEK))[::-1] >= 6, 190.0, 150.0)
    judged = assess_pressure(replace(GOOD, readings=pressures(WEEK, sbp=values)))
    assert judged.enough
    assert judged.setting == "home"
    assert (judged.sbp, judged.dbp) == (150.0, 90.0)
    assert len(judged.readings) == len(WEEK) - first.sum()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"person": Person(None, True)}, "age: it is not in the record"),
        ({"person": Person(12.0, True)}, "age: 12 years"),
        ({"person": Person(60.0, None)}, "sex: it is not in the record"),
        ({"person": Person(60.0, True, deceased=True)}, "person: the record says .* has died"),
        ({"readings": pressures([])}, "pressure: the record holds no reading"),
        ({"readings": pressures([0, 1, 2])}, "pressure: 3 home readings on 3 days .* 12 on 3"),
        ({"readings": pressures(np.arange(14) / 20)}, "14 home readings on 2 days "),
        ({"readings": pressures([d + 70 for d in WEEK])}, "newest home reading is 70 days old"),
        ({"readings": pressures([1], "office")}, "1 office reading on 1 day within .* 2 on 2"),
        ({"readings": pressures([1, 2], "ambulatory")}, "2 ambulatory readings .* 27 on 1"),
        ({"medications_told": False}, "medication: the record says nothing of drugs"),
        ({"medications": (drug(daily=None, why_unknown="no dosage is given"),)},
         r"dose unknown: lisinopril 10 mg \(no dosage is given\)"),
        ({"medications": (drug(status="unknown"),)}, "whether lisinopril is taken is not told"),
        ({"medications": (drug(), drug(daily=20.0))}, "prescriptions of lisinopril differ in dose"),
        ({"medications": (drug(days=10),)}, "no home reading was taken 14 days or more after"),
        ({"medications": (drug(days=50),)}, "potassium: no value since .* begun or changed 50"),
        ({"labs": {"potassium": lab(4.2, 100)}}, "creatinine or eGFR: the record holds no value"),
        ({"labs": {"potassium": lab(4.2, 400), "egfr": lab(80, 1)}},
         "potassium: the newest value is 400 days old, at most 365"),
    ],
)  # fmt: skip
def test_each_shortfall_is_one_line_with_its_mend(changes, says):
    """One part spoiled: that line and it alone, but where the drug's start spoils both labs."""
    import re

    found = reasons(**changes)
    assert any(re.match(says, line) or re.search(says, line) for line in found), found
    assert all("\n" not in line for line in found)
    assert len(found) <= 3


def test_office_means_and_ambulatory_days_count_as_what_they_are():
    """Two office days suffice; a 24 h mean is enough; a mean weighs as many as it was made of."""
    assert reasons(readings=pressures([1, 20], "office")) == ()
    assert reasons(readings=pressures([1], "ambulatory", averaged=np.nan)) == ()
    assert reasons(readings=pressures(np.arange(30) / 40, "ambulatory")) == ()
    three = Pressures(
        END - DAY * np.array([3.0, 2.0, 1.0]),
        [160.0, 130.0, 130.0],
        [90.0] * 3,
        [np.nan] * 3,
        ["home"] * 3,
        [10.0, 1.0, 1.0],
    )
    judged = assess_pressure(replace(GOOD, readings=three))
    assert judged.enough
    assert judged.sbp == pytest.approx((1600 + 260) / 12)


def test_readings_and_labs_after_the_moment_are_not_used():
    """Judged at an earlier day, the later week does not exist."""
    judged = assess_pressure(GOOD, END - 30 * DAY)
    assert not judged.enough
    assert judged.reasons_insufficient == ("pressure: the record holds no reading; add readings",)


def test_every_gate_has_a_source():
    """No limit without where it comes from."""
    assert all(gate.source and gate.newest_days > 0 for gate in GATES)


def test_renewals_are_no_change_but_new_doses_and_stops_are():
    """An equal prescription later continues; a rise, a stop and a first start are changes."""
    yearly = (drug(days=500), drug(days=200))
    assert last_change(yearly, END, {"acei"}) == END - 500 * DAY
    raised = (drug(days=500), drug(days=200, daily=20.0))
    assert last_change(raised, END, {"acei"}) == END - 200 * DAY
    stopped = drug("amlodipine", "ccb", status="stopped", end_s=END - 5 * DAY)
    assert last_change((drug(days=500), stopped), END, {"acei", "ccb"}) == END - 5 * DAY
    assert last_change((drug(days=500), stopped), END, {"acei"}) == END - 500 * DAY
    assert last_change((drug(days=None),), END, {"acei"}) is None


def test_of_several_prescriptions_the_latest_counts_and_ended_ones_do_not():
    """One entry a drug; on-hold, stopped, future and run-out prescriptions are not taken."""
    items = (
        drug(daily=5.0, days=100),
        drug(daily=20.0, days=20),
        drug("losartan", "arb", status="on-hold"),
        drug("amlodipine", "ccb", end_s=END - DAY),
        drug("bisoprolol", "beta_blocker", days=-5),
    )
    assert [(item.drug, item.daily_mg) for item in current_drugs(items, END)] == [
        ("lisinopril", 20)
    ]


def test_standing_conditions_of_a_chart():
    """Only what stands at the time; angioedema for ever."""
    record = replace(
        GOOD,
        conditions=(
            Condition("angioedema", END - 9000 * DAY, END - 8990 * DAY, active=False),
            Condition("asthma", END - 900 * DAY, END - 100 * DAY),
            Condition("gout", END + DAY),
            Condition("ckd"),
        ),
    )
    standing = {name for name, stands in record.chart().conditions.items() if stands}
    assert standing == {"angioedema", "ckd"}
    before = {n for n, stands in record.chart(END - 200 * DAY).conditions.items() if stands}
    assert before == {"angioedema", "asthma", "ckd"}
    assert record.chart().drugs_of("acei", "arb")[0].drug == "lisinopril"


def test_columns_are_checked_and_cannot_be_written():
    """Unequal lengths, unsorted times and unknown places are refused; values are read-only."""
    with pytest.raises(InputError, match="setting is unknown; use office, home, ambulatory"):
        pressures([1], "moon")
    with pytest.raises(InputError, match="times are not finite and ascending"):
        Labs(np.array([2.0, 1.0]), np.array([1.0, 1.0]))
    with pytest.raises(InputError, match="do not fit together"):
        Labs(np.array([2.0]), np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="read-only"):
        GOOD.readings.sbp[0] = 1.0
