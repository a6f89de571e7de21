"""A blood-pressure twin written to a file comes back whole, or is refused in one line."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import demo_pressure_record, read_pressure
from dosegym.twins import open_twin
from dosegym.twins.pressure import PressureTwin, fit_pressure
from dosegym.twins.pressure_file import load_pressure_twin, pressure_as_dict
from dosegym.twins.pressure_observe import observe_pressure


@pytest.fixture(scope="module")
def twin() -> PressureTwin:
    """Return the twin of the bundled record, with few draws."""
    return fit_pressure(observe_pressure(read_pressure(demo_pressure_record())), seed=4, draws=60)


@pytest.fixture
def file(twin: PressureTwin, tmp_path: Path) -> Path:
    """Return the twin's file."""
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(pressure_as_dict(twin)))
    return path


def test_twin_comes_back_whole(twin: PressureTwin, file: Path) -> None:
    """Every body, its state and drugs, and what the twin says are the same to the last digit."""
    again = open_twin(file)
    assert isinstance(again, PressureTwin)
    assert again.sha256 == twin.sha256
    assert again.to_dict() == twin.to_dict()
    np.testing.assert_array_equal(again.bodies.x, twin.bodies.x)
    np.testing.assert_array_equal(again.bodies.share, twin.bodies.share)
    for one, two in zip(again.bodies.step, twin.bodies.step, strict=True):
        np.testing.assert_array_equal(one, two)
    for field in fields(twin.seen):
        one, two = getattr(again.seen, field.name), getattr(twin.seen, field.name)
        if field.name == "doses":
            np.testing.assert_array_equal(one.mg, two.mg)
        else:
            np.testing.assert_array_equal(one, two)
    more = twin.seen.doses.now + np.array([0.0, 0.0, 5.0, 0.0, 0.0, 0.0])
    left, right = (t.forecast(more, 28)["sbp"] for t in (twin, again))
    np.testing.assert_array_equal(left, right)


def test_gate_counts_different_bodies(twin: PressureTwin) -> None:
    """The twin knows how many of its draws differ and whether they are enough."""
    assert twin.usable
    assert 30.0 < twin.effective <= len(twin)


def edit(file: Path, **changes: object) -> None:
    """Change a file by hand."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 99}, "another version"),
        ({"accepted": 0.9}, "changed after it was written"),
        ({"kind": "kinetics"}, "kind 'kinetics'"),
    ],
)
def test_changed_files_are_refused(file: Path, changes: dict, says: str) -> None:
    """A twin of another version or kind, or one edited by hand, is refused."""
    edit(file, **changes)
    with pytest.raises(InputError, match=says):
        load_pressure_twin(file)


@pytest.mark.parametrize("part", ["params", "x", "amounts", "covariates", "seen", "drugs"])
def test_broken_parts_are_refused(twin: PressureTwin, part: str, tmp_path: Path) -> None:
    """A file that lost a part, its seal renewed, is refused by what is missing."""
    from dosegym.twins.shelf import sealed

    data = {k: v for k, v in pressure_as_dict(twin).items() if k != part}
    for broken in (data, {**data, part: []}, {**data, part: "?"}):
        (tmp_path / "broken.json").write_text(json.dumps(sealed(broken)))
        with pytest.raises(InputError, match=r"fit it again|give|class"):
            load_pressure_twin(tmp_path / "broken.json")
