"""The account of what a reader saw, kept and dropped: every loss is counted and named."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dropped:
    """Values that were left out for one reason.

    Parameters
    ----------
    reason : str
        Starts with the kind of value: ``glucose: …``, ``bolus: …``, ``basal: …``, ``row: …``.
    count : int
    example : str
        The first one met: a time, a number or a row, never free text from the file.
    """

    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class Account:
    """How many values of one kind were seen and kept; the difference is in `Dropped`."""

    kind: str
    seen: int
    kept: int


@dataclass
class Ledger:
    """The running account of one reading; values enter by `see` and leave by `drop`."""

    _seen: dict[str, int] = field(default_factory=dict)
    _dropped: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def see(self, kind: str, count: int = 1) -> None:
        """Count values of a kind met in the file."""
        self._seen[kind] = self._seen.get(kind, 0) + count

    def drop(self, kind: str, why: str, example: str, count: int = 1) -> None:
        """Count values left out; only the first example of a reason is kept."""
        if count > 0:
            before, first = self._dropped.get((kind, why), (0, example))
            self._dropped[kind, why] = (before + count, first)

    def absorb(self, other: Ledger) -> None:
        """Add the account of another file of the same record."""
        for kind, count in other._seen.items():
            self.see(kind, count)
        for (kind, why), (count, example) in other._dropped.items():
            self.drop(kind, why, example, count)

    def dropped(self) -> tuple[Dropped, ...]:
        """Return the losses in the order of their reasons."""
        return tuple(
            Dropped(f"{kind}: {why}", count, example)
            for (kind, why), (count, example) in sorted(self._dropped.items())
        )

    def accounts(self) -> tuple[Account, ...]:
        """Return what was seen and kept of each kind."""
        lost: dict[str, int] = {}
        for (kind, _), (count, _) in self._dropped.items():
            lost[kind] = lost.get(kind, 0) + count
        return tuple(
            Account(kind, seen, seen - lost.get(kind, 0))
            for kind, seen in sorted(self._seen.items())
        )
