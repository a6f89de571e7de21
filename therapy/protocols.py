"""Published clinical limits, targets and coefficients for glucose, each with its source.

The one place for such numbers: rewards, costs, metrics, constraints and reports import them.
A :class:`Source` with ``verified=False`` was recalled or seen second-hand only; read the original
before printing it as established.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from ..physiology.errors import InputError


@dataclass(frozen=True)
class Source:
    """Where a number comes from.

    Parameters
    ----------
    text : str
        Short reference, or "project choice" with the reason.
    doi : str
        Digital object identifier, empty where none is known.
    verified : bool
        False where the figure was not re-read in the original.
    """

    text: str
    doi: str = ""
    verified: bool = True


CONSENSUS_2019: Final = Source(
    "Battelino 2019, international consensus on time in range, Tables 1, 3 and 4",
    "10.2337/dci19-0028",
)
CONSENSUS_2023: Final = Source(
    "Battelino 2023, consensus on CGM metrics for clinical trials (event rules seen second-hand)",
    "10.1016/S2213-8587(22)00319-9",
    verified=False,
)
ISPAD_2024: Final = Source(
    "ISPAD consensus guidelines 2024: possible goal above 50 % in 70-140 mg/dL (seen second-hand)",
    verified=False,
)
AGP_REPORT: Final = Source(
    "goals printed on the standard ambulatory glucose profile, as coded in Tidepool viz 71163cc"
)


@dataclass(frozen=True)
class GlucoseLevels:
    """Glucose thresholds in mg/dL shared by all adult presets; ranges include both their ends."""

    severe_low: float = 40.0
    very_low: float = 54.0
    low: float = 70.0
    tight_high: float = 140.0
    high: float = 180.0
    very_high: float = 250.0
    source: Source = CONSENSUS_2019
    severe_low_source: Source = Source(
        "project choice: the floor below which sensors print 'Low'; peers end an episode there"
    )


@dataclass(frozen=True)
class Goal:
    """One goal of a preset.

    Parameters
    ----------
    metric : str
        Key of ``cgm_metrics``.
    sense : {"below", "above"}
        On which side of ``limit`` the metric should lie.
    limit : float
        In ``unit``.
    unit : str
        ``"%"`` or ``"mg/dL"``.
    inclusive : bool
        Whether the limit itself meets the goal.
    source : Source
        Who set the goal.
    """

    metric: str
    sense: Literal["below", "above"]
    limit: float
    unit: str = "%"
    inclusive: bool = False
    source: Source = CONSENSUS_2019

    def met(self, value: float) -> bool:
        """Whether ``value`` (in ``unit``) meets the goal; NaN never does."""
        if self.inclusive and value == self.limit:
            return True
        return value < self.limit if self.sense == "below" else value > self.limit


@dataclass(frozen=True)
class GlucosePreset:
    """Target range in mg/dL (both ends inside) and goals for one group of people."""

    name: str
    target_low: float
    target_high: float
    goals: tuple[Goal, ...]
    source: Source = CONSENSUS_2019


_VARIABILITY: Final = Goal("cv", "below", 36.0, inclusive=True)

PRESETS: Final = MappingProxyType(
    {
        "standard": GlucosePreset(
            "standard",
            70.0,
            180.0,
            (
                Goal("time_in_range", "above", 70.0),
                Goal("time_below_70", "below", 4.0),
                Goal("time_below_54", "below", 1.0),
                Goal("time_above_180", "below", 25.0),
                Goal("time_above_250", "below", 5.0),
                Goal("time_in_tight_range", "above", 50.0, source=ISPAD_2024),
                _VARIABILITY,
                Goal("mean_glucose", "below", 154.0, "mg/dL", source=AGP_REPORT),
                Goal("gmi", "below", 7.0, source=AGP_REPORT),
            ),
        ),
        "older_high_risk": GlucosePreset(
            "older_high_risk",
            70.0,
            180.0,
            (
                Goal("time_in_range", "above", 50.0),
                Goal("time_below_70", "below", 1.0),
                Goal("time_above_180", "below", 50.0, source=AGP_REPORT),
                Goal("time_above_250", "below", 10.0),
                _VARIABILITY,
            ),
        ),
        "pregnancy": GlucosePreset(
            "pregnancy",
            63.0,
            140.0,
            (
                Goal("time_in_range", "above", 70.0),
                Goal("time_below_target", "below", 4.0),
                Goal("time_below_54", "below", 1.0),
                Goal("time_above_target", "below", 25.0),
            ),
        ),
    }
)


def glucose_preset(name: str) -> GlucosePreset:
    """Return the preset called ``name``.

    Raises
    ------
    InputError
        If there is no such preset; the message lists those there are.
    """
    if name not in PRESETS:
        raise InputError(f"glucose preset {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True)
class GlucoseManagementIndicator:
    """GMI in % = ``intercept`` + ``slope`` x mean glucose in mg/dL."""

    intercept: float = 3.31
    slope: float = 0.02392
    source: Source = Source("Bergenstal 2018", "10.2337/dc18-1581")


@dataclass(frozen=True)
class GlycemiaRiskIndex:
    """GRI = ``hypo_weight`` x hypo component + ``hyper_weight`` x hyper component, at most ``cap``.

    Components: % below 54 + ``low_share`` x % 54-69; % above 250 + ``high_share`` x % 181-250.
    Zones A to E end at ``zone_ends``.
    """

    hypo_weight: float = 3.0
    low_share: float = 0.8
    hyper_weight: float = 1.6
    high_share: float = 0.5
    cap: float = 100.0
    zone_ends: tuple[float, ...] = (20.0, 40.0, 60.0, 80.0, 100.0)
    source: Source = Source("Klonoff 2022: weights 3.0, 2.4, 1.6, 0.8", "10.1177/19322968221085273")
    component_source: Source = Source(
        "Klonoff 2022: split into components (consistent with the four weights, not re-read)",
        "10.1177/19322968221085273",
        verified=False,
    )


@dataclass(frozen=True)
class KovatchevRisk:
    """r = 10 f^2, f = ``scale`` (ln(G)^``power`` - ``shift``), G clamped to the two ends, mg/dL."""

    scale: float = 1.509
    power: float = 1.084
    shift: float = 5.381
    clamp_low: float = 20.0
    clamp_high: float = 600.0
    source: Source = Source("Kovatchev 1997", "10.2337/diacare.20.11.1655")
    clamp_source: Source = Source("simglucose, October 2023; f^2 = 10 at both ends of the scale")


@dataclass(frozen=True)
class MagniRisk:
    """r = 10 [``scale`` (ln(G)^``power`` - ``shift``)]^2, G floored at ``floor`` mg/dL."""

    scale: float = 3.5506
    power: float = 0.8353
    shift: float = 3.7932
    floor: float = 1.0
    source: Source = Source(
        "Magni 2007, model predictive control of type 1 diabetes; coefficients as coded by RL4BG",
        "10.1177/193229680700100603",
        verified=False,
    )


@dataclass(frozen=True)
class EpisodeRules:
    """When a low-glucose event begins and ends; all in minutes.

    An event begins with ``begin_min`` consecutive minutes below the threshold and ends with
    ``end_min`` consecutive minutes at or above it, or at a gap in the data over ``gap_min``.
    """

    begin_min: float = 15.0
    end_min: float = 15.0
    extended_min: float = 120.0
    gap_min: float = 45.0
    source: Source = CONSENSUS_2023
    gap_source: Source = Source("default gap of iglu's episode_calculation; no consensus found")


@dataclass(frozen=True)
class DataSufficiency:
    """How much sensor data a summary needs, and how long one reading may stand for."""

    days: float = 14.0
    wear_percent: float = 70.0
    longest_sample_min: float = 15.0
    source: Source = CONSENSUS_2019
    sample_source: Source = Source("longest storage interval of usual sensors (FreeStyle Libre)")


@dataclass(frozen=True)
class NonInferiorityMargins:
    """Largest harm against the current regimen that still counts as no worse, in % points."""

    time_in_range: float = 3.0
    time_below_54: float = 0.5
    time_in_range_source: Source = Source(
        "Battelino 2023: 3 points between groups (5 for one person) are clinically meaningful",
        "10.1016/S2213-8587(22)00319-9",
        verified=False,
    )
    time_below_54_source: Source = Source("project choice: half of the 1 % consensus goal")


@dataclass(frozen=True)
class InsulinDoses:
    """Sanity limits of insulin doses; crossing one asks for a person's look, never for silence."""

    daily_typical_u_per_kg: tuple[float, float] = (0.4, 1.0)
    daily_max_u_per_kg: float = 2.0
    basal_max_u_per_h: float = 15.0
    bolus_max_u: float = 25.0
    daily_source: Source = Source(
        "ADA Standards of Care 2018, section 8: 0.4-1.0 U/kg/day, more in puberty"
    )
    daily_max_source: Source = Source("project choice: twice the upper end of the adult range")
    device_source: Source = Source("t:slim pump limits, as coded in LoopInsighT1 9a60920")


@dataclass(frozen=True)
class StartingRules:
    """Rules of thumb from the total daily dose (TDD, U) when a person's own settings are absent.

    Carb ratio = ``carb_rule`` / TDD (g/U); correction = ``correction_rule`` / TDD (mg/dL per U);
    basal = ``basal_share`` x TDD / 24 h.
    """

    carb_rule: float = 500.0
    correction_rule: float = 1800.0
    basal_share: float = 0.48
    source: Source = Source("baselines of RL4T1D / G2P2C, which use the 500 and 1800 rules")


LEVELS: Final = GlucoseLevels()
GMI: Final = GlucoseManagementIndicator()
GRI: Final = GlycemiaRiskIndex()
KOVATCHEV: Final = KovatchevRisk()
MAGNI: Final = MagniRisk()
EPISODES: Final = EpisodeRules()
SUFFICIENCY: Final = DataSufficiency()
MARGINS: Final = NonInferiorityMargins()
INSULIN_DOSES: Final = InsulinDoses()
STARTING_RULES: Final = StartingRules()
