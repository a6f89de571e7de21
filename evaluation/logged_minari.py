"""Logged treatment to and from Minari data sets (optional extra ``data``)."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from .logged import Logged, LoggedEpisode
from .versions import versions

KEY: Final = "dosegym"
INFOS: Final = ("behavior_log_prob", "shielded", "proposed_action", "time_s")


def write_minari(
    dataset_id: str,
    logged: Logged,
    *,
    author: str = "not stated",
    author_email: str = "not stated",
    code_permalink: str | None = None,
) -> Any:
    """Write logged treatment as a local Minari data set.

    Minari has no field for costs or propensities, so they go into infos, one row per observation
    (the first is the reset's): ``infos/cost/<name>``, ``behavior_log_prob``, ``shielded``,
    ``proposed_action`` and ``time_s``. Everything else is JSON under ``dosegym`` in the metadata.

    Parameters
    ----------
    dataset_id : str
        In Minari's form, e.g. ``"dosegym/pressure/noisy-v0"``.
    logged : Logged
    author, author_email : str
    code_permalink : str, optional
        Where the code that made the data is; by default the name and version of this package.

    Returns
    -------
    minari.MinariDataset

    Raises
    ------
    InputError
        If Minari is not installed, or a data set of this id exists or cannot be made.
    """
    minari = _minari()
    from minari.data_collector import EpisodeBuffer  # pyright: ignore[reportMissingImports]

    spec = _spec(logged)
    buffers = [EpisodeBuffer(**_buffer(one, logged.cost_names)) for one in logged.episodes]
    try:
        dataset = minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            env=spec,
            eval_env=spec,
            algorithm_name=str(logged.behaviour.get("policy", "unknown")),
            author={author},
            author_email={author_email},
            code_permalink=code_permalink or f"dosegym {versions()['dosegym']}",
            description=f"Logged treatment in {logged.env_id}, made with DoseGym",
        )
    except (ValueError, OSError, ImportError, AssertionError) as error:
        raise InputError(f"Minari cannot make {dataset_id!r}: {error}") from None
    dataset.storage.update_metadata({KEY: json.dumps(_header(logged), sort_keys=True)})
    return dataset


def read_minari(dataset: Any) -> Logged:
    """Return the logged treatment of a data set that ``write_minari`` wrote.

    Parameters
    ----------
    dataset : minari.MinariDataset or str
        The id of a local one, if text.

    Raises
    ------
    InputError
        If Minari is not installed, there is no such data set, or it holds no DoseGym header.
    """
    minari = _minari()
    if isinstance(dataset, str):
        try:
            dataset = minari.load_dataset(dataset)
        except (ValueError, OSError) as error:
            raise InputError(f"no Minari data set {dataset!r}: {error}") from None
    text = dataset.storage.metadata.get(KEY)
    if not isinstance(text, str):
        raise InputError("the Minari data set has no DoseGym header; only write_minari's are read")
    header = json.loads(text)
    people = header.pop("episodes")
    if len(people) != dataset.total_episodes:
        raise InputError(
            f"the Minari data set has {dataset.total_episodes} episodes, its header {len(people)}; "
            "restore it"
        )
    names = tuple(header.pop("cost_names"))
    episodes = tuple(
        _episode(found, who, names)
        for found, who in zip(dataset.iterate_episodes(), people, strict=True)
    )
    return Logged(episodes, cost_names=names, **header)


def _minari() -> Any:
    try:
        import minari  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(
            "Minari is not installed; install the extra dosegym[data] or use write_logged"
        ) from None
    return minari


def _spec(logged: Logged) -> Any:
    """Return the environment's specification with the keywords of the log."""
    import gymnasium as gym

    make_task(logged.env_id, **logged.env_kwargs)  # refuses keywords that are none, in one line
    spec = copy.deepcopy(gym.spec(logged.env_id))
    spec.kwargs.update(logged.env_kwargs)
    return spec


def _header(logged: Logged) -> dict[str, Any]:
    return {
        "env_id": logged.env_id,
        "env_kwargs": dict(logged.env_kwargs),
        "cost_names": list(logged.cost_names),
        "behaviour": dict(logged.behaviour),
        "discount": logged.discount,
        "meta": dict(logged.meta),
        "episodes": [[e.patient, e.group, e.seed] for e in logged.episodes],
    }


def _buffer(one: LoggedEpisode, names: tuple[str, ...]) -> dict[str, Any]:
    ends = np.zeros((2, len(one)), dtype=np.bool_)
    ends[:, -1] = one.terminated, one.truncated
    return {
        "seed": one.seed if one.seed >= 0 else None,
        "observations": one.observations,
        "actions": one.actions,
        "rewards": one.rewards,
        "terminations": ends[0],
        "truncations": ends[1],
        "infos": {
            "cost": {name: _reset(one.costs[:, k], 0.0) for k, name in enumerate(names)},
            "behavior_log_prob": _reset(one.log_prob, np.nan),
            "shielded": _reset(one.shielded, False),
            "proposed_action": _reset(one.proposed, 0),
            "time_s": 60.0 * one.time_min,
        },
    }


def _reset(rows: NDArray[Any], value: Any) -> NDArray[Any]:
    """Return rows (T, ...) behind one of the reset (T+1, ...)."""
    first = np.full((1, *rows.shape[1:]), value, dtype=rows.dtype)
    return np.concatenate([first, rows])


def _episode(found: Any, who: list[Any], names: tuple[str, ...]) -> LoggedEpisode:
    infos: Mapping[str, Any] = found.infos or {}
    missing = [k for k in INFOS if k not in infos]
    missing += [f"cost/{k}" for k in names if k not in infos.get("cost", {})]
    if missing:
        raise InputError(f"episode {found.id} of the Minari data set lacks infos/{missing[0]}")
    costs = [np.asarray(infos["cost"][name])[1:] for name in names]
    return LoggedEpisode(
        observations=found.observations,
        actions=found.actions,
        rewards=found.rewards,
        costs=np.stack(costs, axis=1) if costs else np.zeros((len(found.rewards), 0)),
        time_min=np.asarray(infos["time_s"]) / 60.0,
        log_prob=np.asarray(infos["behavior_log_prob"])[1:],
        proposed=np.asarray(infos["proposed_action"])[1:],
        shielded=np.asarray(infos["shielded"])[1:],
        terminated=bool(found.terminations[-1]),
        truncated=bool(found.truncations[-1]),
        patient=str(who[0]),
        group=str(who[1]),
        seed=int(who[2]),
    )
