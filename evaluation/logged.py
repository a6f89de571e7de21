"""Logged treatment: the data set of episodes, sealed by a hash in one file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .logged_episode import ARRAYS, Array, LoggedEpisode
from .write import write_bytes

__all__ = ["Logged", "LoggedEpisode", "logged_hash", "read_logged", "write_logged"]

FORMAT: Final = "dosegym-logged"
VERSION: Final = 1
_HEADER: Final = "header"
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, TypeError, EOFError,
    NotImplementedError, RuntimeError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Logged:
    """Episodes of one kind of treatment under one behaviour.

    Parameters
    ----------
    episodes : tuple of LoggedEpisode
    env_id : str
        Environment it came from, or whose view and actions it follows.
    env_kwargs : mapping, JSON
    cost_names : tuple of str, K of them
    behaviour : mapping, JSON
        Card of what decided.
    discount : float
        By which returns are reckoned, in (0, 1].
    meta : mapping, JSON
        Anything else; ``true_values`` where a simulator told them.

    Raises
    ------
    InputError
        If there is no episode, or widths or kinds differ among episodes.
    """

    episodes: tuple[LoggedEpisode, ...]
    env_id: str
    env_kwargs: Mapping[str, Any]
    cost_names: tuple[str, ...]
    behaviour: Mapping[str, Any]
    discount: float = 1.0
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.episodes:
            raise InputError("logged data holds no episode; give at least one")
        if not 0.0 < self.discount <= 1.0:
            raise InputError(f"discount is {self.discount!r}; give a number above 0, at most 1")
        first = self.episodes[0]
        for one in self.episodes:
            for name in ("observations", "proposed", "costs"):
                mine, theirs = getattr(one, name), getattr(first, name)
                if mine.shape[1] != theirs.shape[1] or mine.dtype != theirs.dtype:
                    raise InputError(
                        f"episode of patient {one.patient!r}: {name} is of {mine.shape[1]} columns "
                        f"of {mine.dtype}, that of {first.patient!r} of {theirs.shape[1]} of "
                        f"{theirs.dtype}; log one kind of treatment in one file"
                    )
        if first.costs.shape[1] != len(self.cost_names):
            raise InputError(
                f"cost_names names {len(self.cost_names)} costs, episodes have "
                f"{first.costs.shape[1]}; name each"
            )

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self.episodes)

    @property
    def levels(self) -> bool:
        """Whether actions are whole levels."""
        return self.episodes[0].levels

    def patients(self) -> tuple[str, ...]:
        """Return the patients' names, each once, in order of appearance."""
        return tuple(dict.fromkeys(one.patient for one in self.episodes))

    def returns(self) -> Array:
        """Return the discounted return of each episode (n,)."""
        return np.array([one.returns(self.discount) for one in self.episodes])

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Logged:
        """Return the episodes at these positions, in this order.

        Raises
        ------
        InputError
            If a position is not there, or none is given.
        """
        n = len(self.episodes)
        where = [int(row) for row in rows]
        if any(not -n <= row < n for row in where):
            raise InputError(f"rows name an episode beyond the {n} there are")
        return self._with(tuple(self.episodes[row] for row in where))

    def split(self, shares: Mapping[str, float], rng: np.random.Generator) -> dict[str, Logged]:
        """Divide by patient: no patient is in two parts, and every one is in one.

        Parameters
        ----------
        shares : mapping of part to its share of patients
            They add up to 1.
        rng : numpy.random.Generator

        Raises
        ------
        InputError
            If the shares are none, or a part would hold nobody.
        """
        parts = _shares(shares)
        people = np.array(self.patients(), dtype=object)[rng.permutation(len(self.patients()))]
        ends = np.rint(np.cumsum(list(parts.values())) * len(people)).astype(int)
        found = {}
        for name, first, last in zip(parts, (0, *ends[:-1]), ends, strict=True):
            if first == last:
                raise InputError(
                    f"part {name!r} of {len(people)} patients would hold nobody; give more"
                )
            who = set(people[first:last])
            part = self._with(tuple(e for e in self.episodes if e.patient in who))
            found[name] = replace(part, meta={**self.meta, "split": name})
        return found

    def _with(self, episodes: tuple[LoggedEpisode, ...]) -> Logged:
        rest = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "episodes"}
        return Logged(episodes, **rest)


def write_logged(path: str | Path, logged: Logged) -> None:
    """Write logged treatment into one ``.npz``, whole or not at all, without pickle.

    Raises
    ------
    InputError
        If the folder cannot be written, or ``meta``, ``behaviour`` or ``env_kwargs`` is not JSON.
    """
    arrays = {name: np.concatenate([getattr(e, name) for e in logged.episodes]) for name in ARRAYS}
    header = _header(logged)
    header["sha256"] = _seal(header, arrays)
    text = np.frombuffer(_json(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{_HEADER: text}, **arrays)
    write_bytes(path, buffer.getvalue())


def read_logged(path: str | Path) -> Logged:
    """Read what ``write_logged`` wrote.

    Raises
    ------
    InputError
        If there is no such file, it is no such file, or anything in it has changed.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read logged data {path}: {reason}") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in (_HEADER, *ARRAYS)}
        header = json.loads(found.pop(_HEADER).tobytes().decode())
        told, kind = header.pop("sha256"), (header["format"], header["version"])
    except _BROKEN as error:
        raise InputError(
            f"{path} is no file of logged data, or broken ({type(error).__name__}); restore it"
        ) from None
    if kind != (FORMAT, VERSION):
        raise InputError(f"{path} is {kind[0]} of version {kind[1]}; this reads {FORMAT} {VERSION}")
    if told != _seal(header, found):
        raise InputError(f"{path} changed since it was written: its hash is another; restore it")
    return _logged(header, found)


def logged_hash(logged: Logged) -> str:
    """Return the SHA-256 that a file of this data carries."""
    arrays = {name: np.concatenate([getattr(e, name) for e in logged.episodes]) for name in ARRAYS}
    return _seal(_header(logged), arrays)


def _header(logged: Logged) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "env_id": logged.env_id,
        "env_kwargs": dict(logged.env_kwargs),
        "cost_names": list(logged.cost_names),
        "behaviour": dict(logged.behaviour),
        "discount": logged.discount,
        "meta": dict(logged.meta),
        "episodes": [
            [len(e), bool(e.terminated), bool(e.truncated), e.patient, e.group, int(e.seed)]
            for e in logged.episodes
        ],
    }


def _json(header: Mapping[str, Any]) -> str:
    try:
        return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"logged data: header is not JSON ({error}); give plain values") from None


def _seal(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(_json(header).encode())
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _logged(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Logged:
    episodes, decision = [], 0
    for i, (n, terminated, truncated, patient, group, seed) in enumerate(header["episodes"]):
        own = {}
        for name in ARRAYS:
            # Observations and times have one row more than there are decisions.
            more = 1 if name in ("observations", "time_min") else 0
            first = decision + more * i
            own[name] = arrays[name][first : first + n + more]
        episodes.append(LoggedEpisode(**own, terminated=terminated, truncated=truncated,
                                      patient=patient, group=group, seed=seed))  # fmt: skip
        decision += n
    return Logged(
        tuple(episodes),
        header["env_id"],
        header["env_kwargs"],
        tuple(header["cost_names"]),
        header["behaviour"],
        header["discount"],
        header["meta"],
    )


def _shares(shares: Mapping[str, float]) -> dict[str, float]:
    parts = dict(shares)
    right = all(isinstance(v, (int, float)) and 0.0 < v <= 1.0 for v in parts.values())
    if not parts or not right or abs(sum(parts.values()) - 1.0) > 1e-9:
        raise InputError(f"shares is {parts!r}; give shares above 0 that add up to 1")
    return parts
