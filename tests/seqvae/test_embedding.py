"""Token embeddings: what tokens are made of, and that related tokens are related."""

from __future__ import annotations

import pytest
import torch

from seqvae.music.representations import alphabet_of
from seqvae.music.representations.alphabet import HITS, NOTES, PLAIN
from seqvae.sequences.embedding import TokenEmbedding


def test_a_drum_token_is_its_drums() -> None:
    features = torch.from_numpy(HITS.features(512))
    assert features.shape == (512, 10)
    assert features[0].tolist() == [0] * 9 + [1]  # silence is a feature of its own
    assert features[1].tolist() == [1] + [0] * 9  # bit 0 is the kick
    assert features[0b100000101].tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 1, 0]


def test_a_melody_token_is_an_event_or_a_pitch_in_an_octave() -> None:
    features = torch.from_numpy(NOTES.features(90))
    event, pitch_class, octave = features.split([3, 12, 8], dim=1)
    assert event[:3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert pitch_class[:2].sum() == octave[:2].sum() == 0
    assert (pitch_class[2:].sum(1) == 1).all()
    assert (octave[2:].sum(1) == 1).all()
    assert torch.equal(pitch_class[5], pitch_class[5 + 12])
    assert not torch.equal(octave[5], octave[5 + 12])
    assert pitch_class[2, 0] == octave[2, 0] == octave[13, 0] == octave[14, 1] == octave[89, 7] == 1
    assert len(torch.unique(features, dim=0)) == 90


def test_other_ranges_of_pitches_have_features_too() -> None:
    for classes in (3, 14, 15, 26, 40):
        features = torch.from_numpy(NOTES.features(classes))
        assert len(torch.unique(features, dim=0)) == classes
        assert (features.sum(0) > 0)[:3].all()


def test_plain_tokens_have_no_features() -> None:
    assert PLAIN.features(7).shape == (7, 0)
    with pytest.raises(ValueError, match=r"tokens must be one of .*, got 'chords'"):
        alphabet_of("chords")


def test_an_embedding_is_the_sum_of_its_parts() -> None:
    embedding = HITS.embedding(512, 5)
    assert isinstance(embedding, TokenEmbedding)
    tokens = torch.tensor([[5, 0], [511, 5]])
    assert embedding(tokens).shape == (2, 2, 5)
    expected = embedding.of_token[5] + embedding.of_feature[0] + embedding.of_feature[2]
    torch.testing.assert_close(embedding(tokens)[0, 0], expected)
    torch.testing.assert_close(embedding(tokens)[1, 1], expected)
    torch.testing.assert_close(embedding.table()[5], expected)


def test_features_are_not_stored() -> None:
    assert set(NOTES.embedding(90, 4).state_dict()) == {"of_token", "of_feature"}
