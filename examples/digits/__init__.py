"""Handwritten digits over the shared latent core: a third domain, written outside the packages.

    codec           pictures to tensors and back
    network         a small encoder and decoder
    presentation    sheets of digits, and the figures of a two-dimensional latent space

These three are all that a domain needs. With them, `DOMAIN` loads and saves models, its latent
spaces morph, mix and sample, and `python -m examples.digits` has the verbs of `seqvae` and
`facevae`. Two more files are for the lesson:

    lesson          the data, a training loop to read, and what to measure
    __main__        the command

`vaecore` imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.domain import Domain

if TYPE_CHECKING:
    from examples.digits.codec import DigitCodec
    from vaecore.model import VAE
    from vaecore.objective import Objective

BOX = Path("runs/digits")
"""Models are trained in seconds, so none is shipped: the box is where `train` puts them."""


def _codec(config: Mapping[str, Any]) -> DigitCodec:
    from examples.digits.codec import DigitCodec
    from vaecore.config import build

    return build(DigitCodec, config, "representation")


def _model(architecture: Mapping[str, Any], objective: Objective) -> VAE:
    from examples.digits.network import DigitArchitecture, make_model
    from vaecore.config import build

    return make_model(build(DigitArchitecture, architecture, "architecture"), objective)


DOMAIN = Domain(name="digits", make_codec=_codec, make_model=_model, box=BOX, threads=1)
