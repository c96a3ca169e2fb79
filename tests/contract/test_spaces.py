"""Latent spaces of every kind keep the contract."""

from __future__ import annotations

from vaecore.testing import SpaceContract


class TestSpaces(SpaceContract):
    """Of all models of the conftest."""
