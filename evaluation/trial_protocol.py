"""Trial protocols as data: who is enrolled, what each arm does, what is measured and published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from ..physiology.errors import InputError
from ..therapy.strict_yaml import read_model
from .trial_endpoints import MEASURES

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Week = Annotated[float, Field(ge=0.0, le=2080.0)]
Range = tuple[float | None, float | None]
Rule = dict[str, Range]

# What the protocol says elsewhere, or the trial itself decides.
RESERVED = (
    "patient", "cohort", "days", "interval_days", "terminate", "by_lane", "threads",
    "measurement", "adherence", "action",
)  # fmt: skip


# More than any trial needs, and all that the memory of a usual computer holds at once.
MOST_CANDIDATES = 2_000_000


class _Strict(BaseModel):
    """Frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Moments(_Strict):
    """What the enrolled are to have at the baseline visit: a mean and, if wanted, an SD."""

    mean: float
    sd: PositiveFloat | None = None


class EntryRegimen(_Strict):
    """Drugs that a share of the candidates take when they are screened, in standard doses."""

    share: PositiveFloat
    doses: dict[str, PositiveFloat] = Field(default_factory=dict)


class TrialPopulation(_Strict):
    """Who is asked, who is enrolled.

    ``n`` people are enrolled out of ``screen`` times as many candidates. ``sampler`` holds fields
    of the environment's population (for blood pressure ``PressureSpec``; for insulin ``groups``).
    A candidate is eligible when all ranges of one line of ``include`` hold at the screening visit
    and none of ``exclude`` does. Among the eligible, ``match`` says what the enrolled are to be
    like at the baseline visit.
    """

    n: PositiveInt
    screen: Annotated[float, Field(ge=1.0, le=100.0)] = 1.0
    sampler: dict[str, Any] = Field(default_factory=dict)
    regimens: tuple[EntryRegimen, ...] = ()
    screening_measurement: str | dict[str, Any] | None = None
    include: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    match: dict[str, Moments] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _simulable(self) -> TrialPopulation:
        if self.n * self.screen > MOST_CANDIDATES:
            raise ValueError(
                f"asks for {self.n * self.screen:g} candidates (n times screen); give at most "
                f"{MOST_CANDIDATES}"
            )
        return self

    @field_validator("include", "exclude")
    @classmethod
    def _rising(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        for rule in rules:
            for feature, (low, high) in rule.items():
                if low is not None and high is not None and low > high:
                    raise ValueError(
                        f"has {feature} from {low:g} to {high:g}; give the lower bound first"
                    )
        return rules


class Arm(_Strict):
    """One arm: a policy, its settings, and its share of a parallel allocation."""

    name: Name
    policy: Text
    settings: dict[str, Any] = Field(default_factory=dict)
    share: PositiveFloat = 1.0


class Visits(_Strict):
    """Length of the trial and days between visits (null: the environment's own interval)."""

    horizon_days: PositiveInt
    interval_days: PositiveInt | None = None


class Analysis(_Strict):
    """How arms are compared and how sure one is of it.

    ``paired``: the same people live through every arm, on the same days and with the same
    measurement noise; otherwise they are allocated at random.
    """

    paired: bool = True
    interval: Literal["t", "bootstrap"] = "t"
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    repetitions: Annotated[int, Field(ge=200, le=100_000)] = 2000


class Endpoint(_Strict):
    """One number of the trial, what was published of it and how near the simulation must come.

    ``arm`` alone gives the arm's mean over its people; ``minus`` the difference from another arm;
    ``over`` the ratio to another arm. It passes when it lies within ``tolerance`` of
    ``published``, or inside ``within``; with neither it is only reported.
    """

    id: Name
    label: Text
    unit: Text
    measure: Literal["value", "change", "below", "rise", "ever", "events", "within", "mean"]
    arm: Name
    minus: Name | None = None
    over: Name | None = None
    column: Text | None = None
    limits: dict[str, float] | None = None
    above: float | None = None
    range: Range | None = None
    week: Week | None = None
    from_week: Week | None = None
    published: float | None = None
    published_interval: tuple[float, float] | None = None
    tolerance: PositiveFloat | None = None
    within: tuple[float, float] | None = None
    status: Literal["published", "secondary", "unverified", "none"] = "published"
    caveat: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Endpoint:
        allowed = MEASURES[self.measure]
        for key in ("column", "limits", "above", "range", "week", "from_week"):
            given = getattr(self, key) is not None
            if given and key not in allowed:
                raise ValueError(f"has {key!r}, which measure {self.measure!r} does not use")
            if not given and allowed.get(key) == "needed":
                raise ValueError(f"lacks {key!r}, which measure {self.measure!r} needs; add it")
        if self.minus is not None and self.over is not None:
            raise ValueError("has both 'minus' and 'over'; keep one")
        if self.tolerance is not None and (self.published is None or self.within is not None):
            raise ValueError("has a tolerance; give 'published' with it and no 'within'")
        if self.published is None and self.status != "none":
            raise ValueError("has no published value; set status to none")
        if self.limits == {}:
            raise ValueError("has limits of no column; name at least one")
        self._check_range()
        for key in ("within", "published_interval"):
            ends = getattr(self, key)
            if ends is not None and not ends[0] < ends[1]:
                raise ValueError(f"has {key} {list(ends)}; give two rising numbers")
        return self

    def _check_range(self) -> None:
        """Refuse a range that holds nothing, or everything."""
        low, high = self.range or (0.0, None)
        if low is None and high is None:
            raise ValueError("has a range without ends; give at least one")
        if low is not None and high is not None and low > high:
            raise ValueError(f"has range from {low:g} to {high:g}; give the lower end first")

    @property
    def columns(self) -> tuple[str, ...]:
        """Log columns it reads."""
        return (self.column,) if self.column is not None else tuple(self.limits or ())


class TrialProtocol(_Strict):
    """An in-silico trial.

    ``role``: ``validation`` data were never fitted to; ``calibration`` data may have been;
    an ``illustration`` has no published counterpart. ``differs`` says in which respects the
    simulation cannot do what the trial did.
    """

    name: Name
    title: Text
    citation: Text
    role: Literal["validation", "calibration", "illustration"]
    environment: Annotated[str, StringConstraints(pattern=r"^dosegym/[A-Za-z0-9]+-v\d+$")]
    population: TrialPopulation
    arms: tuple[Arm, ...] = Field(min_length=1)
    visits: Visits
    measurement: str | dict[str, Any] | None = None
    adherence: str | dict[str, Any] | None = None
    env_kwargs: dict[str, Any] = Field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    analysis: Analysis = Analysis()
    seed: NonNegativeInt = 0
    differs: tuple[Text, ...] = ()

    @field_validator("env_kwargs")
    @classmethod
    def _not_the_protocols(cls, keywords: dict[str, Any]) -> dict[str, Any]:
        for key in RESERVED:
            if key in keywords:
                raise ValueError(f"names {key!r}, which the protocol sets elsewhere; leave it out")
        return keywords

    @model_validator(mode="after")
    def _whole(self) -> TrialProtocol:
        arms = [arm.name for arm in self.arms]
        _once("arms", arms)
        _once("endpoints", [endpoint.id for endpoint in self.endpoints])
        for place, endpoint in enumerate(self.endpoints):
            for key in ("arm", "minus", "over"):
                named = getattr(endpoint, key)
                if named is not None and named not in arms:
                    raise ValueError(
                        f"endpoints.{place}.{key} is {named!r}; the arms are {', '.join(arms)}"
                    )
            if endpoint.arm in (endpoint.minus, endpoint.over):
                raise ValueError(f"endpoints.{place} compares {endpoint.arm!r} with itself")
            for key in ("week", "from_week"):
                week, last = getattr(endpoint, key), self.visits.horizon_days / 7.0
                if week is not None and week > last:
                    raise ValueError(
                        f"endpoints.{place}.{key} is {week:g}; the trial ends in week {last:g}"
                    )
            first, end = endpoint.from_week, endpoint.week
            end = self.visits.horizon_days / 7.0 if end is None else end
            if first is not None and first >= end:
                raise ValueError(
                    f"endpoints.{place} spans week {first:g} to {end:g}; give rising weeks"
                )
        if self.population.regimens and "Insulin" in self.environment:
            raise ValueError("population.regimens are of tablets; leave them out for insulin")
        return self

    @property
    def sha256(self) -> str:
        """SHA-256 of the content; comments, order of keys and layout do not change it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def keywords(self) -> Mapping[str, Any]:
        """Return the environment's keywords that hold in every arm."""
        given: dict[str, Any] = {**self.env_kwargs, "days": self.visits.horizon_days}
        for key, value in (
            ("interval_days", self.visits.interval_days),
            ("measurement", self.measurement),
            ("adherence", self.adherence),
        ):
            if value is not None:
                given[key] = value
        return given

    def with_study_effect(self) -> TrialProtocol:
        """Return the protocol with readings that fall by themselves, as in a placebo arm.

        Raises
        ------
        InputError
            If the environment measures no blood pressure.
        """
        from ..therapy.pressure_measurement import load_measurement
        from ..therapy.pressure_protocols import STUDY_EFFECT

        if self.environment != "dosegym/BloodPressure-v0":
            raise InputError(
                f"study effect is known of blood pressure alone; {self.name} is of "
                f"{self.environment}: leave it out"
            )
        device = self.measurement or load_measurement().name
        given: dict[str, Any] = dict(device) if isinstance(device, dict) else {"preset": device}
        given.setdefault("habituation_mmhg", STUDY_EFFECT.sbp_mmhg)
        return parse_trial(
            json.dumps({**self.model_dump(mode="json"), "measurement": given}), self.name
        )

    def enrolling(self, n: int) -> TrialProtocol:
        """Return the protocol with another number of people, checked as a file is."""
        population = {**self.population.model_dump(mode="json"), "n": n}
        return parse_trial(
            json.dumps({**self.model_dump(mode="json"), "population": population}), self.name
        )


def parse_trial(text: str, origin: str) -> TrialProtocol:
    """Read a trial protocol from YAML text.

    Parameters
    ----------
    text : str
    origin : str
        What to call the text in messages, usually the file's name.

    Raises
    ------
    InputError
        One line naming the key, its value and the mend.
    """
    return read_model(TrialProtocol, text, f"trial {origin}")


def _once(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} name {name!r} twice; give each its own name")
