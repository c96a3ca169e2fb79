"""The `facevae` command: truthful about its empty box."""

from __future__ import annotations

import json

from click.testing import CliRunner

from facevae.cli import command


def test_models_says_that_the_box_is_empty():
    result = CliRunner().invoke(command(), ["models"])
    assert result.exit_code == 0
    assert result.stdout == "There is no model in the box yet.\n"
    result = CliRunner().invoke(command(), ["models", "--json"])
    assert json.loads(result.stdout) == {"verb": "models", "models": []}


def test_there_are_no_verbs_that_cannot_work():
    assert list(command().commands) == ["models"]
    assert CliRunner().invoke(command(), ["morph"]).exit_code == 2
    assert CliRunner().invoke(command(), ["--help"]).exit_code == 0
