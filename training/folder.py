"""The folder of a run: what may lie in it before, during and after training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..evaluation.write import write_bytes, write_text
from ..physiology.errors import InputError
from ..policies.card import MANIFEST
from .checkpoint import CHECKPOINT, read_checkpoint
from .manifest import Run, manifest_of, write_agent

AGENT, LAST, BEST, RUN = "agent.zip", "last.zip", "best.zip", "run.json"


def check_free(folder: Path) -> None:
    """Refuse to write over another run.

    Raises
    ------
    InputError
        If the place is a file or holds a run.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out is {folder}, which is a file; name a folder")
    for name in (RUN, AGENT):
        if (folder / name).exists():
            raise InputError(
                f"out is {folder}, which already holds a run ({name}); choose another folder, or "
                "continue it with resume (--resume)"
            )


def kept_in(folder: Path, run: Run) -> tuple[dict[str, Any] | None, bool]:
    """Return the checkpoint of the same run, and whether the run is finished.

    Parameters
    ----------
    folder : Path
    run : Run
        What the caller asks for now.

    Returns
    -------
    checkpoint : dict or None
        None if the run was stopped before its first, or is finished.
    finished : bool

    Raises
    ------
    InputError
        If there is no run, it was begun with other arguments, or its files are damaged.
    """
    path = folder / RUN
    if not path.exists():
        raise InputError(f"there is no run to resume in {folder}; leave resume (--resume) out")
    try:
        told = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON ({error}); restore it or train anew") from None
    for name, value in json.loads(json.dumps(run.to_dict())).items():
        if name != "hyperparameters_sha256" and told.get(name) != value:
            raise InputError(
                f"{name} is {_difference(value, told.get(name))} in the run of {folder}; resume "
                "with the arguments it was begun with"
            )
    return read_checkpoint(folder), (folder / MANIFEST).exists()


def _difference(now: Any, then: Any) -> str:
    """Say where two JSON values differ."""
    if isinstance(now, dict) and isinstance(then, dict):
        for key in {**now, **then}:
            if now.get(key) != then.get(key):
                return f"{key} {now.get(key)!r} here and {then.get(key)!r}"
    return f"{now!r} here and {then!r}"


def open_folder(folder: Path, run: Run) -> None:
    """Make the folder and write what defines the run into it.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}; choose another out") from None
    write_text(folder / RUN, json.dumps(run.to_dict(), indent=1) + "\n")


def finish(folder: Path, model: Any, run: Run, figures: Mapping[str, float] | None) -> None:
    """Write the last agent and, under the folder's own name, the best; then drop what helped.

    Killed at any point before its end, the run can still be resumed and finished.

    Parameters
    ----------
    folder : Path
    model : SB3 algorithm
        As it is after its last step.
    run : Run
    figures : mapping
        Its validation.
    """
    write_agent(model, folder / LAST, manifest_of(run, step=model.num_timesteps, figures=figures))
    best = folder / BEST
    write_bytes(folder / AGENT, best.read_bytes())
    write_bytes(folder / MANIFEST, best.with_suffix(".json").read_bytes())
    for path in (best, best.with_suffix(".json"), folder / CHECKPOINT):
        path.unlink(missing_ok=True)
