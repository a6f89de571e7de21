"""The audit record: every change is found, and no kill loses an entry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.cli.main import main
from dosegym.evaluation import audit_lock
from dosegym.evaluation.audit import append, verify
from dosegym.evaluation.audit_head import beside, read_head
from dosegym.evaluation.audit_verify import walk
from dosegym.physiology.errors import InputError

PAYLOADS: list[dict[str, Any]] = [
    {"policy": "basal_bolus", "sha256": "ab" * 32},
    {"bound": 0.0123, "n": 3000, "passed": True},
    {"who": "Zoë", "reason": None, "list": [1, 2.5, "x"]},
    {},
    {"nested": {"b": 1, "a": [{"c": -0.0}]}},
]


def five(folder: Path) -> Path:
    """Write a record of five entries."""
    log = folder / "audit.jsonl"
    for i, payload in enumerate(PAYLOADS):
        append(log, "certified" if i % 2 else "reviewed", payload)
    return log


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a record of five entries that no test leaves changed."""
    return five(tmp_path_factory.mktemp("audit"))


def broken(log: Path, data: bytes) -> bool:
    """Say whether a record with these bytes in place of its own is found to be broken."""
    own = log.read_bytes()
    try:
        log.write_bytes(data)
        return not verify(log).ok
    finally:
        log.write_bytes(own)


def test_a_record_reads_back_as_written(whole: Path) -> None:
    """Five entries: numbered, chained, their payloads unchanged, the report clean."""
    report = verify(whole)
    assert (report.entries, report.ok, report.first_bad, report.reason) == (5, True, None, "")
    entries = [json.loads(line) for line in whole.read_text().splitlines()]
    assert [e["payload"] for e in entries] == PAYLOADS
    assert [e["seq"] for e in entries] == list(range(5))
    assert [e["previous"] for e in entries[1:]] == [e["sha256"] for e in entries[:-1]]
    assert report.last_sha256 == entries[-1]["sha256"]


def test_every_flipped_byte_is_found(whole: Path) -> None:
    """Each byte of the record with one of its bits flipped breaks it."""
    data = whole.read_bytes()
    for i in range(len(data)):
        changed = bytearray(data)
        changed[i] ^= 1 << i % 8
        assert broken(whole, bytes(changed)), i


def test_every_flipped_bit_is_found(whole: Path) -> None:
    """The same for all eight bits of each byte, in memory, by the walk that ``verify`` makes."""
    data, head = whole.read_bytes(), read_head(whole)
    assert head is not None
    assert walk(BytesIO(data), head).ok
    for i in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[i] ^= 1 << bit
            assert not walk(BytesIO(bytes(changed)), head).ok, (i, bit)


def test_every_flipped_bit_of_the_head_is_found(whole: Path) -> None:
    """The head file cannot be changed by a bit either."""
    head = beside(whole, "head")
    data = head.read_bytes()
    try:
        for i in range(len(data)):
            for bit in range(8):
                changed = bytearray(data)
                changed[i] ^= 1 << bit
                head.write_bytes(bytes(changed))
                assert not verify(whole).ok, (i, bit)
    finally:
        head.write_bytes(data)


def test_every_cut_is_found(whole: Path) -> None:
    """Cut after any byte, between lines too, the record is broken and says where."""
    data = whole.read_bytes()
    for size in range(len(data)):
        assert broken(whole, data[:size]), size


def _rearranged(lines: list[bytes]) -> Iterator[list[bytes]]:
    for i in range(len(lines)):
        yield lines[:i] + lines[i + 1 :]
        for j in range(len(lines) + 1):
            yield [*lines[:j], lines[i], *lines[j:]]
        for j in range(i):
            swapped = list(lines)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            yield swapped


def test_every_line_deleted_doubled_or_moved_is_found(whole: Path) -> None:
    """No line can be left out, written twice anywhere, or change places with another."""
    lines = whole.read_bytes().splitlines(keepends=True)
    cases = list(_rearranged(lines))
    assert len(cases) == 5 + 5 * 6 + 10
    for case in cases:
        assert broken(whole, b"".join(case))


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, 5000),
    length=st.integers(0, 400),
    put=st.binary(max_size=60) | st.sampled_from([b"\n", b" ", b"{}\n", b"\r\n"]),
)
def test_any_splice_is_found(whole: Path, start: int, length: int, put: bytes) -> None:
    """Whatever bytes take the place of whatever stretch within the record, it is found."""
    data = whole.read_bytes()
    start %= len(data)
    changed = data[:start] + put + data[start + length :]
    if changed != data:
        assert broken(whole, changed)


@settings(max_examples=100, deadline=None)
@given(put=st.binary(min_size=1, max_size=80))
def test_bytes_after_the_end_are_not_taken_for_entries(whole: Path, put: bytes) -> None:
    """What follows the last entry is told as an append that was cut off, never counted."""
    own = whole.read_bytes()
    try:
        whole.write_bytes(own + put)
        report = verify(whole)
    finally:
        whole.write_bytes(own)
    assert (report.entries, report.ok, report.torn_bytes) == (5, True, len(put))


# ---------------------------------------------------------------- kills


def _stages(folder: Path, payload: dict[str, Any]) -> tuple[Path, bytes, bytes, bytes, bytes]:
    """Return a record of five with its bytes and head before and after one more append."""
    log = five(folder)
    before, head = log.read_bytes(), beside(log, "head").read_bytes()
    append(log, "certified", payload)
    return log, before, head, log.read_bytes(), beside(log, "head").read_bytes()


def test_a_kill_after_any_byte_of_an_append_is_made_good(tmp_path: Path) -> None:
    """Wherever an append is cut off the record stays sound, and the next append accounts for it."""
    log, before, head, after, _ = _stages(tmp_path, {"x": 1})
    for size in range(len(before), len(after) + 1):
        log.write_bytes(after[:size])
        beside(log, "head").write_bytes(head)
        torn = verify(log)
        whole_line = size == len(after)
        assert torn.ok
        assert torn.torn_bytes == (0 if whole_line else size - len(before))
        entry = append(log, "reviewed", {"next": True})
        report = verify(log)
        assert report.ok
        assert report.torn_bytes == 0
        assert report.entries == (6 if size == len(before) else 7)
        assert entry.seq == report.entries - 1
        kept = log.read_bytes()
        assert kept.startswith(after[:size])
        cut = len(before) < size < len(after) - 1
        assert (b'"kind":"recovered"' in kept) == cut


def test_a_kill_during_recovery_is_made_good(tmp_path: Path) -> None:
    """Cut off while accounting for an earlier cut, at any byte, nothing is lost either."""
    log, before, head, after, _ = _stages(tmp_path, {"x": 1})
    torn = after[: len(before) + 40]
    log.write_bytes(torn)
    beside(log, "head").write_bytes(head)
    append(log, "reviewed", {})
    recovery = log.read_bytes()
    end = recovery.rstrip(b"\n").rindex(b"\n") + 1
    for size in range(len(torn), end + 1):
        log.write_bytes(recovery[:size])
        beside(log, "head").write_bytes(head)
        assert verify(log).ok
        append(log, "reviewed", {"again": True})
        report = verify(log)
        assert (report.ok, report.entries, report.torn_bytes) == (True, 7, 0)
        assert log.read_bytes().startswith(recovery[:size])


def test_a_recovered_entry_guards_the_bytes_it_accounts_for(tmp_path: Path) -> None:
    """The remains of a cut-off append cannot be changed or taken out later."""
    log, before, head, after, _ = _stages(tmp_path, {"x": 1})
    log.write_bytes(after[:-30])
    beside(log, "head").write_bytes(head)
    append(log, "reviewed", {})
    data = log.read_bytes()
    for i in range(len(before), len(data)):
        changed = bytearray(data)
        changed[i] ^= 4
        assert broken(log, bytes(changed)), i
    end = data.index(b"\n", len(before)) + 1
    assert broken(log, data[: len(before)] + data[end:])


WRITER = """
import sys
from pathlib import Path
from dosegym.evaluation.audit import append
log, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for i in range(count):
    entry = append(log, "certified", {"by": name, "i": i, "filling": "x" * 5000})
    print(entry.sha256, flush=True)
"""


def _writer(log: Path, name: str, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(log), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """Three processes append thirty entries each; all ninety stand in one chain."""
    log = tmp_path / "audit.jsonl"
    writers = [_writer(log, name, 30) for name in "abc"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    acknowledged = {h for w in writers for h in w.communicate()[0].split()}
    assert [w.returncode for w in writers] == [0, 0, 0]
    report = verify(log)
    assert (report.ok, report.entries) == (True, 90)
    assert {json.loads(x)["sha256"] for x in log.read_text().splitlines()} == acknowledged


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_killed_writers_lose_no_entry_that_they_reported(tmp_path: Path) -> None:
    """Writers are killed outright; every entry that append returned is still in a sound chain."""
    log = tmp_path / "audit.jsonl"
    acknowledged: set[str] = set()
    for turn in range(4):
        writer = _writer(log, str(turn), 100_000)
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
        got = [writer.stdout.readline().strip() for _ in range(20 + 3 * turn)]
        writer.send_signal(signal.SIGKILL)
        acknowledged |= set(got)
        writer.communicate()
        assert verify(log).ok
    append(log, "reviewed", {})
    report = verify(log)
    assert report.ok
    found = {json.loads(x)["sha256"] for x in log.read_bytes().splitlines() if x.endswith(b"}")}
    assert acknowledged <= found


# ---------------------------------------------------------------- what a forger can do


def test_an_anchor_finds_a_record_written_anew(tmp_path: Path) -> None:
    """A forger with the program passes the chain, but not a hash that was kept elsewhere."""
    log = five(tmp_path)
    kept = verify(log).last_sha256
    assert verify(log, anchor=kept).ok
    append(log, "reviewed", {})
    assert verify(log, anchor=kept).ok
    for name in (log, beside(log, "head")):
        name.unlink()
    append(log, "reviewed", {"forged": True})
    assert verify(log).ok
    report = verify(log, anchor=kept)
    assert not report.ok
    assert kept[:12] in report.reason


def test_a_head_set_back_by_two_entries_is_found(tmp_path: Path) -> None:
    """No kill leaves two finished entries behind the head, so that is no kill."""
    log, heads = tmp_path / "audit.jsonl", []
    for i in range(4):
        append(log, "reviewed", {"i": i})
        heads.append(beside(log, "head").read_bytes())
    beside(log, "head").write_bytes(heads[1])
    assert not verify(log).ok
    with pytest.raises(InputError, match="does not hold together"):
        append(log, "reviewed", {})
    beside(log, "head").write_bytes(heads[2])
    assert verify(log).ok


@pytest.mark.parametrize("lost", ["audit.jsonl", "audit.jsonl.head"])
def test_a_missing_file_of_the_two_is_found(tmp_path: Path, lost: str) -> None:
    """Without its record or without its head, what is left is broken and takes no entry."""
    log = five(tmp_path)
    (tmp_path / lost).unlink()
    assert not verify(log).ok
    with pytest.raises(InputError):
        append(log, "reviewed", {})


def test_a_cut_record_takes_no_entry(tmp_path: Path) -> None:
    """Nothing is added to a record whose end is missing, and the error says so."""
    log = five(tmp_path)
    log.write_bytes(log.read_bytes()[:-1])
    with pytest.raises(InputError, match="its end was cut off"):
        append(log, "reviewed", {})


# ---------------------------------------------------------------- borders


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("Reviewed", {}),
        ("", {}),
        ("recovered", {}),
        ("reviewed", {"x": float("nan")}),
        ("reviewed", {1: "x"}),
        ("reviewed", {"a": [{2: 1}]}),
        ("reviewed", ["x"]),
        ("reviewed", {"x": object()}),
        ("reviewed", {"x": 10**5000}),
    ],
    ids=range(9),
)
def test_what_is_no_entry_is_refused_and_leaves_no_trace(
    tmp_path: Path, kind: str, payload: Any
) -> None:
    """Kinds and payloads that would not read back as themselves are refused before writing."""
    log = tmp_path / "audit.jsonl"
    with pytest.raises(InputError, match="audit"):
        append(log, kind, payload)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """One line names the file that cannot be made, and the one that is not there."""
    with pytest.raises(InputError, match="cannot be made"):
        append(tmp_path / "none" / "audit.jsonl", "reviewed", {})
    with pytest.raises(InputError, match="does not exist"):
        verify(tmp_path / "audit.jsonl")


def _without_fcntl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_lock, "_fcntl", None)


@pytest.mark.parametrize("prepare", [lambda _: None, _without_fcntl], ids=["fcntl", "file"])
def test_threads_wait_for_each_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """By the kernel's lock or by the file that stands in for it, four threads make one chain."""
    prepare(monkeypatch)
    log = tmp_path / "audit.jsonl"
    threads = [
        threading.Thread(target=lambda: [append(log, "reviewed", {}) for _ in range(8)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verify(log).ok, verify(log).entries) == (True, 32)


def test_a_lock_that_is_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock file left behind where there is no fcntl is named, with what to do."""
    _without_fcntl(monkeypatch)
    lock = tmp_path / "x.lock"
    lock.touch()
    with pytest.raises(InputError, match="remove this file"), audit_lock.held(lock, wait_s=0.01):
        pass


def test_doctor_tells_a_sound_record_from_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit 0 for a sound record; one line and exit 2 for a broken or missing one."""
    log = five(tmp_path)
    assert main(["doctor", "--audit", str(log)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "5 entries" in out
    assert verify(log).last_sha256 in out
    assert main(["doctor", "--audit", str(log), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 5
    log.write_bytes(log.read_bytes().replace(b"basal_bolus", b"basal_bolos"))
    assert main(["doctor", "--audit", str(log)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "entry 0 is changed" in error
    assert main(["doctor", "--audit", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
