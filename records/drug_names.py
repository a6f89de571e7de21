"""Names and RxNorm codes of the drugs that bear on blood pressure, kidney, potassium or risk.

Codes are RxNorm concept identifiers of ingredients and of a few common tablets (RxNav, NLM); a
text that names the drug is read first, since it also tells the strength.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_BY_CLASS: Final = {
    "acei": (
        "benazepril captopril cilazapril enalapril fosinopril imidapril lisinopril moexipril "
        "perindopril quinapril ramipril trandolapril zofenopril"
    ),
    "arb": (
        "azilsartan candesartan eprosartan fimasartan irbesartan losartan olmesartan telmisartan "
        "valsartan"
    ),
    "ccb": (
        "amlodipine azelnidipine cilnidipine felodipine isradipine lacidipine lercanidipine "
        "levamlodipine manidipine nicardipine nifedipine nisoldipine nitrendipine"
    ),
    "ndhp_ccb": "diltiazem verapamil",
    "thiazide": (
        "bendroflumethiazide chlorothiazide chlorthalidone hydrochlorothiazide indapamide "
        "metolazone xipamide chlortalidone bendrofluazide"
    ),
    "beta_blocker": (
        "acebutolol atenolol betaxolol bisoprolol carvedilol celiprolol labetalol metoprolol "
        "nadolol nebivolol pindolol propranolol sotalol timolol"
    ),
    "mra": "eplerenone finerenone spironolactone",
    "potassium_sparing": "amiloride triamterene",
    "loop_diuretic": "bumetanide furosemide torasemide torsemide",
    "alpha_blocker": "doxazosin prazosin terazosin urapidil",
    "central": "clonidine guanfacine methyldopa moxonidine reserpine",
    "vasodilator": "hydralazine minoxidil",
    "renin_inhibitor": "aliskiren",
    "arni": "sacubitril",
    "endothelin_blocker": "aprocitentan",
    "statin": (
        "atorvastatin fluvastatin lovastatin pitavastatin pravastatin rosuvastatin simvastatin"
    ),
    "nsaid": (
        "celecoxib diclofenac etoricoxib ibuprofen indometacin indomethacin ketoprofen meloxicam "
        "naproxen piroxicam"
    ),
    "potassium": "",
    "lithium": "lithium",
    "trimethoprim": "trimethoprim",
    "digoxin": "digoxin",
    "sglt2_inhibitor": "canagliflozin dapagliflozin empagliflozin ertugliflozin",
}
_SYNONYMS: Final = {
    "chlortalidone": "chlorthalidone",
    "bendrofluazide": "bendroflumethiazide",
    "torasemide": "torsemide",
    "indometacin": "indomethacin",
    "hctz": "hydrochlorothiazide",
    "potassium chloride": "potassium",
    "potassium citrate": "potassium",
    "potassium bicarbonate": "potassium",
    **{  # brands that records name without the generic
        brand: name
        for name, brands in {
            "lisinopril": "zestril prinivil",
            "enalapril": "vasotec",
            "ramipril": "altace",
            "perindopril": "coversyl",
            "losartan": "cozaar",
            "valsartan": "diovan",
            "telmisartan": "micardis",
            "irbesartan": "avapro aprovel",
            "olmesartan": "benicar",
            "candesartan": "atacand",
            "amlodipine": "norvasc istin",
            "nifedipine": "procardia adalat",
            "diltiazem": "cardizem",
            "verapamil": "calan isoptin",
            "indapamide": "lozol natrilix",
            "bisoprolol": "zebeta concor",
            "metoprolol": "lopressor toprol",
            "atenolol": "tenormin",
            "carvedilol": "coreg",
            "nebivolol": "bystolic",
            "spironolactone": "aldactone",
            "eplerenone": "inspra",
            "furosemide": "lasix",
            "clonidine": "catapres",
            "doxazosin": "cardura",
        }.items()
        for brand in brands.split()
    },
}

CLASS_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: kind for kind, names in _BY_CLASS.items() for name in names.split()},
        "potassium": "potassium",
    }
)
"""Class of each drug known here."""

PRESSURE_CLASSES: Final = frozenset(
    {
        "acei",
        "arb",
        "ccb",
        "ndhp_ccb",
        "thiazide",
        "beta_blocker",
        "mra",
        "potassium_sparing",
        "loop_diuretic",
        "alpha_blocker",
        "central",
        "vasodilator",
        "renin_inhibitor",
        "arni",
        "endothelin_blocker",
    }
)
"""Classes that lower blood pressure."""

RXNORM: Final[Mapping[str, tuple[str, float | None]]] = MappingProxyType(
    {
        "29046": ("lisinopril", None),
        "52175": ("losartan", None),
        "73494": ("telmisartan", None),
        "83818": ("irbesartan", None),
        "69749": ("valsartan", None),
        "17767": ("amlodipine", None),
        "5487": ("hydrochlorothiazide", None),
        "2409": ("chlorthalidone", None),
        "5764": ("indapamide", None),
        "19484": ("bisoprolol", None),
        "6918": ("metoprolol", None),
        "1202": ("atenolol", None),
        "9997": ("spironolactone", None),
        "35296": ("ramipril", None),
        "3827": ("enalapril", None),
        "1998": ("captopril", None),
        "20352": ("carvedilol", None),
        "4603": ("furosemide", None),
        "11170": ("verapamil", None),
        "36567": ("simvastatin", None),
        "83367": ("atorvastatin", None),
        "314076": ("lisinopril", 10.0),
        "314077": ("lisinopril", 20.0),
        "197361": ("amlodipine", 5.0),
        "308135": ("amlodipine", 10.0),
        "310798": ("hydrochlorothiazide", 25.0),
        "316049": ("hydrochlorothiazide", 25.0),
        "833036": ("captopril", 25.0),
        "897718": ("verapamil", 40.0),
    }
)
"""RxNorm code to drug and, for a tablet, its strength in mg."""

_NAMES = sorted({*CLASS_OF, *_SYNONYMS} - {"potassium", "lithium"}, key=len, reverse=True)
_NAME = re.compile(
    r"(?<![a-z])(" + "|".join(map(re.escape, _NAMES)) + r"|lithium (?:carbonate|citrate))(?![a-z])"
)


def names_in(text: str) -> list[str]:
    """Return the drugs that a text names, in its order, each once.

    Parameters
    ----------
    text : str
        Such as ``Hydrochlorothiazide 12.5 MG / Lisinopril 10 MG Oral Tablet``.
    """
    found = []
    for match in _NAME.finditer(text.lower()):
        word = match[1].split()[0] if match[1].startswith("lithium") else match[1]
        name = _SYNONYMS.get(word, word)
        if name not in found:
            found.append(name)
    return found
