"""`--all` covers a song, `interpolate --all` morphs it as it plays; loops of a bar are looped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pretty_midi
import torch
from handmade import write_notes

import seqvae
from seqvae.music.representations import DrumCodec, MelodyCodec, TrioCodec

CASES = Path(__file__).parents[1] / "cases"


def quarters(bars: dict[int, int]) -> list[tuple[float, float, int]]:
    """Return four quarter notes of a pitch in each of the bars; the first is 1."""
    return [(4 * b - 4 + k, 4 * b - 3 + k, p) for b, p in bars.items() for k in range(4)]


def test_the_whole_song_is_covered_and_its_end_is_filled_up():
    found = MelodyCodec(16).cover(CASES / "song_of_30_bars.mid")
    assert found.bars == (1, 17)
    assert int((found.x > 1).sum()) == 240
    assert (found.x[1, : 14 * 16] > 1).sum() == 112
    assert not (found.x[1, 14 * 16 :] > 1).any()
    assert [c.of_bars for c in found.contexts] == [30, 30]


def test_rests_and_short_phrases_are_kept(tmp_path):
    bars = {3: 60, 4: 62, 5: 64, 10: 65}
    path = write_notes(tmp_path / "a.mid", quarters(bars))
    found = MelodyCodec(2).cover(path)
    assert found.bars == (3, 5, 7, 9)
    assert [bool(x.any()) for x in found.x] == [True, True, False, True]
    onsets = [
        (bar + step // 16, int(x[step]) - 2 + 21)
        for bar, x in zip(found.bars, found.x, strict=True)
        for step in np.flatnonzero(x.numpy() > 1)
    ]
    assert sorted(set(onsets)) == sorted(bars.items())
    assert MelodyCodec(2).cover(path, first_bar=4).bars == (4, 6, 8, 10)


def test_drums_and_trios_are_covered_too(tmp_path):
    hits = [(4.0 * bar, 4.0 * bar + 0.25, 36) for bar in (0, 1, 6, 104)]
    path = write_notes(tmp_path / "d.mid", hits, drums=True)
    found = DrumCodec(2).cover(path)
    assert len(found) == 53  # also beyond the 100 bars of a phrase
    assert int((found.x > 0).sum()) == 4
    x = TrioCodec(16).cover(CASES / "band_drums_on_channel1.mid")
    assert (x.bars, len(x)) == ((1,), 1)


def test_results_are_where_the_song_has_them(run, tmp_path):
    path = write_notes(tmp_path / "a.mid", quarters({1: 60, 2: 62, 7: 64}))
    report = json.loads(run("reconstruct", path, "--all", "--json").stdout)
    assert report["bars"] == 8
    assert [w["inputs"][0]["bars"] for w in report["windows"]] == [[1, 2], [7, 8]]
    (part,) = pretty_midi.PrettyMIDI("reconstruction.mid").instruments
    starts = np.array([note.start for note in part.notes])
    assert not ((starts >= 4) & (starts < 12)).any()  # bars 3 to 6 at 120 bpm


def test_what_is_left_out_is_told(run, tmp_path):
    from mido import MetaMessage, MidiFile

    path = write_notes(tmp_path / "a.mid", quarters({1: 60, 2: 62, 5: 64, 6: 65}))
    file = MidiFile(path)
    file.tracks.append([MetaMessage("time_signature", numerator=4, denominator=4, time=0)])
    for time, (above, below) in ((3840, (3, 4)), (3840, (4, 4))):
        change = MetaMessage("time_signature", numerator=above, denominator=below, time=time)
        file.tracks[-1].append(change)
    file.save(path)
    result = run("reconstruct", path, "--all")
    assert "is in 3/4 in bars 3-5, which is left out" in result.stderr


def test_a_song_is_morphed_as_it_plays(run, tmp_path):
    a = write_notes(tmp_path / "a.mid", quarters(dict.fromkeys(range(1, 13), 60)))
    b = write_notes(tmp_path / "b.mid", quarters(dict.fromkeys(range(1, 5), 72)))
    result = run("interpolate", a, b, "--all", "--json")
    assert f"{b} (4 bars) begins again beside {a} (12 bars)\n" in result.stderr
    report = json.loads(result.stdout)
    assert report["steps"] == 6
    assert report["bars"] == 12
    assert [w[1] for w in report["weights"]] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    of_b = [w["inputs"][1]["bars"] for w in report["windows"]]
    assert of_b == [[1, 2], [3, 4]] * 3  # the shorter song begins again
    space = seqvae.load("melody_2bar")
    whole = MelodyCodec(2).encode("interpolation.mid", bar=1)
    assert torch.equal(whole, MelodyCodec(2).encode(space.reconstruct([a])[0]))


def test_every_window_of_a_morph_is_another_and_none_has_a_strange_note(run, examples):
    """In steps of one length the last two windows of this one are alike."""
    a, b = examples / "voyage.mid", examples / "fountain.mid"
    report = json.loads(run("interpolate", a, b, "--all", "--json").stdout)
    assert (report["timing"], report["steps"]) == ("perceived", 8)
    space = seqvae.load("melody_2bar").as_examples()
    song, perception = space.codec.cover(a), space.codec.perception
    rounds = [[x, space.codec.cover(b).x[0]] for x in song.x]
    windows = [item.x for item in space.pass_through(rounds)]
    assert len({x.numpy().tobytes() for x in windows}) == len(song) == 8
    for x, ends in zip(windows[1:-1], rounds[1:-1], strict=True):
        assert torch.equal(perception.mended(x[None], torch.stack(ends))[0], x)
    for k in (0, 3, 7):
        assert torch.equal(windows[k], space.interpolate(*rounds[k], steps=8)[k].x)


def test_with_steps_every_window_has_its_own(run, tmp_path):
    a = write_notes(tmp_path / "a.mid", quarters(dict.fromkeys(range(1, 5), 60)))
    b = write_notes(tmp_path / "b.mid", quarters(dict.fromkeys(range(1, 5), 72)))
    report = json.loads(run("interpolate", a, b, "--all", "--steps", 3, "--json").stdout)
    assert (report["steps"], len(report["windows"]), report["bars"]) == (3, 2, 12)
    assert "begins again" not in run("interpolate", a, a, "--all").stderr


def test_a_loop_of_one_bar_is_looped(run):
    result = run("reconstruct", CASES / "loop_1_bar.mid")
    assert "one bar, looped" in result.stdout
    report = json.loads(run("reconstruct", CASES / "loop_1_bar.mid", "--json").stdout)
    assert report["windows"][0]["inputs"][0]["bars"] == [1, 2]
    assert "looped" not in run("reconstruct", CASES / "loop_starts_on_bar_2.mid").stdout
