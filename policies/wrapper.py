"""What every policy round another one says and hands on."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any

from .rule import Chart


def card_of(policy: Any) -> dict[str, Any]:
    """Return a policy's card; one without is told by its class."""
    return dict(getattr(policy, "card", {"policy": type(policy).__name__}))


class Wrapper(ABC):
    """A policy round ``inner``: its environment and wishes are the inner one's."""

    inner: Any

    @property
    def env_id(self) -> str | None:
        """Environment of the inner policy."""
        return getattr(self.inner, "env_id", None)

    @property
    def wants(self) -> Mapping[str, Any]:
        """What the inner policy wants."""
        return dict(getattr(self.inner, "wants", {}))

    def meet(self, chart: Chart) -> None:
        """Pass on who is in which lane."""
        if hasattr(self.inner, "meet"):
            self.inner.meet(chart)
