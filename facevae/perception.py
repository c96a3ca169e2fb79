"""Training with a perceptual loss, and with a critic that also judges interpolations.

A squared error weighs all pixels alike, and glasses or hats are few of them. A perceptual loss
compares the features of a fixed classifier of face attributes instead (Johnson et al., Perceptual
losses for real-time style transfer and super-resolution, 2016). Features are compared by their
direction at each pixel, as in LPIPS (Zhang et al., The unreasonable effectiveness of deep features
as a perceptual metric, 2018).

Once the critic is used (`facevae.adversary`), it also judges pictures that are decoded from codes
between two faces. These have no original, but can be trained to look like photographs (Berthelot et
al., Understanding and improving interpolation in autoencoders via an adversarial regularizer, 2019,
train their interpolations against a critic too).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.adversary import AdversarialModule
from facevae.classifier import load_classifier
from facevae.networks.critic import Adversary
from vaecore.distributions import DiagonalGaussian
from vaecore.folder import read_tensors
from vaecore.model import VAE
from vaecore.paths import lerp, slerp
from vaecore.priors import prior_fits, prior_from_state
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics

POOLED = 4096
"""Draws of a fitted prior, which are made once: one takes as long as decoding several pictures."""
MARGIN = 0.2
"""Interpolations keep this distance to both ends, on a path of length 1."""


class PerceptualDistance(nn.Module):
    """The distance of pictures in the features of a classifier that is not trained.

    Args:
        path: The classifier's file; see `facevae.classifier.save_classifier`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        classifier = load_classifier(Path(path))
        trunk = classifier.trunk.to(memory_format=torch.channels_last)
        self.trunk = trunk.requires_grad_(False)
        self.every = classifier.blocks + 1
        """The first layer, and each layer by this many further on, is the last of its stage."""
        self.eval()

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Stay in evaluation mode, whatever is asked for."""
        return super().train(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stage, at 1/2, 1/4, 1/8 and 1/16 of the picture's size.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].

        Returns:
            `(batch, channels, height, width)` for each stage, of length 1 at every pixel.
        """
        x = F.pixel_unshuffle(2 * x - 1, 2).contiguous(memory_format=torch.channels_last)
        found = []
        for number, layer in enumerate(self.trunk):
            x = layer(x)
            if number % self.every == 0:
                found.append(F.normalize(x, dim=1, eps=1e-3))
        return found

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the distance of each picture to its target, `(batch,)`.

        The squared difference of features, averaged over pixels and summed over stages. Only x gets
        a gradient.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].
            target: The pictures to compare with, of the same shape.
        """
        with torch.no_grad():
            targets = self.features(target)
        parts = [
            (ours.float() - theirs.float()).square().sum(1).mean((1, 2))
            for ours, theirs in zip(self.features(x), targets, strict=True)
        ]
        return torch.stack(parts).sum(0)


class PerceptualModule(AdversarialModule):
    """A face VAE with a perceptual loss from the first step on, and a critic from a later one.

    Args:
        model: The VAE.
        config: Optimiser, clipping and seed.
        metrics: Measures for the validation.
        adversary: Settings; `classifier` names the classifier's file.

    Raises:
        DataError: The file is missing, or holds no classifier.
    """

    perceptual_norms: Tensor
    """Running means of the norms of the likelihood's gradient and the perceptual loss's."""

    def __init__(
        self, model: VAE, config: TrainingConfig, metrics: Metrics | None, adversary: Adversary
    ) -> None:
        super().__init__(model, config, metrics, adversary)
        # In a tuple it is no submodule: checkpoints and optimiser have only what is trained.
        self._distance = (PerceptualDistance(adversary.classifier),)
        self.register_buffer("perceptual_norms", torch.zeros(2))
        self._pool: Tensor | None = None

    def on_fit_start(self) -> None:
        self._distance[0].to(self.device)
        if self.adversary.drawn_from:
            path = Path(self.adversary.drawn_from)
            prior = prior_from_state("", read_tensors(path, prior_fits("", self.model.latent_dim)))
            generator = torch.Generator().manual_seed(self.config.seed)
            parts = [prior.sample(POOLED // 8, generator) for _ in range(8)]
            self._pool = torch.cat(parts).to(self.device)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return a scalar whose gradient is that of all losses together."""
        if self.global_step >= self.adversary.begin_step:
            return super().training_step(batch, batch_idx)
        model = self.model
        posterior = model.encode(batch)
        pictures: Tensor = model.decoder(model.objective.latent(posterior, self.noise))
        leaf = pictures.detach().requires_grad_()
        log_density = model.decoder.log_density(batch, leaf)
        terms = model.objective(log_density, posterior.kl(), self.global_step)
        (gradient,) = torch.autograd.grad(terms.loss, leaf, retain_graph=True)
        perceptual, distance = self.perceptual_gradient(batch, leaf.detach(), gradient)
        self.report(terms, perceptual=distance)
        # The product backpropagates the known gradients with respect to the pictures. The loss, in
        # which these are constant, adds the gradient of the KL.
        return (pictures * (gradient + perceptual)).sum() + terms.loss

    def perceptual_gradient(
        self, real: Tensor, decoded: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted gradient for decoded pictures, and their mean distance."""
        decoded = decoded.requires_grad_()
        with self._autocast():
            distance = self._distance[0](decoded, real)
        (found,) = torch.autograd.grad(distance.sum(), decoded)
        norms = [gradient.norm(), found.norm()]
        likelihood, perceptual = self._average(self.perceptual_norms, norms)
        weight = self.adversary.perceptual * likelihood / perceptual
        return weight * found, distance.detach().mean()

    def draw_codes(self, posterior: DiagonalGaussian) -> Tensor:
        """Return codes `(batch, latent_dim)` between each posterior's mean and a draw of it.

        The means are what reconstructions and morphs are decoded from.
        """
        share = torch.rand(len(posterior.mean), 1, device=posterior.mean.device)
        return torch.lerp(posterior.mean, super().draw_codes(posterior), share)

    def decode_unpaired(
        self, codes: Tensor, posterior: DiagonalGaussian, count: int
    ) -> Tensor | None:
        """Return pictures decoded from codes between two faces of the batch.

        Half of them lie between codes and half between the posteriors' means, and half on a line
        and half on an arc: the middle of a line between two means is shorter than any code that a
        reconstruction is decoded from, and a decoder trained without it fills it with texture.
        With a fitted prior, as many again are draws of it.
        """
        settings = self.adversary
        if not settings.interpolations:
            return super().decode_unpaired(codes, posterior, count)
        count = max(1, round(settings.interpolated_share * len(codes)))
        drawn = codes[:0]
        if self._pool is not None:
            drawn = self._pool[torch.randint(len(self._pool), (count // 2,), device=codes.device)]
            count -= len(drawn)
        of_means, on_line, position = torch.rand(3, count, 1, device=codes.device)
        ends = torch.where(of_means < 0.5, posterior.mean[:count], codes[:count])
        others, t = ends.roll(1, 0), MARGIN + (1 - 2 * MARGIN) * position.squeeze(1)
        between = torch.where(on_line < 0.5, lerp(ends, others, t), slerp(ends, others, t))
        pictures: Tensor = self.model.decoder(torch.cat([between, drawn]))
        return pictures
