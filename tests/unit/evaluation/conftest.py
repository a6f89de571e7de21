"""Small examinations for tests of the gate: short horizons, few items, few patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosegym.evaluation.constraints import load_constraints

Rules = Callable[..., Path]


@pytest.fixture(scope="session")
def rules_file(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Return a writer of constraint files: the shipped set with other items, limits or horizon."""
    folder = tmp_path_factory.mktemp("rules")

    def write(
        keep: Sequence[str] = (),
        *,
        days: int = 1,
        changes: dict[str, Any] | None = None,
        **top: Any,
    ) -> Path:
        content = load_constraints("insulin-v1").model_dump(mode="json")
        items = [item for item in content["items"] if not keep or item["id"] in keep]
        content |= {"name": "short", "horizon_days": days, **top}
        content["items"] = [item | (changes or {}) for item in items]
        path = folder / f"rules-{len(list(folder.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write
