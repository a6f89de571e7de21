"""L10, when a certificate ends: in time, and when harm is seen more often than certified."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ...therapy.constraint import ConstraintSet
from .harm import counted
from .lane import Lane

VALID_DAYS: Final = 90
DELTA: Final = 0.01


def expiry(created: datetime) -> datetime:
    """Return when a certificate made now ends."""
    return created + timedelta(days=VALID_DAYS)


def validity_lane(rules: ConstraintSet, created: datetime) -> Lane:
    """Return lane L10: the end, and for each chance item the rate whose excess withdraws.

    The rate is watched by an e-process, which may be looked at after every patient
    (``evaluation.sequential``). Of a set without any event nothing can be watched, and the date
    alone ends the certificate.
    """
    items = counted(rules)
    share = DELTA / max(len(items), 1)
    watched = {i.id: {"limit": i.limit, "delta": share} for i in items}
    end = expiry(created)
    return Lane(
        "L10",
        "passed",
        (
            f"valid until {end.date().isoformat()}, for runs of at most {rules.horizon_days} days "
            f"from a fresh start; withdrawn when the rate of one of {len(items)} watched harms is "
            "shown to exceed its limit",
        ),
        {},
        {"valid_days": VALID_DAYS, "run_days": rules.horizon_days, "watched": watched},
    )
