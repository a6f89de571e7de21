"""Every real file: read with all of its rows told, or refused, and why each refusal is right.

`examples/bench_records.py` prints the whole table.
"""

from __future__ import annotations

import importlib.util
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
# What is refused, and why that is right; whatever is not named here has to be read.
REFUSED = {
    "README.md": "prose",
    "*/LICENSE": "prose",
    "uci_diabetes_aim94/Data-Codes": "prose",
    "uci_diabetes_aim94/Domain-Description": "prose",
    "uci_diabetes_aim94/README-DIABETES": "prose",
    "cds_hooks/*": "requests and cards of a decision service are no record",
    "cgm_format/nightscout_treatments.json": "no glucose alone; read beside its entries",
    "cgm_format/nightscout_profile.json": "no glucose alone; read beside its entries",
    "cgm_format/d1namo_insulin_001.csv": "no glucose alone; read beside its glucose",
    "iglu/example_meals_hall.csv": "no glucose alone; read beside its glucose",
    "py_replay_bg/patient_info.csv": "no glucose alone; read beside its days",
    "oref0/*": "one part of a case, which is read as its folder",
    "golden/*": "states of a simulator, not a person's record",
    "uva_padova_30/*": "parameters of virtual patients",
    "nlme_rdatasets/Glucose2.csv": "glucose after alcohol in units of R's own, without doses",
    "nlme_rdatasets/IGF.csv": "a radioimmunoassay, no doses and no times",
    "fhir_examples/*": "single resources, too little for a record by themselves",
    "pharmcat/*": "genotypes: read by read_genotype or refused for want of a call",
}  # fmt: skip
MAY_BE_READ = ("oref0/glucose.json", "fhir_examples/*", "pharmcat/*")


def bench():
    """Import the bench by its path."""
    spec = importlib.util.spec_from_file_location(
        "bench_records", ROOT / "examples" / "bench_records.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_records"] = module
    spec.loader.exec_module(module)
    return module


def names():
    """Return the names of all shared files but those that take long."""
    if not SHARED.exists():
        return []
    files = (path for path in SHARED.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(SHARED)) for path in files)


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_row_is_told_or_the_file_is_rightly_refused(name, tmp_path):
    """Rows counted without the reader equal those it accounts for; refusals are as expected."""
    path = tmp_path / Path(name).name
    path.write_bytes((SHARED / name).read_bytes())
    entry = bench().survey(name, path, [path])
    expected = next((why for pattern, why in REFUSED.items() if fnmatch(name, pattern)), "")
    if entry.refusal:
        assert expected, f"{name} is refused: {entry.refusal}"
        assert "\n" not in entry.refusal
        return
    assert not expected or any(fnmatch(name, pattern) for pattern in MAY_BE_READ)
    assert entry.accounted == entry.rows


@pytest.mark.shared_data
@pytest.mark.parametrize("title", sorted(bench().SETS))
def test_files_that_belong_together_are_read_together(title):
    """Of each set all rows are told."""
    if not SHARED.exists():
        pytest.skip("the samples are not beside this checkout (../shared/data)")
    (entry,) = bench().sets(SHARED, title)
    assert not entry.refusal
    assert entry.accounted == entry.rows
