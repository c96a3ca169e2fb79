"""The domain of music: codecs and networks of drums, melodies and trios for the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from seqvae.music.magenta.model import MagentaVAE
    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> SequenceCodec:
    from seqvae.music.representations import make_codec

    return make_codec(config)


def _model(architecture: Mapping[str, Any], objective: Objective) -> SequenceVAE | MagentaVAE:
    if architecture.get("network"):
        return _imported(architecture, objective)
    from seqvae.music.networks.architecture import SequenceArchitecture
    from seqvae.music.networks.model import SequenceVAE
    from vaecore.config import build

    return SequenceVAE(build(SequenceArchitecture, architecture, "architecture"), objective)


def _imported(architecture: Mapping[str, Any], objective: Objective) -> MagentaVAE:
    """Return a network of Magenta's without storage: its weights are read, never trained here."""
    import torch

    from seqvae.music.magenta.architecture import MagentaArchitecture
    from seqvae.music.magenta.model import MagentaVAE
    from vaecore.config import build

    described = build(MagentaArchitecture, architecture, "architecture")
    with torch.device("meta"):
        return MagentaVAE(described, objective)


DOMAIN = Domain(
    name="seqvae",
    make_codec=_codec,
    make_model=_model,
    box=Path(__file__).parents[1] / "models",
    threads=1,
    subject="music",
    representations=frozenset({"drum_pitches", "drums", "groove", "melody", "piano", "trio"}),
)
