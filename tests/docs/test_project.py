"""What a project has beside its code: one version, licences for all models, the checks of CI."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import facevae
import seqvae
import vaecore

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted(path.parent.name for path in ROOT.glob("*/models/*/config.json"))


def test_the_version_stands_in_one_place() -> None:
    assert vaecore.__version__ == seqvae.__version__ == facevae.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", vaecore.__version__)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert 'path = "vaecore/__init__.py"' in project
    release = vaecore.__version__.partition(".dev")[0]
    assert f"## [{release}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    ["README.md", "MODEL_LICENSES.md", "CONTRIBUTING.md", "docs/box.md", "docs/data_sources.md"],
)
def test_all_models_are_named(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [name for name in MODELS if f"`{name}`" not in text] == []


def test_pre_commit_has_checks_of_ci() -> None:
    hooks = re.findall(
        r"entry: (.+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    )
    assert len(hooks) == 4
    steps = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert all(hook in (step.removesuffix(" .") for step in steps) for hook in hooks)


@pytest.mark.parametrize("command", ["seqvae", "facevae"])
@pytest.mark.parametrize("module", ["{}", "{}.cli"])
def test_commands_are_modules(command: str, module: str) -> None:
    program = [sys.executable, "-m", module.format(command), "--help"]
    result = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"Usage: {command} ")


def test_lists_of_files_are_digests() -> None:
    lists = sorted((ROOT / "docs/data_files").iterdir())
    page = (ROOT / "docs/data_sources.md").read_text(encoding="utf-8")
    for path in lists:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert all(re.fullmatch(r"[0-9a-f]{64}  \S.*\.mid", line) for line in lines), path
        row = next(
            line for line in page.splitlines() if f"({path.parent.name}/{path.name})" in line
        )
        assert f"| {len(lines)} " in row, path
