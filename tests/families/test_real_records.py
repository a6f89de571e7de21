"""The real samples beside the checkout: read to counted values, or refused by what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reader_checks import assert_accounts, content

from dosegym.physiology.errors import InputError
from dosegym.records import assess, read_record, write_record
from dosegym.records.clock import utc_text

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SAMPLES = {  # file: readings, boluses, meals, injections of long-acting insulin, days
    "cgm_format/nightscout_entries.json": (996, 173, 9, 0, 5.42),
    "cgm_format/Clarity_Export_synthetic.csv": (3922, 33, 0, 14, 13.75),
    "cgm_format/FreeStyle_Libre_3_synthetic.csv": (4305, 0, 0, 0, 14.95),
    "pyloopkit/example_issue_report_1.json": (267, 1, 1, 0, 0.96),
    "pyloopkit/example_issue_report_2.json": (232, 1, 1, 0, 0.84),
    "py_replay_bg/data_day_1.csv": (233, 4, 3, 0, 0.81),
    "py_replay_bg/data_day_2.csv": (288, 6, 4, 0, 1.0),
    "py_replay_bg/data_day_1_extended.csv": (521, 10, 7, 0, 1.81),
    "py_replay_bg": (521, 10, 7, 0, 1.81),
}
INSUFFICIENT = {
    "cgm_format/Clarity_Export_synthetic.csv": ["carbohydrates"],
    "cgm_format/FreeStyle_Libre_3_synthetic.csv": ["insulin", "carbohydrates"],
    "pyloopkit/example_issue_report_1.json": ["length", "insulin"],
    "pyloopkit/example_issue_report_2.json": ["length", "insulin"],
    "py_replay_bg/data_day_1.csv": ["length"],
}


def sample(name):
    """Return the path of a real sample, or skip."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not beside this checkout (../shared/data)")
    return path


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_real_files(name, tmp_path):
    """Every real sample reads to the counts that a look into the file gives, all accounted for."""
    timeline = read_record(sample(name))
    counts = tuple(
        len(column)
        for column in (timeline.glucose, timeline.boluses, timeline.meals, timeline.long_acting)
    )
    assert (*counts, round(timeline.span_days, 2)) == SAMPLES[name]
    assert_accounts(timeline)
    reasons = [reason.split(":")[0] for reason in assess(timeline).reasons_insufficient]
    assert reasons == INSUFFICIENT.get(name, [])
    write_record(timeline, tmp_path / "copy.csv")
    assert content(read_record(tmp_path / "copy.csv")) == content(timeline)


@pytest.mark.shared_data
def test_real_nightscout_in_detail():
    """Profile in mmol/L, its zone, the delivery log and the error codes of the sample."""
    timeline = read_record(sample("cgm_format/nightscout_entries.json"))
    assert timeline.timezone == "Europe/Moscow"
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([8 * 18.01559])
    assert timeline.settings.basal_u_per_h.at([0, 200, 400, 600, 1000]).tolist() == [
        1.0, 1.3, 1.5, 1.2, 1.0,
    ]  # fmt: skip
    assert (timeline.glucose.censored == -1).sum() == 2
    logged = timeline.basal.start_s[~timeline.basal.assumed]
    assert utc_text(logged[0]) <= "2026-04-02T15:21:29Z"
    assert timeline.basal.u_per_h.max() == 4.0
    lost = {item.reason: item.count for item in timeline.dropped}
    assert lost["glucose: sensor state, not glucose (below 39)"] == 4
    assert lost["treatment: no dose, carbohydrate or basal order (sensor start)"] == 462


@pytest.mark.shared_data
def test_real_clarity_in_detail():
    """The mojibake header reads; Low is censored; the preamble's name stays out."""
    timeline = read_record(sample("cgm_format/Clarity_Export_synthetic.csv"))
    assert (timeline.glucose.censored == -1).sum() == 5
    assert timeline.boluses.units.sum() == pytest.approx(128.5)
    for secret in ("Gagarin", "HBRPOI", "android"):
        assert secret not in repr(timeline)


@pytest.mark.shared_data
def test_real_libreview_in_detail():
    """Each of the 316 scans lies within 5 minutes of a stored reading; name and serial stay out."""
    timeline = read_record(sample("cgm_format/FreeStyle_Libre_3_synthetic.csv"))
    lost = {item.reason: item.count for item in timeline.dropped}
    assert lost["glucose: scan within 5 min of a stored reading"] == 316
    assert lost["row: no glucose, insulin or carbohydrate (type 6)"] == 936
    assert utc_text(timeline.glucose.time_s[0]) == "1961-04-12T22:30:00Z"
    for secret in ("Gagarin", "7F354325", "FreeStyle"):
        assert secret not in repr(timeline)


@pytest.mark.shared_data
def test_real_loop_in_detail():
    """Schedules run on the phone's offset; the logged half hour is told from the assumed day."""
    timeline = read_record(sample("pyloopkit/example_issue_report_1.json"))
    assert timeline.timezone == "UTC-07:00"
    assert timeline.settings.insulin_duration_h == 6.0
    assert timeline.settings.target_mg_dl.value.tolist() == [92.5]
    assert timeline.boluses.units.tolist() == [3.0]
    assert timeline.basal.u_per_h[-1] == 0.0
    assert timeline.basal.assumed.tolist() == [*[True] * (len(timeline.basal) - 2), False, False]


@pytest.mark.shared_data
def test_real_replay_in_detail():
    """A basal of 0.025 U/min is 1.5 U/h, 27 g/min over five minutes are 135 g; 100 kg."""
    timeline = read_record(sample("py_replay_bg/data_day_1.csv"))
    assert timeline.meals.carbs_g[0] == pytest.approx(135.0)
    assert timeline.boluses.units.sum() == pytest.approx(45.6)
    assert 1.5 in np.round(timeline.basal.u_per_h, 9)
    assert timeline.settings.weight_kg == 100.0


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cgm_format", "holds clarity and d1namo and libreview and nightscout files"),
        ("pyloopkit", "nothing says that they are one person's"),
        ("py_replay_bg/patient_info.csv", "holds no glucose"),
        ("fhir_examples/uscore_patient-example.json", "FHIR"),
        ("cgm_format/d1namo_insulin_001.csv", "D1NAMO's insulin; give the table of glucose"),
        (
            "iglu/example_data_hall.csv",
            r"19 people; pass person= \(--subject\), one of 1636-69-001",
        ),
        ("iglu/example_meals_hall.csv", "the meals of iglu's people"),
        ("oref0/pumphistory.json", "there is no glucose; give the folder"),
        ("fhir_examples/uscore_patient-example.json", "are no sensor record"),
        ("pharmcat/pharmcat.example.vcf", "is a genotype; read_genotype reads it"),
        ("pharmcat/pharmcat.example.report.json", "is a genotype; read_genotype reads it"),
        ("theoph_rdatasets/Theoph.csv", "table of doses and concentrations; read_events"),
        ("theoph_rdatasets/Indometh.csv", "concentrations without doses; read_events"),
        ("cds_hooks/cards__old-docs_quickstart_1.json", "CDS Hooks, which is no record"),
    ],
)
def test_real_files_of_other_kinds_are_refused(name, says):
    """What is not read is refused by what it is."""
    with pytest.raises(InputError, match=says):
        read_record(sample(name))
