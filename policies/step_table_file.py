"""Step tables: guidelines and trial arms as data, read from strict YAML and checked."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES, DRUGS, load_formulary
from ..therapy.strict_yaml import read_model

Class = Literal["acei", "arb", "ccb", "thiazide", "beta_blocker", "mra"]
Status = Literal["published", "secondary", "unverified", "choice"]
Trait = Literal["cvd", "diabetes", "ckd", "gout", "orthostatic"]
# What of a table has to say where it comes from, where the table has it.
TOLD = ("start", "steps", "escalate", "de_escalate", "intervals", "at_entry", "inertia")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Who(_Part):
    """Which people a rule is for; a person must meet every bound given and one of ``any_of``."""

    age_min: float = Field(default=0.0, ge=0, le=120)
    age_below: float = Field(default=200.0, ge=0, le=200)
    risk_10y_min: float = Field(default=0.0, ge=0, le=1)
    any_of: tuple[Trait, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.age_min < self.age_below:
            raise ValueError(
                f"is from {self.age_min:g} and below {self.age_below:g} years, which is nobody; "
                "give age_min below age_below"
            )
        return self


class Start(_Part):
    """Untreated people at or above ``sbp`` or ``dbp`` (mmHg) begin with step ``begin``.

    ``after_weeks`` is how long a change of life is tried first.
    """

    sbp: float = Field(ge=0, le=300)
    dbp: float = Field(default=999.0, ge=0, le=999)
    who: Who = Who()
    after_weeks: float = Field(default=0.0, ge=0, le=104)
    begin: str


class Trigger(_Part):
    """Pressure at or above a limit (mmHg) at ``visits`` decisions running; ``strictly``: above."""

    sbp: float = Field(ge=0, le=300)
    dbp: float = Field(default=999.0, ge=0, le=999)
    visits: int = Field(default=1, ge=1, le=6)
    strictly: bool = False
    who: Who = Who()


class Relief(_Part):
    """Systolic pressure below a limit (mmHg) at ``visits`` decisions running."""

    sbp_below: float = Field(ge=0, le=300)
    visits: int = Field(default=1, ge=1, le=6)
    who: Who = Who()


class Step(_Part):
    """One rung: the whole regimen, daily mg by class."""

    name: str
    mg: dict[Class, float] = Field(min_length=1)


class Intervals(_Part):
    """Weeks to the next decision on pressure, before and after it is controlled."""

    until_control_weeks: float = Field(default=4.0, gt=0, le=104)
    after_control_weeks: float = Field(default=12.0, gt=0, le=104)


class Evidence(_Part):
    """Where a part of a table comes from."""

    status: Status
    source: str = Field(min_length=8)


class Table(_Part):
    """A guideline or a trial arm; see docs/reference/guidelines.md for every key."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    source: str
    formulary: dict[Class, str] = Field(default_factory=dict)
    goal: str
    reading: Literal["visit", "mean_3", "home"] = "visit"
    at_entry: Literal["keep", "replace"] = "keep"
    interval_days: int = Field(default=28, ge=1, le=365)
    decide_at_weeks: tuple[float, ...] = ()
    intervals: Intervals = Intervals()
    start: tuple[Start, ...] = ()
    steps: tuple[Step, ...] = ()
    escalate: tuple[Trigger, ...] = ()
    de_escalate: tuple[Relief, ...] = ()
    add_order: tuple[Class, ...] = ("thiazide", "acei", "arb", "ccb", "mra", "beta_blocker")
    low_potassium: Literal["add_mra", "lower_thiazide"] = "lower_thiazide"
    safety: bool = True
    avoid: Literal["cautious", "hard"] = "cautious"
    inertia: float = Field(default=0.0, ge=0, le=1)
    evidence: dict[str, Evidence]

    @field_validator("formulary")
    @classmethod
    def _known_drugs(cls, value: dict[str, str]) -> dict[str, str]:
        load_formulary(value)
        return value

    @field_validator("decide_at_weeks")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        shown = ", ".join(f"{week:g}" for week in value)
        finite = all(math.isfinite(week) and week >= 0.0 for week in value)
        if not finite or any(b <= a for a, b in itertools.pairwise(value)):
            raise ValueError(f"is {shown}; give rising weeks of at least 0")
        return value

    @field_validator("add_order")
    @classmethod
    def _every_class_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(value) != sorted(CLASSES):
            raise ValueError(f"must name each of {', '.join(CLASSES)} once")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        self._check_steps()
        names = [step.name for step in self.steps]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"steps name {twice[0]!r} twice; give each its own name")
        for rule in self.start:
            if rule.begin not in names:
                raise ValueError(
                    f"start rule begins with {rule.begin!r}; its steps are {', '.join(names)}"
                )
        told = [part for part in TOLD if part in self.model_fields_set]
        silent = [part for part in told if part not in self.evidence]
        if silent:
            raise ValueError(f"evidence says nothing of {silent[0]}; add its status and source")
        extra = [part for part in self.evidence if part not in TOLD]
        if extra:
            raise ValueError(f"evidence of {extra[0]!r} is unknown; choose from {', '.join(TOLD)}")
        return self

    def _check_steps(self) -> None:
        """Refuse doses that no tablet gives and steps that do not rise."""
        drugs = load_formulary(self.formulary).drugs
        before: dict[str, float] = {}
        for step in self.steps:
            if "acei" in step.mg and "arb" in step.mg:
                raise ValueError(f"step {step.name!r} joins an ACE inhibitor and an ARB; drop one")
            for kind, mg in step.mg.items():
                doses = DRUGS[drugs[CLASSES.index(kind)]].doses_mg
                if mg not in doses:
                    raise ValueError(
                        f"step {step.name!r} gives {mg:g} mg of {drugs[CLASSES.index(kind)]}; "
                        f"its doses are {', '.join(f'{d:g}' for d in doses)} mg"
                    )
            if any(mg > step.mg.get(kind, 0.0) for kind, mg in before.items()):  # type: ignore[call-overload]
                raise ValueError(f"step {step.name!r} takes away what the step before gives")
            before = {str(kind): mg for kind, mg in step.mg.items()}


def parse_table(text: str, origin: str) -> Table:
    """Read a step table from YAML text.

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
    return read_model(Table, text, origin)


def shipped_tables() -> dict[str, Path]:
    """Return the step tables inside the package, by name."""
    folder = Path(str(resources.files("dosegym.policies.guidelines")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_table(name: str) -> Table:
    """Return a step table by its shipped name or from a YAML file.

    Raises
    ------
    InputError
        If there is no such table, or it is faulty.
    """
    if name in shipped_tables():
        return _shipped(name)
    path = Path(name)
    try:
        return parse_table(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError:
        raise InputError(f"step table {path} is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"step table {name!r} is neither shipped ({', '.join(shipped_tables())}) nor a "
            "readable file"
        ) from None


@lru_cache(maxsize=64)
def _shipped(name: str) -> Table:
    path = shipped_tables()[name]
    table = parse_table(path.read_text("utf-8"), path.name)
    if table.name != name:
        raise InputError(f"step table {path.name} calls itself {table.name!r}; name it {name!r}")
    return table
