"""Latent spaces of every kind keep the contract."""

from __future__ import annotations

import pytest

from vaecore.testing import ModelUnderTest, SpaceContract
from vaecore.testing.under_test import Fixtures


class TestSpaces(SpaceContract):
    """Of all tiny models of `kinds`."""


class TestShipped(Fixtures):
    """Of the models in the boxes what depends on their size; tiny ones like them keep the rest."""

    @pytest.fixture
    def under_test(self, in_a_box: ModelUnderTest) -> ModelUnderTest:
        return in_a_box

    test_codes = SpaceContract.test_codes_make_a_difference
    test_shapes = SpaceContract.test_shapes
    test_items_in_batches = SpaceContract.test_an_item_is_encoded_the_same_in_every_batch
    test_codes_in_batches = SpaceContract.test_a_code_is_decoded_the_same_in_every_batch
    test_draws = SpaceContract.test_a_draw_depends_on_seed_and_place_alone
    test_priors = SpaceContract.test_the_fitted_prior_has_codes_of_its_own
    test_reading = SpaceContract.test_reading_what_was_written_changes_nothing
    test_configuration = SpaceContract.test_the_codec_is_made_from_its_configuration
