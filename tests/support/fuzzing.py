"""One broken file through its reader: read within bounds and fully accounted for, or refused.

The documents are those of the reader batteries, so a reader added there is fuzzed from then on.
"""

from __future__ import annotations

import random
import re
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pressure_documents as weeks
import reader_documents as days
from fuzz_oracle import (
    Written,
    fault_of_account,
    fault_of_held,
    fault_of_label,
    fault_of_line,
    fault_of_pressure,
    fault_of_timeline,
    fault_of_unit,
)
from mutations import mutate, mutate_bytes
from other_documents import OTHERS
from planting import EXAMPLE, leaks, parts, planted

from dosegym.physiology.errors import InputError
from dosegym.records import PressureRecord, Timeline, read_pressure, read_record

TIME_LIMIT_S = 5.0
MIDNIGHT_UNDATED = 946684800.0  # 2000-01-01T00:00:00Z
WEEKS = {f"{name}_pressure": name for name in weeks.BATTERY}  # FHIR tells of glucose as well


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
    return (*sorted(days.BATTERY), *sorted(days.CASES), *sorted(WEEKS), *sorted(OTHERS))


def written(name: str, folder: Path, rng: random.Random) -> Written:
    """Write a short valid record of a format, with secrets wherever it has room for them.

    Every other day lies near 400 mg/dL, where a value of the other unit is plausible as well.
    """
    if name in OTHERS:
        given, victim = OTHERS[name].write(folder)
        return Written(given, victim, OTHERS[name].read)
    if name in WEEKS:
        path = weeks.put(folder, WEEKS[name], weeks.BATTERY[WEEKS[name]].rows())
        _plant(path)
        return Written(path, path, read_pressure)
    if name in days.CASES:
        return Written(folder, rng.choice(days.CASES[name](folder)), read_record)
    form, usual = days.BATTERY[name], dict(days.GLUCOSE)
    if rng.random() < 0.5:
        days.GLUCOSE.update({minute: 380 + minute % 40 for minute in days.MINUTES})
    try:
        rows, truth = form.rows(1.0), dict(days.GLUCOSE)
    finally:
        days.GLUCOSE.update(usual)
    if form.shuffles:
        kept = set(rng.sample(range(len(rows)), min(len(rows), 90)))
        kept |= set(range(len(rows) - 8, len(rows)))
        rows = [row for at, row in enumerate(rows) if at in kept]
    path = days.put(folder, name, rows)
    _plant(path)
    midnight = MIDNIGHT_UNDATED if name in days.UNDATED else days.MIDNIGHT
    return Written(path, path, read_record, truth, midnight, path.read_text("utf-8"))


def _plant(path: Path) -> None:
    path.write_text(planted(path.read_text("utf-8"), path.suffix, EXAMPLE), encoding="utf-8")


def attempt(name: str, seed: int, folder: Path) -> Outcome:
    """Break one document by a seed and read it."""
    rng = random.Random(f"{name} {seed}")
    for old in folder.iterdir():
        old.unlink()
    record = written(name, folder, rng)
    data = record.victim.read_bytes()
    if name in OTHERS and OTHERS[name].binary:
        if rng.random() < 0.5:
            OTHERS[name].inside(record.victim, lambda text: mutate(text, rng)[0])
        else:
            record.victim.write_bytes(mutate_bytes(data, rng))
        return judge(record, ("bytes",))
    broken, faults = mutate(data.decode("utf-8"), rng)
    record.victim.write_bytes(broken)
    return judge(record, faults)


def judge(record: Written, faults: Sequence[str] = ()) -> Outcome:
    """Read a file under the time limit and judge what comes back."""
    begun = time.process_time()

    def outcome(kind: str, fault: str) -> Outcome:
        return Outcome("defect" if fault else kind, fault, time.process_time() - begun)

    try:
        with time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            found = record.read(record.given)
    except InputError as error:
        line = str(error).replace(str(record.given.parent), "")
        return outcome("refused", fault_of_line(line, record.victim))
    except TooSlow:
        return outcome("", f"more than {TIME_LIMIT_S:g} s")
    except Exception as error:  # noqa: BLE001 - whatever else comes out is what is looked for
        return outcome("", f"{type(error).__name__}: {str(error)[:200]}")
    own = record.given.suffix != ".parquet"
    fault = fault_of_account(found, own)
    if isinstance(found, Timeline):
        fault = fault or fault_of_timeline(found) or fault_of_unit(found, record, faults)
        fault = fault or fault_of_held(found, own) or fault_of_label(found, record, faults)
    if isinstance(found, PressureRecord):
        fault = fault or fault_of_pressure(found, own)
    secrets = leaks(parts(found), EXAMPLE)
    return outcome("read", fault or (f"a secret comes out: {secrets[0]}" if secrets else ""))


@contextmanager
def time_limit() -> Iterator[None]:
    """Stop what computes longer than the time limit; other work on the machine does not count."""

    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def relabelled(text: str, one: str, other: str) -> str:
    """Return a text with one unit's name for another's, in any case."""
    return re.sub(re.escape(one), other, text, flags=re.IGNORECASE)
