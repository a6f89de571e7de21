"""Ways in which a file can be broken, each a pure function of its text and a seeded generator."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T?|\d{4}/\d{2}/\d{2}|\d{2}-\d{2}-\d{4}")
ODD = (
    "NaN", "nan", "inf", "-inf", "Infinity", "1e308", "1e999", "-1", "-0.0", "9" * 400, "1e-300",
    "0x41", "1_000", "١٢٣", "１２０", "½", "1,5", "1.234,5", "null", "true", "", " ", "Low", "HIGH",
    "=1+1", "12 mg/dL", "1e", "--5", "1.2.3", "𝟗𝟗", "99999999999999999999", "0.0000001",
    "8.1", "145",
)  # fmt: skip
DATES = (
    "1800-01-01", "9999-12-31", "0000-00-00", "2026-02-30", "2026-13-01", "10000-01-01",
    "0001-01-01",
    "1969-12-31", "2199-12-31", "31-31-2026", "٢٠٢٦-٠١-٠١",
)  # fmt: skip
ZONES = ("+25:00", "-99:99", "Z Z", "+14:00", "-12:00", "Mars/Olympus", "+0530", "GMT+3", "UTC-0")
LABELS = (
    ("mg/dL", "mmol/L"), ("mg_dl", "mmol_l"), ("mmHg", "kPa"), ("mm[Hg]", "kPa"), ("grams", "mg"),
    ("U/h", "U/min"), ("(u)", "(mU)"), ("unitsPerHour", "units"), ("kg", "lb"), ("units", "ml"),
)  # fmt: skip
FACTORS = (1000, 0.001, -1, 18.01559, 1 / 18.01559, 10)
BLOB = "QXJZ" * 25_000


def on_lines(change: Callable[[list[str], random.Random], list[str]]):
    """Make a change of lines one of text."""

    def changed(text, rng):
        return "\n".join(change(text.split("\n"), rng))

    changed.__name__ = change.__name__
    return changed


def flip(text, rng):
    """Exchange single characters for any others."""
    data = list(text)
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = chr(rng.choice([*range(1, 256), 0x660, 0x2028, 0xFEFF]))
    return "".join(data)


def truncate(text, rng):
    """Break off anywhere."""
    return text[: rng.randrange(len(text))]


def cut_out(text, rng):
    """Lose a piece in the middle."""
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randint(1, 400) :]


def odd_numbers(text, rng):
    """Write something else for some of the numbers."""
    share = rng.choice([0.005, 0.05, 0.5, 1.0])
    odd = rng.choice(ODD)
    return NUMBER.sub(lambda match: odd if rng.random() < share else match[0], text)


def scaled_numbers(text, rng):
    """Shift the decimal point or the sign of some numbers."""
    share, factor = rng.choice([0.02, 0.3, 1.0]), rng.choice(FACTORS)
    return NUMBER.sub(
        lambda match: f"{float(match[0]) * factor:g}" if rng.random() < share else match[0], text
    )


def other_unit(text, rng):
    """Write some or all of the numbers that could be mg/dL in mmol/L, or the other way round."""
    share = rng.choice([0.02, 0.1, 0.3, 1.0])
    low, high, factor = rng.choice([(60, 600, 1 / 18.01559), (3, 33, 18.01559)])

    def converted(match):
        value = float(match[0])
        slips = low < value < high and rng.random() < share
        return f"{value * factor:.2f}" if slips else match[0]

    return NUMBER.sub(converted, text)


def odd_dates(text, rng):
    """Write impossible or far dates."""
    share, odd = rng.choice([0.01, 0.3, 1.0]), rng.choice(DATES)
    return STAMP.sub(lambda match: odd + match[0][10:] if rng.random() < share else match[0], text)


def odd_zones(text, rng):
    """Put a nonsense offset behind clock times."""
    zone, share = rng.choice(ZONES), rng.choice([0.05, 1.0])
    return re.sub(
        r"(\d:\d{2}(?::\d{2})?)(Z| \+0000)?",
        lambda match: match[1] + zone if rng.random() < share else match[0],
        text,
    )


def decimal_commas(text, rng):
    """Write decimal commas."""
    return re.sub(r"(\d)\.(\d)", r"\1,\2", text)


def other_labels(text, rng):
    """Exchange the name of a unit and leave the values."""
    one, other = rng.choice(LABELS)
    return text.replace(one, other) if one in text else text.replace(other, one)


def nuls(text, rng):
    """Sprinkle NULs."""
    at = rng.randrange(len(text))
    return text[:at] + "\x00" * rng.randint(1, 50) + text[at:]


def marks(text, rng):
    """Put byte order marks where none belong."""
    at = rng.choice([0, 0, rng.randrange(len(text))])
    return text[:at] + "\ufeff" * rng.randint(1, 3) + text[at:]


def line_ends(text, rng):
    """Mix the ends of lines."""
    return re.sub("\n", lambda _: rng.choice(["\n", "\r\n", "\r", "\n\n", "\x0b"]), text)


def giant(text, rng):
    """Insert a field of a hundred thousand letters."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice([BLOB, '"' + BLOB, BLOB + ",", "9" * 100_000]) + text[at:]


def quotes(text, rng):
    """Open or close a quotation anywhere."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(['"', "'", '""', '\\"', "\\"]) + text[at:]


def nesting(text, rng):
    """Nest brackets deeply."""
    depth, (left, right) = rng.choice([30, 3000, 200_000]), rng.choice(["[]", ('{"a":', "}")])
    at = rng.choice([0, rng.randrange(len(text))])
    return text[:at] + left * depth + rng.choice(["", "1" + right * depth]) + text[at:]


def doubled(rows, rng):
    """Repeat some lines."""
    at = rng.randrange(len(rows))
    return rows[:at] + rows[at : at + rng.randint(1, 30)] * rng.randint(2, 4) + rows[at:]


def shuffled(rows, rng):
    """Shuffle all lines, or all but the first."""
    head = rng.choice([0, 1, 2])
    rest = rows[head:]
    rng.shuffle(rest)
    return rows[:head] + rest


def thinned(rows, rng):
    """Leave lines out."""
    keep = rng.choice([0.02, 0.5, 0.97])
    return [row for row in rows if rng.random() < keep]


def without_column(rows, rng):
    """Take a column away, or exchange two, in all lines or in all but the first."""
    mark = max(",;\t", key=lambda item: rows[min(1, len(rows) - 1)].count(item))
    one, other, head = rng.randrange(12), rng.randrange(12), rng.choice([0, 1])
    delete = rng.random() < 0.5

    def change(row):
        cells = row.split(mark)
        if max(one, other) < len(cells):
            cells[one], cells[other] = cells[other], cells[one]
            if delete:
                del cells[one]
        return mark.join(cells)

    return rows[:head] + [change(row) for row in rows[head:]]


def tree(text, rng):
    """Exchange, drop or double nodes of a JSON document; other text gets odd numbers."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return odd_numbers(text, rng)
    share = rng.choice([0.002, 0.02, 0.2])
    odd = [None, True, [], {}, [[]], "", "x", -1, 1e308, 10**400, {"a": {}}, [None], 0.5, "120"]

    def walk(node):
        if rng.random() < share:
            return rng.choice(odd)
        if isinstance(node, dict):
            return {key: walk(item) for key, item in node.items() if rng.random() > share / 4}
        if isinstance(node, list):
            return [walk(item) for item in node for _ in range(1 + (rng.random() < share / 4))]
        return node

    return json.dumps(walk(document))


def double_keys(text, rng):
    """Say a key twice with different values."""
    keys = list(re.finditer(r'"(\w+)":', text))
    if not keys:
        return doubled(text.split("\n"), rng)[0] + text
    key = rng.choice(keys)
    return (
        text[: key.start()]
        + f'"{key[1]}": {rng.choice(["1", "null", "[]"])}, '
        + text[key.start() :]
    )


TEXT_MUTATIONS = (
    flip, truncate, cut_out, odd_numbers, scaled_numbers, other_unit, odd_dates, odd_zones,
    decimal_commas, other_labels, nuls, marks, line_ends, giant, quotes, nesting, tree, double_keys,
    on_lines(doubled), on_lines(shuffled), on_lines(thinned), on_lines(without_column),
)  # fmt: skip


def mutate(text: str, rng: random.Random) -> tuple[bytes, tuple[str, ...]]:
    """Return a document with one to three faults, in some encoding, and the names of the faults."""
    faults = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change = rng.choice(TEXT_MUTATIONS)
        faults.append(change.__name__)
        changed = change(text or " ", rng)
        text = changed if isinstance(changed, str) else text
    encoding = rng.choice(["utf-8"] * 8 + ["utf-16", "utf-8-sig", "latin-1", "utf-16-le", "cp037"])
    data = text.encode(encoding, errors="replace")
    if rng.random() < 0.1 and data:
        faults.append("bytes")
        raw = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        data = bytes(raw)
    return data, tuple(faults)


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return a binary file changed in one to four places: flipped, cut out, doubled or replaced."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(changed) + 1), rng.randint(1, 12)
        kind = rng.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        elif kind == 3:
            del changed[at:]
        else:
            changed[at : at + length] = rng.choice([b"\x00", b"9e999", b"<", b'"', b"-1", b"\xff"])
    return bytes(changed)
