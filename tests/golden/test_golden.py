"""What the README's commands write, against hashes taken before the code was rearranged.

`golden.json` holds, for each command, a hash and the size of every file that it writes, and its
report. Bytes are compared where the processor and the libraries round as those of the recording do,
which a fingerprint tells; elsewhere what no rounding changes: files, sizes, numbers of notes, the
keys of the report.

    python tests/golden/test_golden.py    record anew, where a change of the outputs is meant
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden.json")
COMMANDS = """
seqvae interpolate rock.mid bossa.mid --png
seqvae interpolate rock.mid funk.mid house.mid
seqvae interpolate rock.mid bossa.mid --path lerp --steps 5 --temperature 1 --seed 3
seqvae interpolate sunrise.mid alley.mid --separate --bar 1
seqvae interpolate parade.mid parade.mid --all
seqvae interpolate shuffle.mid samba.mid
seqvae palette sunrise.mid alley.mid fountain.mid harbour.mid
seqvae sample -n 8
seqvae sample -n 4 --model melody_2bar --seed 1
seqvae sample -n 4 --model melody_2bar --prior normal --seed 1
seqvae sample -n 4 --model groove_2bar
seqvae similar alley.mid -n 4
seqvae edit rock.mid --add syncopation=1
seqvae edit sunrise.mid --add note_density=-1 --add average_pitch=0.5
seqvae edit sunrise.mid --add note_density=1 --sweep=-1:1:3
seqvae reconstruct rock.mid funk.mid
seqvae reconstruct shuffle.mid
seqvae humanize rock.mid
seqvae drumify taps.mid
seqvae analyze rock.mid funk.mid house.mid bossa.mid
seqvae attribute --with funk.mid --without rock.mid --name funky
seqvae edit house.mid --vectors funky.safetensors --add funky=0.7
seqvae interpolate --model sentences "A man plays a guitar ." "Two dogs run on the beach ." --steps 5
seqvae edit "A man plays a guitar ." --add several=1
seqvae similar "A boy is riding a bike down a hill ." -n 4 --amount 0.6
seqvae sample --model sentences -n 8
seqvae reconstruct "A man plays a guitar ."
facevae morph ada.png bob.png -o m.png
facevae morph ada.png bob.png cleo.png --bounce -o film.gif
facevae edit ada.png --add Smiling=1 --add Eyeglasses=1
facevae palette ada.png bob.png cleo.png dan.png
facevae sample -n 24
facevae similar cleo.png -n 6
facevae reconstruct ada.png bob.png cleo.png dan.png
""".strip().splitlines()  # noqa: E501


def fingerprint() -> dict[str, str]:
    """Return what decides how numbers are rounded and files are packed."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 129, 257, generator=generator)
    product = torch.tanh(a @ b.T).numpy().tobytes()
    names = ("torch", "pillow", "mido", "pretty_midi", "matplotlib", "safetensors")
    return {
        "machine": platform.machine(),
        "product": hashlib.sha256(product).hexdigest()[:16],
        **{name: version(name) for name in names},
    }


def run(command: str, folder: Path) -> dict[str, Any]:
    """Run a command in a folder; return its files and its report."""
    package, *arguments = shlex.split(command)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    result = CliRunner().invoke(import_module(f"{package}.cli").command(), [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    report.pop("elapsed_seconds", None)
    written = (p for p in folder.iterdir() if p.stat().st_mtime_ns != before.get(p))
    return {"files": {path.name: about(path) for path in sorted(written)}, "report": report}


def about(path: Path) -> dict[str, Any]:
    """Return the hash of a file and how large its content is."""
    found: dict[str, Any] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:16]}
    if path.suffix == ".mid":
        import pretty_midi

        music = pretty_midi.PrettyMIDI(str(path))
        return found | {"notes": sum(len(track.notes) for track in music.instruments)}
    if path.suffix in (".png", ".gif"):
        from PIL import Image

        with Image.open(path) as picture:
            return found | {"size": [*picture.size, getattr(picture, "n_frames", 1)]}
    return found | {"bytes": path.stat().st_size}


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples, in which the commands run in their order."""
    return shutil.copytree(ROOT / "data", tmp_path_factory.mktemp("golden") / "data")


@pytest.fixture
def outputs(
    data: Path, monkeypatch: pytest.MonkeyPatch, loaded_once: None
) -> Callable[[str], dict[str, Any]]:
    """Run a command in the folder of examples, with one thread as when it was recorded."""
    monkeypatch.chdir(data)
    monkeypatch.setenv("COLUMNS", "100")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield lambda command: run(command, data)
    torch.set_num_threads(threads)


def test_all_commands_are_recorded(golden: dict[str, Any]) -> None:
    assert list(golden["commands"]) == COMMANDS


@pytest.mark.xdist_group("golden")
@pytest.mark.parametrize("command", COMMANDS)
def test_outputs_are_as_before(
    golden: dict[str, Any], outputs: Callable[[str], dict[str, Any]], command: str
) -> None:
    if "--vectors" in command:  # of the command before it, which may run in another process
        outputs(COMMANDS[COMMANDS.index(command) - 1])
    expected, found = golden["commands"][command], outputs(command)
    if golden["fingerprint"] == fingerprint():
        assert found == expected
        return
    draws = " sample " in command or "--temperature" in command
    assert keys(found["report"]) == keys(expected["report"])
    assert list(found["files"]) == list(expected["files"])
    for name, file in expected["files"].items():
        other = found["files"][name]
        if "notes" in file:  # a draw may turn out otherwise at every step
            assert other["notes"] == pytest.approx(file["notes"], rel=0.25 if draws else 0.02)
        else:
            assert {**other, "sha256": ""} == {**file, "sha256": ""}


def keys(report: Any) -> Any:
    """Return the keys of a report, and of what is in it."""
    if isinstance(report, dict):
        return {key: keys(value) for key, value in report.items()}
    return [keys(each) for each in report] if isinstance(report, list) else None


def record() -> None:
    """Write golden.json anew."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(shutil.copytree(ROOT / "data", Path(folder) / "data"))
        os.chdir(data)
        found = {command: run(command, data) for command in COMMANDS}
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in found.items())
    about = json.dumps(fingerprint())
    text = f'{{\n "fingerprint": {about},\n "commands": {{\n{rows}\n }}\n}}\n'
    GOLDEN.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    record()
