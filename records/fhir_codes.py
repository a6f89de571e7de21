"""LOINC, SNOMED CT and ICD-10 codes that a chart is read from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LAB_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        code: name
        for name, codes in {
            "potassium": "2823-3 6298-4 77142-8",
            "sodium": "2951-2 2947-0 77139-4",
            "creatinine": "2160-0 38483-4 14682-9 77140-2",
            "egfr": "33914-3 48642-3 48643-1 62238-1 69405-9 88293-6 88294-4 98979-8 98980-6",
            "glucose": "2339-0 2345-7 1558-6 41653-7 15074-8 14749-6 14771-0",
            "hba1c": "4548-4 4549-2 17856-6 59261-8 71875-9",
            "total_cholesterol": "2093-3 14647-2",
            "hdl": "2085-9 14646-4",
            "ldl": "18262-6 13457-7 2089-1 22748-8 39469-2",
            "triglycerides": "2571-8 14927-8 3043-7",
            "uacr": "14959-1 9318-7 14958-3 30000-4 32294-1",
            "weight": "29463-7 3141-9",
            "height": "8302-2",
            "bmi": "39156-5",
            "heart_rate": "8867-4",
        }.items()
        for code in codes.split()
    }
)
"""LOINC code to the chart's quantity."""

PANELS: Final = frozenset({"85354-9", "55284-4", "35094-2", "96607-7", "97844-5"})
"""Panels: US Core's, the one older Synthea writes, any, a mean of several, a mean of 24 h."""
MEAN_PANEL: Final = "96607-7"
SYSTOLIC: Final = frozenset({"8480-6", "8459-0", "96608-5", "8490-5"})
DIASTOLIC: Final = frozenset({"8462-4", "8453-3", "96609-3", "8472-3"})
OF_24_H: Final = frozenset({"97844-5", "8490-5", "8472-3"})
MEANS: Final = frozenset({"96607-7", "97844-5", "96608-5", "96609-3", "8490-5", "8472-3"})
OTHER_POSITION: Final = frozenset({"8460-8", "8454-1", "8461-6", "8455-8"})
"""Standing and lying pressures: not the seated pressure that is treated."""
NUMBER_OF_READINGS: Final = "246432004"  # SNOMED CT, as US Core's example of a mean counts them
HOME_SETTING: Final = "264362003"  # SNOMED CT home environment, HL7's Vital Signs guide
HEART_RATE: Final = "8867-4"

SMOKING: Final = "72166-2"
SMOKERS: Final = frozenset(
    [
        "449868002",
        "428041000124106",
        "77176002",
        "65568007",
        "230063004",
        "428071000124103",
        "428061000124105",
    ]
)
NON_SMOKERS: Final = frozenset(
    ["266919005", "8517006", "8392000", "405746006", "266921000", "266922007", "266923002"]
)

PREGNANCY: Final = "82810-3"
ANSWERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "smoking": (SMOKERS, NON_SMOKERS),
        "pregnancy": (frozenset({"77386006"}), frozenset({"60001007"})),
    }
)
"""SNOMED CT answers that mean yes and no."""
ACUTE_CARE: Final = frozenset({"IMP", "ACUTE", "NONAC", "EMER", "OBSENC", "SS"})
"""Encounter classes (HL7 v3 ActCode) whose pressures say nothing of treatment at home."""
HOME_CARE: Final = frozenset({"HH", "VR"})

CONDITION_CODES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        code: names
        for codes, names in (
            ("38341003 59621000", ("hypertension",)),
            (
                "73211009 44054006 46635009 368581000119106 90781000119102 422034002 "
                "1551000119108 97331000119101 60951000119105 1501000119109 157141000119108",
                ("diabetes",),
            ),
            ("127013003", ("diabetes", "ckd")),
            (
                "709044004 431855005 431856006 433144002 700378005 700379002 431857002 433146000 "
                "46177005 90688005 236425005",
                ("ckd",),
            ),
            (
                "230690007 422504002 22298006 399211009 57054005 401303003 401314000 53741008 "
                "414545008 413838009 394659003 194828000 266257000 399957001 400047006 275526006",
                ("cvd",),
            ),
            ("84114007 88805009 42343007 85232009 446221000 418304008", ("cvd", "heart_failure")),
            ("77386006 72892002 47200007 398254007 48194001 237238006", ("pregnant",)),
            ("195967001 233678006 370221004 389145006 304527002", ("asthma",)),
            ("233916004 27885002 195042002 28189009 54016002 36083008", ("heart_block",)),
            ("48867003 49710005", ("bradycardia",)),
            ("90560007", ("gout",)),
            ("41291007 82966003 402387002", ("angioedema",)),
            ("28651003", ("orthostatic_hypotension",)),
            ("302233006", ("renal_artery_stenosis",)),
        )
        for code in codes.split()
    }
)
"""SNOMED CT code to the chart's conditions. Sick sinus syndrome counts as a block."""

_ICD10: Final = (
    (r"I1[0-35]", ("hypertension",)),
    (r"E(?:08|09|10|11|13|14)", ("diabetes",)),
    (r"E(?:08|09|10|11|13)\.?2|N18|N19|I12|I13", ("ckd",)),
    (r"I2[0-5]|I6[0134]|I69|G45|I70\.?[2-79]|I73\.?9", ("cvd",)),
    (r"I50|I11\.?0|I13\.?[02]", ("cvd", "heart_failure")),
    (r"O(?:0[089]|1[0-6]|2\d|3\d|4[0-8])|Z33\.?1|Z34", ("pregnant",)),
    (r"J4[56]", ("asthma",)),
    (r"I44\.?[123]|I49\.?5|I45\.?[23]", ("heart_block",)),
    (r"R00\.?1", ("bradycardia",)),
    (r"M10|M1A", ("gout",)),
    (r"T78\.?3|D84\.?1", ("angioedema",)),
    (r"I95\.?1", ("orthostatic_hypotension",)),
    (r"I70\.?1", ("renal_artery_stenosis",)),
)
_ICD10_PATTERNS: Final = tuple((re.compile(text), names) for text, names in _ICD10)

_WORDING: Final = (
    (r"angio-?(?:o)?edema", "angioedema"),
    (r"(?:second|third|2nd|3rd|complete|high)[ -](?:degree )?.{0,24}block|mobitz", "heart_block"),
    (r"sick sinus", "heart_block"),
    (r"\basthma\b", "asthma"),
    (r"\bpregnan(?:t|cy)\b", "pregnant"),
    (r"\bgout\b", "gout"),
    (r"diabetes mellitus|type [12] diabetes", "diabetes"),
    (r"chronic kidney disease", "ckd"),
    (r"myocardial infarction|\bstroke\b|coronary (?:artery|heart) disease", "cvd"),
    (r"heart failure", "heart_failure"),
    (r"renal artery stenosis", "renal_artery_stenosis"),
)
_WORDING_PATTERNS: Final = tuple((re.compile(text), name) for text, name in _WORDING)
_NOT_THE_PERSON: Final = re.compile(
    r"family|screening|risk of|no history|without|suspected|exclu|ruled out|negative|pre-?diabetes"
    r"|test|counsel|education|prevention"
)


def conditions_of_icd10(code: str) -> tuple[str, ...]:
    """Return the chart's conditions of an ICD-10 code, with or without its dot."""
    found: list[str] = []
    for pattern, names in _ICD10_PATTERNS:
        if pattern.match(code.upper()):
            found += [name for name in names if name not in found]
    return tuple(found)


def conditions_of_wording(text: str) -> tuple[str, ...]:
    """Return the chart's conditions that a wording names of the person; for want of a code."""
    lower = text.lower()
    if _NOT_THE_PERSON.search(lower):
        return ()
    return tuple(
        dict.fromkeys(name for pattern, name in _WORDING_PATTERNS if pattern.search(lower))
    )
