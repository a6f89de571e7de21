"""YAML of a user's own, read strictly: a key given twice is a fault, and every fault one line."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml

from ..physiology.errors import InputError


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
