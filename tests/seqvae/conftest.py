"""The seqvae command on tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seqvae.cli import command
from vaecore.domain import Domain


@pytest.fixture(scope="session", autouse=True)
def _small_pictures() -> None:
    """Trainings draw one window in place of three at each validation, which takes them longest."""
    from seqvae.music import pictures

    pictures.COLUMNS = 1


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxed: Domain):
    """Run the command in an empty folder, with tiny models in the box."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(command(), [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result

    return run
