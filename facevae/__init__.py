"""Faces over the shared latent core.

    images          reading pictures of any format
    codec           pictures to tensors and back
    align           from an ordinary photograph to the framing that the models need
    networks        the convolutional encoders and decoders
    data            folders of pictures, streamed; labels
    train           from such a folder to a model folder; recipes in presets.yaml
    fitting         codes, attribute vectors and a classifier, fitted to such a folder
    adversary       training a decoder against a critic
    attributes      vectors for smiles, glasses and hats
    classifier      a classifier of attributes, which calibrates and judges vectors
    presentation    sheets, morphs as GIF and MP4
    evaluate        quality on held-out faces (measures, frechet, effects)
    models          the models in the box

`import facevae` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaecore import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from vaecore.space import LatentSpace

__all__ = ["__version__", "load", "models"]


def load(model: str | Path, device: str = "cpu") -> LatentSpace[Image.Image]:
    """Load a model in the box by name ("faces_64"), or any model folder.

    Args:
        model: A name listed by `models()`, a folder written by `facevae train`, or `hf://OWNER/NAME`
            on the Hugging Face hub (`hf://OWNER/NAME@REVISION`).
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        vaecore.UsageError: There is no such model.
        vaecore.DataError: The folder is damaged or incomplete.
    """
    from facevae.domain import DOMAIN

    return DOMAIN.load(model, device)


def models() -> list[str]:
    """Return the names of the models in the box."""
    from facevae.domain import DOMAIN

    return DOMAIN.shipped()
