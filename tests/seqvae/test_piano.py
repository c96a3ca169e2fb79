"""Networks, perception, properties and figures of chords and piano."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.representations import make_codec
from seqvae.music.representations.piano.evaluate import figures_of, measure
from seqvae.music.representations.piano.networks import ChordEmbedding, NotesHead
from seqvae.music.representations.piano.texture import MOST, PITCHES, rolls, steps_of

CODEC = make_codec({"name": "piano"})


def textures(count: int, seed: int = 0, density: float = 0.02) -> Tensor:
    """Return random windows, `(count, 32, 12)`."""
    generator = torch.Generator().manual_seed(seed)
    struck = torch.rand(count, 32, PITCHES, generator=generator) < density
    length = torch.randint(1, 9, struck.shape, generator=generator)
    return steps_of(struck * length)


def window(*notes: tuple[int, int, int]) -> Tensor:
    """Return a window of notes: step, MIDI pitch, length."""
    roll = torch.zeros(32, PITCHES, dtype=torch.long)
    for step, pitch, length in notes:
        roll[step, pitch - 21] = length
    return steps_of(roll)


@pytest.fixture(scope="module")
def head() -> NotesHead:
    torch.manual_seed(1)
    made = NotesHead(6, 2)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


def test_probabilities_of_all_steps_sum_to_one(head: NotesHead) -> None:
    """Over no note, all notes with any pitch and length, and all pairs of pitches of one length."""
    hidden = torch.randn(1, 6, generator=torch.Generator().manual_seed(2))
    low, high = torch.combinations(torch.arange(1, 89)).unbind(1)
    with torch.no_grad():
        none = head.log_prob(hidden, torch.zeros(1, 4, dtype=torch.long)).exp()
        one = torch.cartesian_prod(torch.arange(1, 89), torch.arange(1, 33))
        zero = torch.zeros(len(one), dtype=torch.long)
        single = torch.stack([one[:, 0], zero, one[:, 1], zero], 1)
        of_one = head.log_prob(hidden.expand(len(one), 6), single).exp().sum()
        total = 0.0
        for first in range(1, 33):
            for second in range(1, 33, 31):  # two of 32 lengths of the upper note
                rows = torch.stack(
                    [low, high, torch.full_like(low, first), torch.full_like(low, second)], 1
                )
                total += head.log_prob(hidden.expand(len(rows), 6), rows).exp().sum().item()
    assert none.item() + of_one.item() < 1
    # The upper note's length is independent of nothing, so two of 32 are a part of the rest.
    assert 0 < total < 1 - none.item() - of_one.item()


def test_draws_have_the_frequencies_of_their_probabilities(head: NotesHead) -> None:
    hidden = torch.randn(1, 6, generator=torch.Generator().manual_seed(2)).expand(40_000, 6)
    noise = torch.rand(40_000, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        drawn = head.choose(head.project(hidden), 1.0, noise)
        found, count = drawn.unique(dim=0, return_counts=True)
        likely = head.log_prob(hidden[: len(found)], found).exp()
    assert likely.sum() <= 1 + 1e-4
    often = count > 100
    assert often.sum() > 5
    error = (count / len(drawn) - likely).abs()[often]
    assert (error < 5 * (likely[often] / len(drawn)).sqrt()).all()


def test_notes_rise_and_have_lengths(head: NotesHead) -> None:
    hidden = torch.randn(500, 6, generator=torch.Generator().manual_seed(4))
    noise = torch.rand(500, 4, generator=torch.Generator().manual_seed(5))
    for temperature in (0.0, 1.0, 5.0):
        with torch.no_grad():
            drawn = head.choose(head.project(hidden), temperature, noise)
        low, high, first, second = drawn.unbind(1)
        assert ((high == 0) | (high > low)).all()
        assert torch.equal(low > 0, first > 0)
        assert torch.equal(high > 0, second > 0)
        assert drawn[:, :2].max() <= PITCHES
        assert drawn[:, 2:].max() <= 32


def test_forbidden_keys_are_never_chosen(head: NotesHead) -> None:
    own = NotesHead(6, 2)
    own.load_state_dict(head.state_dict())
    own.forbid(range(1, 88))
    hidden = torch.randn(200, 6, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        drawn = own.choose(own.project(hidden), 1.0, torch.rand(200, 4))
    assert set(drawn[:, 0].tolist()) <= {0, 88}
    assert not drawn[:, 1].any()


def test_the_embedding_is_that_of_its_notes() -> None:
    torch.manual_seed(0)
    embedding, weight = ChordEmbedding(8), torch.randn(8, 5)
    x = textures(3)
    with torch.no_grad():
        torch.testing.assert_close(embedding.fused_with(weight)(x), embedding(x) @ weight)
        swapped = window((0, 60, 2), (0, 64, 9))[0], window((0, 60, 9), (0, 64, 2))[0]
        assert not torch.allclose(*(embedding(each) for each in swapped), atol=0.1)


def test_a_model_learns_a_few_windows() -> None:
    """Trained on eight windows, it gives their notes back."""
    torch.manual_seed(0)
    sizes = {"embedding_dim": 32, "encoder_dim": 32, "decoder_dim": 32, "summary_dim": 16}
    model = SequenceVAE(
        SequenceArchitecture(32, MOST, tokens="piano", head="notes", latent_dim=16, **sizes)
    )
    x = textures(8, density=0.004)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    first = 0.0
    for _ in range(150):
        z = model.encode(x).mean
        loss = -model.log_likelihood(x, z).mean()
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    figures = measure(model, x)
    assert loss.item() < 0.2 * first
    assert figures["note_f1"] > 0.7
    assert figures["note_length_f1"] <= figures["note_f1"]
    assert figures["sampled_note_f1"] > 0.4


def test_figures_of_reconstructions() -> None:
    x = window((0, 60, 4), (0, 64, 4), (8, 67, 4), (16, 72, 8))
    y = window((0, 60, 5), (0, 65, 4), (8, 67, 8), (16, 72, 8))
    found = figures_of(x[None], y[None])
    assert found["notes_kept"] == found["note_f1"] == 3 / 4
    assert found["lengths_kept"] == found["note_length_f1"] == 2 / 4
    assert figures_of(x[None], x[None])["note_length_f1"] == 1


def test_properties_of_known_windows() -> None:
    chords = window(*[(s, p, 4) for s in range(0, 32, 8) for p in (48, 60, 64, 67)])
    broken = window(*[(k, (48, 60, 64, 67)[k % 4], 8) for k in range(16)])
    rough = window(*[(s, p, 4) for s in range(0, 32, 8) for p in (60, 61, 66)])
    x = torch.stack([chords, broken, rough]).numpy()
    found = {name: each.of(x) for name, each in CODEC.properties().items()}
    assert found["note_density"].tolist() == [0.5, 0.5, 12 / 32]
    assert found["chord_size"].tolist() == [4, 1, 3]
    assert found["register"].tolist() == [59.75, 59.75, 187 / 3]
    assert found["spread"][0] == pytest.approx(np.std([48, 60, 64, 67]))
    assert found["arpeggiation"].tolist() == [0, 15 / 16, 0]
    assert found["right_hand"].tolist() == [0.75, 0.75, 1]
    assert found["sustain"].tolist() == [4, 8, 4]
    assert found["repetition"].tolist() == [1, 0, 1]
    assert found["roughness"][2] > 4 * found["roughness"][0]
    nothing = np.zeros((1, 32, 12), int)
    assert CODEC.properties()["note_density"].of(nothing).tolist() == [0]
    assert np.isnan(CODEC.properties()["roughness"].of(nothing)).all()


def test_blends_go_from_one_window_to_the_other() -> None:
    perception = CODEC.perception
    assert perception is not None
    a, b = textures(4, 1), textures(4, 2)
    share = torch.linspace(0, 1, 9)
    for first, second in zip(a, b, strict=True):
        rows = perception.between(first.expand(9, -1, -1), second.expand(9, -1, -1), share)
        steps = perception.difference(rows[:1].expand_as(rows), rows)
        assert torch.equal(rolls(rows[0]) > 0, rolls(first) > 0)
        assert torch.equal(rolls(rows[-1]) > 0, rolls(second) > 0)
        assert (steps.diff() >= -1e-6).all()
        assert steps.diff().max() < 0.5


def test_variants_are_windows_of_their_own() -> None:
    perception = CODEC.perception
    assert perception is not None
    x = textures(1, density=0.01)[0]
    variants = perception.variants(x)
    assert len(variants) > 40
    for each in variants:
        CODEC.decode(each)
    assert perception.poor(torch.zeros_like(x)[None]).all()
    assert perception.faults(torch.zeros_like(x)[None]).item() == 3
    cluster = window(*[(s, 60 + k, 4) for s in range(0, 32, 4) for k in range(4)])
    triad = window(*[(s, 60 + k, 4) for s in range(0, 32, 4) for k in (0, 4, 7)])
    assert perception.faults(cluster[None]).item() > perception.faults(triad[None]).item() == 0
    assert perception.poor(torch.stack([cluster, triad])).tolist() == [True, False]


def test_transposing_keeps_windows_that_would_leave_the_piano() -> None:
    transpose = CODEC.augmentations()["transpose"]
    x = torch.stack([window((0, 60, 4), (0, 64, 8)), window((0, 21, 4), (0, 108, 4))])
    made = {
        tuple(transpose(x, torch.Generator().manual_seed(k), semitones=3)[0, 0, :2].tolist())
        for k in range(40)
    }
    assert made == {(40 + k, 44 + k) for k in range(-3, 4)}
    for k in range(10):
        found = transpose(x, torch.Generator().manual_seed(k), semitones=3)
        assert torch.equal(found[1], x[1])
        assert torch.equal(found[..., MOST:], x[..., MOST:])


def test_keys_and_scales() -> None:
    from seqvae.music.representations import keys

    x = window((0, 60, 4), (0, 64, 4), (8, 67, 4))
    assert keys.pitch_classes(CODEC.by_voice(x[None].numpy())).nonzero()[0].tolist() == [0, 4, 7]
    assert torch.equal(keys.moved(CODEC, x, 2), window((0, 62, 4), (0, 66, 4), (8, 69, 4)))
    (banned,) = keys.banned(CODEC, "C major", x[None])
    assert {(key + 20) % 12 for key in banned} == {1, 3, 6, 8, 10}
