"""The contract of model folders: one loads as it was saved, and a changed one is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vaecore.config import CONFIG
from vaecore.domain import Domain
from vaecore.eight_bit import SCALE
from vaecore.errors import DataError
from vaecore.folder import ATTRIBUTES, WEIGHTS
from vaecore.space import LatentSpace
from vaecore.testing.under_test import Fixtures, ModelUnderTest

Change = Callable[[Path], object]
"""A change of the model folder that it is called with."""


def _tensors(change: Callable[[dict[str, Tensor]], object], file: str = WEIGHTS) -> Change:
    """Return a change of a folder that changes the tensors of a file."""

    def tamper(folder: Path) -> None:
        values = load_file(folder / file)
        change(values)
        save_file(values, folder / file)

    return tamper


def _config(change: Callable[[dict[str, Any]], object]) -> Change:
    """Return a change of a folder that changes its configuration."""

    def tamper(folder: Path) -> None:
        values = json.loads((folder / CONFIG).read_text())
        change(values)
        (folder / CONFIG).write_text(json.dumps(values))

    return tamper


def _content(file: str, change: Callable[[bytes], bytes]) -> Change:
    """Return a change of a folder that changes the bytes of a file."""
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def _matrix(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim >= 2


def _last(values: dict[str, Tensor]) -> str:
    """Return the last tensor of floating point numbers that is no scale of an 8-bit matrix."""
    floats = {name for name, tensor in values.items() if tensor.is_floating_point()}
    return max(name for name in floats if name.removesuffix(SCALE) not in values.keys() - floats)


def _spoil(values: dict[str, Tensor]) -> None:
    values[_last(values)].view(-1)[-1] = torch.nan


TAMPERED: dict[str, tuple[Change, str]] = {
    "missing tensor": (_tensors(lambda v: v.pop(_last(v))), "lacks tensor"),
    "unknown tensor": (_tensors(lambda v: v.update(more=torch.ones(1))), "unknown tensor 'more'"),
    "wrong shape": (_tensors(lambda v: v.update({_last(v): torch.ones(3, 1, 4)})), "has shape"),
    "whole numbers": (
        _tensors(lambda v: v.update({_last(v): v[_last(v)].long()})),
        r"holds I64, not float",
    ),
    "not a number": (_tensors(_spoil), "is not finite"),
    "pickle": (_content(WEIGHTS, lambda b: pickle.dumps({"x": 1})), "no readable safetensors"),
    "truncated": (_content(WEIGHTS, lambda b: b[: len(b) // 2]), "no readable safetensors"),
    "longer": (_content(WEIGHTS, lambda b: b + b"\0"), "no readable safetensors"),
    "empty": (_content(WEIGHTS, lambda b: b""), "is empty"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "is missing"),
    "unknown key": (_config(lambda c: c.update(more=1)), "unknown key 'more'"),
    "unknown size": (_config(lambda c: c["architecture"].update(more=1)), "unknown key 'more'"),
    "wrong size": (_config(lambda c: c["architecture"].update(latent_dim=5)), "has shape"),
    "no size": (_config(lambda c: c["architecture"].update(latent_dim="5")), "must be int"),
    "absurd size": (
        _config(lambda c: c["architecture"].update(latent_dim=10**15)),
        "cannot be used|has shape",
    ),
    "wrong format": (_config(lambda c: c.update(format=99)), "format 99 is not 1"),
    "huge": (_config(lambda c: c.update(description="x" * 2_000_000)), "too large"),
    "not JSON": (_content(CONFIG, lambda b: b[:-5]), "is no configuration"),
    "another domain": (_config(lambda c: c.update(domain="other")), "model of 'other', not of"),
    "wrong attribute": (
        _tensors(lambda v: v.update(wide=torch.ones(1000)), ATTRIBUTES),
        r"'wide' has shape \(1000,\)",
    ),
}


class FolderContract(Fixtures):
    """The contract of `Domain.save` and `Domain.load`.

    The architecture is a dataclass or a pydantic model made by `vaecore.config.build`; its field
    for the number of latent dimensions is `latent_dim`.
    """

    @pytest.fixture
    def copy(self, under_test: ModelUnderTest, tmp_path: Path) -> Path:
        """A copy of the model folder, to be tampered with."""
        return shutil.copytree(under_test.folder, tmp_path / under_test.folder.name)

    def test_loading_twice_gives_the_same_space(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], codes: Tensor, x: Tensor
    ) -> None:
        other = under_test.load()
        assert other.config == space.config
        assert torch.equal(other.decode_to_examples(codes), x)
        assert torch.equal(other.posterior_of(x).mean, space.posterior_of(x).mean)

    def test_weights_have_the_bits_of_the_configuration(
        self, under_test: ModelUnderTest, space: LatentSpace[Any]
    ) -> None:
        assert space.config is not None
        bits = space.config.bits
        stored = load_file(under_test.folder / WEIGHTS)
        loaded = space.model.state_dict()
        scales = {name for name in stored if name.endswith(SCALE) and name not in loaded}
        matrices = {name for name, tensor in loaded.items() if _matrix(tensor)}
        assert set(stored) - scales == set(loaded)
        assert scales == ({name + SCALE for name in matrices} if bits == 8 else set())
        usual = torch.float32 if bits == 32 else torch.float16
        for name, tensor in stored.items():
            if bits == 8 and name in matrices:
                assert tensor.dtype == torch.int8
                continue
            assert not tensor.is_floating_point() or tensor.dtype == usual
            assert name in scales or torch.equal(tensor.to(loaded[name].dtype), loaded[name])
        room = sum(tensor.numel() * tensor.element_size() for tensor in stored.values())
        size = (under_test.folder / WEIGHTS).stat().st_size
        assert size < room + 200 * len(stored) + 1000

    def test_saving_what_was_loaded_changes_nothing(
        self, under_test: ModelUnderTest, tmp_path: Path
    ) -> None:
        space = under_test.load()
        assert space.config is not None
        under_test.domain.save(
            tmp_path,
            space.model,
            space.config,
            space.attributes,
            space.prior,
            space.directions,
        )
        for file in under_test.folder.iterdir():
            if file.suffix == ".safetensors":
                assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
        assert under_test.load(tmp_path).config == space.config

    def test_rounding_to_float16_hardly_shows(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], x: Tensor, tmp_path: Path
    ) -> None:
        """A model in full precision, saved and loaded, encodes as before, except for rounding."""
        assert space.config is not None
        model = under_test.load().model
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in model.parameters():  # the loaded ones have no rounding error left
                parameter.mul_(1 + 1e-5 * torch.rand(parameter.shape, generator=generator))
            before = model.encode(x).mean
        under_test.domain.save(tmp_path, model, space.config)
        with torch.no_grad():  # the encoder alone: refinement would amplify the rounding
            after = under_test.load(tmp_path).model.encode(x).mean
        assert not torch.equal(before, after)
        assert (before - after).abs().max() < 0.02 * before.abs().max()

    def test_8_bits_show_little_and_take_half_the_room(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], x: Tensor, tmp_path: Path
    ) -> None:
        """Every matrix becomes int8 with a scale for each row; the same `load` reads it."""
        assert space.config is not None
        x = x[:4] if space.model.refinement else x  # it takes long, row by row
        before = space.posterior_of(x).mean
        under_test.domain.save(tmp_path, space.model, replace(space.config, bits=8))
        small = under_test.load(tmp_path)
        assert small.config is not None
        assert small.config.bits == 8
        after = small.posterior_of(x).mean
        assert (before - after).abs().max() < 0.2 * before.abs().max()
        stored, whole = load_file(tmp_path / WEIGHTS), space.model.state_dict()
        assert set(stored) - set(whole) == {n + SCALE for n, t in whole.items() if _matrix(t)}
        room = sum(t.numel() * t.element_size() for t in stored.values())
        numbers = sum(t.numel() for t in whole.values() if _matrix(t))
        rows = sum(len(t) for t in whole.values() if _matrix(t))
        others = sum(t.numel() * t.element_size() for t in whole.values() if not _matrix(t))
        assert room <= numbers + 2 * rows + others
        under_test.domain.save(tmp_path / "again", small.model, small.config)
        again = under_test.load(tmp_path / "again").model.state_dict()
        assert all(torch.equal(again[name], t) for name, t in small.model.state_dict().items())

    def test_a_copy_loads(self, under_test: ModelUnderTest, copy: Path) -> None:
        """Without this, the test below could pass for the copying, not the tampering."""
        assert under_test.load(copy).config == under_test.space.config

    @pytest.mark.parametrize("tampering", TAMPERED)
    def test_a_folder_that_was_tampered_with_is_refused(
        self, under_test: ModelUnderTest, copy: Path, tampering: str
    ) -> None:
        tamper, message = TAMPERED[tampering]
        tamper(copy)
        with pytest.raises(DataError, match=message) as caught:
            under_test.load(copy)
        assert str(caught.value).startswith(str(copy))
        assert "\n" not in str(caught.value)

    def test_another_domain_does_not_load_it(self, under_test: ModelUnderTest) -> None:
        domain = under_test.domain
        other = Domain("other", domain.make_codec, domain.make_model, domain.box)
        with pytest.raises(DataError, match=f"is a model of '{domain.name}', not of 'other'"):
            other.load(under_test.folder)
