"""The network that recognises people, read from files of its published layout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import NAMES
from test_face_directions import SETTINGS, SHORT, Drawing
from torch import Tensor, nn

from facevae.codec import FaceCodec
from facevae.directions import fit_directions
from facevae.networks.identity import BLOCKS, FACE, TABLE, WEIGHTS, IdentityNetwork
from vaecore.errors import DataError, UsageError
from vaecore.model import VAE
from vaecore.space import LatentSpace

CHANNELS = 8


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the names of the network's tensors and their shapes, with few channels."""
    found: dict[str, tuple[int, ...]] = {
        "conv1_relu/Cast": (),
        "conv1/convolution/merged_input": (3, 3, 3, CHANNELS),
        "conv1_bn/batchnorm_1/sub": (CHANNELS,),
    }
    for k in range(1, BLOCKS + 1):
        found |= {
            f"conv_dw_{k}/depthwise_kernel": (3, 3, CHANNELS, 1),
            f"conv_dw_{k}_bn/batchnorm_1/mul": (CHANNELS,),
            f"conv_dw_{k}_bn/batchnorm_1/sub": (CHANNELS,),
            f"conv_pw_{k}/convolution/merged_input": (1, 1, CHANNELS, CHANNELS),
            f"conv_pw_{k}_bn/batchnorm_1/sub": (CHANNELS,),
        }
    return found


def weight(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a weight such that differences of the input reach the output."""
    if name.startswith("conv1/"):
        return rng.normal(0, 0.004, shape)  # its input is as large as 255
    if name.startswith("conv_pw") and len(shape) == 4:
        return np.eye(CHANNELS).reshape(shape) + rng.normal(0, 0.05, shape)
    if name.startswith("conv_dw") and len(shape) == 4:
        return np.full(shape, 1 / 9)
    return np.full(shape, {"mul": 1.0, "sub": 0.02}.get(name.split("/")[-1], 6.0))


def stored(folder: Path, blue_alone: bool = False) -> Path:
    """Write random weights as the published ones are stored, and return the folder."""
    rng = np.random.default_rng(2)
    entries, raw = [], b""
    for name, shape in shapes().items():
        values = weight(rng, name, shape)
        if name.startswith("conv1/") and blue_alone:
            values[:, :, 1:] = 0
        entries.append({"name": name, "shape": list(shape), "dtype": "float32"})
        raw += values.astype("<f2").tobytes()
    folder.mkdir(exist_ok=True)
    (folder / TABLE).write_text(json.dumps({"weightsManifest": [{"weights": entries}]}))
    (folder / WEIGHTS).write_bytes(raw)
    return folder


def pictures(n: int = 4) -> Tensor:
    return torch.rand(n, 3, 40, 40, generator=torch.Generator().manual_seed(1))


def test_embeddings_have_length_1_and_differ(tmp_path: Path) -> None:
    found = IdentityNetwork(stored(tmp_path))(pictures())
    assert found.shape == (4, CHANNELS)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
    assert torch.pdist(found).min() > 1e-3


def test_what_surrounds_the_face_does_not_count(tmp_path: Path) -> None:
    network, x = IdentityNetwork(stored(tmp_path)), pictures()
    top, bottom, left, right = (round(40 * share) for share in FACE)
    changed = torch.zeros_like(x)
    changed[..., top:bottom, left:right] = x[..., top:bottom, left:right]
    torch.testing.assert_close(network(changed), network(x))
    assert not torch.allclose(network(changed.flip(2)), network(x))


def test_blue_comes_first(tmp_path: Path) -> None:
    """The published weights were trained on pictures whose channels are blue, green and red."""
    network, x = IdentityNetwork(stored(tmp_path, blue_alone=True)), pictures()
    without = x * torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1)
    torch.testing.assert_close(network(without), network(x))
    assert not torch.allclose(network(x.flip(1)), network(x))


def test_it_is_not_trained(tmp_path: Path) -> None:
    assert not list(IdentityNetwork(stored(tmp_path)).parameters())


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"faceres\.json: does not exist"):
        IdentityNetwork(tmp_path / "nowhere")
    cut = stored(tmp_path / "cut")
    (cut / WEIGHTS).write_bytes((cut / WEIGHTS).read_bytes()[:-2])
    other = stored(tmp_path / "other")
    (other / TABLE).write_text(json.dumps({"weightsManifest": [{"weights": []}]}))
    words = stored(tmp_path / "words")
    (words / TABLE).write_text("no JSON")
    for folder in (cut, other, words):
        with pytest.raises(DataError, match=r"is no network .*@vladmandic/human"):
            IdentityNetwork(folder)


def test_directions_keep_the_person_more(tmp_path: Path, having, fitter) -> None:
    space = LatentSpace(VAE(nn.Linear(1, 1), Drawing(), latent_dim=3), FaceCodec(32))
    codes = having.float() + 0.05 * torch.randn(
        having.shape, generator=torch.Generator().manual_seed(7)
    )
    vectors = {name: SHORT * torch.eye(3)[k] for k, name in enumerate(NAMES)}
    network = IdentityNetwork(stored(tmp_path))
    given = (space, codes, having, NAMES, vectors, {}, [fitter])

    def moved(identity: dict[str, float]) -> list[float]:
        """Return the mean change of embeddings by each attribute."""
        settings = replace(SETTINGS, steps=40, identity=identity, embedder=str(tmp_path))
        directions = fit_directions(*given, settings)
        edited = [codes + directions.change(codes, {name: 1.0}) for name in NAMES]
        plain = network(space.decode_to_examples(codes))
        found = [(network(space.decode_to_examples(z)) * plain).sum(1) for z in edited]
        return [1 - float(each.mean()) for each in found]

    free, first, second = moved({}), moved({NAMES[0]: 2000.0}), moved({NAMES[1]: 2000.0})
    assert first[0] < 0.85 * free[0]
    assert second[1] < 0.85 * free[1]
    with pytest.raises(UsageError, match=r"directions\.identity: no attribute Beard"):
        fit_directions(*given, replace(SETTINGS, identity={"Beard": 1.0}))
