"""Reading a constraint set from strict YAML, with every fault told in one line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from ..physiology.errors import InputError
from .constraint import ITEM_MODELS, ConstraintSet, item_kind

_TYPES = tuple(kind for kind in ITEM_MODELS if kind != "chance-stl")
_FORMS = {
    "version": "three numbers such as '1.0.0'",
    "environment": "an environment id such as 'dosegym/Insulin-v0'",
    "name": "lower-case letters, digits and - . _ such as 'insulin-v1'",
    "id": "lower-case letters, digits and - . _ such as 'severe-low'",
}
_LONGEST = 1_000_000  # characters; a real set has a few thousand


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML only: refuses aliases, tags, keys that are no text and repeated keys.

    YAML itself would overwrite a repeated key in silence.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 (the parent's own form), dates stay text
        first: [
            (tag, form) for tag, form in resolvers if not tag.endswith((":timestamp", ":merge"))
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*) is not allowed")
        if getattr(self.peek_event(), "tag", None) is not None:  # type: ignore[no-untyped-call]
            raise yaml.YAMLError("a tag (!) is not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key, mark = key_node.value, key_node.start_mark
            if key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(problem=f"key {key} is no text", problem_mark=mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} appears twice", problem_mark=mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_constraints(text: str, origin: str) -> ConstraintSet:
    """Read a constraint set from YAML text.

    Parameters
    ----------
    text : str
        The content of a constraint file.
    origin : str
        What to call the text in messages, usually the file's name.

    Returns
    -------
    ConstraintSet

    Raises
    ------
    InputError
        One line naming the key, its value and the mend: broken YAML, an unknown, missing or
        repeated key, a wrong unit, a limit out of range.
    """
    if len(text) > _LONGEST:
        raise InputError(f"{origin} has {len(text)} characters; a constraint file has few thousand")
    try:
        raw = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise InputError(f"{origin}: {_yaml_fault(error)}; correct the YAML") from error
    except RecursionError as error:
        raise InputError(f"{origin} is nested too deeply; write a flat list of items") from error
    except ValueError as error:
        raise InputError(f"{origin} holds a broken number ({error}); correct it") from error
    try:
        # Through JSON, so that strict mode takes lists for tuples but no text for numbers.
        return ConstraintSet.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise InputError(f"{origin}: {_fault(error, raw)}") from error


def _yaml_fault(error: yaml.YAMLError) -> str:
    """Say what broke the YAML and on which line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error)


def _fault(error: ValidationError, raw: Any) -> str:
    """Turn the first fault of a validation into one line: where, what, the mend."""
    faults = error.errors(include_url=False)
    # A mistyped key is both unknown and missing; the unknown one tells more.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    where = first["loc"]
    if where[:1] == ("items",) and len(where) > 2 and where[2] in ITEM_MODELS:
        where = where[:2] + where[3:]
    place = _place(where, raw)
    keys = [part for part in where if isinstance(part, str)]
    key, value, kind = (keys[-1] if keys else ""), first["input"], first["type"]
    if kind == "extra_forbidden":
        return f"{place}key {key!r} is unknown; {_suggestion(key, where, raw)}"
    if kind == "missing" and where and where[-1] == key:
        return f"{place}key {key!r} is missing; add it"
    if kind.startswith("union_tag"):
        given = value.get("type") if isinstance(value, dict) else value
        return f"{place}type is {given!r}; choose one of {', '.join(_TYPES)}"
    if kind == "value_error":
        told = str(first.get("ctx", {}).get("error", first["msg"]))
        return f"{place}{key} {value!r} {told}" if isinstance(value, str | list) else place + told
    subject = f"{place}{key} is {value!r}" if key else f"the file holds {value!r}"
    return f"{subject}; {_mend(key, kind, first['msg'])}"


def _mend(key: str, kind: str, message: str) -> str:
    """Say what form a value should have."""
    if kind == "string_pattern_mismatch" and key in _FORMS:
        return f"write {_FORMS[key]}"
    if kind == "string_type":
        return f"write text, in quotes: {_FORMS.get(key, 'a word or a sentence')}"
    if key == "support":
        return "write two numbers, [lo, hi]"
    if kind in {"less_than", "greater_than"} and key in {"limit", "delta", "total_delta"}:
        return "write a fraction between 0 and 1, such as 0.01 for 1 %"
    return "it should " + message.removeprefix("Input should").removeprefix("String should").strip()


def _place(where: tuple[Any, ...], raw: Any) -> str:
    """Name the item a fault lies in by its id, or by its number where it has none."""
    if len(where) < 2 or where[0] != "items" or not isinstance(where[1], int):
        return ""
    item = raw["items"][where[1]]
    named = item.get("id") if isinstance(item, Mapping) else None
    return f"item {named}: " if named else f"item number {where[1] + 1}: "


def _suggestion(key: str, where: tuple[Any, ...], raw: Any) -> str:
    """Say which key was probably meant, or which there are."""
    model: Any = ConstraintSet
    if where[0] == "items":
        model = ITEM_MODELS[str(item_kind(raw["items"][where[1]]))]
    allowed = list(model.model_fields)
    near = difflib.get_close_matches(key, allowed, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(allowed)}"
