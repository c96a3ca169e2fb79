"""Training a decoder against a critic, so that pictures are sharp.

A squared error is smallest for the mean of all pictures that fit a code, and that mean is a blur.
A critic that learns to distinguish photographs from decoded pictures prefers one of them
(Goodfellow et al., Generative adversarial nets, 2014; with a VAE: Larsen et al., Autoencoding
beyond pixels using a learned similarity metric, 2016).

First the whole VAE is trained by its likelihood alone. Then the encoder is frozen, so that the
codes stay as they are, and decoder and critic are trained together. The critic also judges pictures
that are decoded from draws of the prior, so that sampling is trained too; or from codes between two
faces (`facevae.perception`).

The losses are weighted by their gradients with respect to the decoded pictures, relative to that
of the likelihood, whatever their scales (Esser et al., Taming transformers, 2021, do alike).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from facevae.networks.critic import Adversary, Critic
from facevae.networks.model import FaceVAE
from vaecore.distributions import DiagonalGaussian
from vaecore.model import VAE
from vaecore.training import ranks
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics, TrainingModule

DECAY = 0.98
"""Decay per step of the running means of the gradients' norms."""
SMOOTHED_EVERY = 8
"""Steps from one penalty of the critic's gradient to the next, as it takes as long as a step."""


class AdversarialModule(TrainingModule):
    """A face VAE and its critic, which are trained together.

    Args:
        model: The VAE.
        config: Optimiser, clipping and seed.
        metrics: Measures for the validation.
        adversary: Settings of the critic.
    """

    model: FaceVAE
    strengths: Tensor
    """Running means of the squared norms of the four gradients."""

    def __init__(
        self, model: VAE, config: TrainingConfig, metrics: Metrics | None, adversary: Adversary
    ) -> None:
        if not isinstance(model, FaceVAE):
            raise TypeError(
                f"a critic judges the pictures of a FaceVAE, got {type(model).__name__}"
            )
        super().__init__(model, config, metrics)
        self.adversary = adversary
        self.critic = Critic(
            model.architecture.size, adversary.width, adversary.patches, adversary.sees
        )
        self.register_buffer("strengths", torch.zeros(4))

    @property
    def unused_parameters(self) -> bool:
        """Whether a step may leave parameters without a gradient: the encoder's or the critic's."""
        return True

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the VAE's parameters and the critic's, whose optimiser has no momentum."""
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
        """Return a scalar whose gradient is that of all losses together."""
        if self.global_step < self.adversary.begin_step:
            return super().training_step(batch, batch_idx)
        model = self.model
        model.encoder.eval()
        with torch.no_grad():
            posterior = model.encode(batch)
            codes = self.draw_codes(posterior)
        pictures: Tensor = model.decoder(codes)
        leaf = pictures.detach().requires_grad_()
        log_density = model.decoder.log_density(batch, leaf)
        terms = model.objective(log_density, posterior.kl(), self.global_step)
        (gradient,) = torch.autograd.grad(terms.loss, leaf)
        count = max(1, round(self.adversary.share * len(batch)))
        unpaired = self.decode_unpaired(codes, posterior, count)
        if unpaired is None:
            unpaired = pictures[:0]
        critic_loss, by_critic, of_unpaired = self._critic_gradients(
            batch[:count], leaf.detach()[:count], unpaired.detach(), gradient[:count]
        )
        losses = {"critic": critic_loss.detach()}
        perceptual = self.perceptual_gradient(batch, leaf.detach(), gradient)
        gradient[:count] += by_critic
        if perceptual is not None:
            gradient += perceptual[0]
            losses["perceptual"] = perceptual[1]
        self.report(terms, **losses)
        # The gradients with respect to the pictures are known: these products backpropagate them.
        return (pictures * gradient).sum() + (unpaired * of_unpaired).sum() + critic_loss

    def draw_codes(self, posterior: DiagonalGaussian) -> Tensor:
        """Return the codes `(batch, latent_dim)` whose pictures the critic is to judge."""
        return self.model.objective.latent(posterior, self.noise)

    def decode_unpaired(
        self, codes: Tensor, posterior: DiagonalGaussian, count: int
    ) -> Tensor | None:
        """Return decoded pictures that have no original: of draws of the prior, or None.

        Args:
            codes: Those of the batch `(batch, latent_dim)`.
            posterior: The batch's posteriors.
            count: How many pictures of the batch the critic judges.
        """
        if not self.adversary.prior:
            return None
        drawn: Tensor = self.model.decoder(self.noise(codes[:count].shape).to(codes))
        return drawn

    def perceptual_gradient(
        self, real: Tensor, decoded: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """Return a perceptual loss's gradient for decoded pictures, and its mean; None without one.

        Args:
            real: Photographs `(batch, 3, size, size)`.
            decoded: Their reconstructions.
            gradient: Of the likelihood, with respect to the reconstructions.
        """
        return None

    def _critic_gradients(
        self, real: Tensor, decoded: Tensor, unpaired: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, and its gradients for decoded pictures and for unpaired ones.

        Args:
            real: Photographs `(count, 3, size, size)`.
            decoded: Their reconstructions.
            unpaired: Decoded pictures that have no original; there may be none.
            gradient: Of the likelihood, with respect to the reconstructions.
        """
        count, critic = len(real), self.critic
        with self._autocast():
            scores, features = critic(torch.cat([real, decoded, unpaired]))
        # Hinge loss (Lim & Ye, Geometric GAN, 2017); both kinds of decoded picture weigh the same.
        scores = scores.float()
        loss = F.relu(1 - scores[:count]).mean() + F.relu(1 + scores[count:]).mean()
        if self.adversary.smoothness and self.global_step % SMOOTHED_EVERY == 0:
            loss = loss + SMOOTHED_EVERY * self.adversary.smoothness * self._roughness(real)
        targets = [each[:count].detach().float() for each in features]

        fakes = torch.cat([decoded, unpaired]).requires_grad_()
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

        parts = [gradient, by_score[:count], by_score[count:], by_features[:count]]
        norms = [part.norm() for part in parts]
        likelihood, score, unpaired_score, feature = self._average(self.strengths, norms)
        share, settings = self._warmup() * likelihood, self.adversary
        by_critic: Tensor = share * (
            settings.reconstruction / score * parts[1] + settings.features / feature * parts[3]
        )
        weight = settings.interpolations or settings.prior
        return loss, by_critic, share * weight / unpaired_score * parts[2]

    def _roughness(self, real: Tensor) -> Tensor:
        """Return half of the mean squared norm of the critic's gradient at photographs."""
        real = real.detach().requires_grad_()
        scores, _ = self.critic(real)
        (found,) = torch.autograd.grad(scores.mean(1).sum(), real, create_graph=True)
        return 0.5 * found.flatten(1).square().sum(1).mean()

    def _autocast(self) -> torch.autocast:
        enabled = bool(self.model.mixed_precision)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _average(self, means: Tensor, norms: list[Tensor]) -> Tensor:
        """Return running means of the gradients' norms over the batch of all ranks.

        Args:
            means: Those up to the last step, which are updated.
            norms: Of the gradients in this step.
        """
        # Each rank's gradients are those of a mean over its own part of the batch.
        squares = torch.stack(norms).to(means).square()
        now = (ranks.mean(squares, self.ranks) / self.ranks.world).sqrt()
        first = bool((means == 0).all())
        means.copy_(now if first else means.lerp(now, 1 - DECAY))
        return means.clamp(min=1e-12)

    def _warmup(self) -> float:
        """Return the factor of the weights, which rises from 0 to 1."""
        done = self.global_step + 1 - self.adversary.begin_step
        return min(1.0, done / max(self.adversary.warmup_steps, 1))
