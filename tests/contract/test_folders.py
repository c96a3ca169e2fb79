"""Model folders of every kind keep the contract."""

from __future__ import annotations

import pytest

from vaecore.testing import FolderContract, ModelUnderTest
from vaecore.testing.under_test import Fixtures


class TestFolders(FolderContract):
    """Of all tiny models of `kinds`."""


class TestShipped(Fixtures):
    """Of the models in the boxes: how they were stored, and that they are stored so again."""

    @pytest.fixture
    def under_test(self, in_a_box: ModelUnderTest) -> ModelUnderTest:
        return in_a_box

    test_bits = FolderContract.test_weights_have_the_bits_of_the_configuration
    test_saving = FolderContract.test_saving_what_was_loaded_changes_nothing
    test_rounding = FolderContract.test_rounding_to_float16_hardly_shows
    test_8_bits = FolderContract.test_8_bits_show_little_and_take_half_the_room
