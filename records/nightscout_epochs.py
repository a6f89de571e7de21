"""Nightscout settings along time: a later document or a "Profile Switch" replaces what held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from . import clock
from .delivery import Epoch
from .nightscout_profile import ProfileDocument, Program, program_of
from .quality import Ledger
from .series import DailySchedule, TherapySettings


class Switch(NamedTuple):
    """A "Profile Switch" treatment; `end_s` is infinite for a lasting one."""

    start_s: float
    end_s: float
    name: str | None
    inline: str | None
    percent: float


def epochs_of(
    documents: Sequence[ProfileDocument],
    switches: Sequence[Switch],
    forced: tzinfo | None,
    fallback: tzinfo,
) -> list[Epoch]:
    """Lay documents and switches along time.

    Parameters
    ----------
    documents : sequence of ProfileDocument, earliest first
    switches : sequence of Switch
    forced : tzinfo or None
        Overrules the programs' own time zones.
    fallback : tzinfo
        For programs that name none.
    """

    def epoch_of(start_s: float, program: Program, percent: float) -> Epoch:
        named = None if program.zone_name is None else clock.zone_of(program.zone_name)
        return Epoch(start_s, _scaled(program.settings, percent), forced or named or fallback)

    epochs: list[Epoch] = []
    for document in documents:
        program = document.program()
        if program is not None:
            epochs.append(epoch_of(document.start_s, program, 100.0))
    lasting = list(epochs)
    ordered = sorted(set(switches), key=lambda item: (item.start_s, item.end_s, item.percent))
    following = [*(item.start_s for item in ordered[1:]), float("inf")][: len(ordered)]
    for switch, next_start in zip(ordered, following, strict=True):
        program = _switched_program(switch, documents)
        if program is None:
            continue
        epoch = epoch_of(switch.start_s, program, switch.percent)
        epochs.append(epoch)
        if switch.end_s == float("inf"):
            lasting.append(epoch)
        elif switch.end_s < next_start:
            before = [item for item in lasting if item.start_s <= switch.end_s]
            if before:
                latest = max(before, key=lambda item: item.start_s)
                epochs.append(latest._replace(start_s=switch.end_s))
    return epochs


def _switched_program(switch: Switch, documents: Sequence[ProfileDocument]) -> Program | None:
    if switch.inline is not None:
        try:
            inline = json.loads(switch.inline)
        except (ValueError, RecursionError):
            inline = None
        if isinstance(inline, dict):
            return program_of(inline, Ledger())
    for document in reversed(documents):
        if document.start_s <= switch.start_s or document is documents[0]:
            return document.program(switch.name)
    return None


def _scaled(settings: TherapySettings, percent: float) -> TherapySettings:
    """Scale a program: at 120 % more basal flows and a unit covers less."""
    factor = percent / 100
    if factor == 1:
        return settings

    def times(schedule: DailySchedule | None, by: float) -> DailySchedule | None:
        return None if schedule is None else schedule.scaled(by)

    return replace(
        settings,
        basal_u_per_h=times(settings.basal_u_per_h, factor),
        carb_ratio_g_per_u=times(settings.carb_ratio_g_per_u, 1 / factor),
        correction_mg_dl_per_u=times(settings.correction_mg_dl_per_u, 1 / factor),
    )


def epoch_at(epochs: Sequence[Epoch], time_s: float) -> Epoch | None:
    """Return the epoch in force at a time; the earliest one where the time lies before all."""
    ordered = sorted(epochs, key=lambda item: item.start_s)
    begun = [item for item in ordered if item.start_s <= time_s]
    return (begun[-1] if begun else ordered[0]) if ordered else None
