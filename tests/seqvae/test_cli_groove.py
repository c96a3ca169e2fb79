"""Performances at the command line: the model that is chosen, humanize, drumify."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch
from click.testing import CliRunner, Result

import seqvae
from seqvae.cli import command
from seqvae.music.domain import DOMAIN
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.representations import GrooveCodec
from seqvae.music.representations.groove.performance import blocks
from vaecore.config import ModelConfig


@pytest.fixture(scope="module")
def groove_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with one tiny untrained model, `groove_2bar`."""
    folder, codec = tmp_path_factory.mktemp("box"), GrooveCodec()
    sizes = {"latent_dim": 6, "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 8}
    kind = {"tokens": "groove", "head": "groove"}
    architecture = SequenceArchitecture(codec.steps, codec.classes, **kind, **sizes)
    torch.manual_seed(1)
    model = SequenceVAE(architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    config = ModelConfig(
        domain="seqvae",
        name="groove_2bar",
        representation=codec.config,
        architecture=asdict(architecture),
        objective={},
        description="performances, tiny and untrained",
        attributes={"swing": "later between the eighths"},
    )
    DOMAIN.save(folder / "groove_2bar", model, config, {"swing": torch.linspace(-2, 2, 6)})
    return folder


@pytest.fixture
def run(groove_box: Path, use_box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run a verb in an empty folder: `run("sample", "-n", 2, code=0)`."""
    use_box(groove_box)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(command(), list(map(str, arguments)))
        assert result.exit_code == code, result.output
        return result

    return call


def facts(result: Result) -> dict:
    assert result.stderr == ""
    return json.loads(result.stdout)


def hits(path: Path | str) -> list[list[float]]:
    """Return which drums are hit at every step of a file."""
    x, _ = GrooveCodec().whole(str(path))
    return blocks(x)[0].tolist()


@pytest.mark.parametrize(
    "arguments",
    [
        ("interpolate", "shuffle", "samba", "--steps", 3),
        ("palette", "shuffle", "samba", "samba", "shuffle", "--rows", 2, "--columns", 2),
        ("edit", "shuffle", "--add", "swing=1"),
        ("similar", "samba", "-n", 2),
        ("reconstruct", "shuffle"),
    ],
)
def test_played_drums_choose_the_model_by_themselves(run, examples, tmp_path, arguments) -> None:
    paths = {name: examples / f"{name}.mid" for name in ("shuffle", "samba")}
    arguments = [paths.get(argument, argument) for argument in arguments]
    result = run(*arguments)
    assert result.stdout.splitlines()[0].startswith("groove_2bar  for a drum performance, 2 bars")
    (written,) = tmp_path.glob("*.mid")
    (drums,) = pretty_midi.PrettyMIDI(str(written)).instruments
    assert drums.is_drum
    assert len({note.velocity for note in drums.notes}) > 5


def test_samples_and_what_is_kept(run, examples) -> None:
    report = facts(run("sample", "-n", 2, "--model", "groove_2bar", "--json"))
    assert report["bars"] == 4
    report = facts(run("reconstruct", examples / "samba.mid", "--json"))
    assert 0 <= report["hits_kept"] <= 1
    assert report["velocity_error"] > 0
    assert report["timing_error_ms"] > 0


def test_humanize_plays_the_whole_file(run, examples) -> None:
    source = examples / "parade.mid"
    result = run("humanize", source)
    lines = result.stdout.splitlines()
    assert lines[0].split()[0] == "groove_2bar"
    assert "humanized.mid" in lines
    assert max(map(len, lines)) <= 80
    assert any("parade" in line or "original" in line for line in lines)
    assert hits("humanized.mid") == hits(source)
    (drums,) = pretty_midi.PrettyMIDI("humanized.mid").instruments
    assert len({note.velocity for note in drums.notes}) > 10
    assert pretty_midi.PrettyMIDI("humanized.mid").get_tempo_changes()[1][0] == pytest.approx(112)


# pretty_midi: the input has tempo events in its last track, on purpose.
@pytest.mark.filterwarnings("ignore:Tempo, Key or Time signature")
def test_humanize_keeps_level_kit_tempo_map_and_markers(run, examples, tmp_path) -> None:
    import mido

    file = mido.MidiFile(str(examples / "bossa.mid"))
    file.tracks[0].insert(1, mido.MetaMessage("marker", text="Verse", time=0))
    ticks = file.ticks_per_beat * 4
    changes = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=400_000, time=ticks)])
    changes.append(mido.MetaMessage("marker", text="Faster", time=0))
    file.tracks.append(changes)
    file.save(str(tmp_path / "in.mid"))
    run("humanize", "in.mid", "-o", "out.mid")
    before, after = (pretty_midi.PrettyMIDI(f"{name}.mid") for name in ("in", "out"))
    levels = [np.mean([n.velocity for n in m.instruments[0].notes]) for m in (before, after)]
    assert levels[1] == pytest.approx(levels[0], rel=0.1)
    assert {n.pitch for n in after.instruments[0].notes} == {36, 37, 42}
    assert after.get_tempo_changes()[1][-1] == pytest.approx(150)
    messages = [m for m in mido.MidiFile("out.mid").tracks[0] if m.type == "marker"]
    assert [m.text for m in messages] == ["Verse", "Faster"]
    assert facts(run("humanize", "in.mid", "--json"))["mean_lateness_ms"] == pytest.approx(0, abs=1)


def test_a_shuffle_without_swing_is_straight(examples) -> None:
    space = seqvae.load("groove_2bar").as_examples()
    swing = space.codec.properties()["swing"].of
    before = swing(space.reconstruct([examples / "shuffle.mid"])[0].x[None].numpy())[0]
    assert before > 0.2
    less, none = space.edits(examples / "shuffle.mid", [{"swing": -1.0}, {"swing": -3.0}])
    assert -0.03 < swing(less.x[None].numpy())[0] < 0.1
    assert abs(swing(none.x[None].numpy())[0]) < 0.03


def test_humanize_and_drumify_report_and_repeat(run, examples) -> None:
    for verb, source in (("humanize", "rock"), ("drumify", "taps"), ("drumify", "garden")):
        arguments = (verb, examples / f"{source}.mid", "--json", "--temperature", 1)
        first = facts(run(*arguments, "-o", "a.mid", "--seed", 1))
        assert first["verb"] == verb
        assert first["files"] == ["a.mid"]
        assert first["hits"] > 0
        assert 0 < first["mean_velocity"] <= 127
        run(*arguments, "-o", "b.mid", "--seed", 1)
        run(*arguments, "-o", "c.mid", "--seed", 2)
        a, b, c = (Path(f"{name}.mid").read_bytes() for name in "abc")
        assert a == b != c
    report = facts(run("humanize", examples / "rock.mid", "--wav", "--json"))
    assert report["files"] == ["humanized.mid", "humanized.wav"]


def test_what_cannot_be_played_is_refused(run, examples, tmp_path) -> None:
    result = run("humanize", examples / "garden.mid", code=1)
    assert result.stderr.count("\n") == 1
    assert "garden.mid" in result.stderr
    assert "no drum notes" in result.stderr
    assert "does not exist" in run("drumify", "nowhere.mid", code=1).stderr
    run("humanize", examples / "rock.mid", "-o", "x.wav", code=2)
    assert not list(tmp_path.iterdir())


def test_a_model_of_anything_else_is_refused(run, examples) -> None:
    model = DOMAIN.folder("drums_2bar")
    result = run("humanize", examples / "rock.mid", "--model", model, code=1)
    assert "is not a model of drum performances" in result.stderr
    assert "groove_2bar" in result.stderr
