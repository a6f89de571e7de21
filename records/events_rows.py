"""Rows of an event table into numbers; a dose that cannot be read is refused, not skipped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..physiology.errors import InputError
from .events_columns import OUTPUT_WORDS, Layout
from .quality import Ledger
from .values import is_blank, number_of, shown

_MISSING = ("", ".", "na", "nan", "null", "none")
_KNOWN_EVID = (0, 1, 2, 3, 4)
_TEXT = "{}: words in the table; {}"
_FEMALE = {"female": 1.0, "f": 1.0, "male": 0.0, "m": 0.0}


@dataclass(frozen=True)
class Row:
    """One row that was kept.

    Parameters
    ----------
    line : int
    subject : str
    time : float
    evid : int
    amount, rate, lasts, ii : float
    cmt, addl, ss : int
    value : float
        NaN where nothing was measured.
    output : int
    censored : bool
    occasion : str
    covariates : dict of str to float
    """

    line: int
    subject: str
    time: float
    evid: int
    amount: float = 0.0
    rate: float = 0.0
    lasts: float = 0.0
    ii: float = 0.0
    cmt: int = 0
    addl: int = 0
    ss: int = 0
    value: float = math.nan
    output: int = 1
    censored: bool = False
    occasion: str = ""
    covariates: dict[str, float] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether the row holds a measurement."""
        return math.isfinite(self.value)


def rows_of(
    rows: Sequence[tuple[int, list[str]]], layout: Layout, ledger: Ledger, notes: list[str]
) -> list[Row]:
    """Return the rows that mean something; the others are counted in the ledger.

    Raises
    ------
    InputError
        When a dose cannot be understood, or a covariate is neither numbers nor words.
    """
    coded = _coded(rows, layout, notes)
    kept = []
    for number, cells in rows:
        ledger.row()
        ledger.see("row")
        if len(cells) != layout.width:
            ledger.drop("row", "more or fewer cells than the header", f"line {number}")
            continue
        row = _row(number, cells, layout, coded, ledger)
        if row is not None:
            kept.append(row)
    ledger.end_rows()
    return kept


def _cell(cells: Sequence[str], layout: Layout, item: str) -> str:
    position = layout.place.get(item)
    text = "" if position is None else cells[position].strip().strip("\"'")
    return "" if text.lower() in _MISSING else text


def _dosing(number: int, cells: Sequence[str], layout: Layout, item: str) -> float:
    """Return a number of a dose; 0 where the cell is empty."""
    text = _cell(cells, layout, item)
    value = 0.0 if not text else number_of(text)
    if value is None:
        raise InputError(f"events: {item.upper()} of line {number} is {text[:20]!r}; give a number")
    return value


def _row(
    number: int, cells: Sequence[str], layout: Layout, coded: dict[str, dict[str, float]],
    ledger: Ledger,
) -> Row | None:  # fmt: skip
    subject, where = _cell(cells, layout, "id"), f"line {number}"
    amount = _dosing(number, cells, layout, "amt")
    evid, cmt = _event(number, cells, layout, amount)
    time = number_of(_cell(cells, layout, "time"))
    if time is None or not subject:
        if evid in (1, 4):
            raise InputError(f"events: the dose at line {number} has no ID or time; fill it in")
        ledger.drop("row", "no ID, or no time that is a number", where)
        return None
    value, output, why = _measured(cells, layout, evid, amount)
    if why:
        ledger.drop("row", why, where)
        return None
    ii = _dosing(number, cells, layout, "ii")
    # R's quinidine: an interval in the row of a dose means that it has long been given like that.
    steady = "ss" not in layout.place and not layout.told and ii > 0.0 and evid == 1
    limit = number_of(_cell(cells, layout, "lloq"))
    flagged = (number_of(_cell(cells, layout, "cens")) or 0.0) == 1.0
    below = limit is not None and math.isfinite(value) and value < limit
    censored = flagged or below
    return Row(
        number, subject, time, evid, amount, _dosing(number, cells, layout, "rate"),
        _dosing(number, cells, layout, "dur"), ii, cmt,
        int(_dosing(number, cells, layout, "addl")),
        1 if steady else int(_dosing(number, cells, layout, "ss")),
        limit if censored and limit is not None else value, output, censored,
        _cell(cells, layout, "occ"), _covariates(cells, layout, coded),
    )  # fmt: skip


def _event(number: int, cells: Sequence[str], layout: Layout, amount: float) -> tuple[int, int]:
    """Return NONMEM's event and compartment of a row."""
    cmt = int(_dosing(number, cells, layout, "cmt")) if _numeric_cmt(cells, layout) else 0
    if not layout.told:
        return (1 if amount > 0.0 and not layout.per_kg else 0), cmt
    evid = int(_dosing(number, cells, layout, "evid"))
    if evid >= 100:  # RxODE's classic codes: 101 is a dose into compartment 1
        return 1, evid // 100 % 100
    if evid not in _KNOWN_EVID:
        raise InputError(
            f"events: EVID of line {number} is {evid}; give {', '.join(map(str, _KNOWN_EVID))}"
        )
    return evid, cmt


def _numeric_cmt(cells: Sequence[str], layout: Layout) -> bool:
    return number_of(_cell(cells, layout, "cmt")) is not None


def _measured(
    cells: Sequence[str], layout: Layout, evid: int, amount: float
) -> tuple[float, int, str]:
    """Return value and output of a measurement (NaN where none), or why the row is left out."""
    text, word = _cell(cells, layout, "dv"), _cell(cells, layout, "dvid").lower() or "1"
    # NONMEM's dose records hold no measurement; those of R's infusions may.
    silent = evid != 0 and (layout.told or layout.place.get("mdv") is not None)
    missing = number_of(_cell(cells, layout, "mdv"))
    if silent or missing == 1.0:
        return (math.nan, 1, "") if evid != 0 else (math.nan, 1, "measurement missing (MDV)")
    if evid == 1 and not layout.told and (not text or _zero_at_dose(text, layout)):
        return math.nan, 1, ""
    if evid == 0 and not text:
        return math.nan, 1, ""
    value = number_of(text)
    if value is None or value < 0.0:
        return math.nan, 1, "DV is no number of at least 0"
    if word not in OUTPUT_WORDS:
        return math.nan, 1, "DVID is neither concentration nor response"
    return value, OUTPUT_WORDS[word], ""


def _zero_at_dose(text: str, layout: Layout) -> bool:
    """Tell whether a 0 beside a dose stands for nothing, as NONMEM tables without EVID have it."""
    return number_of(text) == 0.0 and "rate" not in layout.place


def _coded(
    rows: Sequence[tuple[int, list[str]]], layout: Layout, notes: list[str]
) -> dict[str, dict[str, float]]:
    """Return codes of the covariates that are words, in the order of the alphabet."""
    coded = {}
    for name, position in layout.covariates.items():
        cells = {row[position].strip() for _, row in rows if len(row) == layout.width}
        words = sorted(c for c in cells if c.lower() not in _MISSING and number_of(c) is None)
        if not words:
            continue
        if {w.lower() for w in words} <= set(_FEMALE):
            coded[name] = {w: _FEMALE[w.lower()] for w in words}
        else:
            known = sorted(c for c in cells if c.lower() not in _MISSING)
            coded[name] = {w: float(k) for k, w in enumerate(known[:200])}
        shared = _shared(rows, layout, position)
        told = [(shown(w, 20) if w in shared else "…", v) for w, v in coded[name].items()]
        listed = ", ".join(f"{v:g} = {w}" for w, v in told[:6])
        notes.append(_TEXT.format(shown(name, 20), listed))
    return coded


def _shared(rows: Sequence[tuple[int, list[str]]], layout: Layout, position: int) -> set[str]:
    """Return the words of a column that tell nobody apart: those of sex, and of two people."""
    holders: dict[str, set[str]] = {}
    for _, row in rows:
        if len(row) == layout.width:
            holders.setdefault(row[position].strip(), set()).add(_cell(row, layout, "id"))
    return {w for w, people in holders.items() if len(people) > 1 or w.lower() in _FEMALE}


def _covariates(
    cells: Sequence[str], layout: Layout, coded: dict[str, dict[str, float]]
) -> dict[str, float]:
    found = {}
    for name, position in layout.covariates.items():
        text = cells[position].strip()
        if name in coded:
            key = "female" if set(coded[name].values()) <= {0.0, 1.0} and name == "sex" else name
            found[key] = coded[name].get(text, math.nan)
        elif is_blank(text) or text.lower() in _MISSING:
            found[name] = math.nan
        else:
            value = number_of(text)
            found[name] = math.nan if value is None else value
    return found
