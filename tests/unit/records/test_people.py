"""Files of several people: pseudonyms, never names, and who is asked for."""

from __future__ import annotations

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records.people import chosen, pseudonym


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("1636-69-001", "1636-69-001"),
        ("Subject 1", "Subject-1"),
        ("P7", "P7"),
        ("Anna", "person-1"),
        ("Anna Berg 2", "person-1"),
        ("1931-02-11", "person-1"),
        ("11.02.1931", "person-1"),
        ("19310211", "person-1"),
        ("SN9123456789X", "person-1"),
        ("record-12345678", "record-12345678"),
        ("P1234567890121", "P1234567890121"),
    ],
)
def test_an_id_stays_where_it_names_nobody(own, told):
    """Numbers of a study stay; names and birth dates become a place in the file."""
    assert pseudonym([own], own) == told


def test_a_refusal_lists_pseudonyms_and_takes_them():
    """No name of the file is printed, and what is printed can be given back."""
    ids = ("Anna Berg", "P2")
    with pytest.raises(InputError, match=r"holds 2 people; .* one of person-1, P2"):
        chosen(ids, None)
    assert chosen(ids, "person-1") == chosen(ids, "Anna Berg") == "Anna Berg"
    with pytest.raises(InputError, match="'Ben' is not in the file; use one of person-1, P2"):
        chosen(ids, "Ben")
