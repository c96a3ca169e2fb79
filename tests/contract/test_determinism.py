"""The same seed gives the same bytes: what docs/trust.md promises, with tiny models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
A, B, C, D = (str(ROOT / f"data/{name}.mid") for name in ("rock", "bossa", "funk", "shuffle"))
ADA, BOB = (str(ROOT / f"data/{name}.png") for name in ("ada", "bob"))
MUSIC: dict[str, list[str]] = {
    "interpolation.mid": ["interpolate", A, B, "--steps", "4"],
    "warm.mid": ["interpolate", A, B, "--steps", "3", "--temperature", "0.7", "--seed", "5"],
    "palette.mid": ["palette", A, B, C, D, "--rows", "3", "--columns", "3"],
    "sample.mid": ["sample", "-n", "4", "--seed", "3"],
    "reconstruct.mid": ["reconstruct", A, C],
    "edit.mid": ["edit", A, "--add", "note_density=1"],
    "similar.mid": ["similar", A, "-n", "3", "--seed", "2"],
    "page.html": ["interpolate", A, B, "--steps", "3"],
    "mine.safetensors": ["attribute", "--name", "mine", "--with", A, "--without", B],
}
IN_THE_BOX: dict[str, list[str]] = {
    "human.mid": ["humanize", A],
    "drums.mid": ["drumify", A],
    "sound.wav": ["render", A],
}
"""Verbs of music that want a model of their own kind, or none."""
SHOWN: dict[str, list[str]] = {
    "evaluate": ["evaluate", A, B, "--json"],
    "analyze": ["analyze", A, B, C, "--json"],
    "show": ["show", A],
}
"""Verbs of music whose result is what they print."""
FACES: dict[str, list[str]] = {
    "morph.png": ["morph", ADA, BOB, "--steps", "3", "--no-align"],
    "faces.png": ["sample", "-n", "3", "--seed", "3"],
    "again.png": ["reconstruct", ADA, "--no-align"],
    "like.png": ["similar", ADA, "-n", "2", "--seed", "2", "--no-align"],
    "grid.png": ["palette", ADA, BOB, "--columns", "3", "--no-align"],
}


def run_all(folder: Path, music: str, faces: str) -> None:
    """Run the verbs in a folder."""
    import facevae.cli
    import seqvae.cli

    os.chdir(folder)

    def run(command: Any, *arguments: str) -> str:
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == 0, (arguments, result.output)
        return result.stdout

    drums, pictures = seqvae.cli.command(), facevae.cli.command()
    for name, verb in MUSIC.items():
        run(drums, *verb, "--model", music, "-o", name)
    run(drums, "page", music, "-o", "model.html")
    for name, verb in IN_THE_BOX.items():
        run(drums, *verb, "-o", name)
    for name, verb in SHOWN.items():
        model = () if name == "show" else ("--model", music)
        text = run(drums, *verb, *model)
        Path(name).write_text(re.sub(r'"elapsed_seconds": [\d.]+', "", text))
    for name, verb in FACES.items():
        run(pictures, *verb, "--model", faces, "-o", name)


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, tiny_drums: Path, tiny_faces: Path
) -> tuple[Path, tuple[str, str], dict[str, bytes]]:
    """A folder, the models, and what the verbs write in this process."""
    folder = tmp_path_factory.mktemp("verbs")
    found = str(tiny_drums), str(tiny_faces)
    (folder / "here").mkdir()
    before = Path.cwd()
    try:
        run_all(folder / "here", *found)
    finally:
        os.chdir(before)
    return folder, found, contents(folder / "here")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_another_process_with_another_number_of_threads(models: Any) -> None:
    folder, spaces, expected = models
    (folder / "there").mkdir()
    script = (
        "import sys; from pathlib import Path; sys.path += sys.argv[1:4]\n"
        "from test_determinism import run_all; run_all(Path(sys.argv[4]), *sys.argv[5:])"
    )
    places = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/contract"), str(folder / "there")]
    subprocess.run(
        [sys.executable, "-c", script, *places, *spaces],
        env={**os.environ, "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
        check=True,
    )
    found = contents(folder / "there")
    assert found.keys() == expected.keys()
    different = [name for name in found if found[name] != expected[name]]
    # Faces are computed by all threads, whose sums may round in another way.
    assert not [name for name in different if not name.endswith(".png")]
    for name in different:
        assert nearly(folder / "here" / name, folder / "there" / name), name


def nearly(one: Path, other: Path) -> bool:
    """Whether pictures differ by at most 1 of 255."""
    import numpy as np
    from PIL import Image

    a, b = (np.asarray(Image.open(path).convert("RGB"), np.int16) for path in (one, other))
    return a.shape == b.shape and int(np.abs(a - b).max()) <= 1


def load_music(place: str) -> Any:
    import seqvae

    return seqvae.load(place)


def load_faces(place: str) -> Any:
    import facevae

    return facevae.load(place)


@pytest.mark.parametrize(("load", "number", "items"), [(load_music, 0, [A, B, C, D]),
                                                       (load_faces, 1, [ADA, BOB])])  # fmt: skip
def test_what_is_beside_an_input_and_how_many_results_there_are(
    models: Any, load: Callable[[str], Any], number: int, items: list[str]
) -> None:
    space = load(models[1][number])
    together = space.posterior(items).mean
    apart = torch.cat([space.posterior([item]).mean for item in items])
    assert torch.equal(together, apart)
    few = space.draw(3, seed=5).x
    assert torch.equal(space.draw(11, seed=5).x[:3], few)
    alone = torch.cat([space.decode_to_examples(z[None], seed=5) for z in together])
    assert torch.equal(space.decode_to_examples(together, seed=5), alone)
