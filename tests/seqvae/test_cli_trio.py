"""Long windows and several voices at the command line: which model, what is taken and shown."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pretty_midi
import pytest
import torch
from click.testing import CliRunner

from seqvae.cli import command
from seqvae.cli.music import MusicPresentation
from seqvae.cli.strip import strip
from seqvae.music.domain import DOMAIN
from seqvae.music.evaluate import fidelity
from seqvae.music.presentation import Grid, grid_of_item, grid_of_window
from seqvae.music.representations import MelodyCodec, TrioCodec, make_codec
from vaecore.cli.presentation import Choice, Result
from vaecore.codec import Example
from vaecore.config import ModelConfig, write_config

SHOW = MusicPresentation(DOMAIN)


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Fill the box with models of which nothing but the configuration is looked at."""

    def fill(*names: str) -> None:
        for name in names:
            kind, bars = name.removesuffix("bar").split("_")
            folder = tmp_path / "box" / name
            folder.mkdir(parents=True)
            representation = {"name": kind, "bars": int(bars)}
            write_config(folder, ModelConfig("seqvae", name, representation, {}, {}))
        monkeypatch.setattr(SHOW, "domain", replace(DOMAIN, box=tmp_path / "box"))

    return fill


def choose(paths: list[Path], **given: Any) -> Choice:
    return SHOW.choose_model(SHOW.read(paths, given), given)


@pytest.mark.parametrize("program", [0, 19, 24, 30, 48, 52])
def test_chords_of_any_instrument_are_chords(tmp_path: Path, program: int) -> None:
    """Piano, organ, guitars, strings, choir; what comes back keeps its sound."""
    music = pretty_midi.PrettyMIDI(initial_tempo=120)
    music.instruments.append(pretty_midi.Instrument(program))
    chords = [(60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62)]
    music.instruments[0].notes = [
        pretty_midi.Note(90, pitch, k / 2, k / 2 + 0.5)
        for k, chord in enumerate(2 * chords)
        for pitch in chord
    ]
    music.write(str(path := tmp_path / "chords.mid"))
    assert choose([path]).model == "piano_2bar"
    codec = make_codec({"name": "piano", "bars": 2})
    (again,) = codec.decode(*vars(codec.read(path).first).values()).instruments
    assert again.program == program
    assert {note.pitch for note in again.notes} == {p for chord in chords for p in chord}


ALL = ("drums_2bar", "melody_2bar", "melody_16bar", "trio_16bar")


@pytest.mark.parametrize(
    ("names", "box", "model", "reason"),
    [
        ("cafe train", ALL, "trio_16bar", "for melody, bass and drums, 16 bars or more"),
        ("cafe", ALL, "trio_16bar", "for melody, bass and drums, 16 bars"),
        ("cafe", ALL[:3], "melody_16bar", "for a melody, 16 bars"),
        ("cafe train", ALL[:2], "melody_2bar", "for a melody, 16 bars or more"),
        ("cafe rock", ALL, "drums_2bar", "for drums, 2 bars or more"),
        ("cafe garden", ALL, "melody_16bar", "for a melody, 16 bars or more"),
        ("garden voyage", ALL, "melody_16bar", "for a melody, 16 bars or more"),
        ("garden sunrise", ALL, "melody_2bar", "for a melody, 2 bars or more"),
        ("garden", ALL[:2], "melody_2bar", "for a melody, 16 bars"),
    ],
)
def test_the_model_that_fits(
    fill: Any, examples: Path, names: str, box: tuple[str, ...], model: str, reason: str
) -> None:
    fill(*box)
    choice = choose([examples / f"{name}.mid" for name in names.split()])
    assert choice == (model, reason)


def test_music_before_the_bar_that_was_asked_for_does_not_count(fill: Any, examples: Path) -> None:
    fill(*ALL)
    for bar, model in ((1, "melody_16bar"), (2, "melody_2bar"), (9, "melody_2bar")):
        assert choose([examples / "garden.mid"], bar=(bar,)).model == model
    assert choose([examples / "cafe.mid"], bar=(9,)).model == "melody_2bar"


def test_a_short_trio_is_a_melody(fill: Any, examples: Path, tmp_path: Path) -> None:
    fill(*ALL)
    midi = TrioCodec(8).decode(TrioCodec(8).encode(examples / "train.mid"))
    midi.write(str(tmp_path / "short.mid"))
    assert choose([tmp_path / "short.mid"]).model == "melody_2bar"


def options(**given: Any) -> dict[str, Any]:
    return {"bar": (), "all_windows": False, **given}


@pytest.mark.parametrize("name", ["Gloryofl", "Ifyoulea"])
def test_a_song_goes_phrase_by_phrase(shared_data: Path, name: str) -> None:
    song = [shared_data / f"midi/karaoke/{name}.mid"]
    for codec in (TrioCodec(), MelodyCodec(16)):
        rounds = SHOW.sources(codec, SHOW.read(song, {}), options(all_windows=True))
        assert len(rounds) > 1
        bars = [source.facts["bars"] for (source,) in rounds]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(bars))
        assert ("bass_program" in rounds[0][0].facts) == (codec.name == "trio")
        assert all(source.example.x.shape == codec.shape for (source,) in rounds)


def trio(examples: Path) -> list[Example]:
    codec = TrioCodec()
    files = [examples / f"{name}.mid" for name in ("cafe", "train")]
    return [codec.read(file).first for file in files]


def test_a_reconstruction_is_shown_eight_bars_to_the_line(examples: Path) -> None:
    cafe, train = trio(examples)
    result = Result("reconstruct", TrioCodec(), [[train]], ["cafe"], originals=[cafe])
    lines = click.unstyle(SHOW.picture(result, 80)).splitlines()
    assert max(map(len, lines)) <= 80
    titles = [line.strip() for line in lines if "bar" in line]
    assert titles == [
        "original · bar 1",
        "reconstruction · bar 1",
        "original · bar 9",
        "reconstruction · bar 9",
    ]
    assert len(lines) < 80


def test_a_strip_has_a_line_for_each_voice(examples: Path) -> None:
    codec = TrioCodec()
    grids = [grid_of_window(codec, e.x) for e in trio(examples)]
    lines = strip(grids, ["cafe", "train"], 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) == 2 * 3 + 3
    assert [line[:4] for line in lines[:6]] == [" 1 │", "   │", "   │", " 2 │", "   │", "   │"]
    assert all(line.count("│") == 5 for line in lines[:6])  # a bar line every four bars
    assert [line.split(":")[0].strip() for line in lines[6:]] == ["melody", "bass", "drums"]
    assert lines[5].split("│")[1] == "████" * 4  # kick and snare on every beat of the train
    assert len(strip(grids * 20, [""] * 40, 80).splitlines()) == 12 * 3 + 1 + 3


def test_long_melodies_have_a_strip_that_fits(examples: Path) -> None:
    grids = [replace(grid_of_item_of(examples, name), steps=256) for name in ("garden", "voyage")]
    lines = strip(grids, ["garden", "voyage"], 80).splitlines()
    assert [len(part) for part in lines[0].split("│")[1:5]] == [16] * 4
    assert lines[0].endswith(" garden")
    assert max(map(len, lines)) <= 80


def grid_of_item_of(examples: Path, name: str) -> Grid:
    from pretty_midi import PrettyMIDI

    return grid_of_item(PrettyMIDI(str(examples / f"{name}.mid")))


def test_items_and_windows_of_trios_give_the_same_grid(examples: Path) -> None:
    codec = TrioCodec()
    x = codec.encode(examples / "cafe.mid")
    drawn, known = grid_of_item(codec.decode(x)), grid_of_window(codec, x)
    for voice in ("melody", "bass", "drums"):
        notes, others = getattr(drawn, voice), getattr(known, voice)
        assert [n.row for n in notes] == [n.row for n in others]
        assert [n.start for n in notes] == pytest.approx([n.start for n in others])
    assert known.bass[0].row == 45


def test_what_is_kept_of_every_voice() -> None:
    x = torch.zeros(1, 256, 3, dtype=torch.int64)
    x[0, :4] = 5
    y = x.clone()
    y[0, 0, 0] = 6
    y[0, 1:3, 2] = 0
    text, facts = fidelity(TrioCodec(), x, y)
    assert text.splitlines() == [
        "melody: kept 255 of 256 steps (100%), 3 of 4 events",
        "  bass:   kept 256 of 256 steps (100%), 4 of 4 events",
        "  drums:  kept 254 of 256 steps (99%), 2 of 4 events",
        "  all:    kept 765 of 768 steps (100%), 9 of 12 events",
    ]
    assert facts["drums_events_kept"] == 0.5
    assert facts["events_kept"] == 0.75


def test_show_and_prepare_know_trios(examples: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> str:
        result = CliRunner().invoke(command(), [str(a) for a in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    lines = run("show", examples / "train.mid").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.strip() for line in lines if line.strip().startswith("bar ")] == ["bar 1", "bar 9"]
    run("show", examples / "train.mid", "-o", tmp_path / "train.png")
    assert (tmp_path / "train.png").read_bytes().startswith(b"\x89PNG")
    pytest.importorskip("pyarrow")
    files = [examples / f"{name}.mid" for name in ("cafe", "train")]
    report = json.loads(run("prepare", *files, "-o", tmp_path / "shards", "--json", "--two-four"))
    assert (report["representation"]["name"], report["representation"]["bars"]) == ("trio", 16)
    assert sum(report["windows"].values()) == 2
