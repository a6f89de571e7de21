"""YAML of a user's own: whatever is wrong with it, one line tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.step_table_file import load_table, shipped_tables
from dosegym.therapy.strict_yaml import yaml_as_json

BROKEN = [
    ("a: 1\na: 2\n", "line 2: key 'a' appears twice"),
    ("a: &a\n  b: *a\n", "correct the YAML"),
    ("? [1, 2]\n: 3\n", "line 1: a key is not a word"),
    ("? {a: 1}\n: 3\n", "line 1: a key is not a word"),
    ("a: " + "[" * 3000, "correct the YAML"),
    ("a: 2020-13-45\n", "correct the YAML"),
    ("a: " + "9" * 5000, "correct the YAML"),
    ("a: \x00", "correct the YAML"),
    ("a: 1\n---\nb: 2\n", "correct the YAML"),
    ("!!python/object/apply:os.getcwd []", "correct the YAML"),
]


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_fault_of_the_text_is_one_line(text: str, line: str) -> None:
    """The line names the file and says where the fault is, whatever YAML's parser raised."""
    with pytest.raises(InputError) as told:
        yaml_as_json(text, "mine.yaml")
    assert str(told.value).startswith("mine.yaml: ")
    assert line in str(told.value)
    assert "\n" not in str(told.value)


def test_a_table_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    """Bytes of another encoding, a folder and an unusable name are told, not raised through."""
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"name: \xe9t\xe9\n")
    with pytest.raises(InputError, match="not UTF-8 text; save it as UTF-8"):
        load_policy(str(file))
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    for name in (str(folder), "bad\0name.yaml"):
        with pytest.raises(InputError, match="nor a readable file"):
            load_policy(name)
    with pytest.raises(InputError, match="not built in"):
        load_policy("x" * 5000)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    """A user who mends a table in the same session gets the mended one."""
    file = tmp_path / "mine.yaml"
    text = shipped_tables()["kaiser"].read_text("utf-8")
    file.write_text(text, encoding="utf-8")
    before = load_table(str(file))
    file.write_text(text.replace("name: kaiser", "name: mended"), encoding="utf-8")
    assert (before.name, load_table(str(file)).name) == ("kaiser", "mended")


CHANGED = [
    (
        "interval_days: 28\n",
        "decide_at_weeks: [8.0, 4.0]\n",
        "decide_at_weeks is 8, 4; give rising",
    ),
    ("interval_days: 28\n", "decide_at_weeks: [.nan]\n", "decide_at_weeks is nan; give rising"),
    ("age_min: 85", "age_min: 90, age_below: 50", "from 90 and below 50 years, which is nobody"),
    ("name: two_low", "name: one_drug", "steps name 'one_drug' twice; give each its own name"),
    ("mg: {acei: 5}", "mg: {}", "steps.0.mg is {}; it should have at least 1 item"),
]


@pytest.mark.parametrize(("old", "new", "line"), CHANGED)
def test_a_table_that_cannot_be_meant_is_refused(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    """Weeks out of order, people that nobody is, and a step named twice are told with the mend."""
    text = shipped_tables()["esc_2024"].read_text("utf-8") + "interval_days: 28\n"
    assert old in text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as told:
        load_policy(str(file))
    assert line in str(told.value)


@pytest.mark.parametrize("name", ["esc_2024", "do_nothing", "treat_to_noise", "oracle"])
@pytest.mark.parametrize("days", [1.5, "chosen", True, 0])
def test_an_interval_that_no_visit_has_is_refused(name: str, days: object) -> None:
    """Every policy of tablets refuses an interval that is no whole number of days."""
    with pytest.raises(InputError, match="interval_days is"):
        load_policy(name, interval_days=days)


def test_the_oracle_refuses_people_who_are_none() -> None:
    """What is not Patients is named at loading, not met later as a missing attribute."""
    with pytest.raises(InputError, match="people is 3; give Patients"):
        load_policy("oracle", people=3)


def test_a_predict_of_another_form_is_refused_at_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy of the user's own that could not be called so is told before anything runs."""
    monkeypatch.chdir(tmp_path)
    Path("short_predict.py").write_text("class P:\n    def predict(self, seen):\n        pass\n")
    with pytest.raises(InputError, match="predict that cannot be called so"):
        load_policy("short_predict:P")
