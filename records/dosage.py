"""What a prescription says of amounts: mg in a tablet, tablets a day; None where it does not say.

No frequency is ever assumed: a prescription without one has no known dose.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = r"(1/2|½|half|one|two|three|four|\d+(?:[.,]\d+)?)"
_WORDS = {"half": 0.5, "½": 0.5, "1/2": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0}
_MASS = re.compile(
    r"(?<![\d.,])(\d{1,9}(?:[.,]\d{1,9})?)\s{0,9}(mg|mcg|µg|ug|g)(?![a-z])", re.IGNORECASE
)
_PER_VOLUME = re.compile(r"/\s*(?:[\d.,]+\s*)?(?:ml|l|actuat|hr|h|dose|spray)\b", re.IGNORECASE)
_TO_MG = {"mg": 1.0, "mcg": 1e-3, "µg": 1e-3, "ug": 1e-3, "g": 1e3}
_TABLETS = re.compile(
    rf"(?<![\d.,/-]){_NUMBER}(?:\s*\(\s*\w+\s*\))?[\s-]*(?:tablets?|tabs?|capsules?|caps?|pills?)\b",
    re.IGNORECASE,
)
_MILLIGRAMS = re.compile(r"(?<![\d.,/-])(\d+(?:[.,]\d+)?)\s*mg\b(?!\s*/)", re.IGNORECASE)
_HARMLESS = re.compile(r"with or without food|by mouth|\borally\b|\bpo\b", re.IGNORECASE)
_UNSURE = re.compile(
    r"as needed|as required|as directed|if needed|if |\bwhen\b|\bprn\b|up to|\bmax|\bor\b|\bthen\b"
    r"|taper|increase|every other|alternate|every (?:\d+|two|three|second|third|few) d"
    r"|\bqod\b|\beod\b|q\d+d|week|month|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|\d\s*(?:-|–|to)\s*\d|\band\b|\bplus\b|[;&+]",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"morning|noon|evening|night|bedtime|breakfast|dinner", re.IGNORECASE)
_FREQUENCY = (
    (r"\b(?:four times|4 times|4x|qid|qds)\b|every 6 h", 4.0),
    (r"\b(?:three times|3 times|3x|thrice|tid|tds)\b|every 8 h", 3.0),
    (r"\b(?:twice|two times|2 times|2x|bid|bd)\b|every 12 h", 2.0),
    (
        r"\b(?:once|one time|1x|daily|a day|per day|each day|every day|qd|od|nightly|qhs"
        r"|(?:every|each|in the) (?:morning|evening|night)|every 24 h|at (?:night|bedtime))\b",
        1.0,
    ),
)
_DIGIT = r"(\d(?:[.,]\d+)?|½)"
_SCHEME = re.compile(rf"(?<![\d.-]){_DIGIT}-{_DIGIT}-{_DIGIT}(?:-{_DIGIT})?(?![\d.-])")
LONGEST_TEXT = 1000  # letters; searching a longer one for doses takes time that grows squared
REACH = 60  # letters behind a strength in which its volume stands
_DAY_H = {"h": 24.0, "d": 1.0, "min": 1440.0, "s": 86400.0}


class DailyDose(NamedTuple):
    """Tablets or mg a day; both None where unknown, and then why."""

    tablets: float | None = None
    mg: float | None = None
    why: str = ""


def strengths_mg(text: str) -> list[float | None]:
    """Return the mg of each ingredient of a drug's text, in its order.

    A strength per volume or per puff is None: the amount in one dose is then not known.

    Parameters
    ----------
    text : str
        Such as ``Hydrochlorothiazide 12.5 MG / Lisinopril 10 MG Oral Tablet``.
    """
    return [
        None
        if _PER_VOLUME.match(text[match.end() : match.end() + REACH].lstrip())
        else float(match[1].replace(",", ".")) * _TO_MG[match[2].lower()]
        for match in _MASS.finditer(text)
    ]


def times_a_day(frequency: float, period: float, unit: str) -> float | None:
    """Return the times a day of ``frequency`` times in ``period`` units; None for weeks and on."""
    length = _DAY_H.get(unit)
    if length is None or period <= 0 or frequency <= 0:
        return None
    return frequency * length / period


def dose_in_words(text: str) -> DailyDose:
    """Read a daily dose from free text, only where it says both amount and frequency plainly.

    Parameters
    ----------
    text : str
        Such as ``Take 1 tablet by mouth twice daily``, ``10 mg once daily`` or ``1-0-1``.
    """
    if len(text) > LONGEST_TEXT:
        return DailyDose(why="the dosage text is too long to be read")
    plain = _HARMLESS.sub(" ", text)
    if not plain.strip():
        return DailyDose(why="no dosage is given")
    scheme = _SCHEME.search(plain)
    if scheme:
        return DailyDose(tablets=sum(_number(part) for part in scheme.groups() if part))
    if _UNSURE.search(plain) or len({m[0].lower() for m in _TIME_OF_DAY.finditer(plain)}) > 1:
        return DailyDose(why="the dosage text is conditional, a range or several doses")
    times = next(
        (count for pattern, count in _FREQUENCY if re.search(pattern, plain, re.IGNORECASE)), None
    )
    if times is None:
        return DailyDose(why="the dosage text says no frequency")
    tablets, milligrams = _TABLETS.findall(plain), _MILLIGRAMS.findall(plain)
    if len(tablets) > 1 or len(milligrams) > 1 or not (tablets or milligrams):
        return DailyDose(why="the dosage text says no single amount")
    return DailyDose(
        tablets=_number(tablets[0]) * times if tablets else None,
        mg=_number(milligrams[0]) * times if milligrams else None,
    )


def _number(word: str) -> float:
    return _WORDS.get(word.lower()) or float(word.replace(",", "."))
