"""Which part of an episode is recorded: after calibration, after settling, for how long."""

from __future__ import annotations

from dataclasses import dataclass

from ..physiology.errors import InputError


@dataclass(frozen=True)
class Window:
    """The recorded part of an episode, in decisions of the policy's step.

    Parameters
    ----------
    calibration : int
        Decisions at the start that the prescription takes (its basal rate, no bolus) before the
        policy is asked at all; not recorded.
    settling : int
        Decisions of the policy after that; not recorded.
    recorded : int, optional
        Decisions recorded then; the rest of the episode by default.

    Raises
    ------
    InputError
        If a count is not a whole number within its bounds.
    """

    calibration: int = 0
    settling: int = 0
    recorded: int | None = None

    def __post_init__(self) -> None:
        counts = {"calibration": (self.calibration, 0), "settling": (self.settling, 0)}
        if self.recorded is not None:
            counts["recorded"] = (self.recorded, 1)
        for name, (value, least) in counts.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(
                    f"window {name} is {value!r} steps; give a whole number of at least {least}"
                )

    def bounds(self, n_steps: int) -> tuple[int, int]:
        """Return the first recorded time (index) and the last, of an episode of ``n_steps``.

        Raises
        ------
        InputError
            If the episode is too short.
        """
        first = self.calibration + self.settling
        last = n_steps if self.recorded is None else first + self.recorded
        if not first < last <= n_steps:
            raise InputError(
                f"the window ends after {max(last, first + 1)} steps, the episode after {n_steps}; "
                "give more days or a shorter window"
            )
        return first, last
