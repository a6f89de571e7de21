"""Valid files of what `read_genotype`, `read_events`, consent, Parquet and zipped exports hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pressure_documents as pressures
import pyarrow.parquet as pq
import reader_documents as days

from dosegym.records import read_genotype, read_pressure, read_record, write_record
from dosegym.records.read_events import read_events

APPLE_HEAD = '<?xml version="1.0"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Me)>\n]>\n'
VCF = (
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    "chr10\t94942290\trs1799853\tC\tT\t.\tPASS\tEND=94942290\tGT:PS\t0|1:7\n"
    "chr10\t94981296\trs1057910\tA\tC\t.\tPASS\t.\tGT\t0/0\n"
    "chr16\t31096368\trs9923231\tC\tT\t.\tPASS\t.\tGT\t0/1\n"
)
LABEL = {"allele1": {"name": "*1"}, "allele2": {"name": "*2"}, "phenotypes": ["x"]}
REPORT = json.dumps(
    {"pharmcatVersion": "3", "genes": {"CYP2C9": {"sourceDiplotypes": [LABEL], "variants": []}}}
)
TSV = (
    "PharmCAT 3.0\nGene\tSource Diplotype\tPhenotype\tActivity Score\tOutside Call\n"
    "CYP2C9\t*1/*2\tIntermediate Metabolizer\t1.5\tno\nTPMT\t*1/*1\tNormal Metabolizer\t\tno\n"
)
OUTSIDE = "CYP2D6\t*1/*4\tIntermediate Metabolizer\t1.0\n"
EVENTS = "ID,TIME,AMT,DV,EVID,WT,SEX\n" + "".join(
    f"{who},0,100,.,1,{60 + who},{'mf'[who % 2]}\n"
    + "".join(f"{who},{hour},.,{9 - hour},0,{60 + who},{'mf'[who % 2]}\n" for hour in range(1, 6))
    for who in range(1, 5)
)
CONSENT = json.dumps(
    {"consent": "dosegym", "version": 1, "id": "c-1", "purposes": ["research"],
     "granted": "2020-01-01", "expires": "2199-01-01"}
)  # fmt: skip


class Other(NamedTuple):
    """How to write a valid file (returns what to read, then the file to break), and to read it."""

    write: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]
    binary: bool = False
    inside: Callable[[Path, Callable[[str], bytes]], None] | None = None
    """Breaks the text within a binary file and closes the file again."""


def _text(name: str, text: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return [path, path]

    return write


def _day(folder: Path) -> Path:
    return days.put(folder, "plain_csv", days.BATTERY["plain_csv"].rows(1.0)[:40])


def _consented(folder: Path) -> list[Path]:
    record = _day(folder)
    document = folder / "consent.json"
    document.write_text(CONSENT)
    return [record, document]


def _parquet(folder: Path) -> list[Path]:
    path = folder / "day.parquet"
    write_record(read_record(_day(folder)), path)
    return [path, path]


def _pressure_parquet(folder: Path) -> list[Path]:
    week = pressures.put(folder, "home_csv", pressures.BATTERY["home_csv"].rows())
    path = folder / "week.parquet"
    write_record(read_pressure(week), path)
    return [path, path]


def apple_pressures() -> str:
    """Return an export with both halves of some pressures, within a Correlation and beside it."""

    def half(name: str, minute: int, value: float) -> str:
        when = f"2026-01-01 {minute // 60:02d}:{minute % 60:02d}:00 +0000"
        return (
            f'<Record type="HKQuantityTypeIdentifierBloodPressure{name}" sourceName="app" '
            f'unit="mmHg" startDate="{when}" endDate="{when}" value="{value}"/>'
        )

    rows = []
    for minute in range(0, 720, 60):
        pair = half("Systolic", minute, 140 + minute / 60) + half("Diastolic", minute, 88)
        rows += [
            f'<Correlation type="HKCorrelationTypeIdentifierBloodPressure">{pair}</Correlation>',
            *([pair] if minute < 300 else []),
        ]
    return f"{APPLE_HEAD}<HealthData>{''.join(rows)}</HealthData>"


def _zipped(folder: Path) -> list[Path]:
    form, path = days.BATTERY["apple_health"], folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("apple_health_export/export.xml", form.text(form.rows(1.0)))
    return [path, path]


def _broken_zip(path: Path, change: Callable[[str], bytes]) -> None:
    with zipfile.ZipFile(path) as packed:
        (name,) = packed.namelist()
        text = packed.read(name).decode("utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, change(text))


def _broken_description(path: Path, change: Callable[[str], bytes]) -> None:
    table = pq.read_table(path)
    head = table.schema.metadata
    about = change(head[b"about"].decode("utf-8"))
    pq.write_table(table.replace_schema_metadata({**head, b"about": about}), path)


OTHERS = {
    "vcf": Other(_text("genes.vcf", VCF), read_genotype),
    "pharmcat_json": Other(_text("report.json", REPORT), read_genotype),
    "pharmcat_tsv": Other(_text("report.tsv", TSV), read_genotype),
    "outside_call": Other(_text("calls.tsv", OUTSIDE), read_genotype),
    "events": Other(_text("events.csv", EVENTS), read_events),
    "consent": Other(_consented, read_record),
    "apple_pressure": Other(_text("export.xml", apple_pressures()), read_pressure),
    "apple_zip": Other(_zipped, read_record, True, _broken_zip),
    "parquet": Other(_parquet, read_record, True, _broken_description),
    "parquet_pressure": Other(_pressure_parquet, read_pressure, True, _broken_description),
}
