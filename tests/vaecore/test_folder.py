"""Model folders: what is written is read again, and nothing else is."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaecore.config import CONFIG, ModelConfig, read_config, write_config
from vaecore.errors import DataError
from vaecore.folder import load_weights, read_tensors, write_tensors
from vaecore.reading import CONFIGURATION


def test_a_configuration_survives_the_disk(tmp_path: Path, point_config: ModelConfig) -> None:
    write_config(tmp_path, point_config)
    assert read_config(tmp_path) == point_config
    assert (tmp_path / CONFIG).read_text().endswith("}\n")


def changed(config: ModelConfig, **values: Any) -> str:
    return json.dumps({**vars(config), **values})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"format": 2}, "format 2 is not 1"),
        ({"format": None}, "format None is not 1"),
        ({"format": "1"}, "format '1' is not 1"),
        ({"architecture": [1]}, "architecture must be a mapping"),
        ({"representation": None}, "representation must be a mapping"),
        ({"objective": "vae"}, "objective must be a mapping"),
        ({"attributes": []}, "attributes must be a mapping"),
        ({"description": 3}, "description must be str"),
        ({"name": {"a": 1}}, "name must be"),
        ({"domain": 3}, "domain must be"),
        ({"bits": 4}, "bits must be 8, 16 or 32, got 4"),
    ],
)
def test_a_changed_configuration_is_refused(
    tmp_path: Path, point_config: ModelConfig, change: dict[str, Any], message: str
) -> None:
    (tmp_path / CONFIG).write_text(changed(point_config, **change))
    with pytest.raises(DataError, match=message) as caught:
        read_config(tmp_path)
    assert caught.value.path == tmp_path / CONFIG


def test_a_missing_key_is_named(tmp_path: Path, point_config: ModelConfig) -> None:
    values = dict(vars(point_config))
    del values["architecture"]
    (tmp_path / CONFIG).write_text(json.dumps(values))
    with pytest.raises(DataError, match="missing 'architecture'"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": 1' + b"0" * 5000 + b"}"],
    ids=["empty", "cut", "list", "null", "not UTF-8", "deep", "huge number"],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CONFIG).write_bytes(content)
    with pytest.raises(DataError, match=r"is no configuration|is empty|is not UTF-8") as caught:
        read_config(tmp_path)
    assert len(str(caught.value)) < 1000


def test_a_huge_configuration_is_not_read(tmp_path: Path, point_config: ModelConfig) -> None:
    text = changed(point_config, description="x" * CONFIGURATION.most)
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(DataError, match="too large"):
        read_config(tmp_path)


def test_what_is_no_model_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such model folder"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(DataError, match=f"it has no {CONFIG}"):
        read_config(tmp_path)


def test_tensors_are_rounded_to_float16_and_read_as_float32(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {
        "third": torch.tensor([1 / 3], dtype=torch.float64),
        "whole": torch.tensor([70_000]),
        "turned": torch.arange(6.0).view(2, 3).t(),
    }
    write_tensors(path, tensors)
    read = read_tensors(path)
    assert read["third"].dtype == torch.float32
    assert read["third"].item() == torch.tensor(1 / 3).half().item()
    assert torch.equal(read["whole"], tensors["whole"])
    assert torch.equal(read["turned"], tensors["turned"])
    assert path.stat().st_size < 400


def test_tensors_come_in_the_same_order_in_every_process(tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(40)]
    write_tensors(tmp_path / "a", {name: torch.ones(2) for name in reversed(names)})
    assert list(read_tensors(tmp_path / "a")) == names


def test_32_bits_are_kept(tmp_path: Path) -> None:
    third = torch.tensor([1 / 3])
    write_tensors(tmp_path / "x.safetensors", {"third": third}, bits=32)
    assert torch.equal(read_tensors(tmp_path / "x.safetensors")["third"], third)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    write_tensors(tmp_path / "x.safetensors", {"fine": torch.ones(2), "odd": torch.tensor([value])})
    with pytest.raises(DataError, match="'odd' is not finite; get it again, or make it again"):
        read_tensors(tmp_path / "x.safetensors")


class Hostile:
    """Unpickling one would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    trap = tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Hostile(trap)))
    with pytest.raises(DataError, match=r"no readable safetensors file|is empty"):
        read_tensors(path)
    torch.save({"x": torch.ones(2), "trap": Hostile(trap)}, path)
    with pytest.raises(DataError, match=r"no readable safetensors file|is empty"):
        read_tensors(path)
    assert not trap.exists()


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"x": torch.arange(4.0), "y": torch.ones(3)}, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"no readable safetensors file|is empty"):
            read_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"weights\.safetensors: is missing"):
        read_tensors(tmp_path / "weights.safetensors")


def test_weights_must_be_exactly_those_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    model = nn.Linear(3, 2)
    good = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    write_tensors(path, good)
    load_weights(model, path)
    assert torch.equal(model.weight, torch.ones(2, 3))
    for bad, message in [
        ({"weight": good["weight"]}, "lacks tensor 'bias'"),
        (good | {"extra": torch.ones(1)}, "unknown tensor 'extra'"),
        (good | {"bias": torch.zeros(3)}, r"'bias' has shape \(3,\), .* needs \(2,\)"),
        (good | {"weight": torch.zeros(3, 2)}, r"'weight' has shape \(3, 2\)"),
        (good | {"bias": torch.zeros(2, dtype=torch.int64)}, "'bias'"),
        (good | {"bias": torch.zeros(2, dtype=torch.int64)}, "'bias'"),
    ]:
        write_tensors(path, bad)
        with pytest.raises(DataError, match=message):
            load_weights(model, path)
    assert torch.equal(model.weight, torch.ones(2, 3))
