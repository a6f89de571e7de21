"""Doses: trains, infusions, steady state, and the way to NONMEM's records and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records.dosing import Dose, Regimen, joined, repeated


def test_a_train_is_expanded_dose_by_dose() -> None:
    """ADDL 3 every 12 h from hour 2 is four doses; only the first is at steady state."""
    doses = Dose(2.0, 50.0, ii=12.0, addl=3, ss=1).expand()
    assert [d.time for d in doses] == [2.0, 14.0, 26.0, 38.0]
    assert [d.ss for d in doses] == [1, 0, 0, 0]
    assert all(d.amount == 50.0 and d.addl == 0 for d in doses)


def test_infusions_last_amount_over_rate() -> None:
    """A duration in the table becomes a rate, a rate tells the duration."""
    regimen = Regimen.from_nonmem([{"TIME": 0.0, "AMT": 60.0, "DUR": 1.5, "EVID": 1}])
    assert regimen.doses[0].rate == 40.0
    assert regimen.doses[0].duration == 1.5


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e3), st.floats(0.1, 1e3), st.sampled_from([0.0, 5.0]),
            st.integers(0, 4), st.booleans(),
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_nonmem_records_come_back(rows: list[tuple[float, float, float, int, bool]]) -> None:
    """A regimen written as NONMEM records and read again is the same."""
    doses = tuple(
        Dose(t, a, rate, ii=24.0 if addl else 0.0, addl=addl, resets=resets)
        for t, a, rate, addl, resets in sorted(rows, key=lambda row: row[0])
    )
    assert Regimen.from_nonmem(Regimen(doses).to_nonmem()) == Regimen(doses)


def test_observations_are_no_doses() -> None:
    """EVID 0, 2 and 3 give no dose; without EVID an amount is one."""
    rows = [{"TIME": 0, "AMT": 10}, {"TIME": 1, "AMT": 0}, {"TIME": 2, "AMT": 5, "EVID": 2}]
    assert len(Regimen.from_nonmem(rows).doses) == 1


def test_regimens_are_joined_in_time() -> None:
    """Two regimens make one, sorted; repeated doses count as written."""
    both = joined([repeated(5.0, 24.0, 3, start=12.0), repeated(7.0, 24.0, 2)])
    assert [(d.time, d.amount) for d in both.expand().doses] == [
        (0.0, 7.0), (12.0, 5.0), (24.0, 7.0), (36.0, 5.0), (60.0, 5.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"amount": -1.0}, "amount is -1"),
        ({"amount": 0.0}, "give one above 0"),
        ({"amount": 5.0, "rate": -2.0}, "modelled by the user"),
        ({"amount": 5.0, "addl": 2}, "without ii"),
        ({"amount": 5.0, "ss": 1}, "without ii"),
        ({"amount": 5.0, "ss": 3, "ii": 12.0}, "ss 0 to 2"),
        ({"amount": 50.0, "rate": 1.0, "ss": 1, "ii": 12.0}, "longer than ii"),
        ({"amount": float("nan")}, "a number is missing"),
        ({"amount": 5.0, "ii": 1.0, "addl": 10**9}, "at most"),
    ],
)
def test_impossible_doses_are_refused(values: dict, says: str) -> None:
    """A dose that nobody can be given is refused in one line that says why."""
    with pytest.raises(InputError, match=says) as error:
        Dose(3.0, **values)
    assert "\n" not in str(error.value)


def test_words_for_numbers_are_refused() -> None:
    """A record whose amount is a word is refused by its item."""
    with pytest.raises(InputError, match="AMT is 'ten'"):
        Regimen.from_nonmem([{"TIME": 0, "AMT": "ten", "EVID": 1}])
