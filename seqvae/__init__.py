"""Music, text and other sequences over the shared latent core.

    music       drums, performances, melodies, trios: reading, representations, networks, pictures
    text        sentences: codec, network, training, quality
    sequences   shared by both: LSTM layers, sampling, loaders, attribute vectors
    cli         the command `seqvae`
    domains     the list of domains
    models      the shipped models

`import seqvae` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from vaecore import __version__

if TYPE_CHECKING:
    from pathlib import Path

    import pretty_midi

    from vaecore.space import LatentSpace

__all__ = ["__version__", "load", "models"]

Music: TypeAlias = Literal[
    "drums_2bar",
    "drums_2bar_ternary",
    "groove_2bar",
    "melody_2bar",
    "melody_2bar_ternary",
    "melody_16bar",
    "melody_16bar_ternary",
    "piano_2bar",
    "trio_16bar",
]
"""Names of the shipped models of music."""


@overload
def load(model: Music, device: str = "cpu") -> LatentSpace[pretty_midi.PrettyMIDI]: ...


@overload
def load(model: Literal["sentences"], device: str = "cpu") -> LatentSpace[str]: ...


@overload
def load(model: str | Path, device: str = "cpu") -> LatentSpace[Any]: ...


def load(model: str | Path, device: str = "cpu") -> LatentSpace[Any]:
    """Load a shipped model by its name ("drums_2bar"), or any model folder.

    Args:
        model: A name listed by `models()`, a folder written by `seqvae train`, or `hf://OWNER/NAME`
            on the Hugging Face hub (`hf://OWNER/NAME@REVISION`).
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        vaecore.UsageError: There is no such model.
        vaecore.DataError: The folder is incomplete or broken.
    """
    from seqvae.domains import DOMAINS
    from vaecore.domain import find_model

    domain, folder = find_model(DOMAINS, model)
    return domain.load(folder, device)


def models() -> list[str]:
    """Return the names of the shipped models."""
    from seqvae.domains import DOMAINS

    return sorted(name for domain in DOMAINS for name in domain.shipped())
