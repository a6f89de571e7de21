"""The repository root is the package: the hazards of that layout, each guarded."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = {"tests", "docs", "examples", "build", "dist", "site", "runs", "demo", "results"}


def setuptools_table() -> dict[str, Any]:
    """Return the setuptools part of pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["tool"]["setuptools"]
    return table


def shipped_files(pattern: str) -> list[Path]:
    """Return the files below the root that match, outside folders that never ship."""
    found = [path.relative_to(ROOT) for path in ROOT.rglob(pattern)]
    return [
        path
        for path in sorted(found)
        if path.parts[0] not in NOT_SHIPPED and not path.parts[0].startswith(".")
    ]


def test_the_root_holds_no_stray_module() -> None:
    """Any other Python file in the root would ship inside the wheel."""
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_packages_listed_are_packages_present() -> None:
    """A folder with ``__init__.py`` missing from the list would vanish from the wheel."""
    present = {".".join(("dosegym", *path.parent.parts)) for path in shipped_files("__init__.py")}
    listed = setuptools_table()["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == present


def test_every_module_lies_in_a_package() -> None:
    """A module in a folder without ``__init__.py`` would not ship."""
    homeless = [
        str(path)
        for path in shipped_files("*.py")
        if not (ROOT / path).with_name("__init__.py").is_file()
    ]
    assert homeless == []


def test_every_data_file_is_declared() -> None:
    """A file in a data folder that no pattern of package-data matches would not ship."""
    table = setuptools_table()
    lost = []
    for package in table["packages"]:
        folder = ROOT.joinpath(*package.split(".")[1:])
        patterns = table["package-data"].get(package, [])
        for path in folder.iterdir() if package != "dosegym" else ():
            code = path.suffix in {".py", ".pyc"} or path.is_dir()
            if not code and not any(path.match(pattern) for pattern in patterns):
                lost.append(str(path.relative_to(ROOT)))
    assert lost == []


def test_tests_are_no_package() -> None:
    """With importlib mode an ``__init__.py`` under tests would shadow modules of one name."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("path", shipped_files("*.py"), ids=str)
def test_first_line_names_the_purpose(path: Path) -> None:
    """Every module opens with a docstring whose first line is a whole sentence."""
    text = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    assert text is not None, f"{path} has no docstring"
    first = text.partition("\n")[0]
    assert first.endswith("."), f"{path}: {first!r} is no sentence"


def test_readme_commands_exist() -> None:
    """The two commands that the README promises are verbs of the Makefile."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for verb in ("demo", "test"):
        assert f"make {verb}" in readme
        assert f"\n{verb}:" in makefile


def test_versions_agree() -> None:
    """The version stands in three places and is the same in all."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'__version__ = "{declared}"' in (ROOT / "__init__.py").read_text(encoding="utf-8")
    assert f"\nversion: {declared}\n" in citation
