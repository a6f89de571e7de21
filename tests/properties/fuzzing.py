"""One broken file through its reader: read within bounds and fully accounted for, or refused.

The documents are those of the reader batteries, so a reader added there is fuzzed from then on.
"""

from __future__ import annotations

import importlib.util
import random
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from dosegym.physiology.errors import InputError
from dosegym.records import limits as bounds
from dosegym.records import read_pressure, read_record

HERE = Path(__file__).resolve().parent
TIME_LIMIT_S = 5.0
LONGEST_LINE = 600
LONGEST_QUOTE = 60


def by_path(path: Path) -> ModuleType:
    """Import a module by its path, once."""
    name = f"fuzzed_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


MUTATIONS = by_path(HERE / "mutations.py")
READERS = by_path(HERE.parent / "families" / "test_readers.py")
PRESSURE = by_path(HERE.parent / "families" / "test_pressure_readers.py")


class TooSlow(Exception):
    """A reader took longer than the time limit."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file: ``read``, ``refused`` or ``defect``, and why."""

    kind: str
    what: str = ""
    seconds: float = 0.0


def formats() -> tuple[str, ...]:
    """Return every format that has documents to break."""
    return (*sorted(READERS.BATTERY), *sorted(READERS.CASES), *sorted(PRESSURE.BATTERY))


def documents(name: str, folder: Path, rng: random.Random) -> list[Path]:
    """Write a short valid record of a format and return its files, the one to give first."""
    if name in PRESSURE.BATTERY:
        form = PRESSURE.BATTERY[name]
        return [PRESSURE.put(folder, name, form.rows())]
    if name in READERS.CASES:
        return [folder, *READERS.CASES[name](folder)]
    form = READERS.BATTERY[name]
    rows = form.rows(1.0)
    if form.shuffles:
        kept = set(rng.sample(range(len(rows)), min(len(rows), 90)))
        kept |= set(range(len(rows) - 8, len(rows)))
        rows = [row for at, row in enumerate(rows) if at in kept]
    path = READERS.put(folder, name, rows)
    return [path, path]


def attempt(name: str, seed: int, folder: Path) -> Outcome:
    """Break one document by a seed and read it."""
    rng = random.Random(f"{name} {seed}")
    for old in folder.iterdir():
        old.unlink()
    given, *files = documents(name, folder, rng)
    victim = rng.choice(files or [given])
    data = victim.read_bytes()
    victim.write_bytes(MUTATIONS.mutate(data.decode("utf-8", errors="replace"), rng))
    return judge(name, given, victim)


def judge(name: str, given: Path, victim: Path) -> Outcome:
    """Read a file under the time limit and judge what comes back."""
    read: Callable[[Path], Any] = read_pressure if name in PRESSURE.BATTERY else read_record
    begun = time.perf_counter()
    try:
        with time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            record = read(given)
    except InputError as error:
        fault = fault_of_line(str(error).replace(str(given.parent), ""), victim)
        seconds = time.perf_counter() - begun
        return Outcome("defect", fault, seconds) if fault else Outcome("refused", "", seconds)
    except TooSlow:
        return Outcome("defect", f"more than {TIME_LIMIT_S:g} s", TIME_LIMIT_S)
    except Exception as error:  # noqa: BLE001 - whatever else comes out is what is looked for
        return Outcome("defect", f"{type(error).__name__}: {str(error)[:200]}")
    fault = fault_of_pressure(record) if name in PRESSURE.BATTERY else fault_of_record(record)
    seconds = time.perf_counter() - begun
    return Outcome("defect", fault, seconds) if fault else Outcome("read", "", seconds)


@contextmanager
def time_limit() -> Iterator[None]:
    """Stop what runs longer than the time limit."""

    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def fault_of_line(line: str, victim: Path) -> str:
    """Return what is wrong with a refusal: several lines, too long, or quoting the file."""
    if "\n" in line or "\r" in line or not line.isprintable():
        return f"the refusal is not one printable line: {line[:80]!r}"
    if len(line) > LONGEST_LINE:
        return f"the refusal has {len(line)} characters: {line[:80]!r}"
    raw = victim.read_bytes().decode("latin-1")
    for at in range(len(line) - LONGEST_QUOTE):
        if line[at : at + LONGEST_QUOTE] in raw:
            return f"the refusal quotes the file: {line[at : at + LONGEST_QUOTE]!r}"
    return ""


def fault_of_record(record: Any) -> str:
    """Return what is wrong with a timeline: a value out of bounds or a sum that does not hold."""
    columns = [
        ("glucose", record.glucose.mg_dl, bounds.GLUCOSE),
        ("finger", record.finger_sticks.mg_dl, bounds.GLUCOSE),
        ("bolus", record.boluses.units, bounds.BOLUS),
        ("long-acting", record.long_acting.units, bounds.LONG_ACTING),
        ("carbs", record.meals.carbs_g, bounds.CARBS),
    ]
    if record.basal is not None:  # an extended bolus flows on top of the basal rate
        ceiling = bounds.Limit(0.0, 2 * bounds.BASAL.high, "U/h", "sum of two")
        columns.append(("basal", record.basal.u_per_h, ceiling))
    for kind, values, limit in columns:
        if not limit.holds(values).all():
            return f"{kind} outside {limit}"
    if len(record.glucose) == 0:
        return "a timeline without glucose"
    held = {
        "glucose": len(record.glucose), "bolus": len(record.boluses), "carbs": len(record.meals),
        "long-acting insulin": len(record.long_acting), "note": len(record.diary),
    }  # fmt: skip
    if record.glucose_source == "sensor":
        held["finger stick"] = len(record.finger_sticks)
    if record.rows.total <= 0 or min(record.rows.used, record.rows.dropped, record.rows.silent) < 0:
        return f"rows do not add up: {record.rows}"
    return fault_of_account(record, held)


def fault_of_account(record: Any, held: dict[str, int]) -> str:
    """Return which kind of value is not seen = kept + dropped, or not held as kept."""
    lost: dict[str, int] = {}
    for item in record.dropped:
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
        if item.count <= 0 or len(item.example) > 80 or len(item.reason) > 160:
            return f"a loss is not told in short: {item.reason[:60]!r}"
    kept = {item.kind: item.kept for item in record.accounts}
    for item in record.accounts:
        if item.kept < 0 or item.seen != item.kept + lost.get(item.kind, 0):
            return f"{item.kind}: {item.seen} seen, {item.kept} kept, {lost.get(item.kind, 0)} lost"
    for kind, count in held.items():
        if kept.get(kind, 0) != count:
            return f"{kind}: {kept.get(kind, 0)} kept but {count} held"
    return ""


def fault_of_pressure(record: Any) -> str:
    """Return what is wrong with a record of pressures."""
    readings = record.readings
    if len(readings) and not np.all(
        (readings.sbp > readings.dbp) & (readings.sbp < 400) & (readings.dbp > 10)
    ):
        return "a pressure outside what a living adult has"
    return fault_of_account(record, {})


def relabelled(text: str, one: str, other: str) -> str:
    """Return a text with one unit's name for another's, in any case."""
    return re.sub(re.escape(one), other, text, flags=re.IGNORECASE)
