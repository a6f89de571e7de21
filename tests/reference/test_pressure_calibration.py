"""The calibration: its pages, its targets, its fit and its command line say what the code does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology import InputError
from dosegym.physiology.pressure_calibration import main, pasted, pasted_tables
from dosegym.physiology.pressure_figures import steady_figures
from dosegym.physiology.pressure_fit import (
    FREE,
    FittedGain,
    fit_gains,
    replaced,
    residuals,
    shipped_values,
)
from dosegym.physiology.pressure_gains import gain_rows
from dosegym.physiology.pressure_scenarios import shipped_responses, trial_responses
from dosegym.physiology.pressure_sensitivity import unmeasured
from dosegym.physiology.pressure_targets import load_targets, read_targets

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
TABLES = pasted_tables()
HEAD = "name,what,unit,published,low,high,fit_sd,role,status,source,note\n"
SEVEN = ("arb", "ccb", "thiazide", "arb_ccb", "arb_thiazide", "ccb_thiazide", "three")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_pages_hold_the_codes_tables(name: str) -> None:
    """Each table stands on its page as the code gives it (``--paste`` renews them)."""
    text = "".join(page.read_text("utf-8") for page in sorted(PAGES.glob("blood-pressure-*.md")))
    assert f"<!-- table: {name} -->\n\n{TABLES[name]}\n\n<!-- end -->" in text


def test_pasting_replaces_a_table_and_nothing_else() -> None:
    """Text around the markers stays; an old table goes; a second run changes nothing."""
    page = "a\n<!-- table: x -->\n\n| old |\n\n<!-- end -->\nb | old | \\1\n"
    new = pasted(page, {"x": "| new \\2 |"})
    assert new == "a\n<!-- table: x -->\n\n| new \\2 |\n\n<!-- end -->\nb | old | \\1\n"
    assert pasted(new, {"x": "| new \\2 |"}) == new


def test_arrays_and_the_engine_give_the_same_figures() -> None:
    """What the fit sees (NumPy, many sets at once) is what the compiled engine gives."""
    engine, arrays = steady_figures(shipped_responses()), steady_figures(trial_responses({}, {}))
    for name, value in engine.items():
        np.testing.assert_allclose(arrays[name], value, rtol=1e-7, atol=1e-8, err_msg=name)


def test_every_target_is_computed_and_every_fit_is_one() -> None:
    """No fitted target lacks a figure, and a gain that is fitted is called calibrated."""
    known = steady_figures(trial_responses({}, {}, days=1))
    assert all(t.name in known for t in load_targets().values() if t.fit_sd)
    status = {row["name"]: row["status"] for row in gain_rows()}
    assert {status[name] for name in FREE} == {"calibrated"}


def test_songs_figures_follow_from_songs_equations() -> None:
    """The seven falls at 165 mmHg are the exposure-response model's, written out here."""
    auc = {"arb": 6329.0, "ccb": 427.0, "thiazide": 1232.0}
    o = -18.8 * auc["arb"] / (auc["arb"] + 1590.0)
    a = -23.1 * auc["ccb"] / (auc["ccb"] + 309.0)
    h = -9.38 * auc["thiazide"] / 1000.0
    oa, oh, ah = 0.0182 * o * a, 0.0195 * o * h, 0.0263 * a * h
    three = o + a + h + oa + oh + ah + 0.000736 * o * a * h
    falls = (o, a, h, o + a + oa, o + h + oh, a + h + ah, three)
    for name, fall in zip(SEVEN, falls, strict=True):
        assert load_targets()[f"song_{name}"].published == pytest.approx(-fall, abs=0.006)


def test_song_is_followed_within_five_mmhg() -> None:
    """Single drugs and pairs of Song 2013 lie within 2.1 mmHg, the three together within 5."""
    found = steady_figures(shipped_responses())
    for name in SEVEN:
        distance = abs(found[f"song_{name}"][0] - load_targets()[f"song_{name}"].published)
        assert distance < (5.0 if name == "three" else 2.1), (name, distance)


def test_the_shipped_gains_are_close_to_the_fits_best() -> None:
    """A fit from them lowers the sum of squares by less than a third; no verdict turns."""
    fitted = np.array([gain.fitted for gain in fit_gains(evaluations=8)])
    both = (residuals(np.stack([shipped_values(), fitted])) ** 2).sum(axis=1)
    assert 0.67 * both[0] < both[1] <= both[0]
    names = list(FREE)
    typical = ("kP", "kA", "kS", "sigma")
    values = dict(zip(names, fitted, strict=True))
    found = steady_figures(
        trial_responses(
            {k: v for k, v in values.items() if k not in typical},
            {k: values[k] for k in typical},
        )
    )
    for t in load_targets().values():
        if t.name in found and t.role != "shown":
            assert t.agrees(float(found[t.name][0])) is (t.role != "known_miss"), t.name


def test_writing_gains_changes_their_values_only() -> None:
    """Units, sources, comments and other gains stay as they are."""
    text = '# kind: gain\ngain,KA,0.1,1,calibrated,"on, potassium"\ntypical,kP,9,1,choice,"KA"\n'
    new = replaced(text, [FittedGain("KA", 0.1, 0.123456), FittedGain("kS", 1.0, 2.0)])
    assert new == text.replace("KA,0.1,", "KA,0.1235,")


def test_sensitivity_covers_what_nobody_measured() -> None:
    """The gains called a choice are the ones varied, and the strongest come first."""
    assert {"rho", "fP", "kV", "gr"} < set(unmeasured())
    rows = [line.split(" | ")[2] for line in TABLES["sensitivity"].splitlines()[2:]]
    sizes = [float(cell.split()[0]) for cell in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,x,1,1,0,2,,judged,published,s,", "role of target a is 'judged'; give calibration"),
        ("a,x,1,,0,2,,check,published,s,", "target a has no published value"),
        ("a,x,1,5,0,2,,check,published,s,", "band of target a is 0.0 to 2.0; give one around 5"),
        ("a,x,1,1,,,,check,published,s,", "band of target a is None to None"),
        ("a,x,1,1,0,2,,known_miss,published,s,", "target a is a known miss without a cause"),
        ("a,x,1,one,0,2,,check,published,s,", "published of target a is 'one'; give a number"),
    ],
)
def test_a_wrong_target_is_refused(row: str, message: str) -> None:
    """The message names the target, the column and the mend."""
    with pytest.raises(InputError, match=message):
        read_targets(HEAD + row + "\n")


def test_the_command_prints_the_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a row for each target, and says which are known misses."""
    main([])
    shown = capsys.readouterr().out
    missed = sum(t.role == "known_miss" for t in load_targets().values())
    assert shown.count("known miss") == missed
    assert " no " not in shown
    assert "bisoprolol 5-10 mg on A+C+D" in shown


def test_write_without_fit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to keep without a fit."""
    with pytest.raises(SystemExit):
        main(["--write"])
    assert "give both" in capsys.readouterr().err
