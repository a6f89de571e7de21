"""CYP2C9 and VKORC1 out of a VCF on GRCh38; a position that is not in the file is not reference.

VKORC1 lies on the minus strand: the file's T at chr16:31096368 is the A of -1639G>A.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..physiology.errors import InputError
from .genotype import GeneCall, activity_of, phenotype_of, unknown
from .quality import Ledger
from .values import shown

STAR_2: Final = ("10", 94942290, "C")
STAR_3: Final = ("10", 94981296, "A")
VKORC1: Final = ("16", 31096368, "C")
MINUS: Final[Mapping[str, str]] = {"C": "G", "T": "A"}
IMPORTANT: Final = {
    94942309: ("*8", "G"), 94949281: ("*6", "G"), 94981224: ("*11", "C"), 94981301: ("*5", "C")
}  # fmt: skip
"""The other alleles of CPIC's warfarin guideline (Johnson 2017, doi:10.1002/cpt.668)."""
DEFINING: Final = frozenset(
    94_900_000 + last
    for last in (
        38683, 38719, 38737, 38771, 38788, 38800, 38803, 38828, 41897, 41915, 41958, 41975,
        41976, 41982, 42018, 42205, 42212, 42216, 42230, 42231, 42233, 42234, 42240, 42243,
        42249, 42254, 42255, 42291, 42305, 42306, 42308, 42309, 47782, 47785, 47869, 47907,
        47917, 47938, 47939, 49129, 49144, 49145, 49161, 49184, 49217, 49280, 49281, 49282,
        72119, 72123, 72134, 72179, 72180, 72183, 72194, 72233, 81199, 81201, 81224, 81225,
        81230, 81250, 81258, 81281, 81297, 81301, 81302, 81305, 81365, 81371, 86042, 86073,
        86136, 86174, 88852, 88855, 88880, 88917, 88925, 88955, 88984, 89020, 89023,
    )
)  # fmt: skip
"""Positions on chromosome 10 that define CYP2C9's other alleles (PharmVar, as in PharmCAT 3.1)."""
OLD_BUILD: Final = {("10", 96702047), ("10", 96741053), ("16", 31107689)}
"""Where the three stand on GRCh37."""
RSIDS: Final = {
    "rs1799853": STAR_2[:2], "rs1057910": STAR_3[:2], "rs9923231": VKORC1[:2]
}  # fmt: skip
_ACCESSIONS = {"NC_000010.11": "10", "NC_000016.10": "16"}
_OLD_ACCESSIONS = ("NC_000010.10", "NC_000016.9")
_POSITION = re.compile(r"[0-9]{1,9}", re.ASCII)
_OLD = re.compile(r"GRCh37|hg19|b37|hs37", re.IGNORECASE)
_NO_BASES = frozenset({"<NON_REF>", "<*>", "*"})


class Call(NamedTuple):
    """Two bases at a position (``?`` where not told), whether phased, and the phase set."""

    bases: tuple[str, str]
    phased: bool = False
    phase_set: str = ""


@dataclass
class Seen:
    """What the rows of one sample say of the positions that matter."""

    calls: dict[tuple[str, int], list[Call]] = field(default_factory=dict)
    other: dict[int, bool] = field(default_factory=dict)  # position: differs from the reference


def calls_of_vcf(
    lines: Iterable[str], sample: str | int | None = None, ledger: Ledger | None = None
) -> dict[str, GeneCall]:
    """Read the lines of a VCF.

    Parameters
    ----------
    lines : iterable of str
    sample : str or int, optional
        Name or number (from 1) of the person's column; needed where there are several.
    ledger : Ledger, optional
        Told what became of each line.

    Returns
    -------
    mapping of str to GeneCall

    Raises
    ------
    InputError
        When it is no VCF, of another build, or the sample is not told.
    """
    seen, account = Seen(), Ledger() if ledger is None else ledger
    column = -1
    for line in lines:
        if not line.strip():
            continue
        if line.startswith("#"):
            account.header()
        if line.startswith("##"):
            if line.startswith(("##reference", "##contig", "##assembly")) and _OLD.search(line):
                raise _old_build("its header names GRCh37")
        elif line.startswith("#"):
            column = _column(line.rstrip("\r\n").split("\t"), sample)
        elif column < 0:
            raise InputError("VCF: there is no line that begins with #CHROM; give a whole VCF")
        else:
            account.row()
            account.see("position")
            near = line[:5].startswith(("chr10", "chr16", "10\t", "16\t", "NC_00"))
            if not (near and _take(line.rstrip("\r\n").split("\t"), column, seen)):
                account.drop("position", "of none of the genes, or not readable", "a line")
    account.end_rows()
    if column < 0:
        raise InputError("VCF: there is no line that begins with #CHROM; give a whole VCF")
    return {
        "CYP2C9": _cyp2c9(seen),
        "VKORC1": _vkorc1(seen),
        "CYP2D6": unknown(
            "CYP2D6", "vcf", "single positions tell neither copies nor hybrids of CYP2D6; give a "
            "PharmCAT report with an outside call",
        ),
    }  # fmt: skip


def _old_build(why: str) -> InputError:
    return InputError(f"VCF: {why}, and positions are read on GRCh38; lift the file over first")


def _column(header: list[str], sample: str | int | None) -> int:
    """Return which column is the person's."""
    names = header[9:]
    if header[:5] != ["#CHROM", "POS", "ID", "REF", "ALT"] or not names:
        raise InputError("VCF: the header line has no sample column; give a VCF with genotypes")
    if sample is None:
        if len(names) > 1:
            raise InputError(
                f"VCF: it holds {len(names)} samples; pass sample= with the person's number or name"
            )
        return 9
    if isinstance(sample, int):
        if not 1 <= sample <= len(names):
            raise InputError(f"sample: {sample} is not within 1 to {len(names)}")
        return 8 + sample
    if names.count(sample) != 1:
        raise InputError("sample: the name given is not that of exactly one column of the VCF")
    return 9 + names.index(sample)


def _take(cells: list[str], column: int, seen: Seen) -> bool:
    """Keep what one row says of a position that matters; tell whether it said anything."""
    if len(cells) < 10 or not _POSITION.fullmatch(cells[1]) or cells[0] in _OLD_ACCESSIONS:
        return False
    chrom = _ACCESSIONS.get(cells[0], cells[0].removeprefix("chr"))
    start, reference = int(cells[1]), cells[3].upper()
    named = RSIDS.get(cells[2])
    if (named and named != (chrom, start) and len(reference) == 1) or (
        (chrom, start) in OLD_BUILD and reference in {"C", "A"} and named
    ):
        raise _old_build(f"{cells[2]} stands at {shown(chrom, 12)}:{start}")
    last = max(start + len(reference) - 1, _block_end(cells[7]))
    taken = False
    for place in (STAR_2, STAR_3, VKORC1):
        if place[0] == chrom and start <= place[1] <= last:
            seen.calls.setdefault(place[:2], []).append(_call(cells, column, place))
            taken = True
    return (chrom == "10" and _take_other(cells, column, (start, last), seen)) or taken


def _block_end(info: str) -> int:
    """Return where a block of a gVCF ends, 0 for any other row."""
    match = re.search(r"(?:^|;)END=(\d{1,9})(?:;|$)", info)
    return int(match[1]) if match else 0


def _take_other(cells: list[str], column: int, span: tuple[int, int], seen: Seen) -> bool:
    """Note whether positions of CYP2C9's other alleles were tested, and differ; tell if any was."""
    if span[1] < min(DEFINING) or span[0] > max(DEFINING):
        return False
    indices, _, _ = _genotype(cells, column)
    if None in indices or cells[6] not in {"PASS", ".", ""}:
        return False
    alternatives = cells[4].split(",")
    differs = any(
        index > 0 and alternatives[min(index, len(alternatives)) - 1] not in _NO_BASES
        for index in indices
        if index is not None
    )
    block = span[1] - span[0] >= len(cells[3])
    tested = [p for p in (DEFINING if block else {span[0]} & DEFINING) if span[0] <= p <= span[1]]
    for position in tested:
        seen.other[position] = seen.other.get(position, False) or differs
    return bool(tested)


def _genotype(cells: list[str], column: int) -> tuple[list[int | None], bool, str]:
    """Return the indices of the alleles (None for '.'), whether phased, and the phase set."""
    keys = cells[8].split(":")
    values = cells[column].split(":") if column < len(cells) else []
    fields = dict(zip(keys, values, strict=False))
    text = fields.get("GT", ".")
    parts = re.split(r"[/|]", text)
    indices: list[int | None] = [
        int(part) if part.isascii() and part.isdigit() else None for part in parts
    ]
    if len(indices) != 2:
        indices = [None, None]
    return indices, "|" in text, fields.get("PS", "")


def _call(cells: list[str], column: int, place: tuple[str, int, str]) -> Call:
    """Return the two bases that one row tells at a place; ``?`` where it does not."""
    indices, phased, phase_set = _genotype(cells, column)
    reference = cells[3].upper()
    offset = place[1] - int(cells[1])
    inside = offset < len(reference)
    if inside and reference[offset] != place[2]:
        return Call(("?", "?"))  # another build, or another strand
    alleles = [reference, *cells[4].upper().split(",")]
    bases = []
    for index in indices:
        if index == 0:
            bases.append(place[2])
        elif index is None or not inside or index >= len(alleles):
            bases.append("?")
        else:
            allele = alleles[index]
            known = set(allele) <= set("ACGT") and (len(allele) == len(reference) or offset == 0)
            bases.append(allele[offset] if known else "?")
    if cells[6] not in {"PASS", ".", ""}:
        bases = ["?", "?"]
    return Call((bases[0], bases[1]), phased, phase_set)


def _one(seen: Seen, place: tuple[str, int, str]) -> tuple[Call | None, str]:
    """Return the call at a place, or None and why there is none."""
    where = f"chr{place[0]}:{place[1]}"
    calls = seen.calls.get(place[:2], [])
    if not calls:
        return None, f"{where} is not in the file, which does not mean reference"
    if len({tuple(sorted(call.bases)) for call in calls}) > 1:
        return None, f"two rows disagree at {where}"
    if "?" in calls[0].bases:
        return None, f"no genotype that can be used at {where}"
    return calls[0], ""


def _cyp2c9(seen: Seen) -> GeneCall:
    """Name the two alleles, as far as *2 and *3 and the absence of any other tell them."""
    two, why = _one(seen, STAR_2)
    three, why_three = _one(seen, STAR_3)
    if two is None or three is None:
        return unknown("CYP2C9", "vcf", why or why_three)
    if not (set(two.bases) <= {"C", "T"} and set(three.bases) <= {"A", "C"}):
        return unknown("CYP2C9", "vcf", "a base at the place of *2 or *3 is of neither")
    differing = sorted(position for position, differs in seen.other.items() if differs)
    if differing:
        why = f"chr10:{differing[0]} differs, as in another allele; call it with PharmCAT"
        return unknown("CYP2C9", "vcf", why)
    stars = [["*2"] * two.bases.count("T"), ["*3"] * three.bases.count("C")]
    both = len(stars[0]) == len(stars[1]) == 1
    together = (
        both and two.phased and three.phased and two.phase_set == three.phase_set
        and two.bases.index("T") == three.bases.index("C")
    )  # fmt: skip
    if together or len(stars[0]) + len(stars[1]) > 2:
        return unknown("CYP2C9", "vcf", "*2 and *3 stand on one chromosome, which has no name")
    named = stars[0] + stars[1]
    diplotype = "/".join(sorted(["*1"] * (2 - len(named)) + named))
    untested = [name for position, (name, _) in IMPORTANT.items() if not _tested(position, seen)]
    score = activity_of("CYP2C9", diplotype)
    return GeneCall(
        "CYP2C9", diplotype, phenotype_of("CYP2C9", score), score, "vcf",
        "partial" if untested else "complete",
        f"{', '.join(sorted(untested))} not tested" if untested else "",
    )  # fmt: skip


def _tested(position: int, seen: Seen) -> bool:
    """Tell whether a position was; *6 is written at either base of its deletion."""
    return position in seen.other or (position == 94949281 and 94949282 in seen.other)


def _vkorc1(seen: Seen) -> GeneCall:
    call, why = _one(seen, VKORC1)
    if call is None:
        return unknown("VKORC1", "vcf", why)
    if not set(call.bases) <= set(MINUS):
        return unknown("VKORC1", "vcf", "a base at chr16:31096368 is neither C nor T")
    told = f"-1639 {''.join(sorted(MINUS[base] for base in call.bases))}"
    return GeneCall("VKORC1", told, told, None, "vcf", "complete")
