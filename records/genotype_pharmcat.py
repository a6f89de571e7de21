"""PharmCAT's report.json, phenotype.json and report.tsv, and its files of outside calls."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Final

from ..physiology.errors import InputError
from . import fhir_json as fj
from .fhir_json import Resource
from .genotype import GENES, GeneCall, activity_of, phenotype_of, unknown
from .quality import Ledger
from .values import number_of

SOURCES: Final = ("CPIC", "DPWG", "FDA")
"""Version 2 nests its genes by whose phenotypes they are; the first that has a gene counts."""
_NONE: Final = frozenset({"", "n/a", "no result", "indeterminate", "unknown", "null", "none"})
_ALLELE = re.compile(r"\*\d+(?:\.\d+)?(?:x[≥]?\d+)?(?:\s?\+\s?\*\d+(?:x[≥]?\d+)?)*|reference")
_BASE = re.compile(r"\(([CT])\)\s*$")
_VKORC1 = re.compile(r"-1639 ?([AG])\s?/?\s?([AG])")
_PHENOTYPE = re.compile(r"(?:likely )?(?:poor|intermediate|normal|rapid|ultrarapid) metaboli[sz]er")


def looks_like_pharmcat(document: object) -> bool:
    """Tell whether JSON is a report or a phenotype file of PharmCAT."""
    if not isinstance(document, Mapping):
        return False
    genes = document.get("genes", document.get("geneReports"))
    named = {"pharmcatVersion", "matcherMetadata", "geneReports", "dataVersion"}
    return isinstance(genes, Mapping | list) and bool(named & set(document))


def calls_of_json(document: Resource, ledger: Ledger | None = None) -> dict[str, GeneCall]:
    """Read a report or a phenotype file, of version 3 or of version 2; each gene is a row."""
    genes = document.get("genes", document.get("geneReports"))
    names = _names_in(genes)
    if not names:
        raise InputError("PharmCAT: the report holds no gene; run PharmCAT again")
    for name in names:
        _account(name, ledger)
    return {gene: _of_report(gene, _report(genes, gene)) for gene in GENES}


def _names_in(genes: object) -> list[str]:
    """Return the name of every gene of a report; a version that nests them names some twice."""
    if isinstance(genes, list):
        return [str(part.get("geneSymbol", part.get("gene"))) for part in fj.parts({"": genes}, "")]
    if not isinstance(genes, Mapping):
        return []
    nested = [name for source in SOURCES for name in fj.part(genes, source)]
    return [*nested, *(str(name) for name in genes if name not in SOURCES)]


def _account(gene: str, ledger: Ledger | None) -> None:
    """Account for one gene of a report, one line of a table."""
    if ledger is None:
        return
    ledger.row()
    ledger.see("gene")
    if gene not in GENES:
        ledger.drop("gene", "none that is used", "a gene")
    ledger.end_rows()


def _report(genes: object, gene: str) -> Resource:
    """Return what the file says of one gene, wherever its version keeps it."""
    if isinstance(genes, list):
        rows = [row for row in genes if isinstance(row, Mapping)]
        return next((r for r in rows if gene in {r.get("geneSymbol"), r.get("gene")}), {})
    direct = fj.part(genes, gene)
    nested = (fj.part(genes, source, gene) for source in SOURCES)
    return direct or next(filter(None, nested), {})


def _of_report(gene: str, report: Resource) -> GeneCall:
    origin = fj.word(report, "callSource").upper()
    source = "outside call" if origin == "OUTSIDE" else "pharmcat"
    if not report or origin == "NONE":
        return unknown(gene, source, "the report holds no call")
    rows = fj.parts(report, "recommendationDiplotypes") or fj.parts(report, "sourceDiplotypes")
    rows = list({_label(row): row for row in rows}.values())
    if len(rows) != 1:
        why = f"{len(rows)} diplotypes are possible" if rows else "the report holds no call"
        return unknown(gene, source, why)
    row = rows[0]
    phenotypes = row.get("phenotypes")
    phenotype = phenotypes[0] if isinstance(phenotypes, list) and len(phenotypes) == 1 else ""
    missing = sum(
        1 for item in fj.parts(report, "variants") if fj.word(item, "call") in {"", "./.", ".|."}
    )
    why = f"{missing} positions of the gene are missing" if missing else ""
    if report.get("hasUndocumentedVariations") is True:
        why = why or "a variant that no allele documents was seen"
    return _named(gene, _label(row), str(phenotype), row.get("activityScore"), source, why)


def _label(row: Resource) -> str:
    """Return the two alleles of a diplotype as text."""
    pair = [fj.word(fj.part(row, name), "name") for name in ("allele1", "allele2")]
    return "/".join(pair) if all(pair) else fj.word(row, "label")


def _named(gene: str, label: str, phenotype: str, score: object, source: str, why: str) -> GeneCall:
    """Return a call from its words; words that are not understood are not kept."""
    if gene == "VKORC1":
        return _vkorc1(label, phenotype, source, why)
    halves = [half.strip() for half in label.split("/")]
    if len(halves) != 2 or not all(_ALLELE.fullmatch(half.lower()) for half in halves):
        return unknown(gene, source, "the report names no two alleles")
    number = number_of(str(score).lstrip("≥><= ")) if score is not None else None
    told = phenotype.strip() if _PHENOTYPE.fullmatch(phenotype.strip().lower()) else None
    if number is None:
        number = activity_of(gene, label)
    if told is None and phenotype.strip().lower() in _NONE:
        told = phenotype_of(gene, number)
    return GeneCall(
        gene, "/".join(halves), told, number, source, "partial" if why else "complete", why
    )


def _vkorc1(label: str, phenotype: str, source: str, why: str) -> GeneCall:
    """Read VKORC1; alleles are named on the plus strand, the phenotype on the gene's own."""
    bases = [_BASE.search(half) for half in label.split("/")]
    by_allele = (
        "".join(sorted({"C": "G", "T": "A"}[base[1]] for base in bases if base))
        if len(bases) == 2 and all(bases)
        else ""
    )
    match = _VKORC1.fullmatch(phenotype.strip()) or _VKORC1.fullmatch(label.strip())
    by_name = "".join(sorted(match[1] + match[2])) if match else ""
    if not (by_allele or by_name):
        return unknown("VKORC1", source, "the report names no two alleles")
    if by_allele and by_name and by_allele != by_name:
        return unknown("VKORC1", source, "alleles and phenotype of the report do not agree")
    told = f"-1639 {by_allele or by_name}"
    return GeneCall("VKORC1", told, told, None, source, "partial" if why else "complete", why)


def calls_of_tsv(text: str, ledger: Ledger | None = None) -> dict[str, GeneCall]:
    """Read a report.tsv."""
    lines = [line for line in text.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.startswith("Gene\t")), 0)
    reader = csv.DictReader(io.StringIO("\n".join(lines[start:])), delimiter="\t")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(
            f"PharmCAT: the table is malformed ({error}); run PharmCAT again"
        ) from None
    if ledger is not None:
        ledger.header(len(lines) - len(rows))
    for row in rows:
        _account(str(row.get("Gene")), ledger)
    return {gene: _of_row(gene, [r for r in rows if r.get("Gene") == gene]) for gene in GENES}


def _of_row(gene: str, rows: list[dict[str, str]]) -> GeneCall:
    if len(rows) != 1:
        why = f"{len(rows)} diplotypes are possible" if rows else "the report holds no call"
        return unknown(gene, "pharmcat", why)
    row = {key: str(value or "") for key, value in rows[0].items() if key}

    def cell(name: str) -> str:
        return row.get(f"Recommendation Lookup {name}", "").strip() or row.get(name, "").strip()

    outside = row.get("Outside Call", "").strip().lower() == "yes"
    missing = row.get("Missing positions", "").strip().lower()
    label = row.get("Recommendation Lookup Diplotype", "").strip() or row.get(
        "Source Diplotype", ""
    )
    return _named(
        gene,
        label,
        cell("Phenotype"),
        cell("Activity Score") or None,
        "outside call" if outside else "pharmcat",
        "" if missing in {"no", "", "0"} else "positions of the gene are missing",
    )


def looks_like_outside(lines: Iterable[str]) -> bool:
    """Tell whether lines are ``gene<TAB>diplotype`` and so on, as PharmCAT takes outside calls."""
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return bool(rows) and all(
        2 <= len(row) <= 5 and re.fullmatch(r"[A-Z0-9-]{3,12}", row[0]) for row in rows
    )


def calls_of_outside(text: str, ledger: Ledger | None = None) -> dict[str, GeneCall]:
    """Read a file of outside calls: gene, diplotype, phenotype, activity score."""
    calls = {}
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [line.split("\t") for line in lines if line[0] != "#"]
    if ledger is not None:
        ledger.header(len(lines) - len(rows))
    for row in rows:
        _account(row[0], ledger)
    for gene in GENES:
        own = [[cell.strip() for cell in row] + [""] * 3 for row in rows if row[0] == gene]
        if len(own) != 1:
            why = f"{len(own)} calls are given" if own else "the file holds no call"
            calls[gene] = unknown(gene, "outside call", why)
        else:
            label = own[0][1].removeprefix(gene).strip()
            calls[gene] = _named(gene, label, own[0][2], own[0][3] or None, "outside call", "")
    return calls
