"""From a formula's text to its tree, every number carrying a unit that fits its signal.

Binding, weakest first: ``implies`` (to the right), ``or``, ``and``, ``until`` and ``since``, then
``not`` and the windows. Brackets group.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ..physiology.errors import InputError
from ..physiology.quantity import Quantity
from ..physiology.units import conversion_factor, units_of
from .stl_formula import Formula
from .stl_tree import (
    ENDLESS,
    EVER,
    Both,
    Interval,
    Node,
    Not,
    Predicate,
    Reach,
    Truth,
    Window,
    signals_in,
)
from .stl_words import COMPARISONS, Word, Words

DEEPEST: Final = 60
_WINDOWS: Final = ("always", "eventually", "historically", "once")
_MINUTES: Final = MappingProxyType({"min": 1.0, "h": 60.0, "d": 1440.0})
# Which substance a signal's concentration is of, by a word of its name.
_SUBSTANCES: Final = MappingProxyType(
    {"glucose": "glucose", "cgm": "glucose", "creatinine": "creatinine"}
)


def parse_formula(text: str, signals: Mapping[str, Quantity]) -> Formula:
    """Read a signal temporal logic formula.

    Parameters
    ----------
    text : str
        Comparisons such as ``glucose >= 54 mg/dL`` or ``iob - 1.5 * iob_cap <= 0 U``, joined by
        ``not and or implies`` (``! & | ->``) and ``always eventually until historically once
        since`` (``G F U H O S``), the latter with a window such as ``[0, 15 min]`` or without one.
    signals : mapping of str to Quantity
        What it may speak of.

    Returns
    -------
    Formula

    Raises
    ------
    InputError
        One line with the place: an unknown word or signal, a missing or wrong unit, a threshold
        that the signal cannot reach, a window that runs backwards.
    """
    words = Words(" ".join(text.split()))
    parser = _Parser(words, signals)
    root = parser.formula()
    if words.now.kind != "end":
        words.fail(words.now.at, f"{words.found()} where the formula should end")
    used = {name: signals[name] for name in signals_in(root)}
    return Formula(words.text, root, used)


class _Parser:
    """Recursive descent over the words."""

    def __init__(self, words: Words, signals: Mapping[str, Quantity]) -> None:
        self.words, self.signals, self._depth = words, signals, 0

    def formula(self) -> Node:
        """implies, or, and, until/since: from the weakest binding inwards."""
        self._depth += 1
        if self._depth > DEEPEST:
            self.words.fail(self.words.now.at, f"nested deeper than {DEEPEST}; write it flatter")
        left = self._either()
        if self.words.take_if("implies"):
            left = Both("implies", left, self.formula())
        self._depth -= 1
        return left

    def _either(self) -> Node:
        left = self._all()
        while self.words.take_if("or"):
            left = Both("or", left, self._all())
        return left

    def _all(self) -> Node:
        left = self._reach()
        while self.words.take_if("and"):
            left = Both("and", left, self._reach())
        return left

    def _reach(self) -> Node:
        left = self._unary()
        while word := self.words.take_if("until", "since"):
            kind: Any = word.kind
            interval = self._interval()
            left = Reach(kind, left, self._unary(), interval)
        return left

    def _unary(self) -> Node:
        prefixes: list[tuple[str, Interval]] = []
        while word := self.words.take_if("not", *_WINDOWS):
            prefixes.append((word.kind, EVER if word.kind == "not" else self._interval()))
            if len(prefixes) > DEEPEST:
                self.words.fail(word.at, f"nested deeper than {DEEPEST}; write it flatter")
        node = self._atom()
        for name, interval in reversed(prefixes):
            kind: Any = name
            node = Not(node) if name == "not" else Window(kind, node, interval)
        return node

    def _atom(self) -> Node:
        words = self.words
        if words.take_if("("):
            inner = self.formula()
            words.expect(")", "a closing bracket is needed")
            return inner
        if word := words.take_if("true", "false"):
            return Truth(word.kind == "true")
        return self._predicate()

    # ---------------------------------------------------------------- windows

    def _interval(self) -> Interval:
        """Read ``[a, b]`` with units of time, or nothing."""
        words = self.words
        if not words.take_if("["):
            return EVER
        opened = words.now.at
        start = self._time()
        if not words.take_if(",", ":"):
            words.fail(words.now.at, f"{words.found()} where a comma is needed, as in [0, 15 min]")
        end = self._time()
        words.expect("]", "] is needed")
        if not start <= end or start == ENDLESS:
            words.fail(opened, f"the window runs from {start:g} to {end:g} min; swap its ends")
        return Interval(start, end)

    def _time(self) -> float:
        """Read a time in minutes; a bare 0 needs no unit, ``inf`` has no end."""
        words = self.words
        if words.now.kind == "name" and words.now.text == "inf":
            words.take()
            return ENDLESS
        if words.now.kind != "number":
            words.fail(words.now.at, f"{words.found()} where a time is needed, as in [0, 15 min]")
        number, unit = words.number_with_unit()
        value = self._finite(number)
        if unit is None:
            if value == 0.0:
                return 0.0
            words.fail(number.at, f"the time {number.text} has no unit; write min, h or d")
        if unit.text not in _MINUTES:
            words.fail(unit.at, f"{unit.text!r} is no unit of time; write min, h or d")
        return value * _MINUTES[unit.text]

    # ---------------------------------------------------------------- comparisons

    def _predicate(self) -> Predicate:
        """Read ``sum comparison sum`` into sum >= 0 in the unit of its signals."""
        words, start = self.words, self.words.now
        left, numbers = self._sum()
        if words.now.kind in ("==", "!=", "="):
            words.fail(words.now.at, "equality is not offered; write two comparisons")
        if words.now.kind not in COMPARISONS:
            words.fail(words.now.at, f"{words.found()} where a comparison (>= > <= <) is needed")
        sign = words.take().kind
        right, more = self._sum()
        if words.now.kind in COMPARISONS:
            words.fail(words.now.at, "comparisons do not chain; join two of them with and")
        flip = 1.0 if sign.startswith(">") else -1.0
        gathered: dict[str, float] = {}
        for scale, side in ((flip, left), (-flip, right)):
            for coefficient, word in side:
                gathered[word.text] = gathered.get(word.text, 0.0) + scale * coefficient
        terms = tuple((c, name) for name, c in gathered.items() if c != 0.0)
        if not terms:
            words.fail(start.at, "the comparison names no signal; compare one with a number")
        unit, substance = self._unit_of([word for _, word in (*left, *right)])
        constant = sum(flip * self._in_unit(*n, unit, substance) for n in numbers)
        constant -= sum(flip * self._in_unit(*n, unit, substance) for n in more)
        constant += 0.0  # no minus zero
        self._reachable(terms, constant, start)
        return Predicate(terms, constant, sign in (">", "<"), unit)

    def _sum(self) -> tuple[list[tuple[float, Word]], list[tuple[float, Word, Word | None]]]:
        """Read signals with their coefficients, and numbers with their units."""
        words = self.words
        terms: list[tuple[float, Word]] = []
        numbers: list[tuple[float, Word, Word | None]] = []
        first = words.take_if("-", "+")
        sign = -1.0 if first is not None and first.kind == "-" else 1.0
        while True:
            if words.now.kind == "number":
                number, unit = words.number_with_unit()
                value = sign * self._finite(number)
                if unit is None and words.take_if("*"):
                    terms.append((value, self._signal()))
                else:
                    numbers.append((value, number, unit))
            else:
                terms.append((sign, self._signal()))
            if not (word := words.take_if("+", "-")):
                return terms, numbers
            sign = 1.0 if word.kind == "+" else -1.0

    def _finite(self, number: Word) -> float:
        value = float(number.text)
        if not math.isfinite(value):
            self.words.fail(number.at, f"the number {number.text} is too large to be one")
        return value

    def _signal(self) -> Word:
        words = self.words
        word = words.now
        if word.kind != "name":
            words.fail(word.at, f"{words.found()} where a signal or a number is needed")
        if word.text not in self.signals:
            near = difflib.get_close_matches(word.text, self.signals, n=1)
            mend = f"did you mean {near[0]}?" if near else f"choose {', '.join(self.signals)}"
            words.fail(word.at, f"{word.text!r} is no known signal; {mend}")
        return words.take()

    def _unit_of(self, names: list[Word]) -> tuple[str, str]:
        """Return the one unit of all signals of a comparison, and their substance."""
        first = names[0]
        unit = self.signals[first.text].unit
        for word in names[1:]:
            other = self.signals[word.text].unit
            if other != unit:
                self.words.fail(
                    word.at,
                    f"{word.text} is in {other!r} and {first.text} in {unit!r}; compare signals "
                    "of one unit",
                )
        kinds = {next((s for w, s in _SUBSTANCES.items() if w in n.text), "") for n in names}
        return unit, kinds.pop() if len(kinds) == 1 else ""

    def _in_unit(
        self, value: float, number: Word, given: Word | None, unit: str, substance: str
    ) -> float:
        """Return a number in the unit of the signals."""
        known = ", ".join(units_of(unit, substance))
        if given is None:
            if unit == "1":
                return value
            self.words.fail(number.at, f"the number {number.text} has no unit; write {known}")
        factor = conversion_factor(given.text, unit, substance)
        if factor is None:
            self.words.fail(given.at, f"the unit {given.text!r} does not fit; write {known}")
        return value * factor

    def _reachable(self, terms: tuple[tuple[float, str], ...], constant: float, at: Word) -> None:
        """Refuse a threshold beyond what a single signal can take: a slip of number or unit."""
        if len(terms) != 1:
            return
        coefficient, signal = terms[0][0], self.signals[terms[0][1]]
        threshold = -constant / coefficient
        try:
            signal.check(threshold)
        except InputError as error:
            self.words.fail(at.at, f"the threshold of {error}")
