"""Benchmark protocols as data: who is treated, in which world, for how long, and what is scored."""

from __future__ import annotations

import difflib
import hashlib
import json
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from ..therapy.strict_yaml import read_model
from .scoring import CEILING_MG_DL, Scoring
from .subjects import subject_of
from .window import Window

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]

DEFAULT = Scoring()


class _Strict(BaseModel):
    """Frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ProtocolTask(_Strict):
    """One world of a protocol: a name and the environment's keywords."""

    name: Name
    env_kwargs: dict[str, Any]

    @field_validator("env_kwargs")
    @classmethod
    def _not_the_protocols(cls, keywords: dict[str, Any]) -> dict[str, Any]:
        for key in ("days", "terminate", "by_lane", "cohort"):
            if key in keywords:
                raise ValueError(f"names {key!r}, which the protocol itself sets; leave it out")
        return keywords


class ProtocolWindow(_Strict):
    """Steps of calibration, of settling and recorded; see ``evaluation.window.Window``."""

    calibration: NonNegativeInt = 0
    settling: NonNegativeInt = 0
    recorded: PositiveInt | None = None


class ProtocolScoring(_Strict):
    """What counts; see ``evaluation.scoring.Scoring``."""

    glucose: str = DEFAULT.glucose
    inclusive: bool = False
    failure_mg_dl: tuple[float, float] = (DEFAULT.failure_mg_dl[0], CEILING_MG_DL)
    stops: bool = False

    @model_validator(mode="after")
    def _acceptable(self) -> ProtocolScoring:
        Scoring(**self.model_dump())
        return self


class Protocol(_Strict):
    """A benchmark protocol.

    ``tasks`` are run apart; in each every policy meets the same days. ``policies`` are run when the
    caller names none. ``differs`` says in which respects the environment cannot do, or on purpose
    does not do, what ``source`` did.
    """

    name: Name
    title: Text
    source: Text
    environment: Annotated[str, StringConstraints(pattern=r"^dosegym/[A-Za-z0-9]+-v\d+$")]
    tasks: tuple[ProtocolTask, ...] = Field(min_length=1)
    episodes: PositiveInt
    days: PositiveInt
    seed: NonNegativeInt = 0
    window: ProtocolWindow = ProtocolWindow()
    scoring: ProtocolScoring = ProtocolScoring()
    metrics: tuple[str, ...] = Field(min_length=1)
    policies: tuple[Text, ...] = Field(min_length=1)
    differs: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _known_metrics(self) -> Protocol:
        known = subject_of(self.environment).metric_names
        for name in self.metrics:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                raise ValueError(f"metrics names {name!r}, which is no metric; {hint}")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Protocol:
        for key in ("metrics", "policies"):
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key} names something twice; name each once")
        names = [task.name for task in self.tasks]
        if len(set(names)) != len(names):
            raise ValueError("two tasks have one name; give each its own")
        return self

    @property
    def sha256(self) -> str:
        """SHA-256 of the content; comments, order of keys and layout do not change it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def window_of(self) -> Window:
        """Return the recorded part of an episode."""
        return Window(**self.window.model_dump())

    def scoring_of(self) -> Scoring:
        """Return how glucose becomes metrics."""
        return Scoring(**self.scoring.model_dump())


def parse_protocol(text: str, origin: str) -> Protocol:
    """Read a protocol from YAML text.

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
    return read_model(Protocol, text, f"protocol {origin}")
