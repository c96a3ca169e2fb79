"""Every model can be exported: its functions are those of Python, whatever runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from kinds import GROOVE, HARMONY, KINDS, TRIO, faces, sentences, sequences
from torch import Tensor

from vaecore.cli.outputs import Outputs
from vaecore.cli.share import _checked
from vaecore.export import FORMATS, Differences, compare, export, graphs_of, places
from vaecore.export.check import LARGEST
from vaecore.export.writing import load
from vaecore.space import LatentSpace
from vaecore.testing.under_test import Fixtures


class TestExport(Fixtures):
    def test_a_draw_is_what_is_generated(self, space: LatentSpace, codes: Tensor) -> None:
        decoder = space.model.decoder
        if not hasattr(decoder, "draw"):
            pytest.skip("decoded at temperature 0 alone")
        codes = codes[:8]
        noise = torch.rand(8, *decoder.noise_shape, generator=torch.Generator().manual_seed(5))
        for temperature in (0.0, 0.7):
            with torch.no_grad():
                x, logits = decoder.draw(codes, torch.tensor(temperature), noise)
                expected = space.model.decode(codes, temperature, seed=5)
                forced = space.model.logits(codes, x)
            if x.is_floating_point():
                assert torch.allclose(x, expected, atol=1e-4)
            else:
                assert torch.equal(x, expected)
            finite = forced.isfinite()
            assert torch.equal(finite, logits.isfinite())
            assert (logits - forced)[finite].abs().max() < LARGEST

    def test_what_the_numbers_mean_can_be_written(self, space: LatentSpace) -> None:
        legend = json.loads(json.dumps(space.codec.legend))
        for voice in legend.get("voices", ()):
            assert voice["tokens"]

    def test_a_code_of_the_prior(self, space: LatentSpace) -> None:
        noise, choice = torch.randn(40, space.latent_dim), torch.rand(40)
        drawn = space.prior.draw(noise, choice)[0]
        assert drawn.shape == noise.shape
        assert torch.allclose(space.prior.draw(noise[7:9], choice[7:9])[0], drawn[7:9], atol=1e-4)


# Of few steps, since TorchScript has each of them anew; other files have a loop. The chain over
# drums is in ONNX as a part of the trio.
WRITTEN = {
    "drums": (".ts", sequences("drums", steps=4, head="chain", conditioning="steps")),
    "groove": (".onnx", sequences("groove", **GROOVE, steps=4, stiff=0.3, tapped=0.3)),
    "melody": (".pt2", sequences("melody", steps=4, readout="final")),
    "melody-three-levels": (
        ".ts",
        sequences(
            "melody", "autoencoder", levels=[2, 2, 4], encoder_levels=[4, 4],
            conditioning="shared",
        ),
    ),
    "trio": (".onnx", sequences("trio", steps=4, levels=[2, 2], harmony=HARMONY, **TRIO)),
    "drums-softmax": (".ts", sequences("drums", head="softmax", conditioning="shared")),
    "groove-hierarchical": (
        ".ts", sequences("groove", **GROOVE, steps=4, levels=[2, 2], encoder_levels=[2, 2])
    ),
    "sentences": (".onnx", sentences("vae", steps=4)),
    "sentences-autoencoder": (".ts", KINDS["sentences-tiny-autoencoder"]),
    "faces-residual": (".onnx", faces("residual", "vae")),
    "faces-spatial": (".pt2", KINDS["faces-spatial"]),
    "faces-lecture": (".torchscript", KINDS["faces-lecture"]),
    "digits": (".onnx", KINDS["digits"]),
    "pictures": (".ts", KINDS["pictures"]),
}  # fmt: skip
"""What is written in the tests; benchmarks/export.py writes all shipped models in all formats."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITTEN)
def test_a_file_computes_the_same(kind: str, tmp_path: Path) -> None:
    ending, make = WRITTEN[kind]
    if ending == ".onnx":
        pytest.importorskip("onnxruntime")
    space = make(tmp_path / kind).space
    path = tmp_path / f"model{ending}"
    with Outputs(path) as outputs:
        facts, differences = export(space, path, outputs)
    assert differences is not None
    assert differences.problem == ""
    assert json.loads((tmp_path / "model.json").read_text()) == facts
    # As many rows as one likes, and not only as many as it was exported with.
    found = graphs_of(space)
    files = places(path, [graph.role for graph in found])
    assert {place.name for place in files.values()} == {
        each["file"] for each in facts["graphs"].values()
    }
    again = compare(space, load(FORMATS[ending], found, files), 23, seed=2)
    assert again.problem == ""
    assert max(again.mean, again.stddev, again.prior or 0.0) < LARGEST


def test_how_much_numbers_may_differ() -> None:
    few = {"codes": 500, "greedy": 0, "drawn": 0, "values": None, "stddev": 0.0, "prior": None}
    assert Differences(**few, logits=9e-5, mean=9e-5).problem == ""
    wrong = Differences(**few, logits=2e-4, mean=0.0)
    assert wrong.problem == "logits differ from those of Python by 2.0e-04, more than 1e-04"
    large = Differences(**few, logits=2e-4, mean=2e-4, largest={"logits": 500.0})
    assert large.limit("logits") == pytest.approx(5e-4)
    assert large.problem == "mean differ from those of Python by 2.0e-04, more than 1e-04"
    assert "logits are up to 500 and may differ by 5e-04" in _checked(large)
    assert Differences(**few, logits=float("nan"), mean=0.0).problem
