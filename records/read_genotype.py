"""A path into a genotype: PharmCAT's files and VCF, plain or gzipped, told apart by content."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

from ..physiology.errors import InputError
from .files import Source, json_of, text_of
from .genotype import GeneCall, Genotype
from .genotype_pharmcat import (
    calls_of_json,
    calls_of_outside,
    calls_of_tsv,
    looks_like_outside,
    looks_like_pharmcat,
)
from .genotype_vcf import calls_of_vcf
from .quality import Ledger

LARGEST_BYTES: Final = 8_000_000_000
"""Ours: an unpacked VCF beyond it is to be cut to chromosomes 10 and 16 first."""
LARGEST_REPORT_BYTES: Final = 100_000_000
LONGEST_LINE: Final = 50_000_000
_GZIP = b"\x1f\x8b"
_HINT = "give a PharmCAT report.json, phenotype.json or report.tsv, or a VCF on GRCh38"


def read_genotype(path: str | Path, *, sample: str | int | None = None) -> Genotype:
    """Read one person's pharmacogenes.

    Parameters
    ----------
    path : path
        PharmCAT's ``report.json`` (version 3 or 2), ``phenotype.json``, ``report.tsv``, a file of
        outside calls, or a VCF on GRCh38, plain or gzipped.
    sample : str or int, optional
        Of a VCF with several samples: the person's number (from 1) or name.

    Returns
    -------
    Genotype
        Every gene of ``GENES``; what the file does not tell is unknown and says why.

    Raises
    ------
    InputError
        One line that says what is wrong with the file and what to do.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            head = file.read(64)
            packed = head.startswith(_GZIP)
            file.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=file) if packed else file)
            first = stream.read(64)
            stream.seek(0)
            if first.lstrip(b"\xef\xbb\xbf").startswith(b"##fileformat=VCF"):
                ledger = Ledger()
                calls, sha256 = _vcf(stream, sample, ledger)
                return _genotype("vcf", sha256, calls, ledger)
            data = stream.read(LARGEST_REPORT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or "it breaks off or is damaged"
        raise InputError(f"genotype: '{place}' cannot be read ({why})") from None
    if len(data) > LARGEST_REPORT_BYTES:
        raise InputError(f"genotype: '{place}' is larger than a report; {_HINT}")
    if sample is not None:
        raise InputError("sample: only a VCF holds several; leave it out")
    return _report(place, Source(place.name, data))


def _report(place: Path, source: Source) -> Genotype:
    """Read anything but a VCF."""
    ledger = Ledger()
    text = text_of(source)
    if text.lstrip()[:1] == "{":
        document = json_of(source)
        if isinstance(document, dict) and looks_like_pharmcat(document):
            return _genotype(
                "pharmcat_json", source.sha256, calls_of_json(document, ledger), ledger
            )
    elif any(line.startswith("Gene\tSource Diplotype") for line in text.splitlines()[:5]):
        return _genotype("pharmcat_tsv", source.sha256, calls_of_tsv(text, ledger), ledger)
    elif looks_like_outside(text.splitlines()):
        return _genotype("outside_call", source.sha256, calls_of_outside(text, ledger), ledger)
    raise InputError(f"genotype: '{place}' holds no genotype that can be read; {_HINT}")


def _vcf(
    stream: IO[bytes], sample: str | int | None, ledger: Ledger
) -> tuple[dict[str, GeneCall], str]:
    digest = hashlib.sha256()

    def lines() -> Iterator[str]:
        size = 0
        while line := stream.readline(LONGEST_LINE):
            size += len(line)
            if size > LARGEST_BYTES or len(line) >= LONGEST_LINE:
                raise InputError(
                    f"VCF: more than {LARGEST_BYTES / 1e9:g} GB, or a line of more than "
                    f"{LONGEST_LINE / 1e6:g} MB; cut it to chromosomes 10 and 16 first"
                )
            digest.update(line)
            yield line.decode("utf-8", "replace").lstrip("\ufeff")

    return calls_of_vcf(lines(), sample, ledger), digest.hexdigest()


def _genotype(kind: str, sha256: str, calls: dict[str, GeneCall], ledger: Ledger) -> Genotype:
    notes = tuple(
        f"{gene}: {call.confidence}, {call.why}." for gene, call in calls.items() if call.why
    )
    return Genotype(
        f"record-{sha256[:8]}", kind, sha256, calls, notes, ledger.dropped(), ledger.accounts(),
        ledger.rows(),
    )  # fmt: skip
