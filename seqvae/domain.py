"""The domain of music and sequences: what seqvae brings to the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from seqvae.codecs.base import SequenceCodec
    from seqvae.networks.model import SequenceVAE
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> SequenceCodec:
    from seqvae.codecs import make_codec

    return make_codec(dict(config))


def _model(architecture: Mapping[str, Any], objective: Objective) -> SequenceVAE:
    from seqvae.networks.architecture import SequenceArchitecture
    from seqvae.networks.model import SequenceVAE
    from vaecore.config import build

    return SequenceVAE(build(SequenceArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(
    name="seqvae",
    make_codec=_codec,
    make_model=_model,
    box=Path(__file__).parent / "models",
    threads=1,
)
