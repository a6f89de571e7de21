"""A Nightscout site over HTTP: what is new since the last poll, and what was edited meanwhile.

The secret comes from an environment variable, travels in a header and is never part of a message. A
poll asks for everything since a look-back before the last row it has, so that edits and late
uploads are seen; what vanished from the site within the look-back was deleted and is dropped here.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from .clean import assemble
from .http_json import (
    BACKOFF_S,
    MOST_ROWS,
    SECRET_VARIABLE,
    TIMEOUT_S,
    TOKEN_VARIABLE,
    JsonHost,
    Row,
)
from .nightscout import ENTRY_TIMES, read_nightscout
from .nightscout_profile import time_of
from .nightscout_treatments import TREATMENT_TIMES
from .timeline import Timeline

LOOK_BACK_S = 48 * 3600.0
FIRST_FETCH_DAYS = 14.0
KEPT_DAYS = 30.0
ROWS_FILE = "nightscout.json"


@dataclass(frozen=True)
class Gathered:
    """All rows of a site that have been seen and still stand.

    Parameters
    ----------
    entries, treatments, profiles : tuple of JSON objects
    etags : mapping of str to str
        Of each kind's last answer, for the site to say 304.
    """

    entries: tuple[Row, ...] = ()
    treatments: tuple[Row, ...] = ()
    profiles: tuple[Row, ...] = ()
    etags: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the rows in JSON."""
        return {"entries": self.entries, "treatments": self.treatments, "profiles": self.profiles}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Gathered:
        """Return the rows that ``to_dict`` described."""
        return cls(*(tuple(data[k]) for k in ("entries", "treatments", "profiles")))

    def timeline(self, timezone: str | None = None) -> Timeline:
        """Return the rows as a record.

        Raises
        ------
        InputError
            If they hold nothing that can be used.
        """
        raw = read_nightscout(self.entries, self.treatments, self.profiles, timezone)
        text = json.dumps(self.to_dict(), sort_keys=True, default=str)
        return assemble(raw, hashlib.sha256(text.encode()).hexdigest(), None)


class NightscoutSite:
    """One Nightscout site.

    Parameters
    ----------
    url : str
        ``https://host`` (``http`` only for a machine's own address); no user, query or fragment.
    secret : str, optional
        API secret; from ``DOSEGYM_NIGHTSCOUT_SECRET`` where left out.
    token : str, optional
        Access token; from ``DOSEGYM_NIGHTSCOUT_TOKEN`` where left out.
    backoff_s : float, s
        First wait before a request is repeated; doubled each time, with jitter.

    Raises
    ------
    InputError
        If the address is not one of a site.
    """

    def __init__(
        self, url: str, *, secret: str | None = None, token: str | None = None,
        backoff_s: float = BACKOFF_S, timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:  # fmt: skip
        secret = secret if secret is not None else os.environ.get(SECRET_VARIABLE)
        token = token if token is not None else os.environ.get(TOKEN_VARIABLE)
        self._host = JsonHost(url, secret, token, backoff_s, timeout_s)
        self.url = self._host.url

    def __repr__(self) -> str:
        return f"NightscoutSite({self.url!r})"

    def poll(self, before: Gathered | None = None, now_s: float | None = None) -> Gathered:
        """Return what the site holds now, starting from what was gathered before.

        Raises
        ------
        InputError
            If the site cannot be reached, refuses, or answers with something else.
        """
        known = before or Gathered()
        now = time.time() if now_s is None else now_s
        etags = dict(known.etags)
        entries = self._since("entries", known.entries, now, etags)
        treatments = self._since("treatments", known.treatments, now, etags)
        profiles = self._get("profile", {}, etags)
        return Gathered(
            entries, treatments, known.profiles if profiles is None else tuple(profiles), etags
        )

    def _since(
        self, kind: str, known: tuple[Row, ...], now: float, etags: dict[str, str]
    ) -> tuple[Row, ...]:
        """Return the rows of one kind, those since the look-back as the site has them now."""
        names = ENTRY_TIMES if kind == "entries" else TREATMENT_TIMES
        times = [time_of(row, names) for row in known]
        dated = [t for t in times if t is not None and t <= now]
        since = max(dated) - LOOK_BACK_S if dated else now - FIRST_FETCH_DAYS * 86400.0
        # Whole hours keep the query equal for a while, which lets a site answer 304.
        since = since // 3600.0 * 3600.0
        if kind == "entries":
            query = {"find[date][$gte]": f"{since * 1000.0:.0f}", "count": str(MOST_ROWS)}
        else:
            text = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            query = {"find[created_at][$gte]": text, "count": str(MOST_ROWS)}
        fresh = self._get(kind, query, etags)
        if fresh is None:
            return known
        # A site may ignore the query; older rows it sends stand beside those known.
        kept = [row for row, t in zip(known, times, strict=True) if t is not None and t < since]
        return merged(kept, fresh)

    def _get(self, kind: str, query: dict[str, str], etags: dict[str, str]) -> list[Row] | None:
        """Return the rows of one answer, None where the site says that nothing changed."""
        key = f"{kind}?{sorted(query.items())}"
        rows, etag = self._host.get(f"/api/v1/{kind}.json", query, etags.get(key))
        if rows is None:
            return None
        for old in [k for k in etags if k.startswith(f"{kind}?")]:
            del etags[old]
        if etag:
            etags[key] = etag
        return rows


def merged(known: Sequence[Row], fresh: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows once each: of equal identifiers the fresh one stands, equal rows count once."""
    rows: dict[str, Row] = {}
    for row in (*known, *fresh):
        name = row.get("identifier") or row.get("_id")
        key = str(name) if name else json.dumps(row, sort_keys=True, default=str)
        rows[key] = row
    return tuple(rows.values())


def save_rows(rows: Gathered, folder: Path) -> None:
    """Keep the rows in a folder, replaced whole."""
    target = folder / ROWS_FILE
    scratch = target.with_name(f".{ROWS_FILE}.{os.getpid()}.tmp")
    try:
        with scratch.open("w", encoding="utf-8") as file:
            json.dump(rows.to_dict(), file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        raise InputError(f"cannot write {target} ({error.strerror})") from None


def load_rows(folder: Path) -> Gathered | None:
    """Return the rows kept in a folder, None if there are none.

    Raises
    ------
    InputError
        If the file is not one of these.
    """
    path = folder / ROWS_FILE
    if not path.is_file():
        return None
    try:
        return Gathered.from_dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} cannot be read; move it away and start anew") from None
