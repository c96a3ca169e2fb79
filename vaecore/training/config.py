"""The settings of a training; unknown names and impossible values are errors."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from vaecore.seeds import LARGEST

MOST = 10**12
"""Largest number of steps, epochs and the like."""
Share = Annotated[float, Field(ge=0, lt=1)]


class OptimizerConfig(BaseModel):
    """Optimiser and learning rate; the defaults are MusicVAE's (Roberts et al., 2018)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    min_learning_rate: float = Field(default=1e-5, ge=0)
    schedule: Literal["exponential", "cosine", "constant"] = "exponential"
    """"cosine" reaches the smallest rate at the end of all steps, or of the time if that is
    earlier."""
    decay_rate: float = Field(default=0.9999, gt=0, le=1)
    """Factor of the exponential schedule, per step."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises from 0."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)

    def rate(self, step: int, max_steps: int, time_share: float = 0.0) -> float:
        """Return the learning rate at a step of a training.

        Args:
            step: Step, counted from 0.
            max_steps: Number of steps of the training.
            time_share: Share of its time that is over, from 0 to 1. The cosine follows the larger
                of this and the share of its steps.
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        step -= self.warmup_steps
        if self.schedule == "exponential":
            share = self.decay_rate**step
        else:
            done = step / max(max_steps - self.warmup_steps, 1)
            share = 0.5 * (1 + math.cos(math.pi * min(max(done, time_share), 1.0)))
        return self.min_learning_rate + (self.learning_rate - self.min_learning_rate) * share


class FlowConfig(BaseModel):
    """The section `prior` of a recipe: arguments of `vaecore.priors.fit_flow`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: int = Field(default=20_000, ge=1, le=MOST)
    epochs: int = Field(default=200, ge=1, le=MOST)
    minutes: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=512, ge=1, le=1 << 24)
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    width: int = Field(default=640, ge=1, le=1 << 13)
    blocks: int = Field(default=3, ge=1, le=64)
    groups: int = Field(default=1, ge=1, le=1 << 8)
    spread: float = Field(default=1.0, ge=0, le=10)
    guidance: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, le=LARGEST)


class TrainingConfig(BaseModel):
    """Everything about a training that is neither the model nor the data."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    batch_size: int = Field(default=512, ge=1, le=1 << 24)
    """Examples in a batch, of all processes together."""
    accumulate: int = Field(default=1, ge=1, le=1 << 16)
    """Batches in one step of the optimiser: the same as one larger batch (except for batch norms
    and dropout), in less memory."""
    precision: Annotated[Literal["auto", "32", "bf16"], BeforeValidator(str)] = "auto"
    """"bf16" computes training steps in mixed precision; "auto" does so where that is fast."""
    max_steps: int = Field(default=20_000, ge=1, le=MOST)
    max_minutes: float | None = Field(default=None, gt=0)
    """Wall-clock budget of the whole training, resumed parts included. A cosine schedule ends with
    it if it is over before `max_steps`; the learning rate then depends on the clock."""
    optimizer: OptimizerConfig = OptimizerConfig()
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest global norm of a gradient."""
    hopeless_norm: float = Field(default=10_000.0, gt=0)
    """A gradient of this norm or more, or of NaN, is replaced by zeros (MusicVAE's default)."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Decay per step of the moving average of the weights, which is validated and kept; None takes
    the weights themselves."""
    validate_every: int = Field(default=500, ge=1)
    """Steps between validations; the training can be resumed from each."""
    monitor: str | None = "validation/loss"
    """The metric whose best value decides which model is kept; None keeps the last model."""
    mode: Literal["min", "max"] = "min"
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many validations without improvement."""
    frozen: Literal["encoder", "decoder"] | None = None
    """The part of the model that keeps its weights, which `train --from` gives it."""
    seed: int = Field(default=0, ge=0, le=LARGEST)
    threads: int | None = Field(default=None, ge=1, le=1 << 12)
    """CPU threads; None leaves torch's default."""
    accelerator: Literal["auto", "cpu", "cuda", "mps", "gpu"] = "auto"
    log_every: int = Field(default=50, ge=1)

    @property
    def division(self) -> dict[str, int]:
        """The settings that decide which examples a step has; resuming must not change them."""
        return {"batch_size": self.batch_size, "accumulate": self.accumulate, "seed": self.seed}

    @property
    def mixed_precision(self) -> bool:
        """Whether training steps compute partly in bfloat16."""
        from vaecore.device import fast_bfloat16

        return fast_bfloat16() if self.precision == "auto" else self.precision == "bf16"
