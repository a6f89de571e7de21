"""The wheel holds every package and data file, and nothing else."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = {"build", "dist", "site", "runs", "demo", "results"}


def not_copied(folder: str, names: list[str]) -> set[str]:
    """Return the names a clean checkout would not hold: outputs, caches and dot folders."""
    outputs = OUTPUTS if Path(folder) == ROOT else set()
    return {
        name
        for name in names
        if name in outputs or name.startswith(".") or name.endswith((".egg-info", "__pycache__"))
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the tree without outputs, because leftovers in build/ would ship too."""
    copy = tmp_path_factory.mktemp("wheel") / "a checkout"
    shutil.copytree(ROOT, copy, ignore=not_copied, ignore_dangling_symlinks=True)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> zipfile.ZipFile:
    """Build the wheel of the copy."""
    folder = checkout.with_name("wheels")
    result = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, checkout],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def expected_files(checkout: Path) -> set[str]:
    """Return what pyproject.toml and the folders on disk say the wheel must hold."""
    with (checkout / "pyproject.toml").open("rb") as file:
        table = tomllib.load(file)["tool"]["setuptools"]
    expected = set()
    for package in table["packages"]:
        parts = package.split(".")
        patterns = ["*.py", *table["package-data"].get(package, [])]
        for path in checkout.joinpath(*parts[1:]).iterdir():
            if path.is_file() and any(fnmatch(path.name, pattern) for pattern in patterns):
                expected.add("/".join((*parts, path.name)))
    return expected


def test_the_wheel_is_complete_and_nothing_more(wheel: zipfile.ZipFile, checkout: Path) -> None:
    """Every module and data file of every package is there, and no test, page or example."""
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == expected_files(checkout)
    assert "dosegym/py.typed" in shipped


def test_the_wheel_carries_licence_and_console_script(wheel: zipfile.ZipFile) -> None:
    """The licence text travels along, and installing makes the program ``dosegym``."""
    info = {name.partition(".dist-info/")[2]: name for name in wheel.namelist()}
    assert "Apache License" in wheel.read(info["licenses/LICENSE"]).decode()
    scripts = wheel.read(info["entry_points.txt"]).decode()
    assert "dosegym = dosegym.cli.main:main" in scripts
    assert "License-Expression: Apache-2.0" in wheel.read(info["METADATA"]).decode()
