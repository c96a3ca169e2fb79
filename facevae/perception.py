"""Training with a perceptual loss, and with a critic that also judges interpolations.

A squared error weighs all pixels alike, and glasses or hats are few of them. The perceptual loss
(`facevae.distance`) compares features instead.

Once the critic is used (`facevae.adversary`), it also judges pictures that are decoded from codes
between two faces. These have no original, but can be trained to look like photographs (Berthelot et
al., Understanding and improving interpolation in autoencoders via an adversarial regularizer, 2019,
train their interpolations against a critic too).

Short codes, such as the middles of lines and draws at low temperatures, are not judged: they stand
for nobody in particular, and the decoder would learn to fill their pictures with texture. They are
anchored to what the decoder made of them before the critic was used.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from facevae.adversary import AdversarialModule
from facevae.classifier import load_classifier
from facevae.distance import PerceptualDistance
from facevae.networks.critic import Adversary
from vaecore.distributions import DiagonalGaussian
from vaecore.folder import read_tensors
from vaecore.model import VAE
from vaecore.paths import bent, lerp, slerp
from vaecore.priors import Prior, prior_fits, prior_from_state
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics

POOLED, POOLED_STEPS = 512, 64
"""Draws of a fitted prior that are made together, which is faster, and for how many steps."""
COOLEST, WARMEST = 0.2, 0.8
"""Lowest and highest temperature of the draws that are short codes."""
MARGIN = 0.2
"""Interpolations keep this distance to both ends, on a path of length 1."""


class PerceptualModule(AdversarialModule):
    """A face VAE with a perceptual loss from the first step on, and a critic from a later one.

    Args:
        model: The VAE.
        config: Optimiser, clipping and seed.
        metrics: Measures for the validation.
        adversary: Settings; `classifier` names the file for a perceptual loss.

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
        self._distance = (
            (PerceptualDistance(load_classifier(Path(adversary.classifier))),)
            if adversary.compares
            else ()
        )
        self.register_buffer("perceptual_norms", torch.zeros(2))
        self._prior: tuple[Prior, ...] = ()  # as `_distance`: a flow is a module
        self._pool, self._pooled = torch.empty(0), -1
        # Of the batch's posteriors: `_anchored` makes short codes of them without encoding again.
        self._means: Tensor | None = None
        # A submodule, so that a training that is resumed has it; `parameter_groups` leaves it out.
        self.decoder_before = (
            deepcopy(model.decoder).requires_grad_(False) if adversary.anchor else None
        )

    def on_fit_start(self) -> None:
        for distance in self._distance:
            distance.to(self.device)
        if self.adversary.drawn_from:
            path = Path(self.adversary.drawn_from)
            state = read_tensors(path, prior_fits("", self.model.latent_dim))
            self._prior = (prior_from_state("", state),)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return a scalar whose gradient is that of all losses together."""
        if self.global_step >= self.adversary.begin_step:
            loss = super().training_step(batch, batch_idx)
            return loss if self.decoder_before is None else loss + self._anchored(len(batch))
        model = self.model
        posterior = model.encode(batch)
        pictures: Tensor = model.decoder(model.objective.latent(posterior, self.noise))
        leaf = pictures.detach().requires_grad_()
        log_density = model.decoder.log_density(batch, leaf)
        terms = model.objective(log_density, posterior.kl(), self.global_step)
        (gradient,) = torch.autograd.grad(terms.loss, leaf, retain_graph=True)
        perceptual = self.perceptual_gradient(batch, leaf.detach(), gradient)
        losses = {}
        if perceptual is not None:
            gradient = gradient + perceptual[0]
            losses["perceptual"] = perceptual[1]
        self.report(terms, **losses)
        # The product backpropagates the known gradients with respect to the pictures. The loss, in
        # which these are constant, adds the gradient of the KL.
        return (pictures * gradient).sum() + terms.loss

    def perceptual_gradient(
        self, real: Tensor, decoded: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """Return the weighted gradient for decoded pictures, and their mean distance."""
        if not self._distance:
            return None
        decoded = decoded.requires_grad_()
        with self._autocast():
            distance = self._distance[0](decoded, real)
        (found,) = torch.autograd.grad(distance.sum(), decoded)
        norms = [gradient.norm(), found.norm()]
        likelihood, perceptual = self._average(self.perceptual_norms, norms)
        weight = self.adversary.perceptual * likelihood / perceptual
        return weight * found, distance.detach().mean()

    def _anchored(self, batch_size: int) -> Tensor:
        """Return the weighted error of short codes to what was made of them before the critic."""
        before, model = self.decoder_before, self.model
        assert before is not None
        assert self._means is not None
        if self.global_step == self.adversary.begin_step:
            before.load_state_dict(model.decoder.state_dict())
        with torch.no_grad():
            codes = self.short_codes(self._means[: max(1, batch_size // 2)])
            targets: Tensor = before(codes)
        log_density = model.decoder.log_density(targets, model.decoder(codes))
        terms = model.objective(log_density, torch.zeros_like(log_density), self.global_step)
        return self.adversary.anchor * len(codes) / batch_size * terms.loss

    def short_codes(self, means: Tensor) -> Tensor:
        """Return as many codes: middles of lines, scaled codes and cool draws of the prior.

        Args:
            means: Of posteriors, `(n, latent_dim)`.
        """
        codes = lerp(means, means.roll(1, 0), torch.rand(len(means), device=means.device))
        scale = torch.empty(len(means), 1, device=means.device).uniform_(COOLEST, 1)
        codes[::2] *= scale[::2]
        for prior in self._prior:
            temperature = float(torch.empty(()).uniform_(COOLEST, WARMEST))
            codes[::3] = prior.sample(len(codes[::3]), temperature=temperature).to(codes)
        return codes

    def draw_codes(self, posterior: DiagonalGaussian) -> Tensor:
        """Return codes `(batch, latent_dim)` between each posterior's mean and a draw of it.

        The means are what reconstructions and morphs are decoded from.
        """
        self._means = posterior.mean
        share = torch.rand(len(posterior.mean), 1, device=posterior.mean.device)
        return torch.lerp(posterior.mean, super().draw_codes(posterior), share)

    def decode_unpaired(
        self, codes: Tensor, posterior: DiagonalGaussian, count: int
    ) -> Tensor | None:
        """Return pictures decoded from codes between two faces of the batch.

        Half of them lie between codes and half between the posteriors' means: on arcs, and half of
        them on lines, where neither an anchor nor a frozen decoder keeps short codes as they are.
        With a fitted prior, as many again are draws of it; with a flow, half of the arcs are in
        its noise, where morphs are decoded from.
        """
        settings = self.adversary
        if not settings.interpolations:
            return super().decode_unpaired(codes, posterior, count)
        count = max(1, round(settings.interpolated_share * len(codes)))
        draws = count // 2 if self._prior else 0
        count -= draws
        of_means, on_line, position = torch.rand(3, count, 1, device=codes.device)
        ends = torch.where(of_means < 0.5, posterior.mean[:count], codes[:count])
        others, t = ends.roll(1, 0), MARGIN + (1 - 2 * MARGIN) * position.squeeze(1)
        kept = self.decoder_before is not None or self.model.architecture.enlarged > 1
        lines = 0.0 if kept else 0.5
        between = torch.where(on_line < lines, lerp(ends, others, t), slerp(ends, others, t))
        for prior in self._prior:
            if prior.invertible and not prior.conditional:
                path = bent(prior.to_noise, prior.from_noise)  # on the CPU
                found = path(ends[::2].cpu(), others[::2].cpu(), t[::2].cpu())
                between[::2] = found.to(between)
            between = torch.cat([between, self.draws(prior, draws).to(between)])
        pictures: Tensor = self.model.decoder(between)
        return pictures

    def draws(self, prior: Prior, n: int) -> Tensor:
        """Return n draws of the fitted prior, `(n, latent_dim)`.

        They are made anew every few steps. Of a few thousand that came again and again, a decoder
        learned how to draw these, and no others.
        """
        number = self.global_step // POOLED_STEPS
        if number != self._pooled:
            generator = torch.Generator().manual_seed(self._seed(number, self.ranks.rank))
            self._pool, self._pooled = prior.sample(POOLED, generator), number
        return self._pool[torch.randint(len(self._pool), (n,))]
