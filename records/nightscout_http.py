"""A Nightscout site over HTTP: what is new since the last poll, and what was edited meanwhile.

The secret comes from an environment variable, travels in a header and is never part of a message.
Requests are small, verified, bounded in size and time, repeated with back-off where the site fails,
and never follow a redirect to another host. A poll asks for everything since a look-back before its
last row, so that edits and late uploads within it are seen; what vanished from the site within the
look-back was deleted and is dropped here too.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..physiology.errors import InputError
from .clean import assemble
from .nightscout import read_nightscout
from .nightscout_profile import time_of
from .timeline import Timeline

SECRET_VARIABLE = "DOSEGYM_NIGHTSCOUT_SECRET"
TOKEN_VARIABLE = "DOSEGYM_NIGHTSCOUT_TOKEN"
LOOK_BACK_S = 48 * 3600.0
FIRST_FETCH_DAYS = 14.0
LARGEST_ANSWER_BYTES = 64_000_000
TIMEOUT_S = (10.0, 30.0)  # to connect, and between two bytes
LONGEST_ANSWER_S = 120.0
RETRIES, BACKOFF_S, BACKOFF_JITTER_S, LONGEST_BACKOFF_S = 4, 1.0, 0.5, 60.0
MOST_ROWS = 100_000
MOST_REDIRECTS = 3
ENTRY_TIMES = ("date", "dateString", "sysTime", "mills")
TREATMENT_TIMES = ("created_at", "timestamp", "date", "mills")
_CHUNK = 65536

Row = Mapping[str, Any]


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
        self.url = checked_url(url)
        secret = secret if secret is not None else os.environ.get(SECRET_VARIABLE)
        token = token if token is not None else os.environ.get(TOKEN_VARIABLE)
        self._session = _session(secret, token, backoff_s)
        self._timeout = timeout_s

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
        headers = {"If-None-Match": etags[key]} if key in etags else {}
        status, data, etag = self._answer(f"{self.url}/api/v1/{kind}.json", query, headers)
        if status == 304:
            return None
        for old in [k for k in etags if k.startswith(f"{kind}?")]:
            del etags[old]
        if etag:
            etags[key] = etag
        return _rows(data, f"{self.url}/api/v1/{kind}.json")

    def _answer(
        self, url: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        """Return status, body and ETag; a truncated answer is asked for once more."""
        import requests
        import urllib3

        for attempt in range(RETRIES + 1):
            try:
                return self._once(url, query, headers)
            except _Truncated as cut:
                if attempt == RETRIES:
                    raise InputError(f"the site's answer breaks off ({url}: {cut})") from None
                self._pause(attempt)
            except requests.exceptions.SSLError:
                raise InputError(
                    f"the certificate of {self.url} does not hold; mend the site's TLS"
                ) from None
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                raise InputError(
                    f"{self.url} cannot be reached ({_plain(error)}); check the address"
                ) from None
        raise AssertionError("unreachable")

    def _pause(self, attempt: int) -> None:
        retry = self._session.get_adapter("https://").max_retries
        time.sleep(min(retry.backoff_factor * 2**attempt, LONGEST_BACKOFF_S))

    def _once(
        self, url: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        """Ask once (the session repeats what failed on the way), following own-host redirects."""
        for _ in range(MOST_REDIRECTS + 1):
            with self._session.get(
                url, params=query, headers=headers, timeout=self._timeout, stream=True,
                allow_redirects=False,
            ) as answer:  # fmt: skip
                if answer.is_redirect:
                    url, query = same_host(url, answer.headers["Location"]), {}
                    continue
                _refuse(answer.status_code, self.url)
                if answer.status_code == 304:
                    return 304, b"", ""
                return answer.status_code, _body(answer), answer.headers.get("ETag", "")
        raise InputError(
            f"{self.url} redirects more than {MOST_REDIRECTS} times; check the address"
        )


class _Truncated(Exception):
    """An answer that ended too soon."""


def checked_url(url: str) -> str:
    """Return the root address of a site.

    Raises
    ------
    InputError
        If it is not http(s), carries a user, a query or a fragment, or is plain http to another
        machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InputError("url: not an address; give https://your-site.example") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InputError("url: not an http(s) address; give https://your-site.example")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "url: carries a user, a token or a query, which ends up in logs; give the plain address "
            f"and put the secret into {SECRET_VARIABLE} or {TOKEN_VARIABLE}"
        )
    if parts.scheme == "http" and host not in ("127.0.0.1", "::1", "localhost"):
        raise InputError("url: http sends the secret and the readings in clear; give https")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def same_host(before: str, location: str) -> str:
    """Return where a redirect leads, if to the same host and no less safe.

    Raises
    ------
    InputError
        If it leads to another host.
    """
    from urllib.parse import urljoin

    there = urljoin(before, location)
    old, new = urlsplit(before), urlsplit(there)
    safer = (old.scheme, new.scheme) in {("http", "https"), (old.scheme, old.scheme)}
    if new.hostname != old.hostname or not safer or new.username:
        raise InputError(
            f"{old.scheme}://{old.netloc} redirects to another place ({new.hostname}); "
            "give that address yourself if it is yours"
        )
    return there


def merged(known: Sequence[Row], fresh: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows once each: of equal identifiers the fresh one stands, equal rows count once."""
    rows: dict[str, Row] = {}
    for row in (*known, *fresh):
        name = row.get("identifier") or row.get("_id")
        key = str(name) if name else json.dumps(row, sort_keys=True, default=str)
        rows[key] = row
    return tuple(rows.values())


def _session(secret: str | None, token: str | None, backoff_s: float) -> Any:
    """Return a session that repeats what fails on the way and carries the secret in a header."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    session.trust_env = False  # a .netrc must not add another secret
    retry = Retry(
        total=RETRIES, backoff_factor=backoff_s, backoff_jitter=min(BACKOFF_JITTER_S, backoff_s),
        backoff_max=LONGEST_BACKOFF_S, status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=("GET",), redirect=0, raise_on_status=False, raise_on_redirect=False,
        respect_retry_after_header=True,
    )  # fmt: skip
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["User-Agent"] = "dosegym"
    session.headers["Accept"] = "application/json"
    if secret:
        session.headers["api-secret"] = hashlib.sha1(secret.encode()).hexdigest()  # noqa: S324
    if token:
        # Nightscout takes an access token in this header as it is (lib/authorization).
        session.headers["api-secret"] = token if not secret else session.headers["api-secret"]
    return session


def _refuse(status: int, site: str) -> None:
    """Raise InputError for a status that is no answer."""
    if status in (401, 403):
        raise InputError(
            f"{site} refuses ({status}); put its API secret into {SECRET_VARIABLE} or a token "
            f"into {TOKEN_VARIABLE}"
        )
    if status == 404:
        raise InputError(f"{site} has no Nightscout API (404); check the address")
    if status == 429 or status >= 500:
        raise InputError(f"{site} is busy or broken ({status}), {RETRIES} repeats included")
    if status not in (200, 304):
        raise InputError(f"{site} answers {status}; check the address")


def _body(answer: Any) -> bytes:
    """Return an answer's body, bounded in size and time.

    Raises
    ------
    InputError
        If it is too large or takes too long.
    _Truncated
        If it ends before its announced length.
    """
    import requests

    parts, size, started = [], 0, time.monotonic()
    try:
        for chunk in answer.iter_content(_CHUNK):
            size += len(chunk)
            parts.append(chunk)
            if size > LARGEST_ANSWER_BYTES:
                raise InputError(
                    f"the site's answer is larger than {LARGEST_ANSWER_BYTES / 1e6:.0f} MB"
                )
            if time.monotonic() - started > LONGEST_ANSWER_S:
                raise InputError(f"the site's answer takes longer than {LONGEST_ANSWER_S:.0f} s")
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError) as cut:
        raise _Truncated(_plain(cut)) from None
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and not answer.headers.get("Content-Encoding"):
        if size < int(announced):
            raise _Truncated(f"{size} of {announced} bytes came")
    return b"".join(parts)


def _rows(data: bytes, url: str) -> list[Row]:
    """Return the JSON objects of an answer.

    Raises
    ------
    InputError
        If it is not a JSON list.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(f"{url} does not answer in JSON; is this a Nightscout site?") from None
    if isinstance(rows, dict) and isinstance(rows.get("result"), list):
        rows = rows["result"]
    if not isinstance(rows, list):
        raise InputError(f"{url} answers with no list; is this a Nightscout site?")
    if len(rows) > MOST_ROWS:
        raise InputError(f"{url} answers with more than {MOST_ROWS} rows")
    return [row for row in rows if isinstance(row, dict)]


def _plain(error: BaseException) -> str:
    """Return an error's kind alone: its text could hold a header or a query."""
    return type(error).__name__
