"""The words of a formula's text, with the place of each for messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from ..physiology.errors import InputError

LONGEST: Final = 4000  # characters; a real formula has a few hundred

#: Every spelling of an operator, and the kind it means.
KEYWORDS: Final = {
    "not": "not", "!": "not",
    "and": "and", "&": "and", "&&": "and",
    "or": "or", "|": "or", "||": "or",
    "implies": "implies", "->": "implies",
    "always": "always", "G": "always",
    "eventually": "eventually", "F": "eventually",
    "until": "until", "U": "until",
    "historically": "historically", "H": "historically",
    "once": "once", "O": "once",
    "since": "since", "S": "since",
    "true": "true", "false": "false",
}  # fmt: skip
COMPARISONS: Final = (">=", "<=", ">", "<")

_WORD: Final = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>->|&&|\|\||>=|<=|==|!=|[-()\[\],:<>!&|+*=])
    )""",
    re.VERBOSE,
)
# A unit follows a number: up to a space, a bracket or an operator.
_UNIT: Final = re.compile(r"\s*(?P<unit>(?:1/)?[A-Za-zµμ%][A-Za-z0-9µμ%/.^]*)")


@dataclass(frozen=True)
class Word:
    """One word: ``kind`` is ``number``, ``name``, ``end``, a keyword's kind or the sign itself."""

    kind: str
    text: str
    at: int


class Words:
    """A formula's text, read word by word."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0
        if len(text) > LONGEST:
            raise InputError(
                f"formula has {len(text)} characters, more than {LONGEST}; write several items"
            )
        self.now = self._next()

    def _next(self) -> Word:
        rest = self.text[self._at :]
        if not rest.strip():
            return Word("end", "", len(self.text.rstrip()))
        found = _WORD.match(self.text, self._at)
        if found is None:
            at = len(self.text) - len(rest.lstrip())
            self.fail(at, f"{self.text[at]!r} has no meaning here; remove it")
        group = str(found.lastgroup)
        word, at = found.group(group), found.start(group)
        self._at = found.end()
        kind = (
            group if group == "number" else KEYWORDS.get(word, "name" if group == "name" else word)
        )
        return Word(kind, word, at)

    def take(self) -> Word:
        """Return this word and go on to the next."""
        word = self.now
        self.now = self._next()
        return word

    def take_if(self, *kinds: str) -> Word | None:
        """Return this word and go on, if it is of one of the kinds."""
        return self.take() if self.now.kind in kinds else None

    def expect(self, kind: str, why: str) -> Word:
        """Return this word of a kind, or refuse."""
        if self.now.kind != kind:
            self.fail(self.now.at, f"{self.found()} where {why}")
        return self.take()

    def number_with_unit(self) -> tuple[Word, Word | None]:
        """Return the number that comes next, and the unit right behind it if there is one."""
        number = self.now
        mark = _UNIT.match(self.text, self._at)
        unit = None
        if mark is not None and mark.group("unit") not in KEYWORDS:
            unit = Word("unit", mark.group("unit"), mark.start("unit"))
            self._at = mark.end()
        elif mark is not None and mark.group("unit") == "U":
            unit = self._insulin_unit(mark)
        self.now = self._next()
        return number, unit

    def _insulin_unit(self, mark: re.Match[str]) -> Word | None:
        """Read U behind a number as the unit, not as ``until``, unless a window follows."""
        if self.text[mark.end() :].lstrip().startswith("["):
            return None
        self._at = mark.end()
        return Word("unit", "U", mark.start("unit"))

    def found(self) -> str:
        """Name this word in a message."""
        return "the end" if self.now.kind == "end" else repr(self.now.text)

    def fail(self, at: int, what: str) -> NoReturn:
        """Refuse the formula, naming the place."""
        raise InputError(f"formula {self.text!r}, character {at + 1}: {what}")
