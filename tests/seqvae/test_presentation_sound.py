"""Sound: pitch, drums, programs, loudness, peaks, and damaged banks."""

import math

import numpy as np
import pretty_midi
import pytest
import torch

from seqvae.presentation import render
from seqvae.presentation.sound import (
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


def note(pitch, program=0, is_drum=False, seconds=1.0, start=0.0):
    midi = pretty_midi.PrettyMIDI()
    part = pretty_midi.Instrument(program, is_drum=is_drum)
    part.notes.append(pretty_midi.Note(100, pitch, start, start + seconds))
    midi.instruments.append(part)
    return midi


def spectrum(item):
    sound = synthesize(item).mean(0).numpy()
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return np.fft.rfftfreq(len(sound), 1 / 44100), power


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
    centre = {}
    for pitch in (36, 38, 42, 46, 45, 50):
        frequency, power = spectrum(note(pitch, is_drum=True, seconds=0.2))
        centre[pitch] = (frequency * power).sum() / power.sum()
    assert centre[36] < 120 < centre[38] < centre[42]
    assert centre[36] < centre[45] < centre[50] < 400
    assert centre[42] > 4000


def test_closed_hat_silences_the_open_one():
    item = note(46, is_drum=True, seconds=0.5)
    free = synthesize(item)
    item.instruments[0].notes.append(pretty_midi.Note(1, 42, 0.1, 0.2))
    choked = synthesize(item)
    late = slice(int(0.15 * 44100), int(0.3 * 44100))
    assert choked[:, late].norm() < 0.05 * free[:, late].norm()


@pytest.mark.parametrize("rate", [44100, 22050, 48000])
def test_file(tmp_path, rate):
    sound, found = soundfile.read(render(note(60), tmp_path / "a.wav", rate))
    assert found == rate
    assert sound.shape == (2 * rate, 2)
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
    assert soundfile.info(render(pretty_midi.PrettyMIDI(), tmp_path / "a.wav")).frames == 44100
    with pytest.raises(DataError, match="can be rendered"):
        render(note(60, start=36000), tmp_path / "b.wav")


def test_broken_banks(tmp_path):
    bank = tmp_path / "bank.sf2"
    with pytest.raises(DataError, match="cannot be read"):
        synthesize(note(60), bank)
    good = default_soundfont().read_bytes()
    for data in (b"", b"no bank", good[:1000], good[:-3000]):
        bank.write_bytes(data)
        with pytest.raises(DataError, match="SoundFont"):
            synthesize(note(60), bank)
