"""Weights in 8 bits: small, close, read by the same `load`, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from vaecore.eight_bit import LEVELS, quantised, restored
from vaecore.errors import DataError
from vaecore.folder import load_weights, read_tensors, write_tensors


def weights() -> dict[str, torch.Tensor]:
    """Return a matrix whose rows have very different sizes, a kernel, a vector and an integer."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.logspace(-2, 2, 8)[:, None]
    return {
        "matrix": rows * torch.randn(8, 300, generator=generator),
        "kernel": torch.randn(4, 3, 2, 2, generator=generator),
        "zero": torch.zeros(2, 5),
        "vector": torch.randn(7, generator=generator),
        "count": torch.tensor([[3], [70_000]]),
    }


def test_a_weight_is_off_by_half_a_level_of_its_row_at_most(tmp_path: Path) -> None:
    path, given = tmp_path / "weights.safetensors", weights()
    write_tensors(path, given, bits=8)
    found = read_tensors(path)
    assert found.keys() == given.keys()
    for name in ("matrix", "kernel"):
        level = given[name].flatten(1).abs().amax(1) / LEVELS
        off = (found[name] - given[name]).flatten(1).abs().amax(1)
        assert (off <= 0.55 * level).all(), name
        assert found[name].dtype == torch.float32
    assert torch.equal(found["zero"], given["zero"])
    assert torch.equal(found["vector"], given["vector"].half().float())
    assert torch.equal(found["count"], given["count"])


def test_the_file_is_int8_with_a_scale_for_each_row(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, weights(), bits=8)
    stored = load_file(path)
    assert stored["matrix"].dtype == torch.int8
    assert stored["matrix"].abs().amax(1).tolist() == [LEVELS] * 8
    assert stored["matrix.scale"].dtype == torch.float16
    assert stored["matrix.scale"].shape == (8,)
    assert stored["vector"].dtype == torch.float16
    assert "vector.scale" not in stored


def test_writing_what_was_read_changes_nothing(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", weights(), bits=8)
    write_tensors(tmp_path / "b.safetensors", read_tensors(tmp_path / "a.safetensors"), bits=8)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_layer_is_loaded_and_a_wrong_file_is_refused(tmp_path: Path) -> None:
    path, layer = tmp_path / "weights.safetensors", nn.Linear(30, 4)
    write_tensors(path, layer.state_dict(), bits=8)
    small = nn.Linear(30, 4)
    load_weights(small, path)
    x = torch.randn(5, 30, generator=torch.Generator().manual_seed(1))
    assert (small(x) - layer(x)).abs().max() < 0.02
    good = load_file(path)
    scale = good["weight.scale"]
    for change, message in [
        ({"weight.scale": scale[:3].clone()}, "unknown tensor 'weight.scale'"),
        ({"weight.scale": scale.float()}, "unknown tensor 'weight.scale'"),
        ({"weight.scale": scale * torch.inf}, "'weight' is not finite"),
        ({"weight.scale": None}, "'weight' holds I8, not float32"),
        ({"weight": torch.ones(4, 30)}, "unknown tensor 'weight.scale'"),
        ({"bias": torch.ones(4, dtype=torch.int8)}, "'bias' holds I8, not float32"),
    ]:
        save_file({k: v for k, v in {**good, **change}.items() if v is not None}, path)
        with pytest.raises(DataError, match=message):
            load_weights(small, path)
    save_file({**good, "weight.scale": scale.float()}, path)
    with pytest.raises(DataError, match=r"'weight\.scale' is not one float16 for each row"):
        read_tensors(path)


def test_other_integers_are_left_alone() -> None:
    tensors = {"many": torch.ones(3, 3, dtype=torch.int8), "few": torch.ones(2)}
    assert restored(tensors)["many"] is tensors["many"]
    assert quantised(tensors)["many"] is tensors["many"]
