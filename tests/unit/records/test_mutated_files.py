"""Binary and streamed formats, mutated: a record or one line, never a crash."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest
from mutations import mutate_bytes
from other_documents import APPLE_HEAD, REPORT, VCF

from dosegym.physiology.errors import InputError
from dosegym.records import demo_record, read_genotype, read_pressure, read_record, write_record

ROWS = (
    f'<Record type="HKQuantityTypeIdentifierBloodGlucose" sourceName="a" unit="mg/dL" '
    f'startDate="2026-06-01 0{k // 12}:{5 * k % 60:02d}:00 +0200" value="110"/>'
    for k in range(24)
)
XML = f"{APPLE_HEAD}<HealthData>{''.join(ROWS)}</HealthData>"


def seeds(tmp_path: Path) -> dict[str, bytes]:
    """Return one good file of each kind."""
    record = read_record(demo_record())
    end = float(record.glucose.time_s[-1])
    write_record(record.window(end - 7200.0, end), tmp_path / "seed.parquet")
    with zipfile.ZipFile(tmp_path / "seed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("apple_health_export/export.xml", XML)
    return {
        "x.parquet": (tmp_path / "seed.parquet").read_bytes(),
        "x.zip": (tmp_path / "seed.zip").read_bytes(),
        "x.xml": XML.encode(), "x.vcf": VCF.encode(), "x.json": REPORT.encode(),
    }  # fmt: skip


def refusal(reader, path):
    """Return the line of a refusal, empty where the file is read."""
    try:
        reader(path)
    except InputError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("name", ["x.parquet", "x.zip", "x.xml", "x.vcf", "x.json"])
def test_a_mutated_file_is_read_or_refused_in_one_line(tmp_path, name):
    """Sixty mutants of each kind, through every reader that may meet it."""
    seed, rng = seeds(tmp_path)[name], random.Random(name)
    for _ in range(60):
        path = tmp_path / name
        path.write_bytes(mutate_bytes(seed, rng))
        for reader in (read_record, read_pressure, read_genotype):
            assert "\n" not in refusal(reader, path)
