"""What happens during learning besides learning: clinical figures, validation, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from ..envs.sb3 import DoseVecEnv
from ..policies.learned import LearnedPolicy
from .aim import aim_of
from .checkpoint import write_checkpoint
from .choice import is_better
from .folder import BEST
from .interrupt import Interrupts, TrainingInterrupted
from .manifest import Run, manifest_of, write_agent
from .progress import Display
from .score import Episodes
from .settings import Settings

SHOW_EVERY = 16
DAYS_PER_YEAR = 365.25


class ClinicalLog(BaseCallback):
    """Adds clinical figures of the training lanes to SB3's own log.

    Sums whole arrays of the lanes' latest transition; no lane's info is ever built.

    Parameters
    ----------
    env : DoseVecEnv
    window : int
        Environment steps that one figure sums up, at least.
    """

    def __init__(self, env: DoseVecEnv, window: int) -> None:
        super().__init__()
        self.env, self.window = env, window
        task: Any = env.task
        self._names: tuple[str, ...] = task.cost_names
        columns: tuple[str, ...] = task.log_columns
        watched = aim_of(env.env_id).watched
        self._watched = [(w.name, columns.index(w.column), w.value) for w in watched]
        self._total = columns.index("episode_cost")
        self._years_per_step = float(task.step_min) / 1440.0 / DAYS_PER_YEAR
        self._clear()

    def _clear(self) -> None:
        self._steps, self._deaths = 0, 0
        self._costs = np.zeros(len(self._names))
        self._sums = np.zeros(len(self._watched))
        self._ended: list[float] = []

    def _on_step(self) -> bool:
        step = self.env.last_step
        assert step is not None
        log = step.log
        self._steps += len(log)
        self._costs += log[:, : len(self._names)].sum(axis=0)
        self._sums += [value(log[:, column]).sum() for _, column, value in self._watched]
        over = step.terminated | step.truncated
        if over.any():
            self._deaths += int(np.count_nonzero(step.terminated))
            self._ended += log[over, self._total].tolist()
        return True

    def _on_rollout_end(self) -> None:
        if self._steps < self.window:
            return
        record = self.logger.record
        for name, total in zip(self._names, self._costs, strict=True):
            record(f"clinical/cost_{name}_percent", 100.0 * total / self._steps)
        for (name, _, _), total in zip(self._watched, self._sums, strict=True):
            record(f"clinical/{name}", float(total / self._steps))
        years = self._steps * self._years_per_step
        record("clinical/deaths_per_patient_year", self._deaths / years)
        if self._ended:
            record("clinical/episode_cost", float(np.mean(self._ended)))
        self._clear()


@dataclass
class Standing:
    """How far a run has come; kept in its checkpoint."""

    validated_at: int = 0
    saved_at: int = 0
    latest: Mapping[str, float] | None = None
    best: Mapping[str, float] | None = None
    best_at: int = 0


class Keeper(BaseCallback):
    """Between rollouts: validates, keeps the best agent, writes checkpoints, honours Ctrl-C.

    Parameters
    ----------
    run : Run
    folder : Path
    env : DoseVecEnv
    settings : Settings
    standing : Standing
        Changed in place.
    validate : Episodes
    interrupts : Interrupts
    display : Display
    """

    def __init__(
        self,
        run: Run,
        folder: Path,
        env: DoseVecEnv,
        settings: Settings,
        standing: Standing,
        validate: Episodes,
        interrupts: Interrupts,
        display: Display,
    ) -> None:
        super().__init__()
        self.run, self.folder, self.env = run, folder, env
        self.settings, self.standing = settings, standing
        self.validate, self.interrupts, self.display = validate, interrupts, display

    def _on_step(self) -> bool:
        if self.n_calls % SHOW_EVERY == 0:
            self.display.at(self.num_timesteps)
        return True

    def _on_rollout_start(self) -> None:
        step, standing = self.model.num_timesteps, self.standing
        if step - standing.validated_at >= self.settings.validation.every:
            self.judge()
        if self.interrupts.asked:
            self._save(step)
            raise TrainingInterrupted(
                f"interrupted at {step:,} of {self.run.timesteps:,} steps; the same command with "
                f"--resume continues from {self.folder}"
            )
        if step - standing.saved_at >= self.settings.checkpoint_every:
            self._save(step)

    def judge(self) -> None:
        """Validate the agent as it is now, and keep it if it is the best so far."""
        step, standing = int(self.model.num_timesteps), self.standing
        told = {"algo": self.run.algo, "env_kwargs": self.run.env_kwargs}
        figures = self.validate(LearnedPolicy(self.model, told, "", self.run.env_id))
        standing.validated_at, standing.latest = step, figures
        for name, value in figures.items():
            self.logger.record(f"validation/{name}", value)
        self.display.validated(figures)
        limits = getattr(self.settings, "limits", {})
        if standing.best is None or is_better(figures, standing.best, limits):
            standing.best, standing.best_at = figures, step
            told = manifest_of(self.run, step=step, figures=figures)
            write_agent(self.model, self.folder / BEST, told)

    def _save(self, step: int) -> None:
        self.standing.saved_at = int(step)
        write_checkpoint(self.folder, self.model, self.env, dict(vars(self.standing)))
