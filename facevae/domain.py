"""The domain of faces: the codec and the networks that the core loads models with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from facevae.codec import FaceCodec
    from facevae.networks.model import FaceVAE
    from vaecore.objective import Objective


def _codec(config: Mapping[str, Any]) -> FaceCodec:
    from facevae.codec import make_codec

    return make_codec(config)


def make_model(architecture: Mapping[str, Any], objective: Objective) -> FaceVAE:
    """Build an untrained model from its architecture, fields of `FaceArchitecture`."""
    from facevae.networks.architecture import FaceArchitecture
    from facevae.networks.model import FaceVAE
    from vaecore.config import build

    return FaceVAE(build(FaceArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(
    name="facevae",
    make_codec=_codec,
    make_model=make_model,
    box=Path(__file__).parent / "models",
    subject="faces",
)
