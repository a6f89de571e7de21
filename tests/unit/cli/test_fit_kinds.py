"""The verb fit tells its records apart: event tables, pressures; files it writes are twins."""

import json
from pathlib import Path

import pytest

from dosegym.cli.main import main
from dosegym.records import demo_pressure_record
from dosegym.twins import open_twin

TABLE = """ID,TIME,AMT,DV,EVID,WT
1,0,320,.,1,80
1,1,.,8.1,0,80
1,5,.,7.2,0,80
1,24,.,2.6,0,80
2,0,300,.,1,60
2,1,.,6.5,0,60
2,6,.,6.9,0,60
2,24,.,1.5,0,60
3,0,300,.,1,70
3,1,.,9.5,0,70
3,6,.,5.9,0,70
3,24,.,2.5,0,70
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Write a table of three people."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return str(path)


def test_a_person_of_an_event_table(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One subject gives a twin that loads; what is known of each parameter is printed."""
    out = tmp_path / "twin.json"
    words = ["fit", table, "--population", "theophylline", "--subject", "2", "--out", str(out)]
    assert main(words) == 0
    twin = open_twin(out)
    assert twin.subject == "2"
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("cl", "ka", "known", "3 measurements"))


def test_a_population_and_back(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table of many gives a population, which then is the prior of one of them."""
    out = tmp_path / "population.json"
    assert main(["fit", table, "--population", "theophylline", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["kind"] == "population"
    assert "-2 log-likelihood" in capsys.readouterr().out
    assert main(["fit", table, "--population", str(out), "--subject", "1"]) == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([], "give --population"),
        (["--population", "aspirin"], "choose one of"),
        (["--population", "remifentanil"], "min,ug,ug/L"),
        (["--population", "theophylline", "--subject", "9"], "it holds 1, 2, 3"),
    ],
)
def test_what_is_missing_is_said(
    table: str, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or wrong population, unit or subject is refused in one line, status 2."""
    assert main(["fit", table, *more]) == 2
    message = capsys.readouterr().err
    assert says in message
    assert message.strip().count("\n") == 0


def test_pressures_give_a_twin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A FHIR record of pressures gives a twin that loads; prior-dominated traits are named."""
    out = tmp_path / "twin.json"
    assert main(["fit", str(demo_pressure_record()), "--out", str(out)]) == 0
    twin = open_twin(out)
    assert twin.usable
    shown = capsys.readouterr().out
    assert "prior-dominated" in shown
    assert "effective draws" in shown
