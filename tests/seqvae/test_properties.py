"""Properties of windows, on patterns whose values are known by counting."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seqvae.music.properties import histograms, measure
from seqvae.music.representations import DrumCodec, MelodyCodec, TrioCodec
from seqvae.music.representations.measuring import jensen_shannon

DRUMS, MELODY, TRIO = CODECS = (DrumCodec(), MelodyCodec(), TrioCodec())


def window(events, steps=32):
    x = np.zeros((1, steps), np.int64)
    for step, index in events.items():
        x[0, step] = index
    return x


def test_melody():
    # C4 on 1, D4 on the 16th after, F#4 off the beat after a rest, C5 on an odd 16th.
    found = measure(MELODY, window({0: 41, 1: 43, 3: 1, 6: 47, 13: 53}))
    values = {name: v.item() for name, v in found.items()}
    assert values == pytest.approx(
        {
            "note_density": 4 / 32,
            "syncopation": 1 / 4,
            "syncopation_8th": 1 / 4,
            "repetition": 0,
            "pitch_range": 12,
            "average_interval": (2 + 4 + 6) / 3,
            "average_pitch": (60 + 62 + 66 + 72) / 4,
            "in_c_major": 3 / 4,
        }
    )


def test_drums():
    beat = window({0: 0b101, 4: 0b110, 7: 0b1, 8: 0b1, 12: 0b1010, 14: 0b11000010, 18: 0b100000000})
    found = {name: v.item() for name, v in measure(DRUMS, beat).items()}
    assert found == pytest.approx(
        {
            "note_density": 12 / 32,
            "syncopation": 1 / 6,
            "kick_density": 3 / 32,
            "snare_density": 3 / 32,
            "hat_density": 3 / 32,
            "tom_density": 1 / 32,
            "cymbal_density": 2 / 32,
            "offbeat": 4 / 12,
            "repetition": 0,
            "backbeat": 2 / 3,
        }
    )


def test_repetition_compares_each_bar_with_the_next():
    melody = window({0: 41, 4: 43, 16: 45, 22: 41})  # one place of two comes back
    assert measure(MELODY, melody)["repetition"] == pytest.approx(2 * 1 / 4)
    drums = window({0: 0b101, 16: 0b001, 20: 0b1})  # the kick comes back, the hat does not
    assert measure(DRUMS, drums)["repetition"] == pytest.approx(2 * 1 / 4)
    assert np.isnan(measure(DRUMS, window({0: 1}, steps=16))["repetition"]).all()


def trio(melody, bass, drums):
    return np.stack([window(melody), window(bass), window(drums)], axis=2)


def test_trio():
    x = trio({0: 41, 1: 43, 6: 47}, {0: 20, 8: 24}, {0: 0b101, 4: 0b10})
    found = {name: v.item() for name, v in measure(TRIO, x).items()}
    melody = {name: v.item() for name, v in measure(MELODY, x[..., 0]).items()}
    assert {n: v for n, v in found.items() if n.startswith("melody_")} == pytest.approx(
        {f"melody_{name}": v for name, v in melody.items()}
    )
    assert found["bass_note_density"] == 2 / 32
    assert found["bass_average_pitch"] == (39 + 43) / 2
    drums = {n: v for n, v in found.items() if n.startswith("drums_") and v}
    assert drums == {
        "drums_note_density": 3 / 32,
        "drums_kick_density": 1 / 32,
        "drums_snare_density": 1 / 32,
        "drums_hat_density": 1 / 32,
    }
    assert TRIO.properties()["drums_note_density"].total
    assert TRIO.properties()["bass_average_pitch"].description == "bass: mean pitch"


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_empty_windows(codec):
    for name, value in measure(codec, np.zeros((2, *codec.shape), int)).items():
        assert value.shape == (2,)
        if name.endswith("density"):
            assert (value == 0).all()
        else:
            assert np.isnan(value).all()
    nothing = measure(codec, np.zeros((0, *codec.shape), int))
    assert all(v.shape == (0,) for v in nothing.values())


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.int64, (3, 32, 3), elements=st.integers(0, 89)))
def test_every_window_is_measured_by_itself(trios):
    for codec in CODECS:
        x = trios if codec is TRIO else trios[..., 0]
        together = measure(codec, torch.from_numpy(x))
        for k in range(3):
            alone = measure(codec, x[k : k + 1])
            for name, value in together.items():
                np.testing.assert_array_equal(value[k : k + 1], alone[name])
                if "share" in codec.properties()[name].unit:
                    assert np.isnan(value[k]) or 0 <= value[k] <= 1


def test_pitches_are_those_of_the_codec():
    low = MelodyCodec(min_pitch=0, max_pitch=127)
    melody = window({0: 62, 4: 64})
    assert measure(low, melody)["average_pitch"] == 61
    assert histograms(low, melody)["pitches"][[60, 62]].tolist() == [0.5, 0.5]


def test_histograms():
    melody = window({0: 41, 4: 53, 20: 43})
    found = histograms(MELODY, melody)
    assert found["pitches"][[60, 62, 72]] == pytest.approx(1 / 3)
    assert found["onsets"][[0, 4]] == pytest.approx([1 / 3, 2 / 3])
    drums = window({0: 0b101, 20: 0b1})
    found = histograms(DRUMS, drums)
    assert found["drums"][[0, 2]] == pytest.approx([2 / 3, 1 / 3])
    assert found["onsets"][[0, 4]] == pytest.approx([2 / 3, 1 / 3])
    assert histograms(DRUMS, np.zeros((1, 16), int))["drums"].sum() == 0


def test_histograms_of_every_voice():
    x = trio({0: 41, 4: 53}, {8: 20}, {0: 0b101, 20: 0b1})
    found = histograms(TRIO, torch.from_numpy(x))
    assert {name: len(values) for name, values in found.items()} == {
        "melody_onsets": 16,
        "melody_pitches": 128,
        "bass_onsets": 16,
        "bass_pitches": 128,
        "drums_onsets": 16,
        "drums_drums": 9,
    }
    for column, voice in enumerate(("melody", "bass", "drums")):
        alone = histograms(DRUMS if voice == "drums" else MELODY, x[..., column])
        for name, values in alone.items():
            np.testing.assert_array_equal(values, found[f"{voice}_{name}"])


def test_jensen_shannon():
    assert jensen_shannon([1, 2, 3], [2, 4, 6]) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon([1, 0], [0, 1]) == pytest.approx(1)
    assert jensen_shannon([1, 0], [1, 1]) == pytest.approx(0.31128, abs=1e-5)
    with pytest.raises(ValueError, match="empty"):
        jensen_shannon([0, 0], [1, 1])
    with pytest.raises(ValueError, match="shapes"):
        jensen_shannon([1], [1, 1])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="expected integers"):
        measure(DRUMS, np.zeros(32))
    with pytest.raises(ValueError, match=r"expected integers \(n, steps, 3\)"):
        measure(TRIO, np.zeros((1, 32), int))
