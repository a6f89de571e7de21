"""JSON over HTTP from one host: verified, bounded in size and time, repeated with back-off.

No redirect to another host is followed, nothing of the environment (proxies' or .netrc's secrets)
is sent along, and no message holds a header, a query or a secret.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from ..physiology.errors import InputError

SECRET_VARIABLE = "DOSEGYM_NIGHTSCOUT_SECRET"
TOKEN_VARIABLE = "DOSEGYM_NIGHTSCOUT_TOKEN"
LARGEST_ANSWER_BYTES = 64_000_000
TIMEOUT_S = (10.0, 30.0)  # to connect, and between two bytes
LONGEST_ANSWER_S = 120.0
RETRIES, BACKOFF_S, BACKOFF_JITTER_S, LONGEST_BACKOFF_S = 4, 1.0, 0.5, 60.0
MOST_ROWS = 100_000
MOST_REDIRECTS = 3
_CHUNK = 65536

Row = Mapping[str, Any]


class JsonHost:
    """One host that answers in JSON lists.

    Parameters
    ----------
    url : str
        Root address, see :func:`checked_url`.
    secret, token : str or None
    backoff_s : float, s
        First wait before a request is repeated; doubled each time, with jitter.
    timeout_s : (float, float), s
        To connect, and between two bytes.
    """

    def __init__(
        self, url: str, secret: str | None, token: str | None, backoff_s: float = BACKOFF_S,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:  # fmt: skip
        self.url = checked_url(url)
        self._backoff_s = backoff_s
        self._session = _session(secret, token, backoff_s)
        self._timeout = timeout_s

    def get(
        self, path: str, query: dict[str, str], etag: str | None
    ) -> tuple[list[Row] | None, str]:
        """Return the rows of one answer and its ETag; no rows where nothing has changed.

        Raises
        ------
        InputError
            If the host cannot be reached, refuses, or answers with something else.
        """
        headers = {"If-None-Match": etag} if etag else {}
        url = f"{self.url}{path}"
        status, data, fresh = self._answer(url, query, headers)
        return (None, etag or "") if status == 304 else (_rows(data, url), fresh)

    def _answer(
        self, url: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        """Return status, body and ETag; a truncated answer is asked for again."""
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
        time.sleep(min(self._backoff_s * 2**attempt, LONGEST_BACKOFF_S))

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
        raise InputError(f"{self.url} redirects over {MOST_REDIRECTS} times; check the address")


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
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise InputError("url: not an address; give https://your-site.example") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InputError("url: not an http(s) address; give https://your-site.example")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "url: carries a user, a token or a query, which end in logs; give the plain address "
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
    there = urljoin(before, location)
    old, new = urlsplit(before), urlsplit(there)
    safer = (old.scheme, new.scheme) in {("http", "https"), (old.scheme, old.scheme)}
    if new.hostname != old.hostname or not safer or new.username:
        raise InputError(
            f"{old.scheme}://{old.netloc} redirects to another place ({new.hostname}); "
            "give that address yourself if it is yours"
        )
    return there


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
        session.headers["api-secret"] = hashlib.sha1(secret.encode()).hexdigest()
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
    plain = announced.isdigit() and not answer.headers.get("Content-Encoding")
    if plain and size < int(announced):
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
