"""Real exports give a report or a refusal whose reason is right."""

from pathlib import Path

import pytest

from dosegym.clinic import recommend, render_report
from dosegym.records import read_record

ROOT = Path(__file__).resolve().parents[3]
DAYS = 2.9
DATA = ROOT.parent / "shared" / "data"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not DATA.is_dir(), reason="sample files (../shared/data) are not beside the checkout"
    ),
]

# file, a check it must fail, words of what was found
SAMPLES = [
    ("pyloopkit/example_issue_report_1.json", "glucose-length", "1.0 days"),
    ("pyloopkit/example_issue_report_1.json", "basal-known", "log for 0 %"),
    ("pyloopkit/example_issue_report_2.json", "meals-logged", "1.0 meals a day"),
    ("py_replay_bg/data_day_1_extended.csv", "glucose-length", "1.8 days"),
    ("py_replay_bg/data_day_2.csv", "person-known", "100 kg"),
    ("cgm_format/Clarity_Export_synthetic.csv", "basal-known", "2 injections of long-acting"),
    ("cgm_format/Clarity_Export_synthetic.csv", "meals-logged", "0.0 meals a day"),
    (
        "cgm_format/nightscout_entries.json",
        "person-known",
        "age not stated, body weight not stated",
    ),
    ("cgm_format/nightscout_entries.json", "certificate-present", "none given"),
]


@pytest.mark.parametrize("name", sorted({name for name, _, _ in SAMPLES}))
def test_sample_is_refused_for_the_right_reasons(name: str) -> None:
    """Each sample lacks something known; the refusal names it and the report still shows data."""
    record = read_record(DATA / name)
    end = float(record.glucose.time_s[-1]) + 1.0
    # The last days are as telling as two weeks and take a tenth of the time.
    part = record.window(end - DAYS * 86400.0, end) if record.span_days > DAYS else record
    found = recommend(part, "pid", draws=20)
    failed = {check.id: check.found for check in found.checks if check.status == "failed"}
    for sample, gate, words in SAMPLES:
        if sample == name:
            assert words in failed[gate]
    assert found.refused
    html = render_report(found)
    assert "No recommendation" in html
    assert "Day by day" in html
    assert "Hour by hour" not in html
