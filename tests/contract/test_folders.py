"""What every model folder promises: it comes back as it was, and a changed one is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vaecore.config import CONFIG
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.folder import ATTRIBUTES, WEIGHTS
from vaecore.space import LatentSpace


@pytest.fixture
def copy(kind, tmp_path: Path) -> Path:
    """A copy of the model folder, to be tampered with."""
    return shutil.copytree(kind.folder, tmp_path / kind.folder.name)


def test_loading_twice_gives_the_same_space(kind, space: LatentSpace, codes: Tensor, x) -> None:
    other = kind.load()
    assert other.config == space.config
    assert torch.equal(other.decode_to_examples(codes), x)
    assert torch.equal(other.posterior_of(x).mean, space.posterior_of(x).mean)


def test_weights_are_kept_as_float16(kind, space: LatentSpace) -> None:
    stored = load_file(kind.folder / WEIGHTS)
    loaded = space.model.state_dict()
    assert set(stored) == set(loaded)
    for name, tensor in stored.items():
        assert not tensor.is_floating_point() or tensor.dtype == torch.float16
        assert torch.equal(tensor.to(loaded[name].dtype), loaded[name])
    sizes = [tensor.numel() for tensor in stored.values()]
    assert (kind.folder / WEIGHTS).stat().st_size < 2 * sum(sizes) + 200 * len(sizes) + 1000


def test_saving_what_was_loaded_changes_nothing(kind, tmp_path: Path) -> None:
    space = kind.load()
    kind.domain.save(tmp_path, space.model, space.config, space.attributes, space.prior)
    for file in kind.folder.iterdir():
        if file.suffix == ".safetensors":
            assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
    assert kind.load(tmp_path).config == space.config


def test_rounding_to_float16_hardly_shows(kind, space: LatentSpace, x: Tensor, tmp_path) -> None:
    """A model saved in full precision and read again encodes as before, but for the rounding."""
    model = kind.load().model
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # no longer numbers that float16 knows
            parameter.mul_(1 + 1e-5 * torch.rand(parameter.shape, generator=generator))
        before = model.encode(x).mean
    kind.domain.save(tmp_path, model, space.config)
    after = kind.load(tmp_path).posterior_of(x).mean
    assert not torch.equal(before, after)
    assert (before - after).abs().max() < 0.02 * before.abs().max()


def tensors(change: Callable[[dict[str, Tensor]], object], file: str = WEIGHTS):
    """Return a change of a folder that changes the tensors of a file."""

    def tamper(folder: Path) -> None:
        values = load_file(folder / file)
        change(values)
        save_file(values, folder / file)

    return tamper


def config(change: Callable[[dict], object]):
    """Return a change of a folder that changes its configuration."""

    def tamper(folder: Path) -> None:
        values = json.loads((folder / CONFIG).read_text())
        change(values)
        (folder / CONFIG).write_text(json.dumps(values))

    return tamper


def content(file: str, change: Callable[[bytes], bytes]):
    """Return a change of a folder that changes the bytes of a file."""
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def last(values: dict[str, Tensor]) -> str:
    return sorted(name for name, tensor in values.items() if tensor.is_floating_point())[-1]


def spoil(values: dict[str, Tensor]) -> None:
    values[last(values)].view(-1)[-1] = torch.nan


TAMPERED = {
    "missing tensor": (tensors(lambda v: v.pop(last(v))), "lacks tensor"),
    "unknown tensor": (tensors(lambda v: v.update(more=torch.ones(1))), "unknown tensor 'more'"),
    "wrong shape": (tensors(lambda v: v.update({last(v): torch.ones(3, 1, 4)})), "has shape"),
    "whole numbers": (tensors(lambda v: v.update({last(v): v[last(v)].long()})), "holds torch.int"),
    "not a number": (tensors(spoil), "is not finite"),
    "pickle": (content(WEIGHTS, lambda b: pickle.dumps({"x": 1})), "no readable safetensors"),
    "truncated": (content(WEIGHTS, lambda b: b[: len(b) // 2]), "no readable safetensors"),
    "longer": (content(WEIGHTS, lambda b: b + b"\0"), "no readable safetensors"),
    "empty": (content(WEIGHTS, lambda b: b""), "no readable safetensors"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "is missing"),
    "unknown key": (config(lambda c: c.update(more=1)), "unknown key 'more'"),
    "unknown size": (config(lambda c: c["architecture"].update(more=1)), "unknown key 'more'"),
    "wrong size": (config(lambda c: c["architecture"].update(latent_dim=5)), "has shape"),
    "no size": (config(lambda c: c["architecture"].update(latent_dim="5")), "must be int"),
    "absurd size": (
        config(lambda c: c["architecture"].update(latent_dim=10**15)),
        "cannot be used",
    ),
    "wrong format": (config(lambda c: c.update(format=99)), "format 99 is not 1"),
    "huge": (config(lambda c: c.update(description="x" * 2_000_000)), "too large"),
    "not JSON": (content(CONFIG, lambda b: b[:-5]), "cannot be used"),
    "another domain": (config(lambda c: c.update(domain="other")), "model of 'other', not of"),
    "wrong attribute": (
        tensors(lambda v: v.update(wide=torch.ones(1000)), ATTRIBUTES),
        r"'wide' has shape \(1000,\)",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERED)
def test_a_folder_that_was_tampered_with_is_refused(kind, copy: Path, tampering: str) -> None:
    tamper, message = TAMPERED[tampering]
    kind.load(copy)
    tamper(copy)
    with pytest.raises(DataError, match=message) as caught:
        kind.load(copy)
    assert str(caught.value).startswith(str(copy))
    assert "\n" not in str(caught.value)


def test_another_domain_does_not_load_it(kind) -> None:
    other = Domain("other", kind.domain.make_codec, kind.domain.make_model, kind.domain.box)
    with pytest.raises(DataError, match=f"is a model of '{kind.domain.name}', not of 'other'"):
        other.load(kind.folder)
