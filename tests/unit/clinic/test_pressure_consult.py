"""A regimen is proposed only when every gate holds, and the report then says what it rests on."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.cli.main import main
from dosegym.clinic import PressureRecommendation, render_pressure, write_report
from dosegym.clinic.gates_certificate import certificate_checks
from dosegym.clinic.pressure_certificate import PRESSURE
from dosegym.clinic.pressure_course import HARMS, PressureCourse
from dosegym.clinic.pressure_gates import forecast_checks, share_worse
from dosegym.evaluation import SafetyCase
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.records import PressureRecord, demo_pressure_record
from dosegym.therapy.formulary import load_formulary

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
Ask = Callable[..., PressureRecommendation]


def failed(found: PressureRecommendation) -> set[str]:
    """Return the checks that were made and did not hold."""
    return {check.id for check in found.checks if check.status == "failed"}


def words_of(found: PressureRecommendation) -> str:
    """Return the words of a report without its marks."""
    html = re.sub(r"<style>.*?</style>", " ", render_pressure(found), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_everything_in_order_gives_a_proposal(given: PressureRecommendation) -> None:
    """All checks pass, a third drug is proposed, and it is expected to lower pressure."""
    assert not given.refused
    assert all(check.passed for check in given.checks)
    assert given.proposal is not None
    assert given.proposal.raised == ("thiazide",)
    assert given.current is not None
    assert given.proposed is not None
    fall = np.median(given.current.last("sbp") - given.proposed.last("sbp"))
    assert 2.0 < fall < 20.0
    assert given.reasons[0] == "Start chlorthalidone 12.5 mg a day."
    assert any("Order potassium, sodium and creatinine" in line for line in given.watch)


def test_without_certificate_nothing_is_proposed(denied: PressureRecommendation) -> None:
    """The refusal holds no proposal anywhere, neither as object nor as words nor as JSON."""
    assert denied.refused
    assert failed(denied) == {"certificate-present"}
    assert denied.proposal is None
    assert denied.proposed is None
    assert denied.current is not None
    words = words_of(denied)
    assert "chlorthalidone" not in words
    assert "Proposed" not in words
    assert "Next visit" not in words
    content = denied.to_dict()
    assert content["proposal"] is None
    assert content["forecast"]["proposed"] is None


def test_report_shows_what_it_promises(given: PressureRecommendation) -> None:
    """Every section is there, every harm is named, and nothing is loaded from elsewhere."""
    html, words = render_pressure(given), words_of(given)
    for section in ("pressure", "labs", "regimen", "twin", "certificate", "checks", "provenance"):
        assert f'id="{section}"' in html
    assert "not a medical device" in words
    assert all(harm.title in words for harm in HARMS)
    assert not re.search(r'\s(?:d|points|x|y|width|height|cx|cy)="[^"]*(?:nan|inf)', html)
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert len(html.encode()) < 400_000


def test_pseudonym_cannot_carry_markup(denied: PressureRecommendation) -> None:
    """A pseudonym or a note with markup in it is shown as text."""
    evil = "<script>alert(1)</script>"
    record = replace(denied.record, subject=evil, notes=(evil,))
    html = render_pressure(replace(denied, record=record))
    assert evil not in html
    assert "&lt;script&gt;" in html


def test_another_policy_or_an_expired_case_is_refused(
    consult: Ask, pressure_case: SafetyCase
) -> None:
    """A certificate counts for the policy it names and until it expires."""
    assert failed(consult(policy=load_policy("esc_2024"))) == {"certificate-policy"}
    old = replace(pressure_case, expires="2020-01-01T00:00:00+00:00")
    assert failed(consult(certificate=old)) == {"certificate-valid"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("measurement", "noise_free"),
        ("adherence", "perfect"),
        ("contraindications", "allow"),
        ("kinetics", False),
        ("sodium_intake", 0.5),
    ],
)
def test_easier_worlds_do_not_count(
    pressure_case: SafetyCase, guideline: Any, key: str, value: Any
) -> None:
    """A certificate from a world without errors, missed tablets or rules is not believed."""
    kwargs = {**pressure_case.environment["kwargs"], key: value}
    case = replace(pressure_case, environment={**pressure_case.environment, "kwargs": kwargs})
    checks = certificate_checks(case, guideline, "adult", PRESSURE)
    found = {check.id for check in checks if check.status == "failed"}
    assert "certificate-environment" in found


def test_insulin_certificate_does_not_count(consult: Ask, pressure_case: SafetyCase) -> None:
    """A certificate of another environment is refused, and nobody is compared with its people."""
    other = replace(pressure_case, environment={"id": "dosegym/Insulin-v0", "kwargs": {}})
    found = consult(certificate=other)
    assert {"certificate-environment"} <= failed(found)
    assert found.refused


def test_unknown_dose_refuses(consult: Ask, pressure_record: PressureRecord) -> None:
    """A drug without a dose a day gives no twin, no course and the reason in one line."""
    drugs = tuple(replace(m, daily_mg=None, why_unknown="no dosage is given")
                  for m in pressure_record.medications)  # fmt: skip
    found = consult(record=replace(pressure_record, medications=drugs))
    assert found.twin is None
    assert "record-drugs" in failed(found)
    assert any("dose unknown: amlodipine" in reason for reason in found.reasons)


def test_labs_missing_refuses(consult: Ask, pressure_record: PressureRecord) -> None:
    """Without potassium nothing that moves it is proposed."""
    labs = {k: v for k, v in pressure_record.labs.items() if k != "potassium"}
    found = consult(record=replace(pressure_record, labs=labs))
    assert "record-labs" in failed(found)
    assert any("potassium" in reason for reason in found.reasons)


def course(**series: float) -> PressureCourse:
    """Return a course of ten equal draws over two days with given values on the last."""
    usual = {
        "sbp": 135.0, "dbp": 80.0, "standing_sbp": 130.0, "standing_dbp": 78.0, "potassium": 4.3,
        "egfr": 80.0, "heart_rate": 70.0,
    }  # fmt: skip
    values = {k: np.array([[v] * 10, [series.get(k, v)] * 10]) for k, v in usual.items()}
    return PressureCourse("x", load_formulary(), np.zeros(6), np.arange(2.0), values)


@pytest.mark.parametrize(
    ("harm", "series"),
    [
        ("potassium_high", {"potassium": 5.6}),
        ("potassium_low", {"potassium": 3.4}),
        ("sbp_low", {"sbp": 99.0}),
        ("orthostatic", {"standing_sbp": 114.0}),
        ("orthostatic", {"standing_dbp": 70.0}),
        ("egfr_drop", {"egfr": 55.0}),
        ("bradycardia", {"heart_rate": 49.0}),
    ],
)
def test_each_harm_is_found_and_refuses(harm: str, series: dict[str, float]) -> None:
    """A harm in all draws has chance 1 and refuses a proposal; nothing else is set off."""
    bad = course(**series)
    assert bad.chance(harm) == 1.0
    assert course().chance(harm) == 0.0
    checks = forecast_checks(course(), bad, "")
    assert {c.id for c in checks if not c.passed} >= {f"forecast-{harm}"}
    assert all(c.passed for c in forecast_checks(course(), course(), ""))


def test_a_harm_already_there_keeps_no_proposal_away() -> None:
    """Where the present regimen does the same harm, a proposal that does no more may pass."""
    assert all(c.passed for c in forecast_checks(course(potassium=5.6), course(potassium=5.6), ""))


def test_worse_counts_both_directions() -> None:
    """Ending higher above target, or far below it, is worse; ending nearer is not."""
    assert share_worse(course(), course(sbp=145.0)) == 1.0
    assert share_worse(course(), course(sbp=85.0)) == 1.0
    assert share_worse(course(), course(sbp=125.0)) == 0.0


def test_same_question_same_answer(consult: Ask, given: PressureRecommendation) -> None:
    """Record, policy, certificate and seed decide everything but the time of the answer."""
    again = consult().to_dict()
    first = given.to_dict()
    again.pop("created"), first.pop("created")
    assert again == first


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"days": 3}, "days is 3"), ({"draws": 1}, "draws is 1"), ({"age_years": 20.0}, "age_years")],
)
def test_bad_arguments_are_one_line(consult: Ask, changes: dict[str, Any], words: str) -> None:
    """What cannot be used at all is an error that names it."""
    with pytest.raises(InputError, match=words):
        consult(**changes)


def test_verb_routes_by_kind_of_record(
    pressure_case: SafetyCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pressure record goes to the pressure clinic, released with exit 0, refused with exit 3."""
    pressure_case.write_json(tmp_path / "case.json")
    out, facts = tmp_path / "report.html", tmp_path / "report.json"
    arguments = ["recommend", str(demo_pressure_record()), "--out", str(out), "--draws", "100"]
    case = ["--certificate", str(tmp_path / "case.json"), "--json", str(facts)]
    assert main([*arguments, *case]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "Proposal for the next 12 weeks" in words
    assert "Next visit in 4 weeks" in words
    assert json.loads(facts.read_text("utf-8"))["proposal"]
    assert main(arguments) == 3
    assert "No recommendation" in capsys.readouterr().out
    assert main([*arguments, "--hours", "3"]) == 2
    assert "--hours has no meaning" in capsys.readouterr().err


def test_files_appear_whole(denied: PressureRecommendation, tmp_path: Path) -> None:
    """Report and JSON are written; a folder that is not there gives one line and no file."""
    write_report(denied, tmp_path / "r.html", tmp_path / "r.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]
    with pytest.raises(InputError, match="cannot write"):
        write_report(denied, tmp_path / "no" / "r.html")


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="no sample files beside the checkout")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("synthea_r4/Christopher*", "dose unknown: hydrochlorothiazide 25 mg"),
        ("synthea_r4/Dirk*", "dose unknown: hydrochlorothiazide 25 mg"),
        ("synthea_r4/Isaiah*", "dose unknown: hydrochlorothiazide 25 mg"),
        ("synthea_r4/Rashad*", "model is of adults"),
        ("synthea_r4/Renea*", "dose unknown: hydrochlorothiazide 25 mg"),
        ("healthpod_bp/*.csv", "says nothing of drugs"),
    ],
)
def test_real_samples_are_rightly_refused(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each bundle and the home table give a report and a refusal that says what is missing."""
    file = next(SHARED.glob(name))
    out = tmp_path / "report.html"
    assert main(["recommend", str(file), "--out", str(out), "--draws", "50"]) == 3
    assert words in " ".join(capsys.readouterr().out.split())
    assert "No recommendation" in out.read_text("utf-8")
