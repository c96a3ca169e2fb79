"""A representation that the package does not know goes all the way, from MIDI files to pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch
from click.testing import CliRunner
from pulse import PulseCodec

import seqvae
from seqvae.cli import command
from seqvae.music.evaluate import compare, evaluate, fidelity
from seqvae.music.form import form
from seqvae.music.presentation import grid_of_window, piano_roll, text_roll
from seqvae.music.presets import Preset
from seqvae.music.properties import histograms, measure
from seqvae.music.representations import CODECS, make_codec

pytest.importorskip("lightning")
pytest.importorskip("pyarrow")

SIZES = {"latent_dim": 4, "embedding_dim": 6, "encoder_dim": 8, "decoder_dim": 8, "summary_dim": 3}
PRESET = Preset(
    name="pulses",
    representation={"name": "pulse", "bars": 2},
    architecture={"tokens": "pulse", **SIZES},
    objective={"beta": 0.2},
    augmentation={"turn": {"steps": 3}},
    training={"batch_size": 8, "max_steps": 6, "validate_every": 6, "accelerator": "cpu"},
)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    """The one line in the registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CODECS, PulseCodec.name, PulseCodec)
        yield


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("songs")
    for number in range(12):
        rng = np.random.default_rng(number)
        song = pretty_midi.PrettyMIDI(initial_tempo=120)
        song.instruments.append(pretty_midi.Instrument(0))
        song.instruments[0].notes = [
            pretty_midi.Note(80, 60, step / 8, (step + 1) / 8)
            for step in [0, *np.flatnonzero(rng.random(64) < 0.4).tolist()]
        ]
        song.write(str(root / f"{number}.mid"))
    return root


@pytest.fixture(scope="module")
def model(songs: Path) -> Path:
    from seqvae.music import train
    from seqvae.music.data.prepare import prepare

    shards, place = songs / "shards", songs / "model"
    prepare([songs], shards, PRESET.representation, shares=(0.6, 0.3, 0.1), workers=1)
    train.train(PRESET, shards, place, progress=False)
    return place


def test_windows_are_read_measured_and_drawn(songs: Path, tmp_path: Path) -> None:
    codec = make_codec({"name": "pulse", "bars": 2})
    x = codec.read(songs / "0.mid").x
    assert x.shape[1:] == codec.shape == (32,)
    assert torch.equal(codec.encode(codec.decode(x[0])), x[0])
    assert measure(codec, x)["density"] == pytest.approx(x.double().mean(1).numpy())
    assert histograms(codec, x)["onsets"].sum() == pytest.approx(1)
    assert form(codec, x)["repeated_bars"].shape == (len(x),)
    assert compare(codec, x, x)["density"]["divergence"] == 0
    grid = grid_of_window(codec, x[0])
    assert [note.start for note in grid.drums] == x[0].nonzero().flatten().tolist()
    assert text_roll(grid).count("▌") == x[0].sum()
    assert piano_roll(grid, tmp_path / "roll.png").stat().st_size > 1000
    text, facts = fidelity(codec, x[:1], x[:1])
    assert text.startswith("kept 32 of 32 steps")
    assert facts == {"steps_kept": 1, "events_kept": 1}


def test_a_model_of_them_is_trained_and_evaluated(model: Path, songs: Path) -> None:
    space = seqvae.load(model)
    assert isinstance(space.codec, PulseCodec)
    assert set(space.attributes) == {"density"}
    assert space.config.attributes["density"]["unit"] == "pulses per step"
    figures = evaluate(space, sorted(songs.glob("*.mid")))
    assert figures["files"] == 12
    assert 0 < figures["greedy_accuracy"] <= 1
    assert "hit_f1" not in figures


def test_the_command_line_takes_them(model: Path, songs: Path, tmp_path: Path) -> None:
    for verb, *inputs in (("interpolate", "0", "1"), ("reconstruct", "2"), ("similar", "3")):
        files = [str(songs / f"{name}.mid") for name in inputs]
        output = tmp_path / f"{verb}.mid"
        arguments = [verb, *files, "--model", str(model), "-o", str(output), "--json"]
        result = CliRunner().invoke(command(), arguments)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["verb"] == verb
        assert output.is_file()
