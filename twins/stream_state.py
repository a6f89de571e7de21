"""What a follower knows, and how it is kept on disk: one file, replaced whole.

The file holds arrays and JSON (no code is ever loaded from it), and is written beside its place,
flushed, and renamed, so that a process killed at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .anomaly import Monitor
from .bank import MODES, Bank
from .ensemble import Ensemble, Person
from .stream_grid import Steps
from .twin import Twin, twin_from_dict

Array = NDArray[np.float64]
FORMAT = 2
STATE_FILE, HISTORY_FILE, FLAGS_FILE = "state.npz", "versions.jsonl", "flags.jsonl"


@dataclass(frozen=True)
class Point:
    """Where the filters stood after an interval.

    Parameters
    ----------
    number : int
        Of the interval that was taken in last: it ended at 300 (number + 1) s since 1970.
    twin : int
        Number of the fit on which the filters rest.
    bank : Bank
        Of one person.
    monitor : Monitor
    means : array (1, M)
        What alarms remember (``anomaly_features``).
    daily : tuple of (int, float, int)
        Day, sum of insulin action over it, and intervals summed, of the last weeks.
    refit_day : int
        Day of the last nightly fit.
    """

    number: int
    twin: int
    bank: Bank
    monitor: Monitor
    means: Array
    daily: tuple[tuple[int, float, int], ...] = ()
    refit_day: int = -1


@dataclass(frozen=True)
class Following:
    """Everything that a follower knows.

    Parameters
    ----------
    seed : int
    usual_u_per_h : float
        Basal rate where the log has a gap.
    twins : mapping of int to Twin
        Fits by number, those of the last two weeks and the first.
    steps : Steps
        What was taken in, to find what has changed.
    now : Point
    points : tuple of Point
        Earlier ones, to go back to.
    version : int
        Updates so far.
    told : tuple of (str, float)
        Kind and time of alarms that were given.
    lines : tuple of str
        Last lines of the history, in case the process ended before they were written.
    flag_lines : tuple of str
    first_number : int
        The first interval that was followed.
    """

    seed: int
    usual_u_per_h: float
    twins: Mapping[int, Twin]
    steps: Steps
    now: Point
    points: tuple[Point, ...] = ()
    version: int = 0
    told: tuple[tuple[str, float], ...] = ()
    lines: tuple[str, ...] = ()
    flag_lines: tuple[str, ...] = ()
    first_number: int = 0


def save(state: Following, folder: Path) -> None:
    """Write a state whole."""
    arrays: dict[str, Any] = {}
    points = [_put(point, f"p{i}", arrays) for i, point in enumerate((state.now, *state.points))]
    steps = state.steps
    for f in fields(Steps):
        arrays[f"steps_{f.name}"] = np.asarray(getattr(steps, f.name))
    meta = {
        "format": FORMAT,
        "seed": state.seed,
        "usual_u_per_h": state.usual_u_per_h,
        "twins": {str(k): twin.to_dict() for k, twin in state.twins.items()},
        "points": points,
        "version": state.version,
        "told": state.told,
        "lines": state.lines,
        "flag_lines": state.flag_lines,
        "first_number": state.first_number,
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    _replace(folder / STATE_FILE, buffer.getvalue())


def _replace(target: Path, data: bytes) -> None:
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        raise InputError(
            f"cannot write {target} ({error.strerror}); choose another --state"
        ) from None


def _put(point: Point, key: str, arrays: dict[str, Any]) -> dict[str, Any]:
    for name, ensemble in (("main", point.bank.main), ("others", point.bank.others)):
        arrays[f"{key}_{name}_values"] = ensemble.values
        arrays[f"{key}_{name}_noise"] = ensemble.noise
        arrays[f"{key}_{name}_surprise"] = ensemble.surprise
    arrays[f"{key}_weights"], arrays[f"{key}_means"] = point.bank.weights, point.means
    arrays[f"{key}_held"] = point.bank.held
    return {
        "number": point.number,
        "count": point.bank.count,
        "twin": point.twin,
        "monitor": point.monitor.to_dict(),
        "daily": point.daily,
        "refit_day": point.refit_day,
    }


def load(folder: Path) -> Following | None:
    """Return the state of a folder, None if there is none yet.

    Raises
    ------
    InputError
        If the file is not a state of this version.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays["meta"].tobytes().decode())
        if meta["format"] != FORMAT:
            raise KeyError("format")
        twins = {int(k): twin_from_dict(v, str(path)) for k, v in meta["twins"].items()}
        points = [_get(m, f"p{i}", arrays, twins) for i, m in enumerate(meta["points"])]
        steps = Steps(**{f.name: _plain(arrays[f"steps_{f.name}"]) for f in fields(Steps)})
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(
            f"{path} is not a state that this version can go on from ({type(error).__name__}); "
            "move it away and start anew"
        ) from None
    return Following(
        meta["seed"], meta["usual_u_per_h"], twins, steps, points[0], tuple(points[1:]),
        meta["version"], tuple((k, float(t)) for k, t in meta["told"]), tuple(meta["lines"]),
        tuple(meta["flag_lines"]), meta["first_number"],
    )  # fmt: skip


def _plain(array: NDArray[Any]) -> Any:
    return array.item() if array.ndim == 0 else array


def _get(
    meta: Mapping[str, Any], key: str, arrays: Mapping[str, Array], twins: Mapping[int, Twin]
) -> Point:
    twin = twins[meta["twin"]]
    person = person_of(twin)

    def ensemble(name: str, rows: int) -> Ensemble:
        values, noise, surprise = (
            arrays[f"{key}_{name}_{part}"] for part in ("values", "noise", "surprise")
        )
        return Ensemble((person,) * rows, values, noise, surprise)

    others, weights = ensemble("others", MODES), arrays[f"{key}_weights"]
    held = arrays[f"{key}_held"].astype(np.int64)
    bank = Bank(ensemble("main", 1), others, weights, meta["count"], held)
    return Point(
        meta["number"], meta["twin"], bank, Monitor.from_dict(meta["monitor"]),
        arrays[f"{key}_means"], tuple((int(d), float(s), int(n)) for d, s, n in meta["daily"]),
        meta["refit_day"],
    )  # fmt: skip


def person_of(twin: Twin) -> Person:
    """Return what an ensemble needs to know of a twin's person."""
    return Person(twin.where, twin.variation, twin.rhythm)


def append_lines(path: Path, lines: tuple[str, ...]) -> None:
    """Add the lines that a file does not hold yet; a line that was cut off is written again."""
    try:
        data = path.read_bytes() if path.is_file() else b""
        whole = data[: data.rfind(b"\n") + 1]
        have = set(whole.decode("utf-8", "replace").splitlines()[-4096:])
        fresh = "".join(line + "\n" for line in lines if line not in have)
        if len(whole) == len(data) and not fresh:
            return
        with path.open("r+b" if path.is_file() else "wb") as file:
            file.truncate(len(whole))
            file.seek(len(whole))
            file.write(fresh.encode())
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror}); choose another --state"
        ) from None
