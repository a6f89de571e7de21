"""The report is one well-formed file that needs nothing else and never shows a refused dose."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dosegym.clinic import Recommendation, render_report, write_report
from dosegym.clinic.profile import days_of, modal_day, ranges_of
from dosegym.clinic.view_certificate import certificate_view, used_share
from dosegym.clinic.view_doses import change_text
from dosegym.evaluation import SafetyCase
from dosegym.evaluation.gate.lane import CLAIMS
from dosegym.physiology.errors import InputError
from dosegym.records import Timeline, assess

VOID = {"meta", "link", "br", "img", "hr"}


class Reader(HTMLParser):
    """Collect tags, ids and text, and check that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.unnamed_pictures = 0
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given[k]) for k in ("href", "src") if k in given]
        self.unnamed_pictures += tag == "svg" and not given.get("aria-label")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        """Check that the innermost element closes."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if "style" not in self.open:
            self.words.append(data)


def read(found: Recommendation) -> tuple[Reader, str]:
    """Return the parsed report and its words."""
    reader = Reader()
    reader.feed(render_report(found))
    reader.close()
    return reader, re.sub(r"\s+", " ", " ".join(reader.words))


@pytest.fixture(scope="module")
def page(released: Recommendation) -> tuple[Reader, str]:
    """Return the released report, read."""
    return read(released)


def test_well_formed_and_named(page: tuple[Reader, str]) -> None:
    """Elements close in order, ids are unique, links inside the page lead somewhere."""
    reader, _ = page
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert reader.unnamed_pictures == 0


def test_nothing_is_loaded_or_run(released: Recommendation, page: tuple[Reader, str]) -> None:
    """No script, no frame, no address of another machine; a policy forbids them besides."""
    reader, _ = page
    html = render_report(released)
    assert not {"script", "iframe", "img", "object", "form"} & set(reader.tags)
    assert all(link.startswith("#") or link == "data:," for link in reader.links)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html
    assert len(html.encode()) < 400_000


def test_no_number_is_missing(released: Recommendation) -> None:
    """Neither NaN nor None nor an unfilled mark reaches the reader."""
    html = render_report(released)
    words = read(released)[1]
    assert "nan" not in re.findall(r"[a-z]+", words.lower())
    assert "None" not in words
    assert "{{" not in html
    assert not re.search(r'\s(?:d|points|x|y|width|height)="[^"]*(?:nan|inf)', html)


def test_every_section_is_there(page: tuple[Reader, str]) -> None:
    """What the report promises is in it, the intended use first."""
    reader, words = page
    sections = ("glucose", "days", "doses", "twin", "certificate", "checks", "quality")
    assert set(sections) <= set(reader.ids)
    assert "not a medical device" in words[:600]
    assert "AGP-style modal-day report" in words
    assert "invented for a test" in words


def test_released_report_shows_both_courses(page: tuple[Reader, str]) -> None:
    """The verdict, the hourly table and the watch list are those of a proposal."""
    _, words = page
    assert "Proposal for the next 24 h" in words
    assert "Hour by hour" in words
    assert "What to watch" in words


def test_every_lane_of_the_gate_is_shown_with_what_it_found(
    page: tuple[Reader, str], case: SafetyCase
) -> None:
    """All eleven claims stand in the report; one that failed for the person's group says so."""
    _, words = page
    view = certificate_view(case, "adult")
    assert [lane["id"] for lane in view["lanes"]] == list(CLAIMS)
    for lane in view["lanes"]:
        assert f"{lane['id']} {lane['claim']}." in words
        assert lane["status"] in words
    first = replace(case.lanes[0], groups={"adult": "failed", "child": "passed"})
    mixed = replace(case, lanes=(first, *case.lanes[1:]))
    for group, status in (("adult", "FAILED"), ("child", "passed"), ("adolescent", "NOT SHOWN")):
        assert certificate_view(mixed, group)["lanes"][0]["status"] == status


def test_refused_report_shows_no_proposal(refused: Recommendation) -> None:
    """Reasons stand in place of doses; data, fit and the current regimen remain."""
    _, words = read(refused)
    assert "No recommendation" in words
    for absent in ("Hour by hour", "Proposed", "What to watch", "proposal:"):
        assert absent not in words
    for present in ("Current regimen", "How well it fits", "Time in ranges"):
        assert present in words
    assert all(reason in words for reason in refused.reasons)


def test_modal_day_needs_a_week(released: Recommendation) -> None:
    """Four days give no modal day but the reason why."""
    assert not released.enough.allows("modal day")
    _, words = read(released)
    assert "Not shown: length: 4 days" in words.replace("5 days", "4 days")


def test_gmi_needs_two_weeks(page: tuple[Reader, str]) -> None:
    """The GMI of four days is withheld with the reason, the other metrics stand."""
    _, words = page
    assert "indicator not shown: length" in words


def test_names_cannot_carry_markup(refused: Recommendation) -> None:
    """A pseudonym or a note with markup in it is shown as text."""
    evil = "<script>alert(1)</script>"
    record = replace(refused.record, subject=evil, notes=(evil,))
    html = render_report(replace(refused, record=record))
    assert evil not in html
    assert "&lt;script&gt;" in html


def test_files_appear_whole_or_not_at_all(released: Recommendation, tmp_path: Path) -> None:
    """Both files are written; a folder that is not there gives one clear line and no file."""
    write_report(released, tmp_path / "r.html", tmp_path / "r.json")
    assert (tmp_path / "r.html").read_text("utf-8").endswith("</html>")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]
    with pytest.raises(InputError, match="cannot write"):
        write_report(released, tmp_path / "no" / "r.html")


def test_days_hold_all_that_was_given(record: Timeline) -> None:
    """Local days split the record without losing a unit, a gram or an hour of basal."""
    days = days_of(record)
    assert sum(day.bolus_u for day in days) == pytest.approx(record.boluses.units.sum())
    assert sum(day.carbs_g for day in days) == pytest.approx(record.meals.carbs_g.sum())
    assert record.basal is not None
    held = float((record.basal.end_s - record.basal.start_s).sum()) / 3600.0
    assert sum(day.basal_hours for day in days) == pytest.approx(held)
    assert all(day.basal_hours < 24.01 for day in days)


def test_modal_day_of_a_constant_record_is_flat(record: Timeline) -> None:
    """If every reading were 123 mg/dL, so would be every quantile at every hour."""
    import numpy as np

    from dosegym.records import GlucoseSeries

    flat = GlucoseSeries(
        record.glucose.time_s, np.full(len(record.glucose), 123.0), record.glucose.censored
    )
    found = modal_day(replace(record, glucose=flat))
    assert found.glucose.shape == (5, 96)
    assert np.nanmax(np.abs(found.glucose - 123.0)) == 0.0


def test_displayed_ranges_sum_to_a_hundred(record: Timeline) -> None:
    """Rounded shares still make a whole."""
    from dosegym.clinic.profile import metrics_of

    assert sum(ranges_of(metrics_of(record)).values()) == 100.0


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1.0, 1.1, "+10 %"), (2.0, 1.0, "-50 %"), (0.0, 0.0, "none"), (0.0, 2.0, "new"),
        (1.0, 8.0, "x 8"),
    ],
)  # fmt: skip
def test_changes_are_told_without_misleading_percentages(
    before: float, after: float, text: str
) -> None:
    """Small changes in per cent, new and many-fold doses in words."""
    assert change_text(before, after) == text


def test_used_share_of_a_limit(case: SafetyCase) -> None:
    """Half of the limit used is a half for every kind of constraint, whichever side harms."""
    assert {item.type for item in case.items} == {"chance", "mean", "noninferiority"}
    for item in case.items:
        assert used_share(item) == pytest.approx(0.5)


def test_short_record_shows_no_metrics(ask: object, record: Timeline) -> None:
    """Under a day of glucose the summary gate withholds metrics and time in ranges."""
    end = float(record.glucose.time_s[-1]) + 1.0
    short = record.window(end - 20 * 3600.0, end)
    assert not assess(short).allows("summary")
    found = ask(record=short, twin=None, certificate=None)  # type: ignore[operator]
    _, words = read(found)
    assert "Not shown: length: 20" in words
    assert "Time a day" not in words
