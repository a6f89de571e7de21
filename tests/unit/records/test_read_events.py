"""Event tables: NONMEM items, R's shapes, rows accounted for, bad files in one line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records.dosing import Dose
from dosegym.records.read_events import is_events, read_events

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"

NONMEM = """ID,TIME,AMT,RATE,ADDL,II,SS,EVID,CMT,DV,MDV,DVID,WT,SEX,CENS
1,0,100,0,2,12,0,1,1,.,1,1,70,male,0
1,1,.,.,.,.,.,0,2,8.5,0,1,70,male,0
1,30,.,.,.,.,.,0,2,0.5,0,1,72,male,1
1,30,.,.,.,.,.,0,2,44,0,2,72,male,0
1,40,.,.,.,.,.,2,.,.,1,1,75,male,0
2,0,60,30,0,0,0,4,2,.,1,1,55,female,0
2,5,.,.,.,.,.,0,2,1.5,0,1,55,female,0
2,6,.,.,.,.,.,0,2,.,1,1,55,female,0
2,7,.,.,.,.,.,0,2,x,0,1,55,female,0
2,8,.,.,.,.,.,3,2,.,1,1,55,female,0
"""


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    """Write a table."""
    path = folder / name
    path.write_text(text)
    return path


def test_nonmem_items_are_understood(tmp_path: Path) -> None:
    """Trains, infusions, resets, censoring, outputs and covariates over time all come in."""
    table = read_events(written(tmp_path, NONMEM))
    one, two = table.people
    assert one.regimen.doses == (Dose(0.0, 100.0, cmt=1, ii=12.0, addl=2),)
    assert [d.time for d in one.regimen.expand().doses] == [0.0, 12.0, 24.0]
    assert one.samples.value.tolist() == [8.5, 0.5, 44.0]
    assert one.samples.output.tolist() == [1, 1, 2]
    assert one.samples.censored.tolist() == [False, True, False]
    # NONMEM's way: what a row charts holds on the way to it.
    assert one.chart.at("weight_kg", np.array([0.0, 0.5, 2.0, 35.0, 99.0])).tolist() == [
        70.0, 70.0, 72.0, 75.0, 75.0,
    ]  # fmt: skip
    assert two.regimen.doses == (Dose(0.0, 60.0, 30.0, cmt=2, resets=True),)
    assert two.chart.at("female", np.array([0.0])).tolist() == [1.0]
    assert two.resets.tolist() == [8.0]
    (account,) = table.accounts
    assert (account.seen, account.kept) == (10, 8)
    assert {d.reason: d.count for d in table.dropped} == {
        "row: DV is no number of at least 0": 1,
        "row: measurement missing (MDV)": 1,
    }
    assert any("states none" in note for note in table.notes)


def test_blank_separated_tables_and_implied_doses(tmp_path: Path) -> None:
    """A NONMEM table of blanks, without EVID: an amount is a dose, its 0 is no measurement."""
    text = "ID TIME AMT WGT DV\n 1 0. 25.0 1.4 0\n 1 2.0 0 1.4 17.3\n 1 12.5 3.5 1.4 0\n"
    table = read_events(written(tmp_path, text, "pheno.dta"))
    assert [d.amount for d in table.people[0].regimen.doses] == [25.0, 3.5]
    assert table.people[0].samples.value.tolist() == [17.3]


def test_rxode_codes_mean_a_dose(tmp_path: Path) -> None:
    """EVID 101 is a dose into compartment 1."""
    text = "ID,TIME,DV,AMT,EVID,CMT\n1,0,0,320,101,1\n1,1,7.5,0,0,2\n"
    assert read_events(written(tmp_path, text)).people[0].regimen.doses == (
        Dose(0.0, 320.0, cmt=1),
    )


def test_dose_per_kg_of_r(tmp_path: Path) -> None:
    """R's Theoph states mg per kg in every row: one dose of the whole amount at time 0."""
    text = '"rownames","Subject","Wt","Dose","Time","conc"\n1,1,80,4,0,0\n2,1,80,4,1,7.5\n'
    table = read_events(written(tmp_path, text))
    assert table.people[0].regimen.doses == (Dose(0.0, 320.0),)
    assert table.people[0].samples.value.tolist() == [0.0, 7.5]


def test_steady_state_of_r(tmp_path: Path) -> None:
    """An interval beside a dose means that it has long been given like that (R's Quinidine)."""
    text = "Subject,time,conc,dose,interval\n1,0,,200,6\n1,3,,,\n1,4,2.1,,\n"
    table = read_events(written(tmp_path, text))
    assert table.people[0].regimen.doses == (Dose(0.0, 200.0, ii=6.0, ss=1),)
    assert len(table.people[0].samples) == 1


def test_measured_and_infused_in_one_row(tmp_path: Path) -> None:
    """R's Remifentanil measures and starts the next infusion in one row; both are kept."""
    text = "ID,Subject,Time,conc,Rate,Amt\n1,1,0,,70,105\n1,1,1.5,9.5,70,35\n1,1,2,11,0,0\n"
    person = read_events(written(tmp_path, text)).people[0]
    assert [(d.time, d.duration) for d in person.regimen.doses] == [(0.0, 1.5), (1.5, 0.5)]
    assert person.samples.time.tolist() == [1.5, 2.0]


def test_a_dose_for_tables_without(tmp_path: Path) -> None:
    """Where no dose stands in the table it must be told; each new series is an occasion."""
    text = "Subject,time,conc\n1,1,5\n1,2,4\n1,1,6\n1,2,5\n"
    path = written(tmp_path, text)
    with pytest.raises(InputError, match="holds no dose"):
        read_events(path)
    table = read_events(path, dose=Dose(0.0, 25.0))
    assert table.subjects() == ("1.1", "1.2")


def test_limits_of_quantification(tmp_path: Path) -> None:
    """A value below LLOQ is censored at it."""
    text = "ID,TIME,AMT,DV,EVID,LLOQ\n1,0,9,,1,0.5\n1,1,,0.2,0,0.5\n1,2,,0.9,0,0.5\n"
    samples = read_events(written(tmp_path, text)).people[0].samples
    assert samples.value.tolist() == [0.5, 0.9]
    assert samples.censored.tolist() == [True, False]


def test_names_do_not_come_in(tmp_path: Path) -> None:
    """Subjects called by name get pseudonyms; the note says so and no name remains."""
    text = "ID,TIME,AMT,DV,EVID\nAnna Berg,0,9,,1\nAnna Berg,1,,3,0\nBen,0,9,,1\nBen,1,,2,0\n"
    table = read_events(written(tmp_path, text))
    assert table.subjects() == ("P001", "P002")
    assert "Anna" not in repr(table)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ID,TIME,DV\n1,0,3\n", "holds no dose"),
        ("ID,AMT,DV\n1,0,3\n", "no column TIME"),
        ("ID,TIME,TIME,AMT,DV\n1,0,0,5,3\n", "two columns for TIME"),
        ("ID,TIME,AMT,DV\n", "no row below"),
        ("ID,TIME,AMT,DV,EVID\n1,0,ten,.,1\n1,1,.,3,0\n", "AMT of line 2 is 'ten'"),
        ("ID,TIME,AMT,DV,EVID\n1,,10,.,1\n1,1,.,3,0\n", "dose at line 2 has no ID or time"),
        ("ID,TIME,AMT,DV,EVID\n1,0,10,.,7\n1,1,.,3,0\n", "EVID of line 2 is 7"),
        ("ID,TIME,AMT,RATE,DV,EVID\n1,0,10,-2,.,1\n1,1,.,.,3,0\n", "modelled by the user"),
        ("ID,TIME,AMT,DV,EVID\n1,5,10,.,1\n1,1,.,3,0\n", "time falls at line 3"),
        ("ID,TIME,AMT,DV,EVID\n1,0,9,.,1\n2,0,9,.,1\n1,1,.,3,0\n", "rows of one ID are parted"),
        ("ID,TIME,AMT,DV,EVID\n1,0,9,.,1\n", "holds a measurement"),
        ("ID,TIME,AMT,ADDL,DV,EVID\n1,0,9,3,.,1\n1,1,.,.,3,0\n", "without ii"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    """Each fault is named with its line and its mend."""
    with pytest.raises(InputError, match=says) as error:
        read_events(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_units_are_stated_or_noted(tmp_path: Path) -> None:
    """Units given are taken without a note; half-stated ones are refused."""
    table = read_events(written(tmp_path, NONMEM), units="min,ug,ug/L")
    assert (table.units.time, table.units.concentration) == ("min", "ug/L")
    assert not any("states none" in note for note in table.notes)
    with pytest.raises(InputError, match="give time, amount, concentration"):
        read_events(written(tmp_path, NONMEM), units="min")


def test_other_files_are_no_events(tmp_path: Path) -> None:
    """Glucose and pressure tables and JSON are told apart from event tables."""
    assert is_events(written(tmp_path, NONMEM))
    for name, text in (
        ("a.csv", "time,glucose_mg_dl\n2026-01-01T00:00,120\n"),
        ("b.csv", "date,time,systolic,diastolic\n2026-01-01,08:00,130,80\n"),
        ("c.json", '{"resourceType": "Bundle"}'),
    ):
        assert not is_events(written(tmp_path, text, name))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_tables_never_crash(tmp_path: Path, data: st.DataObject) -> None:
    """Cut, overwritten and shuffled tables are read or refused, all rows accounted for."""
    text = bytearray(NONMEM.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(b"0,.\n-9eX \"'#\x00\xff"))
    text = text[: data.draw(st.integers(1, len(text)))]
    path = tmp_path / "damaged.csv"
    path.write_bytes(bytes(text))
    try:
        table = read_events(path)
    except InputError:
        return
    (account,) = table.accounts
    assert account.seen == account.kept + sum(item.count for item in table.dropped)


# file, dose for tables without one: people, measurements, doses, rows
REAL = {
    ("theoph_rdatasets/Theoph.csv", None): (12, 132, 12, 132),
    ("theoph_rdatasets/Indometh.csv", 25.0): (6, 66, 6, 66),
    ("nlme_rdatasets/Phenobarb.csv", None): (59, 155, 589, 744),
    ("nlme_rdatasets/Quinidine.csv", None): (136, 361, 1028, 1471),
    ("nlme_rdatasets/Remifentanil.csv", None): (65, 1992, 628, 2107),
    ("nlme_rdatasets/Cefamandole.csv", 15.0): (6, 84, 6, 84),
    ("nlme_rdatasets/Tetracycline1.csv", 250.0): (10, 40, 10, 40),
    ("pheno_pharmpy/pheno.dta", None): (59, 155, 589, 744),
    ("warfarin_nlmixr2data/pheno_sd.csv", None): (59, 155, 589, 744),
    ("warfarin_nlmixr2data/warfarin.csv", None): (32, 483, 32, 515),
    ("warfarin_nlmixr2data/theo_sd.csv", None): (12, 132, 12, 144),
    ("warfarin_nlmixr2data/theo_md.csv", None): (12, 263, 84, 348),
    ("warfarin_nlmixr2data/nimoData.csv", None): (12, 320, 120, 441),
    ("warfarin_nlmixr2data/mavoglurant.csv", None): (198, 2427, 198, 2678),
}


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "dose"), sorted(REAL, key=str))
def test_real_tables(name: str, dose: float | None) -> None:
    """Every public table is read to the counts that a look into it gives, all rows accounted."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not beside this checkout (../shared/data)")
    table = read_events(path, dose=None if dose is None else Dose(0.0, dose))
    (account,) = table.accounts
    doses = sum(len(person.regimen.doses) for person in table.people)
    assert (len(table), table.samples, doses, account.seen) == REAL[name, dose]
    assert account.seen == account.kept + sum(item.count for item in table.dropped)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "says"), [("IGF.csv", "no column ID"), ("Glucose2.csv", "no column DV")]
)
def test_tables_that_are_no_kinetics_are_refused(name: str, says: str) -> None:
    """Tables of R that hold no person or no concentration are refused by what is missing."""
    path = DATA / "nlme_rdatasets" / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not beside this checkout (../shared/data)")
    with pytest.raises(InputError, match=says):
        read_events(path)


def test_words_of_one_person_are_not_repeated_in_notes(tmp_path: Path) -> None:
    """A column of names is coded as any other, and no note tells the names."""
    rows = "".join(
        f"{k},0,9,,1,{n},yes\n{k},1,,3,0,{n},yes\n" for k, n in ((1, "Qzad"), (2, "Qzeb"))
    )
    table = read_events(written(tmp_path, f"ID,TIME,AMT,DV,EVID,NAME,SMOKE\n{rows}"))
    assert "Qz" not in repr(table)
    assert any("0 = yes" in note for note in table.notes)
    assert table.rows.used == 4
    assert table.rows.header == 1


def test_a_birth_date_is_no_pseudonym(tmp_path: Path) -> None:
    """People called by their dates of birth are numbered."""
    text = "ID,TIME,AMT,DV,EVID\n1931-02-11,0,9,,1\n1931-02-11,1,,3,0\n"
    assert read_events(written(tmp_path, text)).subjects() == ("P001",)
