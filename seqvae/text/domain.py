"""The domain of text, which gives the core codec and network of sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from seqvae.text.codec import TextCodec
    from seqvae.text.network import SentenceVAE
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> TextCodec:
    from seqvae.text.codec import make_codec

    return make_codec(config)


def _model(architecture: Mapping[str, Any], objective: Objective) -> SentenceVAE:
    from seqvae.text.network import SentenceArchitecture, SentenceVAE
    from vaecore.config import build

    return SentenceVAE(build(SentenceArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(
    name="seqvae",
    make_codec=_codec,
    make_model=_model,
    box=Path(__file__).parents[1] / "models",
    threads=1,
    subject="sentences",
    representations=frozenset({"text"}),
)
