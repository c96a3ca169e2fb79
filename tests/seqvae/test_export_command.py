"""The verb `export`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import seqvae
from vaecore.export import writing
from vaecore.export.torch_files import KEY


def test_a_model_in_one_file_of_torchscript(run, tiny_melody: Path, tmp_path: Path) -> None:
    result = run("export", "melody_2bar", "-o", "tune.ts")
    assert "decodes as Python does" in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"tune.ts", "tune.json"}
    about = json.loads(Path("tune.json").read_text())
    found = {KEY: ""}
    with pytest.warns(FutureWarning):  # TorchScript has a successor
        script = torch.jit.load("tune.ts", _extra_files=found)
    assert json.loads(found[KEY]) == about
    decoder = about["graphs"]["decoder"]
    assert [port["name"] for port in decoder["inputs"]] == ["z", "temperature", "noise"]
    assert decoder["file"] == "tune.ts"
    # What the page says: the noise of a seed gives the draw of that seed.
    space = seqvae.load(tiny_melody)
    z = space.sample_codes(5)
    shape = decoder["inputs"][2]["shape"][1:]
    noise = torch.rand(5, *shape, generator=torch.Generator().manual_seed(3))
    x, logits = getattr(script, decoder["method"])(z, torch.tensor(1.0), noise)
    assert torch.equal(x, space.decode_to_examples(z, temperature=1, seed=3))
    assert logits.shape == (5, 32, 90)
    mean, _ = script.encode(x)
    assert torch.allclose(mean, space.posterior_of(x).mean, atol=1e-4)
    vector = torch.tensor(about["attributes"]["note_density"]["vector"])
    assert torch.allclose(vector, space.attributes["note_density"])


def test_what_the_classes_of_drums_and_notes_mean(run) -> None:
    drums = seqvae.load("drums_2bar").codec.legend
    assert (drums["bars"], drums["steps"], drums["steps_per_quarter"]) == (2, 32, 4)
    (voice,) = drums["voices"]
    assert voice["classes"][0b101]["pitches"] == [36, 42]
    assert voice["drums"][1]["name"] == "snare"
    (voice,) = seqvae.load("melody_2bar").codec.legend["voices"]
    assert voice["classes"][:3] == [
        {"event": "none"},
        {"event": "off"},
        {"event": "note", "pitch": 21},
    ]
    assert voice["classes"][-1]["pitch"] == 108


def test_a_report_in_json(run) -> None:
    result = run("export", "melody_2bar", "-o", "tune.torchscript", "--json")
    facts = json.loads(result.output)
    assert facts["files"] == ["tune.torchscript", "tune.json"]
    assert facts["differences"]["greedy"] == 0
    assert facts["differences"]["logits"] < 1e-4


def test_another_ending(run) -> None:
    assert ".onnx" in run("export", "drums_2bar", "-o", "beats.pkl", code=2).output
    run("export", "no_such_model", "-o", "beats.ts", code=2)


def test_without_the_packages(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(writing, "find_spec", lambda name: None)
    result = run("export", "drums_2bar", code=1)
    assert "drums_2bar.onnx" in result.output
    assert "seqvae[export]" in result.output
    assert list(tmp_path.iterdir()) == []


def test_what_computes_otherwise_is_not_written(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from vaecore.export import graphs

    def wrong(self, z, temperature, noise):
        x, logits = self.network.draw(z, temperature, noise)
        return x, logits + 0.01

    monkeypatch.setattr(graphs._Draw, "forward", wrong)
    result = run("export", "melody_2bar", "-o", "tune.ts", code=1)
    assert "logits differ" in result.output
    assert len(result.output.splitlines()) == 2  # the model's name, and the error
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_cannot_be_exported(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from vaecore.export import graphs

    def odd(self, x):
        raise NotImplementedError("an operation of my own\nwith details")

    monkeypatch.setattr(graphs._Encode, "forward", odd)
    result = run("export", "melody_2bar", "-o", "tune.ts", code=1)
    assert "cannot be exported as torchscript" in result.output
    assert "an operation of my own" in result.output
    assert list(tmp_path.iterdir()) == []
