"""Binary and streamed formats, mutated: a record or one line, never a crash."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import demo_record, read_genotype, read_pressure, read_record, write_record

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Me)>\n]>\n'
ROWS = (
    f'<Record type="HKQuantityTypeIdentifierBloodGlucose" sourceName="a" unit="mg/dL" '
    f'startDate="2026-06-01 0{k // 12}:{5 * k % 60:02d}:00 +0200" value="110"/>'
    for k in range(24)
)
XML = f"{HEAD}<HealthData>{''.join(ROWS)}</HealthData>"
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


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return bytes changed in one to four places: flipped, cut out, doubled or replaced."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(changed) + 1), rng.randint(1, 12)
        kind = rng.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        else:
            changed[at : at + length] = rng.choice([b"\x00", b"9e999", b"<", b'"', b"-1", b"\xff"])
    return bytes(changed)


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
        path.write_bytes(mutated(seed, rng))
        for reader in (read_record, read_pressure, read_genotype):
            assert "\n" not in refusal(reader, path)
