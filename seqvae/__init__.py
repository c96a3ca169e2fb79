"""Music, text and other sequences over the shared latent core.

    midi            reading, splitting and quantising MIDI
    codecs          windows of music as numbers: drums, performances, melodies, trios
    networks        the LSTM encoders and decoders, flat and hierarchical
    groove          drum performances: humanize, drumify, their quality
    text            sentences: codec, network, training, quality
    presentation    MIDI, piano rolls, text pictures, sound
    properties      what is measured of windows, and how their notes are distributed
    form            which bars of a window repeat earlier ones
    data            from folders of MIDI to shards to batches
    evaluate        quality on files never seen
    models          the models in the box

Names are imported when first used: `import seqvae` does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from vaecore.space import LatentSpace

__all__ = ["load", "models"]


def load(model: "str | Path", device: str = "cpu") -> "LatentSpace":
    """Load a model in the box by name ("drums_2bar"), or any model folder.

    Args:
        model: A name listed by `models()`, or a folder written by `seqvae train`.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        vaecore.UsageError: There is no such model.
        vaecore.DataError: The folder was tampered with or is incomplete.
    """
    from seqvae.music.domain import DOMAIN

    return DOMAIN.load(model, device)


def models() -> list[str]:
    """Return the names of the models in the box."""
    from seqvae.music.domain import DOMAIN

    return DOMAIN.shipped()


def __getattr__(name: str) -> Any:
    try:
        return import_module(f"seqvae.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(f"module 'seqvae' has no attribute {name!r}") from error
