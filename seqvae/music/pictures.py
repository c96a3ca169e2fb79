"""Piano rolls of a music model in training, for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.model import VAE

COLUMNS = 3


def pictures(codec: SequenceCodec, windows: np.ndarray) -> Callable[[VAE], dict[str, np.ndarray]]:
    """Return a function that draws a few windows, their reconstructions by a model, and samples.

    Args:
        codec: The windows' codec.
        windows: `(n, width)` as in shards, of which a few evenly spread ones are drawn.
    """
    chosen = np.linspace(0, len(windows) - 1, COLUMNS).astype(int)
    x = torch.from_numpy(codec.unpack(windows[chosen]))
    noise_of = torch.Generator()

    @torch.no_grad()
    def draw(model: VAE) -> dict[str, np.ndarray]:
        codes = model.encode(x.to(model.device)).mean
        # The same codes each time, so that samples can be compared.
        noise = torch.randn(COLUMNS, model.latent_dim, generator=noise_of.manual_seed(0))
        rows = {
            "original": x,
            "reconstruction": model.decode(codes),
            "sample": model.decode(noise.to(codes), temperature=1.0),
        }
        return {"pictures": _rolls(codec, rows)}

    return draw


def _rolls(codec: SequenceCodec, rows: dict[str, Tensor]) -> np.ndarray:
    """Return piano rolls `(height, width, 3)` uint8, one row for each name."""
    from PIL import Image

    from seqvae.music.presentation.roll import piano_roll_pixels

    items = [codec.decode(window) for windows in rows.values() for window in windows]
    titles = [name for name, windows in rows.items() for _ in windows]
    page = Image.fromarray(piano_roll_pixels(items, titles, columns=COLUMNS))
    page.thumbnail((1200, 1200))
    return np.asarray(page)
