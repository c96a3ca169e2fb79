"""Training a decoder against a critic, so that pictures come out sharp.

A squared error is smallest for the mean of all pictures that fit a code, and that mean is a blur.
A critic that learns to distinguish photographs from decoded pictures prefers one of them
(Goodfellow et al., Generative adversarial nets, 2014; with a VAE: Larsen et al., Autoencoding
beyond pixels using a learned similarity metric, 2016).

First the whole VAE is trained by its likelihood alone. Then the encoder is frozen, so that codes
mean what the likelihood made them mean, and decoder and critic take their steps together.

How hard each part pulls at a pixel is given as a share of the pull of the likelihood, whatever
the scales of the losses (Esser et al., Taming transformers, 2021, balance theirs alike).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from facevae.networks.critic import Adversary, Critic
from vaecore.model import VAE
from vaecore.training import ranks
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics, TrainingModule

MEMORY = 0.98
"""Decay per step of the average strengths of the pulls."""


class AdversarialModule(TrainingModule):
    """A face VAE and its critic, which take their steps together.

    Args:
        model: A `FaceVAE`.
        config: Optimiser, clipping and seed.
        metrics: Measures for the validation.
        adversary: Settings of the critic.
    """

    def __init__(
        self, model: VAE, config: TrainingConfig, metrics: Metrics | None, adversary: Adversary
    ) -> None:
        super().__init__(model, config, metrics)
        self.adversary = adversary
        self.critic = Critic(model.architecture.size, adversary.width)
        self.register_buffer("strengths", torch.zeros(4))

    @property
    def unused_parameters(self) -> bool:
        """Whether a step may leave parameters without a gradient: the encoder's or the critic's."""
        return True

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the VAE's parameters and the critic's, which takes each step without inertia."""
        return [
            *super().parameter_groups(),
            {
                "params": list(self.critic.parameters()),
                "betas": (0.0, self.config.optimizer.betas[1]),
                "lr": self.adversary.learning_rate,
                "weight_decay": 0.0,
            },
        ]

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return a scalar whose gradient is that of all parts together."""
        if self.global_step < self.adversary.begin_step:
            return super().training_step(batch, batch_idx)
        model = self.model
        model.encoder.eval()
        with torch.no_grad():
            posterior = model.encode(batch)
            codes = model.objective.latent(posterior, self.noise)
        pictures = model.decoder(codes)
        shown = pictures.detach().requires_grad_()
        log_density = model.decoder.log_density(batch, shown)
        terms = model.objective(log_density, posterior.kl(), self.global_step)
        (pull,) = torch.autograd.grad(terms.loss, shown)
        count = max(1, round(self.adversary.share * len(batch)))
        invented = pictures[:0]
        if self.adversary.prior:
            invented = model.decoder(self.noise(codes[:count].shape).to(codes))
        critic_loss, push, push_invented = self._contest(
            batch[:count], shown.detach()[:count], invented.detach(), pull[:count]
        )
        pull[:count] += push
        self.report(terms, critic=critic_loss.detach())
        # The pictures' gradients are known; these products hand them on to the decoder.
        return (pictures * pull).sum() + (invented * push_invented).sum() + critic_loss

    def _contest(
        self, real: Tensor, decoded: Tensor, invented: Tensor, pull: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, and its gradients for decoded and for invented pictures."""
        count, critic = len(real), self.critic
        with self._autocast():
            scores, features = critic(torch.cat([real, decoded, invented]))
        # Hinge loss (Lim & Ye, Geometric GAN, 2017); both kinds of decoded picture weigh the same.
        scores = scores.float()
        loss = F.relu(1 - scores[:count]).mean() + F.relu(1 + scores[count:]).mean()
        targets = [each[:count].detach().float() for each in features]

        fakes = torch.cat([decoded, invented]).requires_grad_()
        critic.requires_grad_(False)
        with self._autocast():
            scores, features = critic(fakes)
        distance = sum(
            (each[:count].float() - target).abs().mean()
            for each, target in zip(features, targets, strict=True)
        )
        (by_score,) = torch.autograd.grad(-scores.float().mean(), fakes, retain_graph=True)
        (by_features,) = torch.autograd.grad(distance, fakes)
        critic.requires_grad_(True)

        parts = [pull, by_score[:count], by_score[count:], by_features[:count]]
        likelihood, score, prior, feature = self._average([part.norm() for part in parts])
        share, settings = self._warmth() * likelihood, self.adversary
        push = share * (
            settings.reconstruction / score * parts[1] + settings.features / feature * parts[3]
        )
        return loss, push, share * settings.prior / prior * parts[2]

    def _autocast(self) -> torch.autocast:
        enabled = getattr(self.model, "mixed_precision", False)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _average(self, norms: list[Tensor]) -> Tensor:
        """Return running means of the strengths of the pulls on the batch of all ranks."""
        # Each rank's gradients are those of a mean over its own part of the batch.
        squares = torch.stack(norms).to(self.strengths).square()
        now = (ranks.mean(squares, self.ranks) / self.ranks.world).sqrt()
        first = bool((self.strengths == 0).all())
        self.strengths.copy_(now if first else self.strengths.lerp(now, 1 - MEMORY))
        return self.strengths.clamp(min=1e-12)

    def _warmth(self) -> float:
        done = self.global_step + 1 - self.adversary.begin_step
        return min(1.0, done / max(self.adversary.warmup_steps, 1))
