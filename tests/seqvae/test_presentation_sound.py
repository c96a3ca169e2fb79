"""Sound: pitch, drums, programs, loudness, peaks, and damaged banks."""

import math
import struct
import sys

import numpy as np
import pretty_midi
import pytest
import torch

from seqvae.music.presentation import render
from seqvae.music.presentation.sound import (
    RATE,
    default_soundfont,
    limit,
    loudness,
    normalize,
    synthesize,
    true_peak,
)
from vaecore.errors import DataError

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("torchaudio")
pytest.importorskip("midirenderer")


def note(pitch, program=0, is_drum=False, seconds=1.0, start=0.0):
    midi = pretty_midi.PrettyMIDI()
    part = pretty_midi.Instrument(program, is_drum=is_drum)
    part.notes.append(pretty_midi.Note(100, pitch, start, start + seconds))
    midi.instruments.append(part)
    return midi


def spectrum(item):
    sound = synthesize(item).mean(0).numpy()
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return np.fft.rfftfreq(len(sound), 1 / RATE), power


@pytest.mark.parametrize("program", [0, 4, 24, 40, 46, 71])
@pytest.mark.parametrize("pitch", [69, 57])
def test_pitch(program, pitch):
    frequency, power = spectrum(note(pitch, program))
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    near = (frequency > wanted / 1.3) & (frequency < wanted * 1.3)
    found = frequency[near][power[near].argmax()]
    assert abs(1200 * math.log2(found / wanted)) < 15


def test_programs_sound_different():
    def harmonics(program):
        frequency, power = spectrum(note(69, program))
        heights = [power[abs(frequency - 440 * h) < 20].max() for h in (1, 2, 3, 4)]
        return np.log10(np.array(heights) / heights[0])

    assert np.abs(harmonics(0) - harmonics(71)).max() > 0.5


def test_drums_sound_as_drums():
    centre = {}  # half of the power lies below
    for pitch in (36, 38, 42, 46, 45, 50):
        frequency, power = spectrum(note(pitch, is_drum=True, seconds=0.2))
        share = power.cumsum() / power.sum()
        centre[pitch] = frequency[share.searchsorted(0.5)]
    assert centre[36] < 100 < centre[38] < centre[42]
    assert centre[36] < centre[45] < centre[50] < 400
    assert centre[42] > 4000


def test_closed_hat_silences_the_open_one():
    item = note(46, is_drum=True, seconds=0.5)
    free = synthesize(item)
    item.instruments[0].notes.append(pretty_midi.Note(1, 42, 0.1, 0.2))
    choked = synthesize(item)
    late = slice(int(0.15 * RATE), int(0.3 * RATE))
    assert choked[:, late].norm() < 0.4 * free[:, late].norm()  # the rest is reverb


@pytest.mark.parametrize(("program", "pitch", "is_drum"), [(0, 60, False), (0, 49, True)])
def test_last_note_rings_out(program, pitch, is_drum):
    sound = synthesize(note(pitch, program, is_drum)).abs()
    assert sound.shape == (2, 2.5 * RATE)
    loud, release, end = (
        sound[:, int(a * RATE) : int(b * RATE)].max() for a, b in ((0, 1), (1, 1.4), (2.49, 2.5))
    )
    assert release > 0.02 * loud
    assert end < 0.002 * loud


def test_notes_of_no_length_end():
    item = note(60, seconds=0.0)
    item.instruments[0].notes.append(pretty_midi.Note(1, 72, 3.0, 3.1))
    sound = synthesize(item).abs()
    assert sound[:, : RATE // 4].max() > 0.005
    assert sound[:, 2 * RATE : 3 * RATE].max() < 0.001


def test_every_part_keeps_its_program():
    item = note(69, 0)
    item.instruments *= 15
    item.instruments.append(note(69, 71, start=2.0).instruments[0])  # a 16th pitched part
    alone = synthesize(note(69, 71, start=2.0))
    held = slice(int(2.2 * RATE), int(2.9 * RATE))
    together, alone = synthesize(item)[:, held], alone[:, held]
    assert torch.corrcoef(torch.stack([together[0], alone[0]]))[0, 1] > 0.95


@pytest.mark.parametrize("rate", [44100, 22050, 48000])
def test_file(tmp_path, rate):
    sound, found = soundfile.read(render(note(60), tmp_path / "a.wav", rate))
    assert found == rate
    assert sound.shape == (2.5 * rate, 2)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    audio = torch.from_numpy(sound.T.copy())
    assert loudness(audio, rate) == pytest.approx(-16, abs=0.2)
    assert 20 * math.log10(true_peak(audio, rate)) < -0.95


def test_equal_input_equal_bytes(tmp_path):
    a, b = (render(note(40, 33), tmp_path / f"{k}.wav").read_bytes() for k in range(2))
    assert a == b


def test_normalize_any_level():
    torch.manual_seed(0)
    noise = torch.randn(2, 44100)
    for level in (1e-4, 0.1, 1.0, 30.0):
        assert loudness(normalize(noise * level, 44100), 44100) == pytest.approx(-16, abs=0.1)


def test_normalize_clicks_and_silence():
    click = torch.zeros(2, 3000)
    click[:, 100] = 0.01
    assert 20 * math.log10(true_peak(normalize(click, 44100), 44100)) < -0.99
    silence = torch.zeros(2, 3000)
    assert torch.equal(normalize(silence, 44100), silence)


def test_limiter_never_passes_the_ceiling():
    torch.manual_seed(0)
    audio = torch.randn(2, 20000) * torch.linspace(0, 2, 20000)
    limited = limit(audio, 0.8, 44100)
    assert limited.abs().max() <= 0.8 * 1.001
    assert torch.allclose(limited[:, :1000], audio[:, :1000])


def test_silence_and_too_long(tmp_path):
    silent = soundfile.read(render(pretty_midi.PrettyMIDI(), tmp_path / "a.wav"))[0]
    assert silent.shape == (1.5 * 44100, 2)
    assert not silent.any()
    with pytest.raises(DataError, match="can be rendered"):
        render(note(60, start=36000), tmp_path / "b.wav")


def test_broken_banks(tmp_path):
    bank = tmp_path / "bank.sf2"
    with pytest.raises(DataError, match="cannot be read"):
        synthesize(note(60), bank)
    good = default_soundfont().read_bytes()
    for data in (b"", b"no bank", good[:1000], good[:-3000]):
        bank.write_bytes(data)
        with pytest.raises(DataError, match=r"not an intact SoundFont 2 bank; name an \.sf2 file"):
            synthesize(note(60), bank)


def test_panic_of_the_player(tmp_path):
    good = default_soundfont().read_bytes()
    table = good.rindex(b"shdr") + 8
    heads = bytearray(good[table:])
    for at in range(20, len(heads) - 16, 46):  # every sample begins far behind the data
        struct.pack_into("<I", heads, at, 2**31)
    bank = tmp_path / "bank.sf2"
    bank.write_bytes(good[:table] + heads)
    with pytest.raises(DataError, match="not an intact SoundFont 2 bank"):
        synthesize(note(60), bank)


def test_missing_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    with pytest.raises(DataError, match="sound needs the package midirenderer"):
        render(note(60), tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())
