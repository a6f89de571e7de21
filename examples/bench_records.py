"""Every file of a folder through its reader: all rows accounted for, or refused in one line.

python examples/bench_records.py [FOLDER] [--only TEXT] [--losses]
"""

import argparse
import csv
import io
import json
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

from dosegym.physiology.errors import InputError
from dosegym.records import read_genotype, read_people, read_pressure, read_record
from dosegym.records.dosing import Dose
from dosegym.records.read_events import read_events

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data"
# Files that make one record together; the first is the one to give, "" the folder itself.
SETS = {
    "Nightscout: entries, treatments, profile": (
        "cgm_format",
        ("nightscout_entries.json", "nightscout_treatments.json", "nightscout_profile.json"),
    ),
    "D1NAMO: glucose and insulin": (
        "cgm_format",
        ("d1namo_glucose_001.csv", "d1namo_insulin_001.csv"),
    ),
    "iglu: glucose and meals": ("iglu", ("example_data_hall.csv", "example_meals_hall.csv")),
    "ReplayBG: two days of one person": (
        "py_replay_bg",
        ("", "data_day_1.csv", "data_day_2.csv", "patient_info.csv"),
    ),
    "oref0: glucose, pump, carbohydrate, profile": (
        "oref0",
        ("", "glucose.json", "pumphistory.json", "carbhistory.json", "profile.json"),
    ),
}
Entry = namedtuple("Entry", "name reader rows accounted kept lost refusal")


def rows_in(path):
    """Count the rows of a file without its reader: lines that are not blank, or items of JSON."""
    text = path.read_bytes().decode("utf-8", errors="replace").lstrip("\ufeff")
    if text.lstrip()[:1] in "{[":
        return items_in(json.loads(text))
    if text.startswith("##fileformat"):
        return sum(1 for line in text.split("\n") if line.strip())
    mark = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    return sum(1 for row in rows if any(cell.strip() for cell in row))


def items_in(document):
    """Count the items of a list, a bundle, a Loop report's lists, a report's genes; else one."""
    if isinstance(document, list):
        return len(document)
    if document.get("resourceType") == "Bundle":
        return len(document.get("entry", ()))
    if "matcherMetadata" in document or "pharmcatVersion" in document:
        genes = document.get("genes", document.get("geneReports"))
        nested = [genes[name] for name in ("CPIC", "DPWG", "FDA") if name in genes]
        return sum(map(len, nested)) if nested else len(genes)
    trimmed = {key.strip(): value for key, value in document.items()}
    if "cached_glucose_samples" in trimmed:
        lists = (
            "cached_glucose_samples", "cached_carb_entries", "get_normalized_dose_entries",
            "get_normalized_pump_event_dose", "get_pump_event_values", "cached_dose_entries",
        )  # fmt: skip
        last = isinstance(trimmed.get("last_temp_basal"), dict)
        return last + sum(len(trimmed.get(name) or ()) for name in lists)
    return 1


def survey(name, given, files):
    """Read what was given with the reader that takes it and return its entry of the table."""
    rows = sum(rows_in(path) for path in files)
    refusals = []
    for reader, read in (
        ("read_record", lambda: [read_record(given)]),
        ("read_people", lambda: list(read_people(given).values())),
        ("read_pressure", lambda: [read_pressure(given)]),
        ("read_genotype", lambda: [read_genotype(given)]),
        ("read_events", lambda: [events(given)]),
    ):
        try:
            records = read()
        except InputError as error:
            refusals.append(str(error).replace(f"{given.parent}/", ""))
            continue
        return accounted(name, reader, rows, records)
    if "people" in refusals[0]:
        return Entry(name, "", rows, 0, {}, {}, refusals[1])
    pressure = next((line for line in refusals[2:3] if "bears" in line), refusals[0])
    return Entry(name, "", rows, 0, {}, {}, pressure)


def events(given):
    """Read a table of doses and concentrations; one without doses gets the dose its paper names."""
    try:
        return read_events(given)
    except InputError as error:
        if "holds no dose" not in str(error):
            raise
        return read_events(given, dose=Dose(0.0, 1.0))


def accounted(name, reader, rows, records):
    """Add up what the records say of their rows; all people of one file tell the same rows."""
    kept, lost = {}, {}
    for record in records:
        for item in record.accounts:
            if item.kind != "row":
                kept[item.kind] = kept.get(item.kind, 0) + item.kept
        for item in record.dropped:
            if item.reason != "row: of another person":
                lost[item.reason] = lost.get(item.reason, 0) + item.count
    totals = {record.rows.total for record in records}
    identity = all(holds(record) for record in records)
    total = totals.pop() if len(totals) == 1 and identity else -1
    return Entry(name, reader, rows, total, kept, lost, "")


def holds(record):
    """Tell whether of every kind of value seen = kept + dropped."""
    lost = {}
    for item in record.dropped:
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
    return all(item.seen == item.kept + lost.get(item.kind, 0) for item in record.accounts)


def entries(folder, only=""):
    """Yield an entry for every file by itself, then for every set of files."""
    with tempfile.TemporaryDirectory() as place:
        alone = Path(place)
        for path in sorted(item for item in folder.rglob("*") if item.is_file()):
            name = str(path.relative_to(folder))
            if only in name:
                copy = Path(shutil.copy(path, alone / path.name))
                yield survey(name, copy, [copy])
                copy.unlink()
    yield from sets(folder, only)


def sets(folder, only=""):
    """Yield an entry for every set of files that make one record together."""
    with tempfile.TemporaryDirectory() as place:
        for title, (part, names) in SETS.items():
            together = Path(tempfile.mkdtemp(dir=place))
            files = [folder / part / name for name in names if name]
            if only not in title or not all(path.is_file() for path in files):
                continue
            copies = [Path(shutil.copy(path, together / path.name)) for path in files]
            yield survey(title, together / names[0] if names[0] else together, copies)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=BESIDE)
    parser.add_argument("--only", default="", help="names that hold this text")
    parser.add_argument("--losses", action="store_true", help="every reason with its count")
    arguments = parser.parse_args()
    read = refused = wrong = 0
    for entry in entries(arguments.folder, arguments.only):
        if entry.refusal:
            refused += 1
            print(f"{entry.name}\n    {entry.rows} rows, refused: {entry.refusal[:160]}")
            continue
        read += 1
        wrong += entry.rows != entry.accounted
        kept = ", ".join(f"{kind} {count}" for kind, count in entry.kept.items() if count)
        sign = "=" if entry.rows == entry.accounted else "IS NOT"
        print(f"{entry.name}\n    {entry.rows} rows {sign} {entry.accounted} told; kept: {kept}")
        for reason, count in entry.lost.items() if arguments.losses else ():
            print(f"        {count:6d} {reason}")
        if not arguments.losses and entry.lost:
            print(f"        left out: {sum(entry.lost.values())}, {len(entry.lost)} reasons")
    print(f"{read} read, {refused} refused; rows unaccounted for in {wrong}")


if __name__ == "__main__":
    main()
