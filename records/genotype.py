"""What a person's genes say of drug doses: CYP2C9, VKORC1 and CYP2D6, or that it is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from .quality import Account, Dropped, Rows

GENES: Final = ("CYP2C9", "VKORC1", "CYP2D6")
CONFIDENCES: Final = ("complete", "partial", "unknown")

ACTIVITY: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "CYP2C9": MappingProxyType({"*1": 1.0, "*2": 0.5, "*3": 0.0}),
        "CYP2D6": MappingProxyType(
            {
                **dict.fromkeys(("*1", "*2", "*33", "*35"), 1.0),
                **dict.fromkeys(("*9", "*17", "*29", "*41"), 0.5),
                "*10": 0.25,
                **dict.fromkeys(("*3", "*4", "*5", "*6", "*7", "*8", "*11", "*12", "*13"), 0.0),
            }
        ),
    }
)
"""Activity of alleles: CYP2C9 as CPIC has it (Theken 2020, doi:10.1002/cpt.1830), CYP2D6 by the
consensus of Caudle 2020 (doi:10.1111/cts.12692). Alleles that do not stand here have none."""

_COPIES = re.compile(r"(\*\d+)(?:x(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class GeneCall:
    """One gene of one person; None wherever the file does not tell it, never a guess.

    Parameters
    ----------
    gene : str
        One of ``GENES``.
    diplotype : str or None
        Such as ``*2/*3``; of VKORC1 the bases at -1639 on the gene's own strand, ``-1639 AG``.
    phenotype : str or None
        Such as ``Poor Metabolizer``; of VKORC1 as its diplotype.
    activity_score : float or None
        Sum of the activities of both alleles.
    source : str
        ``vcf``, ``pharmcat`` or ``outside call``.
    confidence : str
        ``complete`` where every position that matters was tested, ``partial`` where alleles other
        than those named could hide, ``unknown`` where nothing is told.
    why : str
        Why it is not complete.
    """

    gene: str
    diplotype: str | None
    phenotype: str | None
    activity_score: float | None
    source: str
    confidence: str
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether the diplotype is told."""
        return self.diplotype is not None


@dataclass(frozen=True)
class Genotype:
    """The pharmacogenes of one person.

    Parameters
    ----------
    subject : str
        A pseudonym made of the file's hash; a sample's name is not kept.
    source_format : str
        ``vcf``, ``pharmcat_json``, ``pharmcat_tsv`` or ``outside_call``.
    source_sha256 : str
    calls : mapping of str to GeneCall
        Every one of ``GENES``.
    notes : tuple of str
    dropped, accounts, rows
        As in :class:`dosegym.records.Timeline`; a row is a line, or a gene of a report.
    """

    subject: str
    source_format: str
    source_sha256: str
    calls: Mapping[str, GeneCall]
    notes: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    accounts: tuple[Account, ...] = ()
    rows: Rows = field(default_factory=Rows)

    def __getitem__(self, gene: str) -> GeneCall:
        """Return the call of a gene."""
        return self.calls[gene]

    def covariates(self) -> dict[str, float]:
        """Return what a pressure twin can use: ``cyp2d6`` 0 poor, 1 normal, 2 ultrarapid.

        Intermediate metabolisers stand half way between poor and normal (project choice: the
        model's figures are those of the extremes). Empty where CYP2D6 is not known.
        """
        phenotype = (self.calls["CYP2D6"].phenotype or "").lower()
        for word, activity in (("ultrarapid", 2.0), ("normal", 1.0), ("intermediate", 0.5)):
            if phenotype.startswith(word):
                return {"cyp2d6": activity}
        return {"cyp2d6": 0.0} if phenotype.startswith("poor") else {}


def unknown(gene: str, source: str, why: str) -> GeneCall:
    """Return a call that says it is not known, and why."""
    return GeneCall(gene, None, None, None, source, "unknown", why)


def activity_of(gene: str, diplotype: str) -> float | None:
    """Return the activity score of ``*1/*4`` or ``*1x2/*41``; None where an allele has none."""
    total = 0.0
    halves = diplotype.split("/")
    for half in halves:
        match = _COPIES.fullmatch(half.strip())
        value = None if match is None else ACTIVITY[gene].get(match[1])
        if match is None or value is None:
            return None
        total += value * int(match[2] or 1)
    return total if len(halves) == 2 else None


def phenotype_of(gene: str, score: float | None) -> str | None:
    """Return the metaboliser status of an activity score.

    CYP2C9: CPIC (Theken 2020, doi:10.1002/cpt.1830); CYP2D6: Caudle 2020
    (doi:10.1111/cts.12692).
    """
    if score is None:
        return None
    if gene == "CYP2C9":
        kinds = ((0.5, "Poor"), (1.5, "Intermediate"), (2.0, "Normal"))
    else:
        kinds = ((0.0, "Poor"), (1.0, "Intermediate"), (2.25, "Normal"))
    word = next((name for bound, name in kinds if score <= bound), "Ultrarapid")
    return f"{word} Metabolizer"
