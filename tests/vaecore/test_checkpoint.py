"""Checkpoints: every field is checked before a training goes on, and a loss of NaN ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from trained import Decoder, Encoder, train

from vaecore.errors import DataError
from vaecore.model import VAE

Spoil = Callable[[dict[str, Any]], object]


def _callback(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(state for key, state in found["callbacks"].items() if name in key)


def _first(found: dict[str, Any]) -> str:
    return next(iter(found["state_dict"]))


SPOILT: dict[str, tuple[Spoil, str]] = {
    "no loops": (lambda c: c.pop("loops"), "its loops is no dict"),
    "list of callbacks": (lambda c: c.update(callbacks=[]), "its callbacks is no dict"),
    "step of text": (lambda c: c.update(global_step="5"), "its global_step is no int"),
    "step before the first": (lambda c: c.update(global_step=-5), "before the first"),
    "later version": (
        lambda c: c.update({"pytorch-lightning_version": "99.1.0"}),
        "written by Lightning 99.1.0",
    ),
    "list of weights": (lambda c: c.update(state_dict=[]), "its state_dict is no dict"),
    "NaN weight": (lambda c: c["state_dict"][_first(c)].fill_(torch.nan), "is not finite"),
    "another dtype": (
        lambda c: c["state_dict"].update({_first(c): c["state_dict"][_first(c)].double()}),
        "holds torch.float64",
    ),
    "division": (lambda c: c.update(division=[1]), "its division"),
    "best": (lambda c: _callback(c, "KeepBest").update(step=None), "its best validation"),
    "best weights": (
        lambda c: _callback(c, "KeepBest")["weights"].popitem(),
        "lacks tensor",
    ),
    "optimiser": (
        lambda c: c["optimizer_states"][0]["state"].update({99: {"step": torch.ones(())}}),
        "its optimiser",
    ),
    "moments": (
        lambda c: c["optimizer_states"][0]["state"][0].update(exp_avg=torch.ones(77)),
        "its optimiser",
    ),
    "NaN moment": (
        lambda c: c["optimizer_states"][0]["state"][0]["exp_avg"].fill_(torch.nan),
        "is not finite",
    ),
    "loops of another kind": (lambda c: c.update(loops={"fit_loop": 3}), "does not restore"),
    "other callbacks": (
        lambda c: c["callbacks"].update({k: {} for k in c["callbacks"]}),
        "it has no KeepBest",
    ),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, result = train(tmp_path_factory.mktemp("trained"), max_steps=5)
    return result.checkpoint


@pytest.mark.parametrize("name", SPOILT)
def test_every_field_is_checked(tmp_path: Path, checkpoint: Path, name: str) -> None:
    spoil, message = SPOILT[name]
    found = torch.load(checkpoint, weights_only=True)
    spoil(found)
    torch.save(found, tmp_path / "spoilt.ckpt")
    with pytest.raises(DataError, match=message) as caught:
        train(tmp_path, resume=tmp_path / "spoilt.ckpt", max_steps=10)
    assert caught.value.path == tmp_path / "spoilt.ckpt"


def test_no_flipped_byte_is_gone_on_with(tmp_path: Path, checkpoint: Path) -> None:
    """It is refused, or it is in what ZIP archives fill up with, and changes nothing."""
    whole, path = checkpoint.read_bytes(), tmp_path / "flipped.ckpt"
    straight = torch.load(checkpoint, weights_only=True)["state_dict"]
    refused = 0
    for place in range(7, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            train(tmp_path, resume=path, max_steps=5)
        except DataError:
            refused += 1
        else:
            read = torch.load(path, weights_only=True)["state_dict"]
            assert all(torch.equal(read[key], value) for key, value in straight.items())
    assert refused > 10


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    class Broken(Decoder):
        steps = 0

        def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
            self.steps += self.training
            return super().log_likelihood(x, z) * (float("nan") if self.steps > 3 else 1.0)

    with pytest.raises(DataError, match=r"the loss of step 4 is not finite; the batch is kept"):
        train(tmp_path, VAE(Encoder(), Broken(), 2), max_steps=20)
    assert load_file(tmp_path / "bad_batch.safetensors")["batch"].shape == (16, 6)
