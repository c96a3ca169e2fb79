"""What all codecs share: configurations, contexts, and telling drums from melodies."""

import json

import pytest
import torch

from seqvae.music.reading.score import Score
from seqvae.music.representations import (
    Context,
    DrumCodec,
    MelodyCodec,
    TrioCodec,
    detect,
    make_codec,
)
from vaecore.errors import DataError

TUNE = Score.from_notes([0, 2, 4], [2, 4, 7], [60, 62, 64], path="tune.mid")
BEAT = Score.from_notes([0, 2], [1, 3], [36, 38], is_drum=True, path="beat.mid")
BAND = Score.from_notes([0, 2], [1, 3], [36, 60], instrument=[0, 1], is_drum=[1, 0])


@pytest.mark.parametrize(
    "codec",
    [
        DrumCodec(),
        DrumCodec(bars=16, max_bars=None),
        MelodyCodec(),
        MelodyCodec(16, 30, 90, [0, 5]),
        TrioCodec(),
        TrioCodec(4, None, "lines", named=False),
    ],
)
def test_codec_is_rebuilt_from_its_configuration(codec):
    config = json.loads(json.dumps(codec.config))
    again = make_codec(config)
    assert type(again) is type(codec)
    assert again.config == codec.config
    assert (again.shape, again.classes) == (codec.shape, codec.classes)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "unknown representation None; known are drum_pitches, .*, melody, piano, trio"),
        ({"name": "harp"}, "unknown representation 'harp'"),
        ({"name": "drums", "min_pitch": 3}, "unknown setting of the drums representation: min_"),
        ({"name": "melody", "bars": 0}, "unusable melody representation: need 1 <= bars"),
        ({"name": "melody", "bars": "two"}, "unusable melody representation"),
        ({"name": "melody", "min_pitch": 200}, "unusable melody representation"),
        ({"name": "trio", "melodies": "none"}, "unusable trio representation: melodies must be"),
        ({"name": "drums", "bars": 9, "max_bars": 8}, "unusable drums representation"),
    ],
)
def test_unusable_configurations_are_refused(config, message):
    with pytest.raises(DataError, match=message):
        make_codec(config)


def test_context_is_that_of_the_encoded_window():
    score = Score.from_notes([0], [2], [60], program=73, tempo=90)
    assert MelodyCodec().read(score).first.context == Context(90, 73)
    assert DrumCodec().read(BEAT).first.context == Context(120, 0)


def test_contexts_blend_by_weight():
    codec = MelodyCodec()
    a, b = Context(100, 1), Context(140, 2)
    assert codec.blend([a, b], [0.75, 0.25]) == Context(110, 1)
    assert codec.blend([a, b], [0, 1]) == b
    assert codec.blend([None, b], [0.9, 0.1]) == b
    assert codec.blend([None, b], [1, 0]) == b
    assert codec.blend([None], [1]) == Context()


def test_examples_are_the_windows():
    assert torch.equal(MelodyCodec().read(TUNE).counted().x, MelodyCodec().windows(TUNE))


def test_hop_must_be_positive():
    with pytest.raises(ValueError, match="hop_bars"):
        DrumCodec().windows(BEAT, hop_bars=0)


def test_missing_note_seq_is_told_with_the_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "note_seq", None)
    with pytest.raises(DataError, match=r"pip install 'seqvae\[note-seq\]'"):
        DrumCodec().to_note_sequence(torch.ones(32, dtype=torch.int64))


@pytest.mark.parametrize(
    ("items", "kind", "bars"),
    [
        (TUNE, "melody", 4),
        (BEAT, "drums", 2),
        (BAND, "melody", 1),
        ([BAND, BEAT], "drums", 1),
        ([BAND, TUNE], "melody", 1),
        ([TUNE, TUNE], "melody", 4),
    ],
)
def test_detection_as_a_musician_would(items, kind, bars):
    assert detect(items) == (kind, bars)


def test_detection_says_what_each_is_when_they_do_not_fit():
    with pytest.raises(
        DataError, match=r"beat\.mid: has only drums, but tune\.mid has only pitched"
    ):
        detect([TUNE, BEAT, BAND])


def test_detection_of_nothing():
    with pytest.raises(ValueError, match="at least one"):
        detect([])
