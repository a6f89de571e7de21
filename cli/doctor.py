"""Check that this machine can run DoseGym, or an audit record."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

CHECKED_EXTRAS = ("contrib", "browser")
COMPILE_LIMIT_S = 15.0


@dataclass(frozen=True)
class Check:
    """One finding about the machine.

    Parameters
    ----------
    name, found, needed : str
        What was looked at, what is there, and what should be.
    passed : bool
        Whether what is there suffices.
    required : bool
        Whether DoseGym cannot work without it.
    """

    name: str
    found: str
    needed: str
    passed: bool
    required: bool


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    audit: Annotated[
        Path | None, typer.Option(help="Check this audit record instead of the machine.")
    ] = None,
) -> int:
    """Print the findings; the exit status is 1 when a required one fails, 2 for a broken record."""
    if audit is not None:
        check_audit(audit, as_json)
        return 0
    checks = [*check_python(), *check_packages(), *check_machine(), *check_engine()]
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        _print(checks)
    return int(any(check.required and not check.passed for check in checks))


def check_python() -> Iterator[Check]:
    """Compare the interpreter with the range the package declares."""
    from packaging.specifiers import SpecifierSet

    needed = metadata.metadata("dosegym")["Requires-Python"]
    found = platform.python_version()
    yield Check("python", found, needed, SpecifierSet(needed).contains(found), required=True)


def check_packages() -> Iterator[Check]:
    """Compare each installed package with the range the package declares for it."""
    from packaging.requirements import Requirement

    for text in metadata.requires("dosegym") or ():
        requirement = Requirement(text)
        marker = requirement.marker
        required = marker is None or marker.evaluate({"extra": ""})
        if not required and not any(
            marker is not None and marker.evaluate({"extra": extra}) for extra in CHECKED_EXTRAS
        ):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found = "absent"
        passed = found != "absent" and requirement.specifier.contains(found, prereleases=True)
        yield Check(requirement.name, found, str(requirement.specifier), passed, required)


def check_machine() -> Iterator[Check]:
    """Look for cores to compute on and a browser for the tests that draw pages."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    yield Check("cores", str(cores), ">=2", cores >= 2, required=False)
    browser = shutil.which("chromium") or "absent"
    yield Check("chromium", browser, "for browser tests", browser != "absent", required=False)


def check_engine() -> Iterator[Check]:
    """Compile the insulin model, or load it from the cache, and time it."""
    from ..physiology import load_model
    from ..physiology.engine import cache_folder, engine_for

    folder = cache_folder()
    yield Check("kernel cache", str(folder), "writable", os.access(folder, os.W_OK), required=True)
    seconds = engine_for(load_model("uva_padova_2008")).compile_seconds
    limit = f"<={COMPILE_LIMIT_S:g} s"
    passed = seconds <= COMPILE_LIMIT_S
    yield Check("engine ready after", f"{seconds:.2f} s", limit, passed, required=False)


def check_audit(path: Path, as_json: bool = False) -> None:
    """Print one line on an audit record.

    Raises
    ------
    InputError
        If the record is broken, or there is none.
    """
    from ..evaluation.audit import verify
    from ..physiology.errors import InputError

    report = verify(path)
    if not report.ok:
        raise InputError(f"audit record {path} is broken: {report.reason}")
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
        return
    torn = f"; {report.reason}" if report.reason else ""
    kept = f"last hash {report.last_sha256}, keep it elsewhere"
    typer.echo(f"{path}: {report.entries} entries, unbroken{torn}; {kept}")


def _print(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("check", "found", "needed", "")
    for check in checks:
        verdict = "ok" if check.passed else "[red]missing" if check.required else "[yellow]optional"
        table.add_row(check.name, check.found, check.needed, verdict)
    Console().print(table)
