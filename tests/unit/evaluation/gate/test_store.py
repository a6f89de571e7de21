"""Finished parts on disk: taken up again, never of another request, made again where torn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dosegym.evaluation.gate.store import Store
from dosegym.physiology.errors import InputError

REQUEST = {"policy": "basal_bolus", "seed": 1}


def counting() -> tuple[list[int], object]:
    """Return how often a part was made, and its maker."""
    made: list[int] = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"x": np.arange(3.0)}

    return made, make


def test_a_part_is_made_once(tmp_path: Path) -> None:
    """What was finished before is read, bit for bit, not made again."""
    made, make = counting()
    for _ in range(2):
        part = Store(tmp_path / "w", REQUEST).part("candidate 0", make)  # type: ignore[arg-type]
        assert part["x"].tolist() == [0.0, 1.0, 2.0]
    assert len(made) == 1


def test_parts_of_another_request_are_never_taken(tmp_path: Path) -> None:
    """Another seed is another examination."""
    Store(tmp_path / "w", REQUEST)
    with pytest.raises(InputError, match="holds another certification"):
        Store(tmp_path / "w", {**REQUEST, "seed": 2})


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """Nobody's folder is filled with parts by a slip."""
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        Store(tmp_path, REQUEST)


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04", b"not a part"])
def test_a_torn_part_is_made_again(tmp_path: Path, torn: bytes) -> None:
    """A file that cannot be read counts as not there."""
    made, make = counting()
    store = Store(tmp_path / "w", REQUEST)
    store.part("candidate 0", make)  # type: ignore[arg-type]
    (file,) = (tmp_path / "w").glob("*.npz")
    file.write_bytes(torn)
    assert store.part("candidate 0", make)["x"].tolist() == [0.0, 1.0, 2.0]  # type: ignore[arg-type]
    assert len(made) == 2


def test_names_that_look_alike_are_other_parts(tmp_path: Path) -> None:
    """Signs that no file may carry do not make two parts one."""
    made, make = counting()
    store = Store(tmp_path / "w", REQUEST)
    for name in ("a b", "a-b", "a/b"):
        store.part(name, make)  # type: ignore[arg-type]
    assert len(made) == 3
