"""Follows a growing record or a Nightscout site from the verb ``fit``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError

SHORTEST_INTERVAL_S = 1.0
DEFAULT_INTERVAL_S = 300.0
FUTURE_S = 600.0


def follow_record(
    record: Path, *, state: Path | None, once: bool, interval_s: float, read: Callable[[], Any],
    prepare: Callable[[Any], Any], seed: int, out: Path | None = None,
) -> None:  # fmt: skip
    """Poll a source and print a line per update and per alarm until interrupted.

    Parameters
    ----------
    record : Path
        A record, or the address of a Nightscout site as a path spells it.
    state : Path or None
        Folder in which the twin is kept.
    once : bool
        Poll once only.
    interval_s : float, s
        Between two polls.
    read : callable
        Reads the record at the path.
    prepare : callable
        Adds to a record what the command line says of the person.
    seed : int
    out : Path or None
        Not taken here, since the twin lives in ``state``.

    Raises
    ------
    InputError
        If the source cannot be read at first, or the interval is too short.
    """
    from rich.console import Console

    from ..twins import fit_twin
    from ..twins.stream import Follower
    from ..twins.stream_state import STATE_FILE

    if not interval_s >= SHORTEST_INTERVAL_S:
        raise InputError(f"--interval is {interval_s:g} s; give at least {SHORTEST_INTERVAL_S:g}")
    if out is not None:
        raise InputError("--out does not go with --follow; give --state a folder instead")
    folder = _folder(state)
    console = Console(highlight=False, soft_wrap=True)
    url = url_of(record)
    poll = read if url is None else _site(url, folder)
    timeline = prepare(_past(poll()))
    known = folder is not None and (folder / STATE_FILE).is_file()
    twin = None
    if not known:
        with Console(stderr=True).status("fitting") as status:
            twin = fit_twin(timeline, seed=seed, progress=status.update)
    follower = Follower(twin, state_dir=folder, seed=seed)
    if not known:
        follower.keep()
        console.print(f"following {twin.subject if twin else ''} from {_clock(follower)}")
    while True:
        _show(console, follower.poll(timeline))
        if once:
            return
        time.sleep(interval_s)
        try:
            timeline = prepare(_past(poll()))
        except InputError as error:
            # A site that is away for a while, or a file that is being written, is tried again.
            console.print(f"{_now()}  not read: {error}", markup=False)


def url_of(record: Path) -> str | None:
    """Return the address that was given in place of a path; None for a path.

    A path spells ``https://host`` with one slash less.
    """
    for scheme in ("https:", "http:"):
        if record.parts and record.parts[0].lower() == scheme:
            return scheme + "//" + "/".join(record.parts[1:])
    return None


def _folder(state: Path | None) -> Path | None:
    if state is not None:
        try:
            state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--state {state} cannot be made ({error.strerror})") from None
    return state


def _site(url: str, folder: Path | None) -> Callable[[], Any]:
    """Return a function that polls a Nightscout site, going on from the rows of last time."""
    from ..records.nightscout_http import NightscoutSite, load_rows, save_rows

    site = NightscoutSite(url)
    rows = None if folder is None else load_rows(folder)

    def poll() -> Any:
        nonlocal rows
        rows = site.poll(rows)
        if folder is not None:
            save_rows(rows, folder)
        return rows.timeline()

    return poll


def _past(record: Any) -> Any:
    """Return a record without readings from the future, which a wrong clock makes."""
    last = time.time() + FUTURE_S
    if len(record.glucose) and record.glucose.time_s[-1] > last:
        first = min(float(record.glucose.time_s[0]), last - 1.0)
        return record.window(first, last)
    return record


def _show(console: Any, update: Any) -> None:
    """Print what an update changed."""
    if update is None:
        return
    when = datetime.fromtimestamp(update.time_s, UTC).strftime("%Y-%m-%d %H:%M")
    again = f", {update.rewound} read again" if update.rewound else ""
    console.print(
        f"{when} UTC  version {update.version} {update.sha256[:12]}  +{update.intervals}{again}  "
        f"glucose {update.glucose:.0f} ({update.low:.0f}-{update.high:.0f}) mg/dL  "
        f"insulin action {update.action_percent:.0f} %  fit {update.twin_age_days:.1f} d old"
    )
    for note in update.notes:
        console.print(f"    note: {note}", markup=False)
    for flag in update.flags:
        since = datetime.fromtimestamp(flag.since_s, UTC).strftime("%H:%M")
        evidence = ", ".join(f"{k} {v:g}" for k, v in flag.evidence.items())
        console.print(
            f"    alarm: {flag.kind} since {since} UTC: {flag.means} ({evidence}). "
            f"{flag.what_to_do}",
            markup=False,
        )


def _clock(follower: Any) -> str:
    return datetime.fromtimestamp(follower.twin.end_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
