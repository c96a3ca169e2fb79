"""The domain of music and sequences: what seqvae brings to the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from vaecore.codec import Codec
    from vaecore.model import VAE
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> Codec:
    from seqvae.music.representations import make_codec

    return make_codec(dict(config))


def _model(architecture: Mapping[str, Any], objective: Objective) -> VAE:
    if architecture.get("kind") == "sentence":
        return _sentences(architecture, objective)
    from seqvae.music.networks.architecture import SequenceArchitecture
    from seqvae.music.networks.model import SequenceVAE
    from vaecore.config import build

    return SequenceVAE(build(SequenceArchitecture, architecture, "architecture"), objective)


def _sentences(architecture: Mapping[str, Any], objective: Objective) -> VAE:
    from seqvae.text.network import SentenceArchitecture, SentenceVAE
    from vaecore.config import build

    return SentenceVAE(build(SentenceArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(
    name="seqvae",
    make_codec=_codec,
    make_model=_model,
    box=Path(__file__).parents[1] / "models",
    threads=1,
)
