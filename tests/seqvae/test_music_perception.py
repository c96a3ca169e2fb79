"""Blends of two windows, variants, faults and the perceived distance, on windows made by hand."""

from __future__ import annotations

import pytest
import torch
from pulse import PulseCodec

import seqvae
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.representations import make_codec
from seqvae.music.representations.perception.voice import metrical_ranks
from seqvae.music.representations.perception.whole import MusicPerception
from seqvae.music.representations.trio.perception import consonance
from vaecore.errors import UsageError

SHARES = torch.linspace(0, 1, 9)


def of(name: str) -> MusicPerception:
    perception = make_codec({"name": name, "bars": 2}).perception
    assert perception is not None
    return perception


def drums():
    a, b = torch.zeros(2, 32, dtype=torch.long)
    a[::8], a[4::8], a[::2] = 1, 2, a[::2] | 4
    b[::4], b[2::8], b[1::2] = 1, 2, b[1::2] | 8
    return a, b


def melody(*notes):
    x = torch.zeros(32, dtype=torch.long)
    for at, pitch in notes:
        x[at] = pitch - 21 + 2
    return x


def rows(x):
    return x.expand(len(SHARES), *x.shape)


def test_ends_of_a_blend_are_the_windows():
    a, b = drums()
    way = of("drums").between(rows(a), rows(b), SHARES)
    assert torch.equal(way[0], a)
    assert torch.equal(way[-1], b)


def test_a_blend_changes_evenly_and_goes_back_the_same_way():
    a, b = drums()
    way = of("drums").between(rows(a), rows(b), SHARES)
    bit = torch.arange(9)
    steps = ((way[1:, :, None] ^ way[:-1, :, None]) >> bit & 1).sum((1, 2))
    assert steps.max() <= steps.sum() * 0.25
    assert torch.equal(of("drums").between(rows(b), rows(a), SHARES).flip(0), way)


def test_strong_places_come_first():
    rank = metrical_ranks(32)
    assert rank[0] == 0
    assert rank[16] == 1
    assert max(rank[[0, 8, 16, 24]]) < min(rank[[2, 6, 10, 14]]) < min(rank[1::2])
    empty, hats = torch.zeros(32, dtype=torch.long), torch.full((32,), 4)
    middle = of("drums").between(rows(empty), rows(hats), SHARES)[4]
    assert middle[::2].all()
    assert not middle[1::2].any()


def test_registers_glide_and_keys_stay():
    a = melody(
        *((at, 48 + p) for at, p in zip(range(0, 32, 4), (0, 2, 4, 5, 7, 9, 11, 12), strict=True))
    )
    b = melody(
        *((at, 74 + p) for at, p in zip(range(0, 32, 4), (0, 2, 4, 5, 7, 9, 11, 12), strict=True))
    )
    way = of("melody").between(rows(a), rows(b), SHARES)
    assert torch.equal(way[[0, -1]], torch.stack([a, b]))
    means = torch.stack([x[x > 1].double().mean() for x in way])
    assert (means.diff() > 0).all()
    assert of("melody").faults(way).sum() == 0


def test_performances_keep_the_feel_of_hits():
    a, b = torch.zeros(2, 32, 27)
    a[::4, 0], a[::4, 9] = 1, 0.4
    b[::8, 0], b[::8, 9] = 1, 0.8
    way = of("groove").between(rows(a), rows(b), SHARES)
    assert torch.equal(way[[0, -1]], torch.stack([a, b]))
    assert way[4, 0, 9] == pytest.approx(0.6)
    assert (way[..., 9:18][way[..., :9] == 0] == 0).all()


def test_blends_of_trios_are_those_of_their_voices():
    a, b = (torch.stack([melody((0, 60), (8, 64)), melody((0, 40)), x], 1) for x in drums())
    way = of("trio").between(rows(a), rows(b), SHARES)
    assert way.shape == (9, 32, 3)
    assert torch.equal(way[-1], b)


def test_a_hit_that_moves_changes_less_than_one_that_goes_and_another_that_comes():
    x = torch.zeros(3, 32, dtype=torch.long)
    x[0, 8], x[1, 9], x[2, 20] = 1, 1, 1
    near, far = of("drums").change(x).tolist()
    assert 0 < near < far


def test_a_kick_counts_more_than_a_hat():
    x = torch.zeros(3, 32, dtype=torch.long)
    x[0, 8], x[2, 8] = 1, 4
    kick, hat = of("drums").change(x).tolist()
    assert kick > hat > 0


def test_a_semitone_changes_less_than_an_octave():
    x = torch.stack([melody((0, 60)), melody((0, 61)), melody((0, 73))])
    near, far = of("melody").change(x).tolist()
    assert 0 < near < far


def test_share_of_events_that_differ():
    x = torch.stack([melody((0, 60), (8, 62)), melody(), melody((0, 60))])
    y = torch.stack([melody((0, 60), (8, 64)), melody(), melody((0, 61))])
    assert of("melody").difference(x, y).tolist() == [0.5, 0.0, 1.0]


def test_faults():
    fine = melody((0, 60), (4, 62), (8, 64))
    leap = melody((0, 60), (4, 62), (8, 76))
    few = melody((0, 60), (4, 62), (8, 60))
    key = melody(*((4 * k, 60 + k) for k in range(8)))
    low = melody((0, 40), (4, 42), (8, 44))
    found = of("melody").faults(torch.stack([fine, leap, few, key, low]))
    assert found[0] == 0
    assert (found[1:] > 0).all()
    assert of("drums").faults(
        torch.stack([torch.zeros(32, dtype=torch.long), drums()[0]])
    ).tolist() == [3, 0]


def test_leaps_are_mended_by_octaves():
    wild = melody((0, 60), (4, 76), (8, 91), (12, 62), (16, 101))
    calm = melody((0, 60), (4, 64), (8, 67), (12, 62), (16, 65))
    perception = of("melody")
    assert perception.faults(wild[None]) >= 4
    assert torch.equal(perception.mended(wild[None]), calm[None])
    assert torch.equal(perception.mended(calm[None]), calm[None])
    # What inputs do is no fault: here they leap by 16 semitones.
    like = torch.stack([calm, melody((0, 60), (8, 76))])
    asked = melody((0, 60), (4, 76), (8, 91), (12, 86), (16, 101))
    assert torch.equal(perception.mended(wild[None], like), asked[None])
    beats = torch.stack(drums())
    assert torch.equal(of("drums").mended(beats), beats)
    trio = torch.stack([wild, wild, beats[0]], dim=-1)[None]
    mended = of("trio").mended(trio)
    assert torch.equal(mended[..., 0], calm[None])
    assert torch.equal(mended[..., 1:], trio[..., 1:])


def test_blends_have_no_notes_that_their_inputs_and_their_scales_lack():
    perception = of("melody")
    major = melody((0, 60), (4, 64), (8, 67), (12, 71), (16, 65), (20, 69), (24, 62))
    other = melody((0, 60), (4, 62), (8, 63), (12, 64))  # E flat is no note of its scale
    odd = melody((0, 61), (4, 63), (8, 66), (12, 70), (16, 60))
    pitches = perception.mended(odd[None], torch.stack([major, other]))[0][::4] + 19
    assert pitches[:5].tolist() == [60, 63, 65, 69, 60]
    silent = torch.zeros(1, 32, dtype=torch.long)
    assert torch.equal(perception.mended(odd[None], silent), odd[None])


def test_samples_that_wander_keep_to_their_best_scale():
    perception = of("melody")
    scale = [(4 * k, 60 + (0, 2, 4, 5, 7, 9, 11)[k % 7]) for k in range(8)]
    wanders = melody(*scale[:5], (20, 61), (24, 66), (28, 60))  # two of eight are not in C major
    found = perception.mended(wanders[None])[0]
    assert (found[::4] + 19).tolist() == [60, 62, 64, 65, 67, 60, 65, 60]
    assert torch.equal(found > 1, wanders > 1)
    steps = [(2 * k, pitch) for k, (_, pitch) in enumerate(2 * scale[:7])]
    passing = melody(*steps, (28, 61))  # one of fifteen: a sample may be chromatic
    assert torch.equal(perception.mended(passing[None]), passing[None])
    # Blends go by what their inputs have.
    assert torch.equal(perception.mended(wanders[None], wanders[None]), wanders[None])


def test_no_blend_and_no_sample_leaps_but_inputs_stay():
    space = seqvae.load("melody_2bar").as_examples()
    wild = melody((0, 48), (4, 74), (8, 50), (12, 79), (16, 48), (24, 80))
    calm = melody((0, 60), (4, 62), (8, 64), (16, 65), (24, 67))
    perception = of("melody")
    own = [space.reconstruct([x])[0].x for x in (calm, wild)]
    way = torch.stack([each.x for each in space.interpolate(calm, wild, steps=5)])
    assert torch.equal(way[0], own[0])
    assert torch.equal(way[-1], own[1])
    leaps = perception.voices[0]._leaps
    way = torch.stack([each.x for each in space.interpolate(calm, calm, steps=5)])
    assert leaps(way).max() <= 12
    assert leaps(space.draw(32, temperature=1.0, keep_all=True, prior="normal").x).max() <= 12


def test_a_bass_that_clashes_with_the_melody_is_a_fault():
    tune, beat = melody((0, 60), (8, 64), (16, 67)), drums()[0]
    bass = [melody((0, 36), (8, 36), (16, pitch)) for pitch in (36, 37)]  # held for half of it
    x = torch.stack(
        [torch.stack([tune, each, beat], 1) for each in (*bass, torch.zeros_like(tune))]
    )
    assert consonance(x)[:2].tolist() == [1.0, 0.5]
    assert consonance(x)[2].isnan()
    assert of("trio").faults(x).tolist() == pytest.approx([0, 2, 0])


@pytest.mark.parametrize("kind", ["drums", "groove", "melody", "trio"])
def test_variants_are_windows_of_the_kind(kind):
    x = {
        "drums": drums()[0],
        "melody": melody((0, 60), (8, 64), (12, 67)),
        "groove": torch.cat([torch.eye(32, 9), 0.5 * torch.eye(32, 9), torch.zeros(32, 9)], 1),
        "trio": torch.stack([melody((0, 60)), melody((0, 40)), drums()[0]], 1),
    }[kind]
    found = of(kind).variants(x)
    assert found.shape[1:] == x.shape
    assert found.dtype == x.dtype
    assert len(found) > 20
    top = {"drums": 512, "melody": 90, "groove": 1.001, "trio": 512}[kind]
    assert found.min() >= (-1 if kind == "groove" else 0)
    assert found.max() < top


def test_variants_of_a_melody_move_one_note_in_time():
    """A melody on the beats is syncopated by one note that comes a sixteenth before its beat."""
    x = melody(*((at, 60 + at // 4) for at in range(0, 32, 4)))
    found = {tuple(row) for row in of("melody").variants(x).tolist()}
    early = melody(*((at - (at == 12), 60 + at // 4) for at in range(0, 32, 4)))
    late = melody(*((at + 2 * (at == 28), 60 + at // 4) for at in range(0, 32, 4)))
    assert {tuple(early.tolist()), tuple(late.tolist())} <= found
    full = melody(*((at, 60) for at in range(32)))  # no step is free
    assert all(int((row > 1).sum()) <= 32 for row in of("melody").variants(full))


def test_blended_loss_is_of_training_alone():
    torch.manual_seed(0)
    a = SequenceArchitecture(
        steps=32, classes=512, tokens="drums", latent_dim=4, embedding_dim=8, encoder_dim=8,
        decoder_dim=8, blend=1.0,
    )  # fmt: skip
    model, x = SequenceVAE(a), torch.stack(drums())
    assert model.blended_loss(x, torch.zeros(2, 4)) > 0
    posterior = model.encode(x)
    likelihood = model.log_likelihood(x, posterior.mean)
    assert model.train().loss(x).loss > model.objective(likelihood, posterior.kl()).loss
    model.eval()
    plain = SequenceVAE(SequenceArchitecture(**{**vars(a), "blend": 0.0})).eval()
    plain.load_state_dict(model.state_dict())
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    assert model.loss(x, generator=seeds[0]).loss == plain.loss(x, generator=seeds[1]).loss


def test_blends_need_one_voice_of_tokens_that_are_known():
    with pytest.raises(ValueError, match="blend"):
        SequenceArchitecture(steps=32, classes=9, tokens="plain", blend=0.5)


@pytest.mark.parametrize("name", ["drums_2bar", "melody_2bar"])
def test_the_space_moves_as_it_is_told(name):
    space = seqvae.load(name)
    a, b = drums() if name == "drums_2bar" else (
        melody((0, 60), (4, 62), (8, 64), (12, 65), (16, 67), (24, 60)),
        melody((0, 72), (2, 71), (8, 69), (10, 67), (20, 65), (28, 64)),
    )  # fmt: skip
    space = space.as_examples()

    def stacked(examples):
        return torch.stack([each.x for each in examples])

    way, own = stacked(space.interpolate(a, b)), stacked(space.reconstruct([a]))
    assert len(torch.unique(way, dim=0)) == 9
    assert torch.equal(way[0], own[0])
    near = stacked(space.similar(a, n=4, amount=0.3))
    assert len(torch.unique(torch.cat([near, own]), dim=0)) == 5
    share = space.codec.perception.difference(near, own.expand_as(near))
    assert abs(float(share.mean()) - 0.3) < 0.12
    for each in space.steered(a, [{"note_density": s} for s in (-1.0, -0.5, 0.5, 1.0)]):
        assert each.reached["note_density"] == pytest.approx(each.asked["note_density"], abs=0.3)
        assert each.missed() == []
    (unchanged,) = space.steered(a, [{"note_density": 0.0}])
    assert torch.equal(unchanged.z, space.encode([a])[0])
    assert not unchanged.reached


def test_long_windows_and_unknown_alphabets_stay_as_they_were():
    long, pulse = make_codec({"name": "melody", "bars": 16}), PulseCodec()
    for codec, temperature in ((long, 0.3), (pulse, 1.0)):
        assert (codec.default_timing, codec.default_temperature) == ("latent", temperature)
        assert not codec.settles_samples
    assert pulse.perception is None
    with pytest.raises(UsageError, match="perceived"):
        pulse.change(torch.zeros(2, 32, dtype=torch.long))


def test_samples_of_performances_keep_their_variety():
    codec = make_codec({"name": "groove", "bars": 2})
    assert (codec.default_timing, codec.default_temperature) == ("perceived", 0.65)
    assert not codec.settles_samples


def test_samples_that_nobody_would_keep() -> None:
    melody = make_codec({"name": "melody", "bars": 2})
    rows = {
        "tune": [41, 43, 45, 46, 48, 50, 52, 53],
        "chromatic": [41, 42, 43, 44, 45, 46, 47, 48],
        "leaps": [41, 60, 41, 60, 43, 62, 43, 62],
        "two": [41, 43] * 4,
        "one": [41] * 8,
    }
    x = torch.zeros(len(rows) + 1, 32, dtype=torch.long)
    for row, notes in zip(x, rows.values(), strict=False):
        row[::4] = torch.tensor(notes)
    found = dict(zip([*rows, "silence"], melody.poor(x).tolist(), strict=True))
    assert not found.pop("tune")
    assert all(found.values()), found
    drums = make_codec({"name": "drums", "bars": 2})
    hits = torch.zeros(4, 32, dtype=torch.long)
    hits[1, ::6] = 1  # three hits a bar
    hits[2, ::4] = 5
    hits[3] = 0b111000111
    assert drums.poor(hits).tolist() == [True, True, False, True]
    trio = make_codec({"name": "trio", "bars": 2})
    three = torch.stack([x[[0, 0, 1]], x[[0, 5, 0]], hits[[2, 2, 2]]], dim=-1)
    assert trio.poor(three).tolist() == [False, True, True]
