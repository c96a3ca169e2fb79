"""Model folders of every kind keep the contract."""

from __future__ import annotations

from vaecore.testing import FolderContract


class TestFolders(FolderContract):
    """Of all models of the conftest."""
