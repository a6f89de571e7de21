"""What the columns of an event table are called, in NONMEM and in the data sets of R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..physiology.errors import InputError
from .values import shown

SYNONYMS: Final = {
    "id": ("id", "subject", "subj", "patient", "usubjid"),
    "time": ("time", "time_h", "time_min"),
    "amt": ("amt", "amount", "dose_mg"),
    "dv": ("dv", "conc", "concentration"),
    "rate": ("rate",),
    "dur": ("dur", "duration"),
    "evid": ("evid",),
    "cmt": ("cmt",),
    "addl": ("addl",),
    "ii": ("ii", "interval"),
    "ss": ("ss",),
    "mdv": ("mdv",),
    "dvid": ("dvid", "ytype", "dvidn"),
    "cens": ("cens", "bql", "blq"),
    "lloq": ("lloq", "limit"),
    "occ": ("occ", "occasion", "formulation", "period", "visit"),
}
COVARIATES: Final = {
    "wt": "weight_kg", "wgt": "weight_kg", "weight": "weight_kg", "bodyweight": "weight_kg",
    "age": "age_years", "apgr": "apgar", "apgar": "apgar", "lbm": "lbm_kg", "bsa": "bsa_m2",
    "crcl": "crcl_ml_min",
}  # fmt: skip
_ROW_NAMES: Final = ("", "rownames", "x", "row", "c")
_DROPPED: Final = ("drop", "skip")
# The words by which outputs are told apart.
OUTPUT_WORDS: Final = {
    "1": 1, "cp": 1, "conc": 1, "pk": 1, "y1": 1, "2": 2, "pca": 2, "pd": 2, "effect": 2, "y2": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where each item stands in a row.

    Parameters
    ----------
    place : dict of item to position
    covariates : dict of name to position
    width : int
        Cells of a row.
    per_kg : bool
        Whether doses are in amounts per kg of body weight (R's ``Theoph``).
    """

    place: dict[str, int]
    covariates: dict[str, int]
    width: int
    per_kg: bool = False

    @property
    def told(self) -> bool:
        """Whether the table itself says which rows are doses (NONMEM's EVID)."""
        return "evid" in self.place


def layout_of(header: Sequence[str], name: str) -> Layout:
    """Return where the items of a header stand.

    Raises
    ------
    InputError
        Naming the item that is missing or stands there twice.
    """
    cells = [cell.strip().strip("\"'").lower() for cell in header]
    place: dict[str, int] = {}
    rest: dict[str, int] = {}
    for position, cell in enumerate(cells):
        item = next((key for key, words in SYNONYMS.items() if cell in words), None)
        if item == "id" and "id" in place:
            rest[cell] = position  # R's Remifentanil numbers its people twice
        elif item is not None:
            if item in place:
                raise InputError(
                    f"events: '{name}' has two columns for {item.upper()} ('{shown(cell, 20)}' is "
                    "the second)"
                )
            place[item] = position
        elif cell == "dose":
            rest["dose"] = position
        elif cell not in _ROW_NAMES or (cell == "x" and position > 0):
            rest[COVARIATES.get(cell, cell)] = position
    for item in ("id", "time", "dv"):
        if item not in place:
            told = ", ".join(shown(cell, 20) for cell in cells[:12])
            raise InputError(
                f"events: '{name}' has no column {item.upper()} (or "
                f"{', '.join(SYNONYMS[item][1:])}); it has {told}"
            )
    if "dose" in rest and "amt" not in place:
        place["amt"] = rest.pop("dose")
    rest.pop("dose", None)
    per_kg = cells[-5:] == ["subject", "wt", "dose", "time", "conc"]
    kept = {k: v for k, v in rest.items() if k not in _DROPPED}
    return Layout(place, kept, len(cells), per_kg)


def looks_like_samples(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of an event table without doses."""
    words = {key: {item.lower() for item in SYNONYMS[key]} for key in ("id", "time", "dv")}
    cells = {cell.strip().strip("\"'").lower() for cell in header}
    return all(cells & found for found in words.values())


def looks_like_events(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of an event table."""
    try:
        layout = layout_of(header, "")
    except InputError:
        return False
    return "amt" in layout.place
