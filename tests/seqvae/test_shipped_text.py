"""The text model in the box: it keeps what sentences mean, and its attributes work."""

from __future__ import annotations

import re

import pytest

import seqvae
from seqvae.text.domain import DOMAIN
from seqvae.text.evaluate import accuracies, words_kept
from seqvae.text.presets import PRESETS
from vaecore.presets import preset_names
from vaecore.space import LatentSpace

NAME = "sentences"
SENTENCES = [  # written for this project
    "A man plays a guitar.",
    "Two dogs run on the beach.",
    "A woman in a red dress is walking down the street.",
    "A group of children are playing in the water.",
    "An old man is sitting on a bench in the park.",
    "Three girls in white shirts are singing on a stage.",
    "A boy is riding a bike down a hill.",
    "A brown dog is jumping over a fence.",
    "Several people are standing in front of a building.",
    "A young woman is cooking in a kitchen.",
    "A man in a blue jacket is climbing a mountain.",
    "Two men are playing soccer on a field.",
]


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return seqvae.load(NAME)


def test_reconstructions_keep_most_words(space: LatentSpace) -> None:
    x = space.codec.encode_all(SENTENCES)
    assert words_kept(space, x) > 0.6


def test_the_posterior_has_not_collapsed(space: LatentSpace) -> None:
    figures = accuracies(space.model, space.codec.encode_all(SENTENCES))
    assert figures["kl_nats"] > 5
    # Another sentence's code tells less.
    x = space.codec.encode_all(SENTENCES)
    z = space.posterior_of(x).mean
    own = space.model.log_likelihood(x, z).mean()
    assert own > space.model.log_likelihood(x, z.roll(1, 0)).mean() + 5


def test_every_attribute_raises_its_own_property(space: LatentSpace) -> None:
    z = space.posterior_of(space.codec.encode_all(SENTENCES)).mean
    known = space.codec.properties()
    for name, vector in space.attributes.items():
        less, more = (
            known[name].of(space.decode_to_examples(z + amount * vector).numpy()).mean()
            for amount in (-1.5, 1.5)
        )
        assert more > less, name


def test_interpolation_gives_strings(space: LatentSpace) -> None:
    way = space.interpolate(*SENTENCES[:2], steps=5)
    assert [type(item) for item in way] == [str] * 5
    assert [way[0], way[-1]] == space.reconstruct(SENTENCES[:2])
    assert len(set(way)) > 2


def test_the_folder_is_light_and_its_card_tells_how_to_train_it_again() -> None:
    place = DOMAIN.folder(NAME)
    assert sum(file.stat().st_size for file in place.iterdir()) <= 12e6
    assert NAME in preset_names(PRESETS)
    card = (place / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"seqvae train --preset {NAME} .*\n$", card)
    loaded = seqvae.load(NAME)
    assert set(loaded.config.attributes) == set(loaded.attributes)
