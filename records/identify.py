"""What one file holds, told by its content; a file of another kind is told in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from . import carelink, clarity, libreview, loop_report, plain_csv, replay_bg, tidepool
from .datasets import tell_json, tell_table
from .events_columns import looks_like_events, looks_like_samples
from .files import Source, csv_rows, is_json, json_of
from .found import Found
from .genotype_pharmcat import looks_like_pharmcat
from .read_found import PARTS

TSV_HEADER = ["Gene", "Source Diplotype"]
HEAD_ROWS = 15  # enough for any preamble


def identify(source: Source) -> Found:
    """Tell what a file holds; an unreadable kind is told in words as its format."""
    if is_json(source):
        return _identify_json(source, json_of(source))
    plain = (row for _, row in csv_rows(source) if not row[0].lstrip().startswith("#"))
    head = list(islice(plain, HEAD_ROWS))
    header = head[0] if head else []
    checks: tuple[tuple[str, str, Callable[[Sequence[str]], bool]], ...] = (
        ("clarity", "", clarity.looks_like_clarity),
        ("replay_bg", "table", replay_bg.looks_like_replay),
        ("replay_bg", "info", replay_bg.looks_like_info),
        ("plain_csv", "", plain_csv.looks_like_plain),
    )
    for kind, part, check in checks:
        if check(header):
            return Found(source, kind, part)
    told = tell_table(head)
    if told is not None:
        return Found(source, *told)
    if libreview.looks_like_libreview(head):
        return Found(source, "libreview")
    if carelink.looks_like_carelink(head):
        return Found(source, "carelink")
    joined = " ".join(header).lower()
    if joined.startswith("glucose data generated on"):
        return Found(source, _unread("a LibreView export without its header line"))
    if "bg reading" in joined or "carelink" in joined or joined.startswith("last name"):
        return Found(source, _unread("a CareLink export without a header line of sensor glucose"))
    return Found(source, _other_table(source, header) or _unread("in no known format"))


def _other_table(source: Source, header: Sequence[str]) -> str:
    """Return what a table that holds no person's glucose is, empty where that is not known."""
    if source.data.startswith(b"##fileformat=VCF") or list(header[:2]) == TSV_HEADER:
        return "is a genotype; read_genotype reads it, or give it to read_pressure as genotype="
    if looks_like_events(header):
        return "is a table of doses and concentrations; read_events, or dosegym fit, reads it"
    if looks_like_samples(header):
        return "is a table of concentrations without doses; read_events reads it with dose="
    return ""


def _other_document(document: object) -> str:
    """Return what JSON that holds no person's glucose is, empty where that is not known."""
    if looks_like_pharmcat(document):
        return "is a genotype; read_genotype reads it, or give it to read_pressure as genotype="
    keys = set(document) if isinstance(document, Mapping) else set()
    if keys & {"hook", "hookInstance", "cards", "services"}:
        return "is a request or an answer of CDS Hooks, which is no record; give an export"
    return ""


def _unread(what: str) -> str:
    return (
        f"is {what}, which is not read; give Nightscout or Tidepool JSON, a Clarity, LibreView or "
        "CareLink CSV, a Loop report, a ReplayBG table or a plain CSV with columns such as "
        "time,glucose_mg_dl"
    )


def _identify_json(source: Source, document: object) -> Found:
    if isinstance(document, dict) and "result" in document and "status" in document:
        document = document["result"]
    told = tell_json(document)
    if told is not None:
        return Found(source, *told, document)
    if isinstance(document, dict):
        keys = set(document)
        if {"entries", "treatments"} & keys:
            return Found(source, "nightscout", "bundle", document)
        if loop_report.looks_like_loop(document):
            return Found(source, "loop_report", "", document)
        if "resourceType" in keys:
            return Found(source, _unread("a FHIR resource"))
        document = [document] if keys & {"store", "sgv", "eventType"} else document
    if isinstance(document, list):
        if tidepool.looks_like_tidepool(document):
            return Found(source, "tidepool", "", document)
        part = _part_of(document) or (_named_part(source.name) if not document else "")
        if part:
            return Found(source, "nightscout", part, document)
        if not document:
            return Found(source, "is an empty JSON list; export a period with readings")
    return Found(source, _other_document(document) or _unread("in no known format"))


def _part_of(rows: Sequence[object]) -> str:
    """Tell Nightscout's three kinds of rows apart by their fields."""
    for row in rows[:50]:
        if isinstance(row, dict):
            if "eventType" in row:
                return "treatments"
            if "sgv" in row or row.get("type") in {"sgv", "mbg", "cal"}:
                return "entries"
            if "store" in row or {"basal", "carbratio"} <= set(row):
                return "profile"
    return ""


def _named_part(name: str) -> str:
    return next((part for part in PARTS if part in name.lower()), "")
