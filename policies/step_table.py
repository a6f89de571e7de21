"""The interpreter of step tables: guidelines and trial arms as policies, any number of people."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES, load_formulary
from .inertia import hesitates
from .pressure_rule import Bools, Levels, Memory, PressureRule, Rungs, Visit
from .rule import within
from .step_ladder import Ladder
from .step_rules import count, reaches
from .step_safety import Review, blank, review
from .step_table_file import Table, load_table

NEVER = 1e9


class StepTable(PressureRule):
    """A guideline or trial arm read from a step table.

    At a visit: laboratory values, side effects and contraindications first; then, where a decision
    on pressure is due, begin (untreated), step up or step down. To step up is to give the first
    rung of the ladder that the present regimen does not already contain, on top of it, with at most
    one new class a visit in treated people; so people who come on other drugs keep them.

    Parameters
    ----------
    table : str or Table
        A shipped table's name, a YAML file, or a table.
    formulary : optional
        Other drugs than the table's; its doses are then given in equal standard doses.
    interval_days : int, optional
        Days between visits; the table's own by default.
    inertia : float, optional
        Share of due intensifications left undone; the table's own by default.
    seed : int
        Of the draw of those visits.

    Raises
    ------
    InputError
        If the table is unknown or faulty, or a setting is out of range.
    """

    kind = "step table"

    def __init__(
        self,
        table: str | Table,
        *,
        formulary: Any = None,
        interval_days: int | None = None,
        inertia: float | None = None,
        seed: int = 0,
    ) -> None:
        self.table = table if isinstance(table, Table) else load_table(str(table))
        own = load_formulary(self.table.formulary)
        days = self.table.interval_days if interval_days is None else interval_days
        super().__init__(own if formulary is None else formulary, days)
        self.inertia = self.table.inertia if inertia is None else inertia
        within("inertia", self.inertia, 0.0, 1.0)
        within("seed", seed, 0, 2**31)
        self.seed = int(seed)
        self.name = self.table.name
        self._ladder = Ladder(self.table, own, self.formulary)
        self._weeks = np.array(self.table.decide_at_weeks)

    @property
    def settings(self) -> dict[str, Any]:
        """Title, source and hash of the table, and what was set beside it."""
        text = self.table.model_dump_json()
        return {
            "title": self.table.title,
            "source": self.table.source,
            "table_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "inertia": self.inertia,
            "seed": self.seed,
        }

    def remember(self, n: int) -> Memory:
        """Return the memory of n people: counts, dates and what is still open to them."""
        return {
            "high": np.zeros((n, len(self.table.escalate)), np.int64),
            "low": np.zeros((n, len(self.table.de_escalate)), np.int64),
            "due_week": np.full(n, -NEVER),
            "decisions": np.zeros(n, np.int64),
            "lab_week": np.full(n, -NEVER),
            "cap": np.tile(np.array(self.formulary.levels, np.int8) - 1, (n, 1)),
        }

    def decide(self, visit: Visit, memory: Memory) -> tuple[Levels, Memory]:
        """Return the regimen and the new memory; who did not come keeps both."""
        current, came = visit.levels(self.formulary), visit.flag("attended")
        found = self._review(visit, current, memory)
        base = found.base
        if self.table.at_entry == "replace":
            base = np.where(visit.below("weeks", 0.5), np.int8(0), base)
        due, decisions = self._due(visit, memory)
        due &= came
        reading = self.table.reading
        high, up = count(visit, reading, memory["high"], due, self.table.escalate)
        low, down = count(visit, reading, memory["low"], due, self.table.de_escalate)
        bold = due & ~found.hold & ~hesitates(visit, self.inertia, self.seed)
        levels = self._move(visit, found, base, bold, up, found.down | (down & due & ~up))
        levels = np.where(came, levels, current)
        changed = (levels != current).any(axis=0)
        lab_week = np.maximum(memory["lab_week"], visit["weeks"] - visit["labs_age_weeks"])
        new = {
            "high": np.where(changed[:, None], 0, high),
            "low": np.where(changed[:, None], 0, low),
            "due_week": self._next_due(visit, memory["due_week"], due, changed),
            "decisions": np.where(due, decisions, memory["decisions"]),
            "lab_week": np.where(came, lab_week, memory["lab_week"]),
            "cap": np.where(came[:, None], found.cap.T, memory["cap"]),
        }
        return levels.T.astype(np.int64), new

    def _review(self, visit: Visit, current: Rungs, memory: Memory) -> Review:
        """Return what safety asks for at this visit; nothing where the table has no such rules."""
        t = self.table
        if not t.safety:
            return blank(visit, current.copy(), np.ascontiguousarray(memory["cap"].T))
        return review(
            visit,
            current,
            memory,
            self.formulary,
            self._ladder.acei_as_arb,
            t.low_potassium,
            t.avoid,
        )

    def _move(
        self, visit: Visit, found: Review, base: Rungs, bold: Bools, up: Bools, weaker: Bools
    ) -> Rungs:
        """Return the regimen (6, B) after beginning, stepping up or stepping down."""
        untreated, ladder, levels = ~base.any(axis=0), self._ladder, base.copy()
        moves = (
            (bold & up & ~untreated, ladder.stronger),
            (weaker & ~untreated, ladder.weaker),
            (bold & untreated, None),
        )
        # Few people move at a visit: only their columns are worked out.
        for who, move in moves:
            some = np.flatnonzero(who)
            now = base[:, some]
            rungs = ladder.rungs(now, found.cap[:, some], found.open_now[:, some])
            levels[:, some] = move(rungs, now) if move else self._begin(visit, rungs, some)
        return levels

    def _due(self, visit: Visit, memory: Memory) -> tuple[Bools, Levels]:
        """Return where a decision on pressure is due, and how many dates of decision have come."""
        weeks = visit["weeks"]
        if len(self._weeks):
            passed = np.searchsorted(self._weeks, weeks + 0.5, side="right")
            return passed > memory["decisions"], passed
        return weeks > memory["due_week"] - 0.5, memory["decisions"]

    def _next_due(self, visit: Visit, before: Any, due: Bools, changed: Bools) -> Any:
        """Return the week of the next decision, sooner where pressure or regimen is unsettled."""
        gaps = self.table.intervals
        settled = np.ones(len(visit), np.bool_)
        for trigger in self.table.escalate:
            settled &= ~reaches(visit, self.table.reading, trigger)
        gap = np.where(settled & ~changed, gaps.after_control_weeks, gaps.until_control_weeks)
        return np.where(due | changed, visit["weeks"] + gap, before)

    def _begin(self, visit: Visit, rungs: list[Rungs], some: Levels) -> Rungs:
        """Return what untreated people (columns ``some``) begin with: the first rule that fits.

        Where nothing of its rung may be given, the first drug further up that may.
        """
        none = np.zeros((len(CLASSES), len(some)), np.int8)
        chosen, other = none, self._ladder.stronger(rungs, none)
        for rule in reversed(self.table.start):
            fits = reaches(visit, self.table.reading, rule)
            fits &= visit.at_least("weeks", rule.after_weeks)
            rung = rungs[self._ladder.position[rule.begin]]
            rung = np.where(rung.any(axis=0), rung, other)
            chosen = np.where(fits[some], rung, chosen)
        return chosen


def guideline(name: str, **options: Any) -> StepTable:
    """Return a shipped step table as a policy.

    Raises
    ------
    InputError
        If an option is unknown or out of range.
    """
    known = ("formulary", "interval_days", "inertia", "seed")
    wrong = [option for option in options if option not in known]
    if wrong:
        raise InputError(f"policy {name} does not take {wrong[0]}; it takes {', '.join(known)}")
    return StepTable(name, **options)
