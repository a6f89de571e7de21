"""Tables of published data sets: how each is told, and which reader takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..physiology.errors import InputError
from . import aim94, d1namo, glupredkit, iglu, oref0, t1dsim
from .files import Source
from .found import Found
from .raw import RawRecord
from .values import GlucoseUnit

DATASETS = ("aim94", "iglu", "glupredkit", "t1dsim", "d1namo", "oref0")
# Parts that hold no glucose themselves: format and part, what to give instead.
BESIDE = {
    ("iglu", "meals"): "the meals of iglu's people; give the table of their glucose",
    ("d1namo", "insulin"): "D1NAMO's insulin; give the table of glucose beside it",
}

_HEADERS: tuple[tuple[str, str, Callable[[Sequence[str]], bool]], ...] = (
    ("iglu", "table", iglu.looks_like_iglu),
    ("iglu", "meals", iglu.looks_like_iglu_meals),
    ("glupredkit", "table", glupredkit.looks_like_glupredkit),
    ("t1dsim", "table", t1dsim.looks_like_t1dsim),
    ("d1namo", "table", d1namo.looks_like_d1namo),
    ("d1namo", "insulin", d1namo.looks_like_d1namo_insulin),
)
# A table's name with one word for another is the file that belongs to it.
_SIBLINGS = {"iglu": (("data", "meals"),), "d1namo": (("glucose", "insulin"),)}


def tell_table(head: Sequence[Sequence[str]]) -> tuple[str, str] | None:
    """Return format and part of a CSV by its first rows, None where it is of no data set."""
    header = head[0] if head else []
    for kind, part, check in _HEADERS:
        if check(header):
            return kind, part
    return ("aim94", "table") if aim94.looks_like_aim94(head) else None


def tell_json(document: object) -> tuple[str, str] | None:
    """Return format and part of a JSON document, None where it is of no data set."""
    if isinstance(document, dict) and oref0.looks_like_settings(document):
        return "oref0", "settings"
    if isinstance(document, list) and oref0.looks_like_history(document):
        return "oref0", "history"
    if isinstance(document, list) and oref0.looks_like_carbs(document):
        return "oref0", "carbs"
    return None


def sibling_names(kind: str, name: str) -> list[str]:
    """Return under which names files lie that belong to a table."""
    swaps = _SIBLINGS.get(kind, ())
    return [name.replace(one, other) for one, other in swaps if one in name]


def people_in(kind: str, source: Source) -> tuple[str, ...]:
    """Return the ids in a file of a format that holds several people, else nothing."""
    if kind == "iglu":
        return iglu.people_in(source)
    return glupredkit.people_in(source) if kind == "glupredkit" else ()


def read_dataset(
    kind: str,
    found: Sequence[Found],
    timezone: str | None,
    unit: GlucoseUnit | None,
    person: str | None,
) -> RawRecord:
    """Hand the files of one data set's format to its reader.

    Raises
    ------
    InputError
        When none of the files holds glucose, or they cannot be read.
    """
    if kind == "oref0":
        return _read_oref0(found, timezone, unit)
    tables = [item.source for item in found if item.part == "table"]
    if not tables:
        raise InputError(f"record: the file holds {BESIDE[kind, found[0].part]}")
    beside = next((item.source for item in found if item.part != "table"), None)
    if kind == "aim94":
        return aim94.read_aim94(tables[0], timezone)
    if kind == "iglu":
        return iglu.read_iglu(tables[0], beside, timezone, person)
    if kind == "glupredkit":
        return glupredkit.read_glupredkit(tables[0], timezone, person)
    if kind == "t1dsim":
        return t1dsim.read_t1dsim(tables[0], timezone)
    return d1namo.read_d1namo(tables[0], beside, timezone)


def _read_oref0(
    found: Sequence[Found], timezone: str | None, unit: GlucoseUnit | None
) -> RawRecord:
    def rows(part: str) -> list[Any]:
        documents = [item.document for item in found if item.part == part]
        return [row for one in documents if isinstance(one, list) for row in one]

    profiles = [item.document for item in found if item.part == "settings"]
    profile = next((one for one in profiles if isinstance(one, dict)), None)
    return oref0.read_oref0(
        rows("entries"), rows("history"), rows("carbs"), profile, timezone, unit
    )
