"""Every kind of model there is, so that each contract is tested on all of them.

Tiny untrained models of every architecture, of sequences and of faces, some like the models in the
boxes but for their size, and two domains that the packages do not have: the digits of `examples`,
and pictures of 8 x 8 black and white pixels, whose codec and networks are all defined here. No file
of the core names them.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import torch
from torch import Tensor, nn

from examples.digits import DOMAIN as DIGITS
from examples.digits.codec import DigitCodec
from examples.digits.network import DigitArchitecture
from facevae.codec import FaceCodec
from facevae.domain import DOMAIN as FACES
from facevae.networks.architecture import FaceArchitecture
from seqvae.music.domain import DOMAIN as MUSIC
from seqvae.music.networks.model import SequenceArchitecture, SequenceVAE
from seqvae.music.representations import make_codec
from seqvae.music.representations.base import SequenceCodec
from seqvae.text.domain import DOMAIN as TEXT
from seqvae.text.network import SentenceArchitecture, SentenceVAE
from vaecore.codec import Codec
from vaecore.config import ModelConfig, build, read_config
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.priors import Flow, GaussianMixture, Prior
from vaecore.testing import ModelUnderTest

SIDE = 8
VOCABULARY = "▁a ▁man ▁woman ▁dog s ▁play ing . , ▁two ▁in ▁the ▁street ▁is ▁are ▁ a b c"
INK = "#"


class PictureCodec(Codec[str]):
    """Drawings in text: a line for each row, `#` for ink; strings, or paths of .txt files."""

    suffixes = (".txt",)

    @property
    def config(self) -> dict[str, Any]:
        return {"side": SIDE}

    def encode(self, item: Any) -> Tensor:
        text = item.read_text() if isinstance(item, Path) else item
        rows = text.splitlines()
        if len(rows) != SIDE or any(len(row) != SIDE for row in rows):
            raise DataError(f"is no drawing of {SIDE} x {SIDE}", path=str(item))
        return torch.tensor([[float(pixel == INK) for pixel in row] for row in rows])

    def decode(self, x: Tensor, context: Any = None) -> str:
        return "\n".join("".join(INK if pixel > 0.5 else "." for pixel in row) for row in x)


@dataclass(frozen=True)
class PictureArchitecture:
    hidden: int
    latent_dim: int = 4


class PictureEncoder(nn.Module):
    def __init__(self, architecture: PictureArchitecture) -> None:
        super().__init__()
        hidden, latent_dim = architecture.hidden, architecture.latent_dim
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, hidden), nn.Tanh())
        self.mean, self.stddev = nn.Linear(hidden, latent_dim), nn.Linear(hidden, latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.body(x)
        return self.mean(code), nn.functional.softplus(self.stddev(code)) + 1e-4


class PictureDecoder(nn.Module):
    def __init__(self, architecture: PictureArchitecture) -> None:
        super().__init__()
        hidden, latent_dim = architecture.hidden, architecture.latent_dim
        self.body = nn.Sequential(
            nn.Linear(latent_dim, hidden),
            nn.Tanh(),
            nn.Linear(hidden, SIDE * SIDE),
            nn.Unflatten(1, (SIDE, SIDE)),
        )

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        logits = self.body(z)
        return -nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(
            (1, 2)
        )

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        logits = self.body(z)
        if temperature == 0:
            return (logits > 0).float()
        noise = torch.rand(logits.shape, generator=torch.Generator().manual_seed(seed))
        return (noise < torch.sigmoid(logits / temperature)).float()


def _pictures(box: Path) -> Domain:
    def make_model(architecture: Mapping[str, Any], objective: Objective) -> VAE:
        settings = build(PictureArchitecture, architecture, "architecture")
        return VAE(
            PictureEncoder(settings), PictureDecoder(settings), settings.latent_dim, objective
        )

    return Domain("pictures", lambda config: PictureCodec(), make_model, box)


def _save(
    domain: Domain,
    model: VAE,
    codec: Codec,
    architecture: Any,
    folder: Path,
    gain: float = 3,
    groups: int = 0,
    **nature: bool,
) -> ModelUnderTest:
    with (
        torch.no_grad()
    ):  # untrained networks hardly depend on their inputs; with larger weights they do
        for parameter in model.parameters():
            parameter.mul_(gain)
    generator = torch.Generator().manual_seed(1)
    latent_dim = model.latent_dim
    means = torch.randn(3, latent_dim, generator=generator)
    mixture = GaussianMixture(torch.ones(3), means, torch.full((3, latent_dim), 0.3))
    prior = _flow(latent_dim, groups) if groups else mixture
    vectors = {"first": torch.eye(latent_dim)[0], "all": torch.full((latent_dim,), 2.0)}
    config = ModelConfig(
        domain=domain.name,
        name=folder.name,
        representation=codec.config,
        architecture=asdict(architecture),
        objective={},
    )
    domain.save(folder, model, config, attributes=vectors, prior=prior)
    return ModelUnderTest(domain, folder, **nature)


def _flow(latent_dim: int, groups: int) -> Prior:
    """Return a flow that has learned nothing; of more than one group, one under conditions."""
    conditions = None
    if groups > 1:
        alike = torch.arange(groups) % 2
        conditions = (alike[:, None] == alike).int()[None]
    flow = Flow(latent_dim, 32, 1, groups, conditions=conditions)
    with torch.no_grad():  # zero-initialised layers would have no effect
        for parameter in flow.parameters():
            if not parameter.any():
                parameter.normal_(std=0.05)
    return flow.eval()


def sequences(
    representation: str,
    mode: str = "vae",
    bars: int = 1,
    discrete: bool = True,
    groups: int = 0,
    steps: int | None = None,
    **options: Any,
) -> Callable[[Path], ModelUnderTest]:
    """Return what makes a model; with `steps`, of windows of so few, for tests of its network."""

    def codec_of(config: Mapping[str, Any]) -> SequenceCodec:
        codec = make_codec(config)
        codec.steps = steps or codec.steps
        return codec

    domain = replace(MUSIC, make_codec=codec_of)

    def make(folder: Path) -> ModelUnderTest:
        codec = codec_of({"name": representation, "bars": bars})
        # Of an odd width, rows are rounded by their place among the others on some processors.
        sizes = {
            "latent_dim": 7, "embedding_dim": 8, "encoder_dim": 8, "conductor_dim": 8,
            "decoder_dim": 10, "segment_dim": 4, "summary_dim": 4,
        }  # fmt: skip
        tokens = {"tokens": representation, **sizes, **options}
        architecture = SequenceArchitecture(codec.steps, codec.classes, **tokens)
        torch.manual_seed(1)
        model = SequenceVAE(architecture, Objective(mode=mode))
        return _save(domain, model, codec, architecture, folder, groups=groups, discrete=discrete)

    return make


def sentences(mode: str, steps: int = 12) -> Callable[[Path], ModelUnderTest]:
    def make(folder: Path) -> ModelUnderTest:
        codec = TEXT.make_codec({"name": "text", "steps": steps, "vocabulary": VOCABULARY})
        # An odd number of pooled units is multiplied with roundings that depend on the row.
        sizes = {"latent_dim": 7, "embedding_dim": 12, "encoder_dim": 8, "decoder_dim": 16}
        architecture = SentenceArchitecture(codec.steps, codec.classes, **sizes)
        torch.manual_seed(1)
        model = SentenceVAE(architecture, Objective(mode=mode))
        return _save(TEXT, model, codec, architecture, folder, gain=4)

    return make


def faces(
    kind: str, mode: str, flow: bool = False, gain: float = 1.7, enlarged: int = 1
) -> Callable[[Path], ModelUnderTest]:
    def make(folder: Path) -> ModelUnderTest:
        codec = FaceCodec(16 * enlarged)
        # Of an odd width, rows are rounded by their place, as above.
        sizes = {"latent_dim": 8, "width": 8, "enlarged": enlarged}
        architecture = FaceArchitecture(kind, codec.size, **sizes, sigma=0.1)
        torch.manual_seed(1)
        model = FACES.make_model(asdict(architecture), Objective(mode=mode))
        with torch.no_grad():  # zero-initialised layers would have no effect
            for parameter in model.parameters():
                if not parameter.any():
                    parameter.normal_(std=0.01)
        return _save(
            FACES, model, codec, architecture, folder, gain, int(flow), draws=False, discrete=False
        )

    return make


def _digits(mode: str) -> Callable[[Path], ModelUnderTest]:
    def make(folder: Path) -> ModelUnderTest:
        architecture = DigitArchitecture(hidden=12, latent_dim=3)
        torch.manual_seed(1)
        model = DIGITS.make_model(asdict(architecture), Objective(mode=mode))
        return _save(DIGITS, model, DigitCodec(), architecture, folder)

    return make


def _drawings(folder: Path) -> ModelUnderTest:
    domain, architecture = _pictures(folder.parent), PictureArchitecture(hidden=12)
    torch.manual_seed(1)
    model = domain.make_model(asdict(architecture), Objective())
    return _save(domain, model, PictureCodec(), architecture, folder)


TRIO = {"tokens": ["melody", "melody", "drums"], "head": ["softmax", "softmax", "chain"]}
HARMONY = [2.0, -3.7, -2.8, 0.5, 1.3, -1.6, -2.8, 1.4, -1.6, -1.8, -1.8, -3.4]

# Numbers show what classes hide: of an odd width, rows are rounded by their place.
GROOVE = {"head": "groove", "discrete": False, "latent_dim": 8}

KINDS: dict[str, Callable[[Path], ModelUnderTest]] = {
    "drums-softmax-final-shared": sequences(
        "drums", "vae", head="softmax", readout="final", conditioning="shared"
    ),
    "drums-chain-steps-steps": sequences(
        "drums", "vae", groups=1, head="chain", readout="steps", conditioning="steps"
    ),
    "drums-chain-final-steps-autoencoder": sequences(
        "drums", "autoencoder", head="chain", readout="final", conditioning="steps"
    ),
    "drums-softmax-steps-shared-autoencoder": sequences(
        "drums", "autoencoder", head="softmax", readout="steps", conditioning="shared"
    ),
    "melody-softmax-steps-steps": sequences(
        "melody", "vae", head="softmax", readout="steps", conditioning="steps"
    ),
    "melody-softmax-final-shared-autoencoder": sequences(
        "melody", "autoencoder", head="softmax", readout="final", conditioning="shared"
    ),
    "groove": sequences(
        "groove", "vae", groups=1, **GROOVE, conditioning="steps", stiff=0.3, tapped=0.3
    ),
    "groove-autoencoder": sequences(
        "groove", "autoencoder", **GROOVE, readout="final", conditioning="shared"
    ),
    "groove-hierarchical": sequences(
        "groove", bars=2, **GROOVE, levels=[2, 16], encoder_levels=[2, 16]
    ),
    "piano": sequences("piano", head="notes", latent_dim=8),
    "piano-hierarchical-autoencoder": sequences(
        "piano", "autoencoder", 2, head="notes", levels=[2, 16], encoder_levels=[2, 16]
    ),
    "sentences-tiny": sentences("vae"),
    "sentences-tiny-autoencoder": sentences("autoencoder"),
    # Of more than four bars, so that they are walked as long ones are.
    "melody-5bar-hierarchical": sequences(
        "melody", bars=5, groups=5, latent_dim=20, levels=[5, 16], encoder_levels=[5, 16]
    ),
    "melody-5bar-flat": sequences("melody", bars=5, encoder_levels=[5, 16]),
    "melody-three-levels-autoencoder": sequences(
        "melody", "autoencoder", 2, levels=[2, 2, 8], encoder_levels=[2, 16], conditioning="shared"
    ),
    "trio-5bar-hierarchical": sequences(
        "trio", bars=5, groups=5, latent_dim=20, levels=[5, 16], harmony=HARMONY, **TRIO
    ),
    "trio-flat-autoencoder": sequences(
        "trio", "autoencoder", bars=2, encoder_levels=[2, 16], **TRIO
    ),
    **{
        f"faces-{kind}{suffix}": faces(
            kind, mode, f"{kind}{suffix}" == "residual", 3 if kind == "residual" else 1.7
        )  # with more, all values leave the range
        for kind in ("lecture", "vanilla", "residual", "spatial")
        for mode, suffix in (("vae", ""), ("autoencoder", "-autoencoder"))
    },
    "faces-enlarged": faces("spatial", "vae", enlarged=2),
    "digits": _digits("vae"),
    "digits-autoencoder": _digits("autoencoder"),
    "pictures": _drawings,
}


SHIPPED: dict[str, Domain] = {
    name: domain for domain in (MUSIC, TEXT, FACES) for name in domain.shipped()
}
"""The models in the boxes, and their domains."""


@cache
def shipped(name: str) -> ModelUnderTest:
    """Return a model of a box, the same one for all tests."""
    domain = SHIPPED[name]
    numbers = domain is FACES or name.startswith("groove")
    folder = domain.folder(name)
    if read_config(folder).shares_with:
        place = Path(mkdtemp(prefix="vae-complete-"))
        atexit.register(rmtree, place)
        domain.complete(folder, place / name)
        folder = place / name
    return ModelUnderTest(domain, folder, domain is not FACES, not numbers, examples=32)
