"""A Nightscout site is polled over real HTTP, also one that misbehaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import http_json
from dosegym.records.http_json import SECRET_VARIABLE, checked_url, same_host
from dosegym.records.nightscout_http import Gathered, NightscoutSite, load_rows, save_rows

NOW_S = 1_772_500_000.0


def entry(minutes_ago: float, value: float, name: str | None = None) -> dict[str, Any]:
    """Return one row of sensor glucose."""
    row = {"type": "sgv", "sgv": value, "date": (NOW_S - 60.0 * minutes_ago) * 1000.0}
    return {**row, "_id": name} if name else row


class Site:
    """A site whose rows and manners a test sets."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {"entries": [], "treatments": [], "profile": []}
        self.manners: list[Callable[[BaseHTTPRequestHandler], bool]] = []
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                kind = parts.path.rsplit("/", 1)[-1].removesuffix(".json")
                query = parse_qs(parts.query)
                site.asked.append((kind, query, self.headers.get("api-secret")))
                if site.manners and site.manners.pop(0)(self):
                    return
                rows = site.rows[kind]
                if kind == "entries":
                    since = float(query["find[date][$gte]"][0])
                    rows = [row for row in rows if row["date"] >= since]
                tag = f'"{hash(json.dumps(rows))}"'
                if self.headers.get("If-None-Match") == tag:
                    self.send_response(304)
                    self.end_headers()
                    return
                send(self, 200, json.dumps(rows).encode(), {"ETag": tag})

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
) -> bool:
    """Answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    return True


def broken(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Return manners: one answer of a status."""
    return lambda h: send(h, status, b"{}", {k.replace("_", "-"): v for k, v in headers.items()})


def truncated(handler: BaseHTTPRequestHandler) -> bool:
    """Announce more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"type": "sgv", ')
    return True


@pytest.fixture
def site() -> Iterator[Site]:
    """Run a site on this machine, and stop it at the end."""
    one = Site()
    thread = threading.Thread(target=one.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


def client(site: Site, **keywords: Any) -> NightscoutSite:
    """Return a client that does not wait long."""
    return NightscoutSite(site.url, backoff_s=0.01, **keywords)


def glucose(rows: Gathered) -> list[float]:
    """Return the readings of a poll."""
    return [float(v) for v in rows.timeline().glucose.mg_dl]


def test_polls_are_incremental_and_see_edits_and_deletions(site: Site) -> None:
    """A second poll asks for two days only; edits, late rows and deletions in them are followed."""
    site.rows["entries"] = [entry(5, 120, "a"), entry(10, 118, "b"), entry(5000, 150, "old")]
    rows = client(site).poll(None, NOW_S)
    assert glucose(rows) == [150.0, 118.0, 120.0]
    site.rows["entries"] = [entry(0, 125, "c"), entry(5, 121, "a"), entry(12000, 99, "older")]
    rows = client(site).poll(rows, NOW_S)
    assert glucose(rows) == [150.0, 121.0, 125.0]
    first, second = (float(q["find[date][$gte]"][0]) for k, q, _ in site.asked if k == "entries")
    assert second - first > 11 * 86400e3


def test_a_site_that_fails_now_and_then_is_asked_again(site: Site) -> None:
    """Two 500s, a 429 with its wait and a truncated answer end in the same rows."""
    site.rows["entries"] = [entry(5, 120, "a"), entry(5, 120, "a"), entry(0, 130, "b")]
    site.manners = [broken(500), broken(503), broken(429, Retry_After="0"), truncated]
    assert glucose(client(site).poll(None, NOW_S)) == [120.0, 130.0]


def test_a_site_that_stays_broken_is_one_line(site: Site) -> None:
    """A site that always answers 500 ends in an InputError after a bounded number of tries."""
    site.manners = [broken(500)] * 20
    with pytest.raises(InputError, match="busy or broken"):
        client(site).poll(None, NOW_S)
    assert len(site.asked) == http_json.RETRIES + 1


def test_a_slow_site_ends_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that sends a byte now and then is given up within the time for one answer."""
    monkeypatch.setattr(http_json, "LONGEST_ANSWER_S", 0.3)
    monkeypatch.setattr(http_json, "_CHUNK", 1)

    def slow(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                break
            time.sleep(0.05)
        return True

    site.manners = [slow]
    with pytest.raises(InputError, match="takes longer"):
        client(site).poll(None, NOW_S)


def test_an_answer_that_is_too_large_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than the bound is read into memory."""
    monkeypatch.setattr(http_json, "LARGEST_ANSWER_BYTES", 1000)
    site.rows["entries"] = [entry(i, 120) for i in range(100)]
    with pytest.raises(InputError, match="larger than"):
        client(site).poll(None, NOW_S)


def test_what_is_not_json_is_refused(site: Site) -> None:
    """A login page is told from a record."""
    site.manners = [lambda h: send(h, 200, b"<html>")]
    with pytest.raises(InputError, match="JSON"):
        client(site).poll(None, NOW_S)


def test_the_secret_is_sent_hashed_and_never_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret comes from the environment; neither it nor its hash stands in any message."""
    monkeypatch.setenv(SECRET_VARIABLE, "correct horse battery")
    site.manners = [broken(401)]
    one = client(site)
    with pytest.raises(InputError, match="refuses") as caught:
        one.poll(None, NOW_S)
    sent = site.asked[0][2]
    assert sent is not None
    assert len(sent) == 40
    for text in (str(caught.value), repr(one)):
        assert sent not in text
        assert "horse" not in text


def test_no_redirect_leads_to_another_host(site: Site) -> None:
    """The secret follows no redirect away from its host."""
    site.manners = [broken(302, Location="http://localhost:9/api")]
    with pytest.raises(InputError, match="redirects to another place"):
        client(site, secret="s").poll(None, NOW_S)
    assert same_host("http://127.0.0.1/a", "/b") == "http://127.0.0.1/b"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x/?token=1",
        "http://example.org",
        "http://[x",
    ],
)
def test_addresses_that_would_leak_or_fail_are_refused(url: str) -> None:
    """Users, tokens, plain http and nonsense in an address are refused in one line."""
    with pytest.raises(InputError, match="url") as caught:
        checked_url(url)
    assert "\n" not in str(caught.value)


def test_unchanged_rows_are_not_sent_again(site: Site) -> None:
    """The site's 304 leaves the rows as they are."""
    site.rows["entries"] = [entry(5, 120, "a"), entry(0, 130, "b")]
    one = client(site)
    rows = one.poll(None, NOW_S)
    rows = one.poll(rows, NOW_S)
    again = one.poll(rows, NOW_S)
    assert glucose(again) == [120.0, 130.0]


def test_rows_are_kept(tmp_path: Any) -> None:
    """Rows written to a folder come back; a torn file is one line."""
    rows = Gathered((entry(5, 120, "a"),))
    save_rows(rows, tmp_path)
    back = load_rows(tmp_path)
    assert back is not None
    assert back.entries == rows.entries
    (tmp_path / "nightscout.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load_rows(tmp_path)
