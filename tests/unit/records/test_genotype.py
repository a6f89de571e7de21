"""Genotypes from VCF and PharmCAT: what a file tells, and nothing that it does not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.physiology.pressure_people import COLUMNS
from dosegym.records import GENES, read_genotype
from dosegym.records.genotype import activity_of, phenotype_of
from dosegym.twins.pressure_prior import prior_of

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "pharmcat"
HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
TWO, THREE = "chr10\t94942290\trs1799853\tC\tT", "chr10\t94981296\trs1057910\tA\tC"
VKORC1 = "chr16\t31096368\trs9923231\tC\tT"


def vcf(*rows, samples=("S1",), head=HEAD):
    """Return a VCF of rows (site, genotypes…)."""
    lines = [f"{site}\t.\tPASS\t.\tGT\t" + "\t".join(calls) for site, *calls in rows]
    return "\n".join([head + "\t" + "\t".join(samples), *lines]) + "\n"


def read(tmp_path, text, **options):
    """Read a text as a genotype."""
    path = tmp_path / "genes.txt"
    path.write_text(text, encoding="utf-8")
    return read_genotype(path, **options)


@pytest.mark.parametrize(
    ("two", "three", "diplotype", "score", "phenotype"),
    [
        ("0/0", "0/0", "*1/*1", 2.0, "Normal Metabolizer"),
        ("0/1", "0/0", "*1/*2", 1.5, "Intermediate Metabolizer"),
        ("1|1", "0|0", "*2/*2", 1.0, "Intermediate Metabolizer"),
        ("0/0", "1/0", "*1/*3", 1.0, "Intermediate Metabolizer"),
        ("0/1", "0/1", "*2/*3", 0.5, "Poor Metabolizer"),
        ("0|1", "1|0", "*2/*3", 0.5, "Poor Metabolizer"),
        ("0/0", "1/1", "*3/*3", 0.0, "Poor Metabolizer"),
        ("0|1", "0|1", None, None, None),
        ("1/1", "0/1", None, None, None),
        ("./.", "0/0", None, None, None),
        ("0/.", "0/0", None, None, None),
        ("0", "0", None, None, None),
        (".", "0/1", None, None, None),
    ],
)
def test_cyp2c9_of_two_positions(tmp_path, two, three, diplotype, score, phenotype):
    """Every pair of genotypes has its name, CPIC's activity and status, or is unknown."""
    call = read(tmp_path, vcf((TWO, two), (THREE, three)))["CYP2C9"]
    assert (call.diplotype, call.activity_score, call.phenotype) == (diplotype, score, phenotype)
    assert call.confidence == ("unknown" if diplotype is None else "partial")
    assert call.why


@pytest.mark.parametrize(
    ("call", "told"),
    [("0/0", "-1639 GG"), ("0/1", "-1639 AG"), ("1|0", "-1639 AG"), ("1/1", "-1639 AA")],
)
def test_vkorc1_is_on_the_other_strand(tmp_path, call, told):
    """The file's T is the gene's A."""
    vkorc1 = read(tmp_path, vcf((VKORC1, call)))["VKORC1"]
    assert (vkorc1.diplotype, vkorc1.confidence) == (told, "complete")


def test_a_position_that_is_missing_is_not_reference(tmp_path):
    """A file of VKORC1 alone says nothing of CYP2C9, and no VCF tells CYP2D6."""
    genes = read(tmp_path, vcf((VKORC1, "0/0")))
    assert set(genes.calls) == set(GENES)
    assert not genes["CYP2C9"].known
    assert "does not mean reference" in genes["CYP2C9"].why
    assert "copies nor hybrids" in genes["CYP2D6"].why
    assert genes.covariates() == {}


def test_another_allele_makes_it_unknown(tmp_path):
    """A carrier of *5 or *11 is not called *1 because *2 and *3 are absent."""
    five = "chr10\t94981301\trs28371686\tC\tG"
    rows = [(TWO, "0/0"), (THREE, "0/0")]
    assert "94981301 differs" in read(tmp_path, vcf(*rows, (five, "0/1")))["CYP2C9"].why
    others = ["94942309\t.\tG\tA", "94949281\t.\tGA\tG", "94981224\t.\tC\tT"]
    tested = [(five, "0/0"), *((f"chr10\t{text}", "0/0") for text in others)]
    assert read(tmp_path, vcf(*rows, *tested))["CYP2C9"].confidence == "complete"


def test_several_samples_are_asked_for_and_told_apart(tmp_path):
    """Two columns need sample=, by number or by name; the name is kept nowhere."""
    rows = [(TWO, "0/0", "0/1"), (THREE, "0/0", "0/0"), (VKORC1, "1/1", "0/0")]
    text = vcf(*rows, samples=("Ann_Example", "B2"))
    with pytest.raises(InputError, match=r"holds 2 samples; pass sample="):
        read(tmp_path, text)
    assert read(tmp_path, text, sample="B2")["CYP2C9"].diplotype == "*1/*2"
    first = read(tmp_path, text, sample=1)
    assert first["VKORC1"].diplotype == "-1639 AA"
    assert "Ann" not in repr(first)
    for wrong in (3, "C"):
        with pytest.raises(InputError, match="sample:"):
            read(tmp_path, text, sample=wrong)


def test_gzip_and_blocks_of_a_gvcf(tmp_path):
    """A gzipped gVCF tells reference by blocks, and its <NON_REF> is nobody's base."""
    lines = [
        HEAD + "\tS1",
        "chr10\t94942000\t.\tA\t<NON_REF>\t.\t.\tEND=94942400\tGT:DP\t0/0:30",
        "chr10\t94981296\t.\tA\tC,<NON_REF>\t.\tPASS\t.\tGT:DP\t0/1:28",
        "chr16\t31096368\t.\tC\tG,T\t.\tPASS\t.\tGT\t2/2",
    ]
    path = tmp_path / "x.g.vcf.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    genes = read_genotype(path)
    assert genes["CYP2C9"].diplotype == "*1/*3"
    assert genes["VKORC1"].diplotype == "-1639 AA"
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-20])
    with pytest.raises(InputError, match="breaks off"):
        read_genotype(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (vcf(("chr10\t96702047\trs1799853\tC\tT", "0/1")), r"rs1799853 stands at 10:96702047"),
        (vcf((TWO, "0/1"), head="##fileformat=VCFv4.2\n##reference=hs37d5.fa\n" + HEAD[22:]),
         "names GRCh37"),
        ("##fileformat=VCFv4.2\n", "no line that begins with #CHROM"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n", "no sample column"),
        ("hello", "holds no genotype"),
        ('{"a": 1}', "holds no genotype"),
        ("{", "breaks off"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, text, says):
    """Another build, no header, another file: each with its reason."""
    with pytest.raises(InputError, match=says) as refused:
        read(tmp_path, text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "row",
    [
        f"{TWO}\t.\tLowQual\t.\tGT\t0/1",
        "chr10\t94942290\t.\tG\tA\t.\tPASS\t.\tGT\t0/1",
        "chr10\t94942288\t.\tAACG\tA\t.\tPASS\t.\tGT\t0/1",
        f"{TWO}\t.\tPASS\t.\tGT\t0/7",
    ],
)
def test_rows_that_do_not_stand_are_unknown(tmp_path, row):
    """A failed filter, another strand, a deletion over the place, an allele that is not there."""
    text = "\n".join([HEAD + "\tS1", row, f"{THREE}\t.\tPASS\t.\tGT\t0/0", ""])
    assert read(tmp_path, text)["CYP2C9"].diplotype is None


def report(gene, names, phenotype, score, **fields):
    """Return one gene's report as version 3 writes it."""
    one, other = ({"name": name} for name in names)
    row = {"allele1": one, "allele2": other, "phenotypes": [phenotype], "activityScore": score}
    return {"geneSymbol": gene, "callSource": "MATCHER", "recommendationDiplotypes": [row],
            "variants": [], **fields}  # fmt: skip


def genes_of_reports():
    """Return reports of the three genes."""
    bases = ("rs9923231 reference (C)", "rs9923231 variant (T)")
    return {
        "CYP2C9": report("CYP2C9", ("*1", "*3"), "Intermediate Metabolizer", "1.0"),
        "VKORC1": report("VKORC1", bases, "-1639 AG", None),
        "CYP2D6": report("CYP2D6", ("*4", "*5"), "Poor Metabolizer", "0.0", callSource="OUTSIDE"),
    }


@pytest.mark.parametrize(
    "document",
    [
        {"pharmcatVersion": "v3.1.0", "genes": genes_of_reports()},
        {"pharmcatVersion": "v2.9.0", "genes": {"CPIC": genes_of_reports(), "DPWG": {}}},
        {"matcherMetadata": {}, "geneReports": genes_of_reports()},
        {"matcherMetadata": {}, "geneReports": {"CPIC": genes_of_reports()}},
    ],
)
def test_both_versions_of_pharmcat_say_the_same(tmp_path, document):
    """Report and phenotype file, version 3 and the nested version 2."""
    genes = read(tmp_path, json.dumps({"title": "Ann Example", **document}))
    assert genes["CYP2C9"].diplotype == "*1/*3"
    assert genes["VKORC1"].diplotype == "-1639 AG"
    assert (genes["CYP2D6"].source, genes["CYP2D6"].activity_score) == ("outside call", 0.0)
    assert genes.covariates() == {"cyp2d6": 0.0}
    assert "Ann" not in repr(genes)


@pytest.mark.parametrize(
    ("change", "gene", "why"),
    [
        ({"callSource": "NONE"}, "CYP2C9", "holds no call"),
        ({"recommendationDiplotypes": [{"label": "Unknown/Unknown"}]}, "CYP2C9", "no two alleles"),
        ({"recommendationDiplotypes": [{"label": "*1/*2"}, {"label": "*1/*3"}]}, "CYP2C9",
         "2 diplotypes are possible"),
        ({"recommendationDiplotypes": [{"label": "rs9923231 variant (T)/rs9923231 variant (T)",
                                        "phenotypes": ["-1639 GG"]}]}, "VKORC1", "do not agree"),
    ],
)  # fmt: skip
def test_a_report_that_does_not_know_is_unknown(tmp_path, change, gene, why):
    """No call, unnamed alleles, several possible ones, and a strand mixed up."""
    reports = genes_of_reports()
    reports[gene] = {**reports[gene], **change}
    call = read(tmp_path, json.dumps({"pharmcatVersion": "v3", "genes": reports}))[gene]
    assert not call.known
    assert why in call.why


def test_missing_positions_make_a_report_partial(tmp_path):
    """What was not sequenced may hide another allele."""
    reports = genes_of_reports()
    reports["CYP2C9"]["variants"] = [{"position": 94942290, "call": None}]
    call = read(tmp_path, json.dumps({"pharmcatVersion": "v3", "genes": reports}))["CYP2C9"]
    assert (call.diplotype, call.confidence) == ("*1/*3", "partial")


def test_outside_calls(tmp_path):
    """A diplotype alone gets its activity and status from the tables; unknown alleles none."""
    genes = read(tmp_path, "CYP2D6\t*1x2/*2\nCYP2C9\t*1/*2\n")
    assert (genes["CYP2D6"].activity_score, genes["CYP2D6"].phenotype) == (
        3.0, "Ultrarapid Metabolizer",
    )  # fmt: skip
    assert genes.covariates() == {"cyp2d6": 2.0}
    assert read(tmp_path, "CYP2D6\t*1/*99\n")["CYP2D6"].phenotype is None


@pytest.mark.parametrize(
    ("diplotype", "score", "phenotype"),
    [
        ("*4/*5", 0.0, "Poor"), ("*10/*10", 0.5, "Intermediate"), ("*1/*4", 1.0, "Intermediate"),
        ("*1/*10", 1.25, "Normal"), ("*1/*1", 2.0, "Normal"), ("*1/*2x2", 3.0, "Ultrarapid"),
    ],
)  # fmt: skip
def test_cyp2d6_status_follows_the_consensus(diplotype, score, phenotype):
    """The bounds of Caudle 2020, table 1: 0, to 1, to 2.25, above."""
    assert activity_of("CYP2D6", diplotype) == score
    assert phenotype_of("CYP2D6", score) == f"{phenotype} Metabolizer"


def test_a_read_genotype_reaches_the_twin():
    """A poor metaboliser's bodies all break metoprolol down slowly; nobody else's chart changes."""
    z = np.random.default_rng(0).standard_normal((50, len(COLUMNS)))
    drawn, known = (prior_of(told).people(z).covariates for told in ({}, {"cyp2d6": 0.0}))
    assert set(known["cyp2d6"]) == {0.0}
    assert 1.0 in drawn["cyp2d6"]
    np.testing.assert_array_equal(drawn["egfr0"], known["egfr0"])


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cyp2c9_s1s1.vcf", {"CYP2C9": "*1/*1", "VKORC1": None}),
        ("cyp2c9_s2s3.vcf", {"CYP2C9": "*2/*3", "VKORC1": None}),
        ("VKORC1_-1639G-1639G.vcf", {"CYP2C9": None, "VKORC1": "-1639 GG"}),
        ("VKORC1_-1639G-1639A.vcf", {"CYP2C9": None, "VKORC1": "-1639 AG"}),
        ("VKORC1_-1639A-1639A.vcf", {"CYP2C9": None, "VKORC1": "-1639 AA"}),
        ("pharmcat.example.vcf", {"CYP2C9": "*1/*1", "VKORC1": "-1639 GG", "CYP2D6": None}),
        *[
            (f"pharmcat.example.{kind}",
             {"CYP2C9": "*1/*1", "VKORC1": "-1639 GG", "CYP2D6": "*1/*3"})
            for kind in ("report.json", "phenotype.json", "report.tsv")
        ],
    ],
)  # fmt: skip
def test_real_files(name, told):
    """PharmCAT's own files read as PharmCAT calls them."""
    genes = read_genotype(SHARED / name)
    assert {gene: genes[gene].diplotype for gene in told} == told


def test_a_report_without_genes_is_refused_and_each_line_is_a_row(tmp_path):
    """Nothing to count is nothing to read; lines of no use are dropped by name."""
    with pytest.raises(InputError, match="holds no gene"):
        read(tmp_path, json.dumps({"pharmcatVersion": "3", "genes": {}}))
    genes = read(tmp_path, vcf((VKORC1, "0/1"), ("chr1\t5\t.\tA\tC", "0/0")))
    assert (genes.rows.header, genes.rows.used, genes.rows.dropped) == (2, 1, 1)
    assert genes.dropped[0].reason == "position: of none of the genes, or not readable"
