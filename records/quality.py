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


@dataclass(frozen=True)
class Rows:
    """What became of the rows of a file: each is counted in exactly one of the four.

    A row is a line of a table that is not blank, an item of a JSON list, a resource of FHIR, an
    element below the root of an Apple Health export, a gene of a PharmCAT report.

    Parameters
    ----------
    header : int
        Headers, settings, preambles and whatever stands in for them in JSON.
    used : int
        Rows of which at least one value was handed on to be judged.
    dropped : int
        Rows of which every value was left out, for the reasons in `Dropped`.
    silent : int
        Rows that say nothing: all blank but for the time, or zeros.
    """

    header: int = 0
    used: int = 0
    dropped: int = 0
    silent: int = 0

    @property
    def total(self) -> int:
        """Return the number of rows met; equal to those in the files."""
        return self.header + self.used + self.dropped + self.silent


@dataclass
class Ledger:
    """The running account of one reading; values enter by `see` and leave by `drop`.

    A reader says `row` before it looks at a row, and `end_rows` behind the last one: what was seen
    and dropped between two such calls decides what became of the row.
    """

    _seen: dict[str, int] = field(default_factory=dict)
    _dropped: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    _fates: dict[str, int] = field(default_factory=dict)
    _open: tuple[int, int] | None = None

    def row(self) -> None:
        """Begin a row of the file; the row before it is finished."""
        self.end_rows()
        self._open = self._totals()

    def header(self, count: int = 1) -> None:
        """Count rows that hold no data of their own: headers, settings, preambles."""
        self.end_rows()
        self._fates["header"] = self._fates.get("header", 0) + count

    def use(self) -> None:
        """Say that the row begun holds something of use that is no counted value."""
        self._end("used")

    @property
    def untouched(self) -> bool:
        """Whether a row was begun of which nothing was seen, dropped or used so far."""
        return self._open is not None and self._open == self._totals()

    def end_rows(self) -> None:
        """Finish the row begun, if any."""
        if self._open is None:
            return
        seen, lost = (now - at for now, at in zip(self._totals(), self._open, strict=True))
        self._end("used" if seen > lost else "dropped" if lost else "silent")

    def _end(self, fate: str) -> None:
        if self._open is not None:
            self._fates[fate] = self._fates.get(fate, 0) + 1
            self._open = None

    def _totals(self) -> tuple[int, int]:
        return sum(self._seen.values()), sum(count for count, _ in self._dropped.values())

    def rows(self) -> Rows:
        """Return what became of the rows."""
        self.end_rows()
        return Rows(**self._fates)

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
        self.end_rows()
        other.end_rows()
        for fate, count in other._fates.items():
            self._fates[fate] = self._fates.get(fate, 0) + count
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
