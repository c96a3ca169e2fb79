"""Digits: the third domain, and the lesson it is there for."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from PIL import Image

from examples.digits import DOMAIN, lesson
from examples.digits.codec import DigitCodec
from examples.digits.network import DigitArchitecture, make_model
from examples.digits.presentation import latent_figure, manifold, sheet
from vaecore.config import ModelConfig
from vaecore.errors import DataError, UsageError
from vaecore.objective import Objective


@given(grey=arrays(np.uint8, (8, 8)))
@settings(max_examples=50, deadline=None)
def test_pictures_of_the_right_size_come_back_as_they_were(grey) -> None:
    codec = DigitCodec(8)
    again = codec.decode(codec.encode(Image.fromarray(grey)))
    assert np.array_equal(np.array(again), grey)


def test_larger_pictures_are_averaged_over_blocks() -> None:
    blocks = torch.rand(8, 8).mul(255).round().byte()
    large = Image.fromarray(np.kron(blocks.numpy(), np.ones((5, 5), np.uint8)))
    assert torch.equal(DigitCodec(8).encode(large), DigitCodec(8).encode(DigitCodec(40).decode(
        DigitCodec(40).encode(large))))  # fmt: skip
    assert torch.allclose(DigitCodec(8).encode(large), 1 - blocks.float() / 255)


def test_what_is_no_digit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"digit\.png: is no picture that can be read; name"):
        DigitCodec().encode(path)
    Image.new("L", (5000, 2)).save(path)
    with pytest.raises(DataError, match=r"digit\.png: has 5000 x 2 pixels; 4096 each way"):
        DigitCodec().encode(path)
    path.write_bytes(b"no arrays")
    with pytest.raises(DataError, match=r"digit\.png: is no npz file of MNIST; it needs x_train"):
        lesson.load(path)


def test_sizes_must_agree(tmp_path: Path) -> None:
    architecture = DigitArchitecture(hidden=4)
    config = ModelConfig("digits", "odd", DigitCodec(9).config, asdict(architecture), {})
    DOMAIN.save(tmp_path, make_model(architecture), config)
    with pytest.raises(DataError, match="the architecture has side 8, the representation 9"):
        DOMAIN.load(tmp_path)


def test_the_parts_of_the_bundled_digits() -> None:
    known, held_out = lesson.load()
    assert (len(known.x), len(held_out.x)) == (1437, 360)
    assert known.x.shape[1:] == (8, 8)
    assert (known.x.min(), known.x.max()) == (0, 1)
    assert set(held_out.digit.tolist()) == set(range(10))


def test_mnist_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    x, y = np.zeros((3, 28, 28), np.uint8), np.arange(3, dtype=np.uint8)
    x[1] = 255
    np.savez(path, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    known, held_out = lesson.load(path)
    assert known.x.shape == (3, 28, 28)
    assert known.x.amax((1, 2)).tolist() == [0, 1, 0]
    assert held_out.digit.tolist() == [0]


@pytest.mark.slow
def test_the_lesson() -> None:
    """Codes: far apart by reconstruction alone, all alike by KL alone, in order by both."""
    known, held_out = lesson.load()
    found = {}
    for mode in ("autoencoder", "kl_only", "vae"):
        model = lesson.train(known.x, mode, steps=500)
        found[mode] = lesson.measure(model, known, held_out)
    assert found["kl_only"]["kl"] < 0.1
    assert found["kl_only"]["knn_accuracy"] < 0.25
    assert found["vae"]["knn_accuracy"] > 0.5
    assert found["autoencoder"]["knn_accuracy"] > 0.5
    assert found["autoencoder"]["code_std"] > 1.5 > found["vae"]["code_std"] > 0.7
    assert found["vae"]["elbo"] > max(found["kl_only"]["elbo"], found["autoencoder"]["elbo"])


def test_the_same_seed_gives_the_same_model() -> None:
    x = lesson.load()[0].x
    first, second, other = (lesson.train(x, steps=5, hidden=8, seed=seed) for seed in (1, 1, 2))
    z = torch.randn(4, 2)
    assert torch.equal(first.decode(z), second.decode(z))
    assert not torch.equal(first.decode(z), other.decode(z))


@pytest.mark.parametrize("side", [8, 9, 28])
def test_convolutions_take_pictures_of_any_size(side: int) -> None:
    architecture = DigitArchitecture(side=side, hidden=3, latent_dim=4, convolutional=True)
    model = make_model(architecture)
    x = torch.rand(2, side, side)
    q = model.encode(x)
    assert q.mean.shape == q.stddev.shape == (2, 4)
    assert model.decode(q.mean).shape == x.shape
    torch.testing.assert_close(model.encode(x[1:]).mean, q.mean[1:])


def test_a_larger_beta_leaves_less_kl() -> None:
    known, held_out = lesson.load()
    small, large = (
        lesson.measure(lesson.train(known.x, beta=beta, steps=150), known, held_out)["kl"]
        for beta in (0.1, 10)
    )
    assert large < 0.1 < small


def test_the_manifold_lies_as_the_plane_does() -> None:
    torch.manual_seed(0)
    model = make_model(DigitArchitecture(hidden=8))
    cells = manifold(model, 4)
    high = torch.special.ndtri(torch.tensor(0.875))
    corners = torch.tensor([[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * high
    expected = model.decode(corners)
    found = torch.stack([cells[0, 0], cells[0, 3], cells[3, 0], cells[3, 3]])
    torch.testing.assert_close(found, expected)


def test_only_planes_are_drawn() -> None:
    model = make_model(DigitArchitecture(hidden=8, latent_dim=3), Objective())
    with pytest.raises(UsageError, match="two latent dimensions, the model has 3"):
        manifold(model)
    with pytest.raises(UsageError, match="two latent dimensions, the model has 3"):
        latent_figure({"vae": model}, lesson.load()[1])


def test_a_sheet_has_all_pictures() -> None:
    pictures = [Image.new("L", (8, 8), 10 * k) for k in range(5)]
    page = sheet(pictures, 3)
    assert page.size == (3 * 52 + 4, 2 * 52 + 4)
    assert [page.getpixel((30 + 52 * (k % 3), 30 + 52 * (k // 3))) for k in range(5)] == [
        0, 10, 20, 30, 40,
    ]  # fmt: skip


@pytest.mark.slow
def test_the_command(run_module, tmp_path: Path) -> None:
    digits = partial(run_module, "examples.digits", cwd=tmp_path)
    early = digits("sample")
    assert early.returncode == 1
    assert early.stderr == (
        "Error: runs/digits: there is no model yet; python -m examples.digits train makes some\n"
    )
    trained = digits("train", "--steps", 20, "--beta", 10)
    assert trained.returncode == 0, trained.stderr
    box = tmp_path / "runs/digits"
    kept = {"autoencoder", "kl_only", "vae", "latent.png", "manifold.png"}
    assert {path.name for path in box.iterdir()} == kept | {f"{k}.png" for k in range(10)}
    blended = digits("interpolate", box / "3.png", box / "8.png")
    assert blended.returncode == 0, blended.stderr
    assert Image.open(tmp_path / "interpolation.png").size == (9 * 52 + 4, 56)
    other = digits("reconstruct", box / "3.png", "--model", "autoencoder")
    assert other.returncode == 0, other.stderr
