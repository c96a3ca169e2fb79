"""Keys are found, music is brought into one, and a scale limits what is decoded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch
from click.testing import CliRunner

import seqvae
from seqvae.cli import command
from seqvae.music.representations import keys, make_codec
from vaecore.errors import UsageError

DATA = Path(__file__).parents[2] / "data"

TUNE = (60, 64, 67, 64, 65, 62, 59, 60)
"""In C major."""


def tune(move: int = 0) -> pretty_midi.PrettyMIDI:
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    part = pretty_midi.Instrument(0)
    part.notes = [pretty_midi.Note(70, p + move, k / 2, (k + 1) / 2) for k, p in enumerate(TUNE)]
    midi.instruments.append(part)
    return midi


def pitches(midi: pretty_midi.PrettyMIDI) -> list[int]:
    return [n.pitch for part in midi.instruments for n in part.notes if not part.is_drum]


@pytest.mark.parametrize("move", range(12))
def test_the_key_of_a_tune(move: int) -> None:
    count = np.bincount((np.array(TUNE) + move) % 12, minlength=12).astype(float)
    assert keys.key(count) == (move, "major")
    assert keys.name(count) == f"{keys.TONICS[move]} major"
    assert keys.shifts([count, np.roll(count, 4)]) == [0, -4]
    assert keys.shifts([np.roll(count, 4), count]) == [0, 4]
    assert keys.shifts([count, count]) == [0, 0]


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("C major", {0, 2, 4, 5, 7, 9, 11}),
        ("Am", {0, 2, 4, 5, 7, 9, 11}),
        ("F# dorian", {6, 8, 9, 11, 1, 3, 4}),
        ("bb minor pentatonic", {10, 1, 3, 5, 8}),
    ],
)
def test_scales_by_name(text: str, classes: set[int]) -> None:
    assert set(np.flatnonzero(keys.named(text)).tolist()) == classes


@pytest.mark.parametrize("text", ["", "H major", "C strange", "major"])
def test_no_such_scale(text: str) -> None:
    with pytest.raises(UsageError, match=r"no scale .*; name a tonic and one of major, minor"):
        keys.named(text)


def test_what_clashes_is_transposed() -> None:
    codec = make_codec({"name": "melody", "bars": 2})
    a, b, c = codec.in_one_key([tune(), tune(3), tune(0)])
    assert torch.equal(a.x, codec.encode(tune()))
    assert torch.equal(b.x, a.x)
    assert torch.equal(c.x, a.x)
    assert torch.equal(keys.moved(codec, codec.encode(tune(40)), 12), codec.encode(tune(40)))


def test_voices_of_trios_move_together_and_drums_stay() -> None:
    codec = make_codec({"name": "trio", "bars": 2})
    x = torch.tensor([[0, 0, 0], [1, 1, 1], [40, 20, 37]]).repeat(11, 1)[:32]
    moved = keys.moved(codec, x, 5)
    assert torch.equal(moved[:, 2], x[:, 2])
    assert torch.equal(moved[:, :2], x[:, :2] + 5 * (x[:, :2] >= 2))


def test_a_scale_limits_what_is_decoded() -> None:
    space = seqvae.load("melody_2bar")
    z = space.sample_codes(12, seed=1)
    outside = [p for item in space.decode(z, 1.0) for p in pitches(item) if p % 12 in (1, 3)]
    assert outside
    for limit, classes in (("C major", {0, 2, 4, 5, 7, 9, 11}), ("Ebm", {3, 5, 6, 8, 10, 11, 1})):
        inside = space.within(limit)
        found = {p % 12 for item in inside.decode(z, 1.0) for p in pitches(item)}
        assert found <= classes
        assert len(found) > 4
        assert {p % 12 for item in inside.sample(4) for p in pitches(item)} <= classes
    kept = space.within("keep", [tune(2)])
    assert {p % 12 for item in kept.decode(z) for p in pitches(item)} <= {2, 4, 6, 7, 9, 11, 1}
    assert space.decode(z, 1.0)[0].instruments[0].notes  # the space itself is as it was
    with pytest.raises(UsageError, match="no input whose scale"):
        space.within("keep")
    with pytest.raises(UsageError, match="--scale is for music with pitches, not for drums"):
        seqvae.load("drums_2bar").within("C major")


def test_the_options(tmp_path: Path) -> None:
    tune().write(str(tmp_path / "a.mid"))
    tune(6).write(str(tmp_path / "b.mid"))
    a, b, out = (str(tmp_path / name) for name in ("a.mid", "b.mid", "out.mid"))
    options = ["--model", "melody_2bar", "--steps", "3", "--timing", "latent", "-o", out]

    def run(*more: str) -> str:
        result = CliRunner().invoke(command(), ["interpolate", a, b, *options, *more])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "b.mid  bars 1-2 of 2 · 120 bpm · -6 semitones, to C major" in run() or "+6" in run()
    common = {p % 12 for p in pitches(pretty_midi.PrettyMIDI(out))}
    report = json.loads(run("--key", "keep", "--json"))
    assert "transposed" not in report["windows"][0]["inputs"][1]
    assert (
        len({p % 12 for p in pitches(pretty_midi.PrettyMIDI(out))} - {p % 12 for p in common}) > 1
    )
    run("--scale", "C minor pentatonic")
    found = {p % 12 for p in pitches(pretty_midi.PrettyMIDI(out))}
    assert found <= {0, 3, 5, 7, 10}


def test_what_is_mended_stays_in_the_scale() -> None:
    """Notes that blends should not have are moved; within a scale not out of it."""
    space = seqvae.load("melody_2bar").as_examples()
    codec, limit = space.codec, "C minor pentatonic"
    ends = [codec.read(DATA / f"{name}.mid").first for name in ("sunrise", "harbour")]
    allowed = keys.named(limit)
    inside = space.within(limit, ends)
    blends = [inside.interpolate(*ends, steps=9), inside.sample(4, seed=1)]
    for example in (each for blend in blends for each in blend):
        x = getattr(example, "x", example)
        count = keys.pitch_classes(codec.by_voice(x[None].numpy()))
        assert not count[~allowed].any()
