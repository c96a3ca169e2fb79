"""What a user may write with what README.md names: it runs, and `mypy --strict` has no complaint.

Run in a folder with the examples: python user_script.py [FOLDER OF EXAMPLES]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL.Image import Image
from torch import Tensor, nn

import facevae
import seqvae
import vaecore
from vaecore import VAE, Example, LatentReport, LatentSpace, Objective
from vaecore.cli import Group
from vaecore.objective import LossTerms


def music(data: Path) -> None:
    """The README's lines for a student, and the other operations of a latent space."""
    names: list[str] = seqvae.models()
    assert "melody_2bar" in names
    space: LatentSpace[Any] = seqvae.load("melody_2bar")
    a, b = data / "sunrise.mid", data / "alley.mid"
    z: Tensor = space.encode([a, b])
    steps = space.interpolate(a, b, steps=9)
    steps[4].write("halfway.mid")
    busier = space.edit(a, {"note_density": +1.0})
    busier.write("busier.mid")
    report: LatentReport = space.analyse([data / "garden.mid", data / "voyage.mid"])
    active: int = report.active_units
    assert 0 < active <= space.latent_dim == z.shape[1]
    again: list[Any] = space.decode(z)
    again = space.reconstruct([a, b], temperature=0.5, seed=1)
    again += space.sample(2, seed=3) + space.similar(a, n=2, amount=0.4)
    again += space.traverse(a, dimension=0, steps=3)
    assert len(again) == 9
    path: list[Example] = space.as_examples().interpolate(a, b, steps=2, path="lerp")
    x: Tensor = path[0].x
    assert x.shape == space.examples(a).first.x.shape
    codes: Tensor = space.sample_codes(2, prior="normal")
    assert space.decode_to_examples(codes).shape == (2, *x.shape)
    vector: Tensor = space.attribute_vector([a], [b])
    moved: Tensor = vaecore.apply_attributes(z, {"high": vector}, {"high": 0.5})
    assert torch.equal(moved, z + 0.5 * vector)


def sentences() -> None:
    """Sentences are items like others."""
    space = seqvae.load("sentences", device="cpu")
    found = space.interpolate("A man plays a guitar .", "Two dogs run .", steps=3)
    assert len(found) == 3


def faces(data: Path) -> None:
    """Pictures in, pictures out."""
    assert facevae.models() == ["faces_128", "faces_64", "faces_64_residual"]
    space: LatentSpace[Image] = facevae.load("faces_64")
    pictures = [data / f"{name}.png" for name in ("ada", "bob", "cleo", "dan")]
    frame: Image = space.interpolate(*pictures[:2], steps=3, timing="perceived")[1]
    assert frame.size == (64, 64)
    grid: list[list[Image]] = space.palette(pictures, rows=2, columns=2)
    smiling: Image = space.edit(grid[0][0], {"Smiling": 1.0, "Eyeglasses": 0.5})
    smiling.save("smiling.png")


class Encoder(nn.Module):
    """An encoder of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.layer(x).chunk(2, dim=1)
        return mean, nn.functional.softplus(raw)


class Decoder(nn.Module):
    """A decoder of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 6)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        errors: Tensor = self.layer(z) - x
        return -0.5 * errors.square().sum(1)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        mean: Tensor = self.layer(z)
        return mean


def networks() -> None:
    """The core with networks and an objective of one's own."""
    objective = Objective(beta=0.5, free_bits=1.0)
    model = VAE(Encoder(), Decoder(), 2, objective)
    terms: LossTerms = model.loss(torch.randn(5, 6), generator=torch.Generator().manual_seed(0))
    terms.loss.backward()
    scheduled = Objective(beta=vaecore.Linear(steps=10, max_beta=0.2))
    assert scheduled.beta(5) == 0.1
    ends: Tensor = vaecore.interpolate(torch.randn(2, 4), 5, "slerp")
    assert ends.shape == (5, 4)
    try:
        seqvae.load("no_such_model")
    except vaecore.UsageError as error:
        message = str(error)
    assert "sentences" in message


def commands() -> None:
    """The commands are click groups."""
    from facevae.cli import command as of_faces
    from seqvae.cli import command as of_music

    groups: list[Group] = [of_music(), of_faces()]
    assert all("interpolate" in group.commands for group in groups)


if TYPE_CHECKING:
    # What is wrong is seen: the packages' names are not Any. An unneeded comment is an error, too.
    seqvae.laod("melody_2bar")  # type: ignore[attr-defined]
    seqvae.load(2)  # type: ignore[call-overload]
    facevae.load("faces_64").encod([])  # type: ignore[attr-defined]
    facevae.load("faces_64").sample("two")  # type: ignore[arg-type]
    facevae.load("faces_64").sample(2)[0].darken()  # type: ignore[attr-defined]
    seqvae.load("melody_2bar").interpolate("a.mid", stepz=3)  # type: ignore[call-arg]
    Objective(beta="much")  # type: ignore[arg-type]
    vaecore.Domain("x").load("y")  # type: ignore[call-arg]


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data")
    networks()
    commands()
    music(folder)
    sentences()
    faces(folder)
