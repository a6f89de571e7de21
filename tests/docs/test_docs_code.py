"""The code on the pages is true: every Python block parses, and those marked run.

A block is marked by the line ``<!-- test -->`` above its fence (``<!-- test: slow -->`` for one
that takes long). The marked blocks of a page run top to bottom in one namespace, in an empty
folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>test(?:: slow)?) -->\n)?```python\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of Python on a page, with the number of its first line and its mark."""

    page: Path
    line: int
    code: str
    mark: str | None

    def compiled(self) -> CodeType:
        """Return the code object, whose tracebacks name the page and its lines."""
        return compile("\n" * (self.line - 1) + self.code, str(self.page), "exec")


def blocks_of(page: Path) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start("code")) + 1, match["code"], match["mark"])
        for match in FENCE.finditer(text)
    ]


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCKS = {page: blocks_of(page) for page in PAGES}


def pages_to_run() -> list[object]:
    """Return one parameter for each page with marked blocks, slow ones marked so."""
    parameters: list[object] = []
    for page, blocks in BLOCKS.items():
        marks = {block.mark for block in blocks} - {None}
        if marks:
            slow = [pytest.mark.slow] if "test: slow" in marks else []
            name = str(page.relative_to(ROOT))
            parameters.append(pytest.param(page, id=name, marks=slow))
    return parameters


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_parses(page: Path) -> None:
    """No page shows Python that is not Python, and none loses a block to a wrong mark."""
    text = page.read_text(encoding="utf-8")
    assert len(BLOCKS[page]) == len(re.findall(r"^\s*```\s*(?:python|py)\b", text, re.M))
    assert text.count("<!-- test") == sum(block.mark is not None for block in BLOCKS[page])
    for block in BLOCKS[page]:
        block.compiled()


@pytest.mark.parametrize("page", pages_to_run())
def test_marked_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks that a reader is told to run do run, with warnings as errors."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__page__"}
    for block in BLOCKS[page]:
        if block.mark is not None:
            exec(block.compiled(), namespace)
    assert len(namespace) > 2, "the page's blocks defined nothing: none was run"
