"""The hyperparameters of each algorithm: names, types and bounds.

Names are those of Stable-Baselines3 and its zoo where they have one. A learning rate is a number,
or ``lin_x``: falling linearly from x to zero over the run.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

LINEAR = "lin_"


def _rate(value: object) -> object:
    """Accept 3e-4, "3e-4" (YAML reads it as text) and "lin_3e-4"."""
    text = str(value)
    try:
        start = float(text.removeprefix(LINEAR))
    except ValueError:
        raise ValueError("give a number or lin_ and a number, such as lin_3e-4") from None
    if not 0.0 < start <= 1.0:
        raise ValueError("give a rate above 0 and at most 1")
    return text if text.startswith(LINEAR) else start


def _plain(values: list[int]) -> list[int]:
    if not values:
        raise ValueError("give at least one layer, such as [64, 64]")
    return values


Rate: TypeAlias = Annotated[float | str, BeforeValidator(_rate)]
Layers: TypeAlias = Annotated[list[PositiveInt], AfterValidator(_plain)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
NonNegative: TypeAlias = Annotated[float, Field(ge=0.0)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ValidationSettings(_Frozen):
    """How often and on what the agent is validated.

    Parameters
    ----------
    every : int
        Environment steps between validations; one more follows at the end.
    lanes : int
        Episodes side by side, shared out evenly among the patients.
    days : int
        Length of each.
    seed : int
        Of the ``validation`` stream, the same for every training seed, so that runs compare.
    """

    every: PositiveInt = 1_000_000
    lanes: PositiveInt = 120
    days: Annotated[int, Field(ge=1, le=1820)] = 4
    seed: Annotated[int, Field(ge=0)] = 0


class ImitationSettings(_Frozen):
    """A policy to imitate before learning begins, for PPO and A2C that choose levels.

    Parameters
    ----------
    policy : str
        As ``dosegym.policies.load_policy`` takes it.
    visits : int
        Environment steps of every lane that are learned from.
    epochs, batch_size, learning_rate
        Of the imitation.
    entropy : float
        Weight of the entropy kept: the more, the more is left to explore.
    """

    policy: str
    visits: PositiveInt = 39
    epochs: PositiveInt = 10
    batch_size: Annotated[int, Field(ge=2)] = 512
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    entropy: NonNegative = 0.1


class StartSettings(_Frozen):
    """Where learning starts: at the usual dose, with little exploration around it.

    Parameters
    ----------
    usual_dose : bool
        Bias the action head to the prescribed therapy.
    head_scale : float
        Factor on the action head's first weights: the start hardly depends on the observation.
    log_std : float
        Logarithm of the exploration's standard deviation in actions (not used by TD3).
    level_logit : float
        Where actions are levels: by how much a level's logit falls with each level between it and
        the usual one.
    mean_reward : float
        Mean reward of a step (before ``reward_scale``) that the value's start expects for ever.
    imitate : ImitationSettings, optional
        What is imitated after that.
    """

    usual_dose: bool = True
    head_scale: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    log_std: Annotated[float, Field(ge=-5.0, le=1.0)] = -1.0
    level_logit: NonNegative = 0.5
    mean_reward: float = 0.0
    imitate: ImitationSettings | None = None


class Settings(_Frozen):
    """What every algorithm has.

    Parameters
    ----------
    timesteps : int
        Environment steps of a run unless the caller says otherwise.
    n_envs : int
        Lanes trained on side by side.
    env_kwargs : mapping
        Keywords of the environment for training; the caller's go above them.
    reward_scale : float
        Factor on the reward the learner sees.
    checkpoint_every : int
        Environment steps between checkpoints.
    """

    SB3: ClassVar[tuple[str, ...]] = ("gamma", "learning_rate")

    timesteps: PositiveInt
    n_envs: Annotated[int, Field(ge=1, le=65_536)]
    env_kwargs: dict[str, Any] = {}
    reward_scale: Positive = 1.0
    gamma: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.99
    learning_rate: Rate = 3e-4
    net_arch: Layers = [64, 64]
    checkpoint_every: PositiveInt = 1_000_000
    validation: ValidationSettings = ValidationSettings()
    start: StartSettings = StartSettings()


class OnPolicySettings(Settings):
    """What PPO, A2C and recurrent PPO share."""

    SB3 = (*Settings.SB3, "n_steps", "gae_lambda", "ent_coef", "vf_coef", "max_grad_norm")

    n_steps: PositiveInt
    gae_lambda: Share = 0.95
    ent_coef: NonNegative = 0.0
    vf_coef: NonNegative = 0.5
    max_grad_norm: Positive = 0.5


class PpoSettings(OnPolicySettings):
    """Proximal policy optimisation."""

    SB3 = (*OnPolicySettings.SB3, "batch_size", "n_epochs", "clip_range", "target_kl")

    batch_size: Annotated[int, Field(ge=2)]
    n_epochs: PositiveInt = 5
    clip_range: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    target_kl: Positive | None = None

    @model_validator(mode="after")
    def _batches_fill_the_rollout(self) -> PpoSettings:
        collected = self.n_envs * self.n_steps
        if collected % self.batch_size:
            raise ValueError(
                f"batch_size is {self.batch_size}, which does not divide n_envs x n_steps = "
                f"{collected}; choose a factor of it"
            )
        return self


class MultiplierSettings(_Frozen):
    """Of the controller that sets the Lagrange multipliers; see ``training.multipliers``.

    Parameters
    ----------
    kp, ki, kd : float
        Proportional, integral and derivative gain.
    smooth : float
        Share of the past in the error that ``kp`` and ``kd`` see.
    cap : float
        Largest multiplier.
    floor : float
        Least limit that an error is taken relative to.
    start : float
        Multiplier at the beginning.
    wait : int
        Rollouts before the multipliers begin to move.
    """

    kp: NonNegative = 1.0
    ki: NonNegative = 0.02
    kd: NonNegative = 0.0
    smooth: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    cap: Positive = 10.0
    floor: Positive = 0.001
    start: NonNegative = 0.0
    wait: Annotated[int, Field(ge=0)] = 0


class PpoLagrangianSettings(PpoSettings):
    """PPO under limits on named costs.

    Parameters
    ----------
    limits : mapping of str to float
        Limit of each cost, per step; of most costs that is the share of steps.
    tails : mapping of str to float
        For a cost named here the limit holds for the mean of this share of the worst episodes.
    multipliers : MultiplierSettings
    cost_epochs : int, optional
        Passes of the cost critic over a rollout; by default ``n_epochs``.
    """

    SB3 = (*PpoSettings.SB3, "limits", "tails", "cost_epochs")

    limits: Annotated[dict[str, NonNegative], Field(min_length=1)]
    tails: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = {}
    multipliers: MultiplierSettings = MultiplierSettings()
    cost_epochs: PositiveInt | None = None

    @model_validator(mode="after")
    def _a_tail_has_a_limit(self) -> PpoLagrangianSettings:
        for name in self.tails:
            if name not in self.limits:
                raise ValueError(f"tails name {name!r}, which has no limit; add it to limits")
        return self


class MaskablePpoSettings(PpoSettings):
    """PPO that never proposes what a mask forbids (sb3-contrib)."""


class RecurrentPpoSettings(PpoSettings):
    """PPO with a long short-term memory (sb3-contrib)."""

    lstm_hidden_size: PositiveInt = 64


class A2cSettings(OnPolicySettings):
    """Advantage actor-critic."""

    SB3 = (*OnPolicySettings.SB3, "use_rms_prop", "normalize_advantage")

    use_rms_prop: bool = True
    normalize_advantage: bool = False


class OffPolicySettings(Settings):
    """What SAC and TD3 share."""

    SB3 = (
        *Settings.SB3, "buffer_size", "learning_starts", "batch_size", "tau", "train_freq",
        "gradient_steps",
    )  # fmt: skip

    buffer_size: PositiveInt
    learning_starts: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=2)] = 256
    tau: Annotated[float, Field(gt=0.0, le=1.0)] = 0.005
    train_freq: PositiveInt = 1
    gradient_steps: PositiveInt = 1


class SacSettings(OffPolicySettings):
    """Soft actor-critic."""

    SB3 = (*OffPolicySettings.SB3, "ent_coef", "target_entropy")

    ent_coef: NonNegative | Literal["auto"] = "auto"
    target_entropy: float | Literal["auto"] = "auto"


class Td3Settings(OffPolicySettings):
    """Twin delayed deep deterministic policy gradient.

    Parameters
    ----------
    action_noise : float
        Standard deviation of the exploration, in actions.
    """

    SB3 = (*OffPolicySettings.SB3, "policy_delay", "target_policy_noise", "target_noise_clip")

    action_noise: NonNegative = 0.1
    policy_delay: PositiveInt = 2
    target_policy_noise: NonNegative = 0.2
    target_noise_clip: NonNegative = 0.5


SETTINGS: dict[str, type[Settings]] = {
    "ppo": PpoSettings,
    "sac": SacSettings,
    "td3": Td3Settings,
    "a2c": A2cSettings,
    "ppo_lagrangian": PpoLagrangianSettings,
    "recurrent_ppo": RecurrentPpoSettings,
    "maskable_ppo": MaskablePpoSettings,
}
