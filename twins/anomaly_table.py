"""What each alarm means and what to do about it, in plain words; never a dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Meaning:
    """Words for one kind of alarm."""

    means: str
    do: str


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "occlusion": Meaning(
            "insulin is logged but does not seem to act",
            "Look at the pump, the tube and the infusion site; measure glucose and ketones by "
            "finger stick, and follow the sick-day plan that the care team gave.",
        ),
        "missed_bolus": Meaning(
            "a meal without its insulin",
            "Check whether the bolus of this meal was given, and write down what was eaten.",
        ),
        "unlogged_meal": Meaning(
            "carbohydrate that is not in the record",
            "Write down what was eaten and when, so that the record is whole.",
        ),
        "compression_low": Meaning(
            "the sensor fell as one does that is lain on, not as glucose does",
            "Check glucose by finger stick; if somebody lies on the sensor, let them turn over.",
        ),
        "sensor_drift": Meaning(
            "the sensor's readings wander away from what the body can do",
            "Compare the sensor with a finger stick; replace or calibrate it as its maker says.",
        ),
        "illness": Meaning(
            "insulin acts clearly less than it did, for hours or days",
            "Ask about illness, stress and new medicines, measure ketones, and follow the sick-day "
            "plan that the care team gave.",
        ),
        "sensitivity_change": Meaning(
            "insulin sensitivity has changed for days",
            "Tell the care team, who can review the therapy with the record at hand.",
        ),
        "unexplained": Meaning(
            "readings differ from the twin in a way that no known fault explains",
            "Check the sensor by finger stick and the record for missing or wrong entries.",
        ),
    }
)
KINDS = tuple(MEANINGS)
