"""The domain of music: codecs and networks of drums, melodies and trios for the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.representations.base import SequenceCodec
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> SequenceCodec:
    from seqvae.music.representations import make_codec

    return make_codec(config)


def _model(architecture: Mapping[str, Any], objective: Objective) -> SequenceVAE:
    from seqvae.music.networks.architecture import SequenceArchitecture
    from seqvae.music.networks.model import SequenceVAE
    from vaecore.config import build

    return SequenceVAE(build(SequenceArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(
    name="seqvae",
    make_codec=_codec,
    make_model=_model,
    box=Path(__file__).parents[1] / "models",
    threads=1,
    subject="music",
    representations=frozenset({"drums", "groove", "melody", "trio"}),
)
