"""The critic: learns to distinguish photographs from decoded pictures, in training only.

`facevae.adversary` explains what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.networks.enlarging import fine_detail

SLOPE = 0.2
SEEN = ("picture", "detail", "both")
DETAIL = 24.0
"""Fine detail is multiplied by this, so that its values are about as large as those of pictures."""
DITHER = 2 / 255
"""Standard deviation of the noise that hides how finely a picture was rounded."""
FACTORS = (1, 2, 4, 6)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the picture's size, in units of the width."""


@dataclass(frozen=True)
class Adversary:
    """Settings of an adversarial training.

    The weights of the losses are relative: the norm of each loss's gradient with respect to
    the decoded pictures, over that of the likelihood's gradient.
    """

    begin_step: int = 0
    """Steps of plain training before the critic is used and the encoder is frozen."""
    reconstruction: float = 6.0
    """Weight of the critic's score of reconstructions."""
    features: float = 4.0
    """Weight of the distance to the original in the critic's features (feature matching)."""
    prior: float = 0.0
    """Weight of the critic's score of pictures that are decoded from codes drawn from N(0, I)."""
    interpolations: float = 0.0
    """Weight of the critic's score of pictures that are decoded from codes between two faces, in
    place of `prior`."""
    interpolated_share: float = 0.5
    """How many of these pictures there are, relative to the batch."""
    drawn_from: str = ""
    """File of a prior, fitted to the codes of the encoder as it is (`prior.safetensors` of a model
    folder): half of these pictures are decoded from draws of it, and the weight is theirs, too."""
    anchor: float = 0.0
    """Weight of the squared error, for short codes, to what the decoder made of them before the
    critic was used; it is relative to the likelihood. See `facevae.perception`."""
    perceptual: float = 0.0
    """Weight of the perceptual loss, from the first step on; see `facevae.perception`."""
    classifier: str = ""
    """File of the classifier whose features the perceptual loss compares. Without one, a training
    with that loss makes its own from the labels, and keeps it in its folder."""
    width: int = 32
    """Channels of the critic at half resolution."""
    patches: bool = False
    """Score each part of a picture, of some 60 pixels, instead of the whole (PatchGAN: Isola et
    al., Image-to-image translation with conditional adversarial networks, 2017)."""
    sees: str = "picture"
    """What the critic sees: "picture"; "detail", what is lost where the picture is halved and
    enlarged again; or "both". The values of fine detail are small: beside the picture they are
    multiplied, or the critic would be slow to notice them. "detail" is for a frozen decoder whose
    pictures are enlarged: by the rest the critic could tell them from photographs for ever, and
    nothing that is trained could change that."""
    smoothness: float = 0.0
    """Weight of the squared norm of the critic's gradient at photographs (R1: Mescheder et al.,
    Which training methods for GANs do actually converge?, 2018), taken at every eighth step. A
    critic that always wins gives no direction; this slows it."""
    learning_rate: float = 3e-4
    """Of the critic, on the schedule of the VAE's. It has to be well above the VAE's, or the critic
    lags behind the decoder."""
    share: float = 1.0
    """Part of each batch that the critic sees."""
    warmup_steps: int = 200
    """Steps over which the weights rise from 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str | bool) and not value >= 0:
                raise ValueError(f"{field.name} must be at least 0, got {value}")
        for name in ("share", "interpolated_share"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {value}")
        if self.sees not in SEEN:
            raise ValueError(f"sees must be one of {', '.join(SEEN)}, got {self.sees!r}")
        if not 1 <= self.width <= 512:
            raise ValueError(f"width must be in 1..512, got {self.width}")

    @property
    def compares(self) -> bool:
        """Whether features of a classifier are compared, so that one is needed."""
        return bool(self.perceptual)


class Critic(nn.Module):
    """A plain convolutional critic.

    It has no normalisation. With batch norm, its score of a picture would depend on the others in
    the batch; with spectral norm (Miyato et al., 2018) it learned too slowly for the short
    training. Nor is one needed, since only the direction of its gradients is used.

    Args:
        size: Height and width of a picture, a multiple of 16.
        width: Channels at half resolution.
        patches: Score each position at 1/16 of the picture's size.
        sees: "picture", "detail" or "both"; see `Adversary`.
    """

    def __init__(
        self, size: int, width: int = 32, patches: bool = False, sees: str = "picture"
    ) -> None:
        super().__init__()
        self.sees = sees
        before = 24 if sees == "both" else 12
        self.stages = nn.ModuleList()
        for factor in FACTORS:
            after = width * factor
            kernel, stride = (3, 1) if factor == 1 else (4, 2)
            conv = nn.Conv2d(before, after, kernel, stride, padding=1)
            nn.init.kaiming_normal_(conv.weight, SLOPE)
            nn.init.zeros_(conv.get_parameter("bias"))
            self.stages.append(nn.Sequential(conv, nn.LeakyReLU(SLOPE)))
            before = after
        self.last: nn.Module = (
            nn.Sequential(nn.Conv2d(before, 1, 1), nn.Flatten())
            if patches
            else nn.Sequential(nn.Flatten(), nn.Linear(before * (size // 16) ** 2, 1))
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores `(batch, parts)`, higher for photographs, and the features of each stage.

        Args:
            x: Pictures `(batch, 3, size, size)`, values in 0..1.
        """
        seen = []
        if self.sees != "detail":
            seen.append((x - 0.5) * 4)
        if self.sees != "picture":
            seen.append(self._detail(x))
        x = torch.cat(seen, dim=1)
        x = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.last(x), features

    def _detail(self, x: Tensor) -> Tensor:
        """Return the fine detail of pictures, as the critic takes it."""
        if self.training:
            # Photographs have whole 255ths, which is no detail that a decoder is to learn.
            x = x + DITHER * torch.randn_like(x)
        with torch.autocast(x.device.type, enabled=False):  # or rounding would be most of it
            return DETAIL * fine_detail(x.float())
