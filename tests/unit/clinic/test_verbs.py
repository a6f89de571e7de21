"""The verbs fit and recommend: files, tables, exit statuses, one line for bad input."""

import json
from pathlib import Path

import pytest

from dosegym.cli import recommend as verb
from dosegym.cli.main import main
from dosegym.clinic import Recommendation
from dosegym.evaluation import SafetyCase
from dosegym.records import Timeline, write_record
from dosegym.twins import Twin, load_twin


@pytest.fixture(scope="module")
def files(
    record: Timeline, case: SafetyCase, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Write two days of the record and a certificate; return their paths."""
    folder = tmp_path_factory.mktemp("clinic")
    end = float(record.glucose.time_s[-1]) + 1.0
    write_record(record.window(end - 2 * 86400.0, end), folder / "record.csv")
    case.write_json(folder / "certificate.json")
    return {name: str(folder / name) for name in ("record.csv", "certificate.json")}


def test_fit_writes_a_twin_and_tells_its_error(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The twin on disk loads, and the table tells error and how well each parameter is known."""
    out = tmp_path / "twin.json"
    assert main(["fit", files["record.csv"], "--out", str(out)]) == 0
    words = capsys.readouterr().out
    assert "error, mg/dL" in words
    assert "basal insulin need" in words
    assert "No day was held out" in words
    twin = load_twin(out)
    assert isinstance(twin, Twin)
    assert f"{twin.quality['rmse_mg_dl']:.1f}" in words


def test_recommend_refuses_with_status_three(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two days are too few: exit 3, the reasons in short, report and JSON written."""
    out, facts = tmp_path / "report.html", tmp_path / "report.json"
    arguments = ["--policy", "basal_bolus", "--certificate", files["certificate.json"]]
    arguments += ["--draws", "20", "--out", str(out), "--json", str(facts)]
    assert main(["recommend", files["record.csv"], *arguments]) == 3
    words = capsys.readouterr().out
    assert "No recommendation" in words
    assert "Days of glucose: 2.0 days (needed: at least 3 days)" in " ".join(words.split())
    assert "No recommendation" in out.read_text("utf-8")
    assert json.loads(facts.read_text("utf-8"))["refused"] is True


def test_given_recommendation_has_status_zero(
    files: dict[str, str],
    released: Recommendation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a proposal the exit status is 0 and the reasons are printed."""
    monkeypatch.setattr("dosegym.clinic.recommend", lambda *_, **__: released)
    out = str(tmp_path / "report.html")
    assert main(["recommend", files["record.csv"], "--policy", "basal_bolus", "--out", out]) == 0
    assert "Proposal for the next 24 h" in capsys.readouterr().out
    assert verb.REFUSED == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--policy", "nobody"], "policy is 'nobody'"),
        (["--policy", "pid", "--certificate", "none.json"], "certificate none.json cannot be read"),
        (["--policy", "pid", "--twin", "none.json"], "cannot read twin none.json"),
        (["--policy", "pid", "--hours", "500"], "hours is 500"),
        (["--policy", "pid", "--weight-kg", "-1"], "weight_kg is -1 kg"),
        (["--policy", "pid", "--unit", "stone"], "stone"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    files: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: list[str],
    words: str,
) -> None:
    """Exit 2, one line on standard error, no file half-written."""
    out = tmp_path / "report.html"
    assert main(["recommend", files["record.csv"], "--out", str(out), *changes]) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert error.count("\n") == 0
    assert list(tmp_path.iterdir()) == []


def test_changed_certificate_is_not_read(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate edited by hand is refused as bad input, naming the mend."""
    text = Path(files["certificate.json"]).read_text("utf-8")
    forged = tmp_path / "forged.json"
    forged.write_text(text.replace('"adult"', '"child"', 1), "utf-8")
    arguments = ["--policy", "basal_bolus", "--certificate", str(forged)]
    assert main(["recommend", files["record.csv"], *arguments]) == 2
    assert "certify again" in capsys.readouterr().err
