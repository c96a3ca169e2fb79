"""The contact sheet of a face model in training, for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vaecore.errors import DataError

if TYPE_CHECKING:
    from facevae.data.folder import FaceFolder
    from vaecore.model import VAE

COLUMNS = 8
SIDE = 64
"""Pixels of a picture on the sheet."""


def pictures(folder: FaceFolder) -> Callable[[VAE], dict[str, np.ndarray]]:
    """Return a function that draws originals, their reconstructions by a model, and samples.

    Args:
        folder: Images, of which the first usable ones are shown.
    """
    found: list[Tensor] = []
    for index in range(len(folder)):
        if len(found) == COLUMNS:
            break
        try:
            found.append(folder[index])
        except DataError:  # the loader names it
            continue
    x = torch.stack(found) if found else None
    noise_of = torch.Generator()

    @torch.no_grad()
    def draw(model: VAE) -> dict[str, np.ndarray]:
        from facevae.presentation import contact_sheet

        if x is None:
            return {}
        codes = model.encode(x.to(model.device)).mean
        # The same codes each time, so that one sees how they change.
        noise = torch.randn(len(x), model.latent_dim, generator=noise_of.manual_seed(0))
        rows = {
            "original": x,
            "reconstruction": model.decode(codes),
            "sample": model.decode(noise.to(codes)),
        }
        items = [folder.codec.decode(each.cpu()) for batch in rows.values() for each in batch]
        sheet = contact_sheet(items, len(x), side=SIDE, rows=list(rows))
        return {"pictures": np.asarray(sheet)}

    return draw
