"""A short valid record in every format that `read_record` knows, for whole batteries of tests."""

from __future__ import annotations

import json

from reader_datasets import (
    GLUPREDKIT_HEADER,
    T1DSIM_HEADER,
    aim94_rows,
    apple_rows,
    apple_text,
    d1namo_rows,
    d1namo_text,
    fhir_rows,
    fhir_text,
    glupredkit_rows,
    iglu_rows,
    oref0_case,
    t1dsim_rows,
)
from reader_day import BOLUSES, GLUCOSE, MEALS, MIDNIGHT, MINUTES, RATE, Format, lines, stamp
from reader_devices import (
    CLARITY_HEADER,
    LIBREVIEW_HEADER,
    LIBREVIEW_TITLE,
    PLAIN_HEADER,
    REPLAY_HEADER,
    carelink_rows,
    carelink_text,
    clarity_rows,
    libreview_rows,
    loop_rows,
    loop_text,
    nightscout_rows,
    nightscout_text,
    plain_rows,
    replay_rows,
    tidepool_rows,
)

__all__ = [
    "BATTERY",
    "BOLUSES",
    "CASES",
    "GLUCOSE",
    "MEALS",
    "MIDNIGHT",
    "MINUTES",
    "RATE",
    "UNDATED",
    "put",
    "stamp",
]

BATTERY = {
    "nightscout": Format(nightscout_rows, nightscout_text, ".json", True),
    "clarity": Format(clarity_rows, lines(CLARITY_HEADER), ".csv", True, basal_u=0.0),
    "libreview": Format(
        libreview_rows, lines(LIBREVIEW_TITLE, LIBREVIEW_HEADER), ".csv", False, basal_u=0.0
    ),
    "carelink": Format(carelink_rows, carelink_text, ".csv", True),
    "tidepool": Format(tidepool_rows, json.dumps, ".json", True),
    "loop_report": Format(loop_rows, loop_text, ".json", False),
    "replay_bg": Format(replay_rows, lines(REPLAY_HEADER), ".csv", True),
    "plain_csv": Format(plain_rows, lines(*PLAIN_HEADER), ".csv", True),
    "aim94": Format(aim94_rows, lines(), ".txt", False, frozenset({"bolus"}), 0.0, source="finger"),
    "iglu": Format(iglu_rows, lines("id,time,gl"), ".csv", False, frozenset(), 0.0),
    "glupredkit": Format(glupredkit_rows, lines(GLUPREDKIT_HEADER), ".csv", False),
    "t1dsim": Format(
        t1dsim_rows, lines(T1DSIM_HEADER), ".csv", False, basal_u=RATE * 285 / 12, shuffles=False
    ),
    "d1namo": Format(d1namo_rows, d1namo_text, ".csv", False, frozenset({"bolus"}), 0.0, True),
    "apple_health": Format(apple_rows, apple_text, ".xml", False),
    "fhir_r4": Format(fhir_rows, fhir_text, ".json", False),
}


CASES = {"oref0": oref0_case}  # formats of several files, read as a folder
UNDATED = {"t1dsim"}


def put(folder, name, rows, stem="export"):
    """Write rows as a file of a format and return its path."""
    path = folder / f"{stem}{BATTERY[name].suffix}"
    path.write_text(BATTERY[name].text(rows), encoding="utf-8")
    if name == "d1namo":
        path = folder / f"{stem}_glucose.csv"
        path.write_text(d1namo_text(rows))
        (folder / f"{stem}_insulin.csv").write_text(d1namo_text(rows, "insulin"))
    if name == "replay_bg":
        (folder / "patient_info.csv").write_text("patient,u2ss,bw\n1,0.2,80\n")
    return path
