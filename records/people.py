"""Files that hold several people: whose rows are wanted, and by what name they go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..physiology.errors import InputError
from .values import shown

LISTED = 20
_PSEUDONYM = re.compile(r"(?=.*\d)[A-Za-z0-9#_.-]{1,40}", re.ASCII)
_DATE = re.compile(
    r"(?:18|19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d|[0-3]?\d[-_.][0-3]?\d[-_.](?:18|19|20)\d\d"
)
_LONG = re.compile(r"\d{7}", re.ASCII)
_OWN = re.compile(r"record-[0-9a-f]{8}|P[0-9a-f]{8}|P[0-9a-f]{12}1")  # made by this package
_NUMBERED = re.compile(
    r"(subject|patient|person|participant|case|id)\s+([A-Za-z]?\d+)", re.ASCII | re.IGNORECASE
)


def is_pseudonym(text: str) -> bool:
    """Tell whether a text may stand for a person: letters with a number that is no other's.

    Dates, and numbers as long as those of devices, telephones and registers, are none.
    """
    if _OWN.fullmatch(text):
        return True
    return bool(_PSEUDONYM.fullmatch(text)) and not (_DATE.search(text) or _LONG.search(text))


def ids_of(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of a file in the order of their first row."""
    return tuple(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))


def chosen(ids: Sequence[str], person: str | None) -> str:
    """Return the id to read, which may be asked for by its pseudonym.

    Parameters
    ----------
    ids : sequence of str
        Of the file.
    person : str or None
        The one asked for; needed where there are several.

    Raises
    ------
    InputError
        When there are several ids and none is asked for, or the one asked for is none of them.
    """
    if not ids:
        raise InputError("record: no row names a person in the column 'id'; fill it in")
    if person is None and len(ids) == 1:
        return ids[0]
    named = {pseudonym(ids, one): one for one in ids}
    if person in ids:
        return str(person)
    if person in named:
        return named[person]
    more = "" if len(ids) <= LISTED else f" and {len(ids) - LISTED} more"
    listed = ", ".join(shown(one, 24) for one in list(named)[:LISTED]) + more
    if person is None:
        raise InputError(
            f"record: the file holds {len(ids)} people; pass person= (--subject), one of {listed}"
        )
    raise InputError(f"person: {person[:24]!r} is not in the file; use one of {listed}")


def pseudonym(ids: Sequence[str], person: str) -> str:
    """Return a name for the person that is none: the id, or its number in the file."""
    plain = _NUMBERED.sub(r"\1-\2", person)
    return plain if is_pseudonym(plain) else f"person-{ids.index(person) + 1}"
