"""After a release: harm counted against what was certified, until the release is withdrawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...physiology.errors import InputError
from ..safety_case import SafetyCase
from ..sequential import ViolationMonitor
from ..write import write_text

FORMAT = 1


@dataclass(frozen=True)
class Watch:
    """The e-processes of one certificate, one for each harm that it watches.

    Parameters
    ----------
    certificate_sha256 : str
    monitors : mapping of item id to ViolationMonitor
    """

    certificate_sha256: str
    monitors: Mapping[str, ViolationMonitor]

    @classmethod
    def of(cls, case: SafetyCase) -> Watch:
        """Return a watch that has seen nobody.

        Raises
        ------
        InputError
            If the certificate names no harm to watch.
        """
        lane = next((lane for lane in case.lanes if lane.id == "L10"), None)
        watched = {} if lane is None else dict(lane.numbers.get("watched", {}))
        if not watched:
            raise InputError("the certificate names no harm to watch; certify again")
        monitors = {k: ViolationMonitor(v["limit"], v["delta"]) for k, v in watched.items()}
        return cls(case.sha256, monitors)

    def seen(self, harmed: Mapping[str, bool]) -> Watch:
        """Return the watch after one more patient's whole horizon.

        Parameters
        ----------
        harmed : mapping of item id to bool
            One entry for every harm watched.

        Raises
        ------
        InputError
            If a harm is not told, or told that is not watched.
        """
        odd = sorted(set(harmed) ^ set(self.monitors))
        if odd:
            raise InputError(
                f"harm {odd[0]!r} is {'not told' if odd[0] in self.monitors else 'not watched'}; "
                f"tell of {', '.join(self.monitors)}"
            )
        after = {k: m.update(bool(harmed[k])) for k, m in self.monitors.items()}
        return Watch(self.certificate_sha256, after)

    @property
    def withdrawn(self) -> tuple[str, ...]:
        """Harms that are shown to be more frequent than certified; any of them withdraws."""
        return tuple(k for k, m in self.monitors.items() if m.revoked)

    def to_dict(self) -> dict[str, Any]:
        """Return the watch in JSON."""
        return {
            "format": FORMAT,
            "certificate_sha256": self.certificate_sha256,
            "monitors": {k: json.loads(m.to_json()) for k, m in self.monitors.items()},
        }

    def write(self, path: str | Path) -> None:
        """Write the watch, whole or not at all."""
        write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")


def load_watch(path: str | Path) -> Watch:
    """Return the watch that a file holds.

    Raises
    ------
    InputError
        If it cannot be read, or holds none.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError("another version")
        monitors = {
            k: ViolationMonitor.from_json(json.dumps(m)) for k, m in data["monitors"].items()
        }
        return Watch(str(data["certificate_sha256"]), monitors)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"watch {path} cannot be read ({error}); begin another") from None
