"""The verb `import`: from files to a model that every verb takes, or one line that says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch
from click.testing import Result

import seqvae
from seqvae.music.domain import DOMAIN
from tests.seqvae import magenta_files as files
from vaecore.space import LatentSpace

Run = Callable[..., Result]
NAME = "hierdec-mel_16bar"
SIZES = {"encoder_dims": (8, 7), "decoder_dims": (9, 9), "conductor_dims": (5, 5)}


def checkpoint(name: str = NAME) -> Path:
    tensors = files.tensors_of(files.architecture(name, **(SIZES if name == NAME else {})), gain=3)
    files.write_bundle(Path("train/model.ckpt-3"), tensors, shards=2)
    return Path("train")


@torch.no_grad()
def outputs(space: LatentSpace) -> list[torch.Tensor]:
    z = torch.randn(3, space.latent_dim, generator=torch.Generator().manual_seed(0))
    x = space.model.decode(z, 1.0, 5)
    posterior = space.posterior_of(x)
    logits = space.model.logits(z, x)
    return [x, space.model.decode(z), logits, posterior.mean, posterior.stddev]


def test_a_checkpoint_of_tensorflow_becomes_a_model_that_is_listed_and_used(run: Run) -> None:
    result = run("import", checkpoint(), "--config", NAME, "-o", "mine")
    assert "seqvae sample --model mine" in result.output
    (found,) = json.loads(run("models", "mine", "--json").output)["models"]
    assert found["name"] == "mine"
    assert f"Magenta's {NAME}" in found["description"]
    assert run("models", ".").output.startswith("mine")
    assert "has no model" in run("models", "train", code=1).output
    run("sample", "--model", "mine", "-n", 1, "-o", "a.mid")
    assert "mine inside" in run("page", "mine", "a.mid").output
    assert Path("mine.html").stat().st_size > 100_000
    run("interpolate", "--model", "mine", "a.mid", "a.mid", "--steps", 2, "-o", "b.mid")
    assert Path("b.mid").stat().st_size > 20


def test_saved_and_loaded_twice_the_outputs_are_the_same(run: Run) -> None:
    facts = json.loads(run("import", checkpoint(), "--config", NAME, "-o", "0", "--json").output)
    assert (facts["verb"], facts["output"], facts["configuration"]) == ("import", "0", NAME)
    first = seqvae.load("0")
    expected = outputs(first)
    assert len(expected[0].unique(dim=0)) == 3
    for last, place in (("0", "1"), ("1", "2")):
        space = seqvae.load(last)
        assert space.config is not None
        DOMAIN.save(Path(place), space.model, space.config)
        again = outputs(seqvae.load(place))
        assert all(torch.equal(a, b) for a, b in zip(again, expected, strict=True))
    assert Path("1/weights.safetensors").read_bytes() == Path("2/weights.safetensors").read_bytes()


def test_a_folder_of_the_web_needs_no_configuration(run: Run) -> None:
    tensors = files.tensors_of(files.architecture("cat-drums_2bar_small"))
    web = {k: v for k, v in tensors.items() if k.partition("/")[0] in ("encoder", "decoder")}
    spec = {"dataConverter": {"type": "DrumsConverter", "args": {"numSteps": 32}}}
    files.write_web(Path("web"), web, spec, "uint8")
    assert "2 bars" in run("import", "web", "-o", "made").output
    run("sample", "--model", "made", "-n", 1)
    assert (
        "--config is not for magenta.js"
        in run("import", "web", "--config", NAME, "-o", "other", code=2).output
    )


def test_velocities_of_what_is_not_hit_do_not_count(run: Run, examples: Path) -> None:
    name = "groovae_2bar_tap_fixed_velocity"
    run("import", checkpoint(name), "--config", name, "-o", "mine")
    facts = json.loads(run("drumify", "--model", "mine", examples / "taps.mid", "--json").output)
    (drums,) = pretty_midi.PrettyMIDI("drumified.mid").instruments
    assert facts["hits"] == len(drums.notes)
    loudness = np.mean([note.velocity for note in drums.notes])
    assert facts["mean_velocity"] == pytest.approx(loudness, abs=1)


def test_what_is_wrong_is_said_in_one_line(run: Run) -> None:
    folder = checkpoint()

    def refused(*arguments: object, code: int) -> str:
        text = run("import", *arguments, "-o", "made", code=code).output
        assert not Path("made").exists()
        return text

    assert "name the checkpoint's configuration" in refused(folder, code=2)
    assert "no such configuration" in refused(folder, "--config", "cat-mel", code=2)
    for other in ("hierdec-trio_16bar", "flat-mel_16bar", "hier-mel_16bar", "groovae_4bar"):
        text = refused(folder, "--config", other, code=1)
        assert "tensor" in text
        assert other in text
        assert text.count("\n") == 1, text
    data = folder / "model.ckpt-3.data-00001-of-00002"
    data.write_bytes(data.read_bytes()[:-100])
    text = refused(folder, "--config", NAME, code=1)
    assert f"{data.name} ends within tensor '" in text
    assert text.count("\n") == 1
    index = folder / "model.ckpt-3.index"
    index.write_bytes(index.read_bytes()[:-100])
    text = refused(folder, "--config", NAME, code=1)
    assert f"{index}: " in text
    assert text.count("\n") == 1
    assert "does not exist" in refused("nothing", "--config", NAME, code=1)
