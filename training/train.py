"""One training run: from its arguments, or from its checkpoint, to a folder with an agent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..envs.registry import entry_of
from ..physiology.errors import InputError
from ..policies.threads import one_thread
from .aim import aim_of
from .build import make_lanes, make_model
from .callbacks import ClinicalLog, Keeper, Standing
from .checkpoint import restore
from .config import check_algo, json_mapping, load_settings
from .folder import check_free, finish, kept_in, open_folder
from .interrupt import Interrupts
from .manifest import Run
from .progress import Bar, Silent
from .score import validation_episodes
from .settings import OnPolicySettings, Settings

LOG_WINDOW = 20_000
LARGEST_SEED = 2**32 - 1


def train(
    env_id: str,
    *,
    algo: str = "ppo",
    timesteps: int | None = None,
    seed: int = 0,
    out: str | Path,
    env_kwargs: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Train an agent and write it with its manifest into a folder.

    Parameters
    ----------
    env_id : str
        E.g. ``"dosegym/Insulin-v0"``.
    algo : str
        ppo, sac, td3, a2c, ppo_lagrangian, or with sb3-contrib installed recurrent_ppo,
        maskable_ppo.
    timesteps : int, optional
        Environment steps, all lanes together, rounded up to whole rollouts; by default those of the
        hyperparameter file.
    seed : int
        The same seed gives the same agent on the same machine and versions.
    out : str or Path
        Folder to write; see docs/reference/training.md for what lies in it.
    env_kwargs : mapping, optional
        Keywords of the environment, above those of the hyperparameter file.
    overrides : mapping, optional
        Hyperparameters by name, a dot reaching inside: ``{"validation.days": 2}``.
    resume : bool
        Continue the run in ``out`` from its checkpoint; all other arguments must be the same.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    Path
        The folder, which ``dosegym.policies.load_policy`` loads.

    Raises
    ------
    InputError
        On anything unknown or out of range, before anything is written.
    TrainingInterrupted
        On Ctrl-C, after a checkpoint was written.
    """
    run, settings = _plan(env_id, algo, timesteps, seed, env_kwargs, overrides)
    folder = Path(out)
    kept = None
    if resume:
        kept, finished = kept_in(folder, run)
        if finished:
            return folder
    else:
        check_free(folder)
    with one_thread():
        env = make_lanes(run.env_id, settings.n_envs, run.seed, run.env_kwargs)
        validate = validation_episodes(run.env_id, run.env_kwargs, settings.validation)
        if kept is None:
            model, standing = make_model(run.algo, env, settings, run.seed), Standing()
            open_folder(folder, run)
        else:
            model = restore(run.algo, kept, env, settings)
            standing = Standing(**kept["progress"])
        brief = aim_of(run.env_id).brief
        show = Bar(run.algo, run.timesteps, model.num_timesteps, brief) if progress else Silent()
        with Interrupts() as interrupts, show:
            keeper = Keeper(run, folder, env, settings, standing, validate, interrupts, show)
            _learn(model, env, settings, run, keeper, fresh=kept is None)
            show.at(model.num_timesteps)
            finish(folder, model, run, keeper.standing.latest)
    return folder


def _plan(
    env_id: str,
    algo: str,
    timesteps: int | None,
    seed: int,
    env_kwargs: Mapping[str, Any] | None,
    overrides: Mapping[str, Any] | None,
) -> tuple[Run, Settings]:
    """Check the arguments and complete them from the hyperparameter file."""
    key = check_algo(algo)
    entry_of(env_id)
    loaded = load_settings(key, env_id, overrides)
    settings = loaded.settings
    steps = settings.timesteps if timesteps is None else timesteps
    check_run(steps, seed)
    kwargs = {**settings.env_kwargs, **json_mapping(env_kwargs or {}, "env_kwargs")}
    _refuse_foreign_patients(kwargs.get("patient"))
    values = settings.model_dump(mode="json")
    return Run(env_id, key, seed, steps, kwargs, values, loaded.sha256), settings


def check_run(steps: Any, seed: Any) -> None:
    """Refuse a length or a seed that no run can have.

    Raises
    ------
    InputError
        If one is not a whole number of its range.
    """
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise InputError(f"timesteps is {steps!r}; give a whole number of at least 1")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"seed is {seed!r}; give a whole number from 0 to {LARGEST_SEED}")


def _refuse_foreign_patients(patient: Any) -> None:
    """Keep the virtual patients of validation, test and certification out of training."""
    purpose = patient.get("purpose", "training") if isinstance(patient, Mapping) else "training"
    if purpose != "training":
        raise InputError(
            f"patient's purpose is {purpose!r}; agents train on purpose 'training' only, so that "
            "nobody is judged on patients it has seen"
        )


def _learn(
    model: Any, env: Any, settings: Settings, run: Run, keeper: Keeper, *, fresh: bool
) -> None:
    """Run SB3's loop to the end, with its log going to TensorBoard."""
    from stable_baselines3.common.logger import configure

    if isinstance(settings, OnPolicySettings):
        rollout = settings.n_envs * settings.n_steps
        interval = max(LOG_WINDOW // rollout, 1)
        window = interval * rollout
    else:
        interval, window = settings.n_envs, LOG_WINDOW
    logger = configure(str(keeper.folder / "tensorboard"), ["tensorboard"])
    model.set_logger(logger)
    try:
        if model.num_timesteps < run.timesteps:
            model.learn(
                run.timesteps - model.num_timesteps,
                callback=[ClinicalLog(env, window), keeper],
                log_interval=interval,
                reset_num_timesteps=fresh,
            )
        if keeper.standing.validated_at < model.num_timesteps:
            keeper.judge()
            logger.dump(model.num_timesteps)
    finally:
        logger.close()
