"""The verb that examines the machine."""

import json
import platform
from importlib import metadata

import pytest

from dosegym.cli import doctor
from dosegym.cli.main import main


def test_this_machine_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the suite runs, every required finding passes and names what was found."""
    assert main(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["numpy"]["found"] == metadata.version("numpy")
    assert {"python", "torch", "kernel cache", "engine ready after"} <= set(checks)
    assert all(check["passed"] for check in checks.values() if check["required"])


def test_developer_tools_are_not_asked_for() -> None:
    """A person who only uses DoseGym needs no linter; the optional extras are looked at."""
    names = {check.name: check for check in doctor.check_packages()}
    assert "ruff" not in names
    assert names["gymnasium"].required
    assert not names["sb3-contrib"].required


def test_a_package_below_its_range_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An outdated required package is shown as failed and the exit status is 1."""
    true_version = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "0.1" if name == "scipy" else true_version(name)
    )
    monkeypatch.setattr(doctor, "check_engine", lambda: iter(()))
    assert main(["doctor", "--json"]) == 1
    failed = [check for check in json.loads(capsys.readouterr().out) if not check["passed"]]
    assert ("scipy", "0.1") in {(check["name"], check["found"]) for check in failed}


def test_an_absent_optional_package_only_advises(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an optional extra the exit status stays 0 and the table says it is optional."""
    true_version = metadata.version

    def version(name: str) -> str:
        if name == "sb3-contrib":
            raise metadata.PackageNotFoundError(name)
        return true_version(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(doctor, "check_engine", lambda: iter(()))
    assert main(["doctor"]) == 0
    row = next(r for r in capsys.readouterr().out.splitlines() if "sb3-contrib" in r)
    assert "absent" in row
    assert "optional" in row


def test_an_old_interpreter_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python below the declared range is a required failure."""
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.2")
    (check,) = doctor.check_python()
    assert check.required
    assert not check.passed
    assert check.found == "3.9.2"
