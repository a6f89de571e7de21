"""YAML of a user's own, read strictly: a key given twice is a fault, and every fault one line."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Hashable
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from ..physiology.errors import InputError

Record = TypeVar("Record", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML that refuses a key given twice, which YAML itself would overwrite in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key is not a word", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} appears twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def yaml_as_json(text: str, origin: str) -> str:
    """Return YAML text as JSON, in which a strict model takes lists for tuples.

    Parameters
    ----------
    text : str
    origin : str
        What to call the text in messages.

    Raises
    ------
    InputError
        One line naming the text, the line where known, and what is wrong there.
    """
    try:
        # Through JSON, so that strict mode takes lists for tuples but no text for numbers.
        return json.dumps(yaml.load(text, Loader=_StrictLoader), default=str)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise InputError(f"{origin}: {place}{problem}; correct the YAML") from None


def read_model(kind: type[Record], text: str, origin: str) -> Record:
    """Read a record from YAML text.

    Parameters
    ----------
    kind : type
        A pydantic model.
    text : str
    origin : str
        What to call the text in messages.

    Raises
    ------
    InputError
        One line naming the key, its value and the mend.
    """
    plain = yaml_as_json(text, origin)
    try:
        return kind.model_validate_json(plain, strict=True)
    except ValidationError as error:
        raise InputError(f"{origin}: {_fault(kind, error)}") from None


def _fault(kind: type[BaseModel], error: ValidationError) -> str:
    """Return the first fault in one line: where, what, the mend."""
    faults = error.errors(include_url=False)
    # A mistyped key is both unknown and missing; the unknown one tells more.
    first = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        key, known = str(first["loc"][-1]), _keys_at(kind, first["loc"][:-1])
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
        return f"key {place!r} is unknown; {hint}"
    if first["type"] == "missing":
        return f"key {place!r} is missing; add it"
    said = str(first["msg"]).removeprefix("Value error, ")
    if not place:
        return said if first["type"] == "value_error" else f"is no mapping of keys ({said})"
    if first["type"] == "value_error":
        return f"{place} {said}"
    mend = said.partition("should ")[2] or said
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"{place} is {shown}; it should {mend}"


def _keys_at(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the keys a mapping at a place of the record may have."""
    for part in place:
        if isinstance(part, str) and part in kind.model_fields:
            inner = _model_in(kind.model_fields[part].annotation)
            kind = inner or kind
    return list(kind.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the record inside an annotation such as ``tuple[Arm, ...]`` or ``Arm | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list, dict, Union, types.UnionType):
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None
