"""Contracts of all models, as test classes that a domain inherits; only this needs pytest.

    under_test    a model folder under test, with codes and examples that tests share
    spaces        `SpaceContract`: encoding, decoding and all operations of a latent space
    folders       `FolderContract`: a folder loads as it was saved, and a changed one is refused
    logits        `LogitsContract`: models of categories, whose decoder has logits

A test module defines the fixture `under_test`, which returns a `ModelUnderTest`, and a class for
each contract:

    class TestSpace(SpaceContract): ...

"A domain of your own" (docs/domain.md) has an example that runs.
"""

from __future__ import annotations

import pytest

# Before these modules are imported, so that a failed assertion shows its values.
pytest.register_assert_rewrite(
    "vaecore.testing.spaces", "vaecore.testing.folders", "vaecore.testing.logits"
)

from vaecore.testing.folders import FolderContract  # noqa: E402
from vaecore.testing.logits import LogitsContract  # noqa: E402
from vaecore.testing.spaces import SpaceContract  # noqa: E402
from vaecore.testing.under_test import ModelUnderTest, PlainCodec  # noqa: E402

__all__ = ["FolderContract", "LogitsContract", "ModelUnderTest", "PlainCodec", "SpaceContract"]
