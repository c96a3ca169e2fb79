"""Every kind of file has one way in, which refuses what is no such file before it is read."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaecore import parsing, reading
from vaecore.errors import DataError, UsageError

ROOT = Path(__file__).resolve().parents[2]

_READS = re.compile(
    r"(?<![\w.])open\(|\bos\.open\(|\.open\((?!file|self|path\))|\.read_bytes\(\)"
    r"|(?<!reading)\.read_text\(|\byaml\.(safe_)?load|\bjson\.loads?\(|\btorch\.load\("
    r"|\bload_file\(|\bsafe_open\(|\bnp\.(load|loadtxt|fromfile|memmap)\(|\bPrettyMIDI\([\"'p]"
    r"|\bMidiFile\((?!\w*=|\)|self)|\bImage\.open\(|\bParquetFile\(|\bpickle\.loads?\("
)
ALLOWED = {
    # The one place.
    "vaecore/reading.py": 1,
    "vaecore/parsing.py": 2,
    # Handed what was checked there.
    "vaecore/training/checkpoint.py": 1,
    "seqvae/music/reading/beats.py": 1,
    "seqvae/music/reading/container.py": 1,
    "seqvae/music/magenta/importing.py": 1,
    "seqvae/music/data/shards.py": 1,
    "facevae/images.py": 2,
    # What the program wrote itself a moment ago, or the system did.
    "vaecore/cli/main.py": 1,
    "vaecore/files.py": 2,
    "vaecore/studio/verbs.py": 1,
    # What comes along with the program.
    "vaecore/page/bundle.py": 1,
    "vaecore/page/html.py": 2,
    "vaecore/studio/app.py": 1,
    "vaecore/studio/page.py": 1,
    "seqvae/music/data/streaming.py": 1,
    "seqvae/music/data/child.py": 4,
    "seqvae/music/data/guard.py": 1,
    "seqvae/music/data/journal.py": 1,
    "seqvae/sequences/affine.py": 1,
    "vaecore/film.py": 1,
}
"""Lines that may open or decode something, by file. More of them: use `vaecore.reading`."""


def test_nothing_else_opens_or_decodes_files() -> None:
    found: dict[str, list[str]] = {}
    for package in ("vaecore", "seqvae", "facevae"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            lines = [
                line.strip()
                for line in path.read_text().splitlines()
                if _READS.search(line.split("#")[0]) and "def open" not in line
            ]
            if lines and not name.startswith("vaecore/testing/"):
                found[name] = lines
    more = {name: lines for name, lines in found.items() if len(lines) > ALLOWED.get(name, 0)}
    assert not more, more


def _preset(path: Path) -> object:
    from seqvae.music.presets import Preset

    return Preset.load("x", path=path)


def _score(path: Path) -> object:
    from seqvae.music.reading.midi import read_score

    return read_score(path)


def _beats(path: Path) -> object:
    song = path.parent / "song.mid"
    song.write_bytes((ROOT / "data/rock.mid").read_bytes())
    os.rename(path, path.parent / "song.beats.txt")
    return _score(song)


def _soundfont(path: Path) -> object:
    from seqvae.music.presentation.sound import synthesize
    from seqvae.music.reading.playing import playable

    return synthesize(playable(ROOT / "data/rock.mid"), path)


def _sentences(path: Path) -> object:
    from seqvae.text.data import read_sentences

    return read_sentences([path])


def _kit(path: Path) -> object:
    from seqvae.music.representations.parts.kits import kit

    return kit(path)


def _summary(path: Path) -> object:
    from seqvae.music.data.shards import read_summary

    os.rename(path, path.parent / "summary.json")
    return read_summary(path.parent)


def _shard(path: Path) -> object:
    from seqvae.music.data.shards import read_windows

    os.rename(path, path.parent / "train-00000.parquet")
    return read_windows(path.parent, "train")


def _config(path: Path) -> object:
    from vaecore.config import read_config

    os.rename(path, path.parent / "config.json")
    return read_config(path.parent)


def _tensors(path: Path) -> object:
    from vaecore.folder import read_tensors

    return read_tensors(path)


def _labels(path: Path) -> object:
    from facevae.data.labels import read_labels

    return read_labels(path)


def _image(path: Path) -> object:
    from facevae.images import read_image

    return read_image(path)


def _classifier(path: Path) -> object:
    from facevae.classifier import load_classifier

    return load_classifier(path)


DOORS: dict[str, tuple[Callable[[Path], object], reading.Kind]] = {
    "recipes": (_preset, reading.RECIPES),
    "score": (_score, reading.MUSIC),
    "beats": (_beats, reading.BEATS),
    "SoundFont": (_soundfont, reading.SOUNDFONT),
    "sentences": (_sentences, reading.SENTENCES),
    "drum map": (_kit, reading.DRUM_MAP),
    "summary": (_summary, reading.SUMMARY),
    "shard": (_shard, reading.SHARD),
    "configuration": (_config, reading.CONFIGURATION),
    "tensors": (_tensors, reading.TENSORS),
    "labels": (_labels, reading.LABELS),
    "image": (_image, reading.IMAGE),
    "classifier": (_classifier, reading.TENSORS),
}
"""A reader of each kind of file. One that finds no file of beats takes the bars of the song."""


def _pipe(path: Path, kind: reading.Kind) -> None:
    os.mkfifo(path)


def _device(path: Path, kind: reading.Kind) -> None:
    path.symlink_to("/dev/zero")


def _socket(path: Path, kind: reading.Kind) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _holes(path: Path, kind: reading.Kind) -> None:
    path.touch()
    os.truncate(path, kind.most + 1)


def _bytes(path: Path, kind: reading.Kind) -> None:
    path.write_bytes(bytes(range(1, 256)) * 8)


NO_FILES = {
    "pipe": (_pipe, "is not a regular file"),
    "device": (_device, "is not a regular file"),
    "socket": (_socket, "is not a regular file"),
    "empty": (lambda path, kind: path.touch(), "is empty"),
    "holes": (_holes, "is too large"),
    "bytes": (_bytes, ""),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of Unix")
@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_file_of_its_kind_is_refused_before_it_is_read(
    tmp_path: Path, door: str, what: str
) -> None:
    (read, kind), (make, message) = DOORS[door], NO_FILES[what]
    make(tmp_path / "given", kind)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((DataError, UsageError)) as caught:
        read(tmp_path / "given")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown / 1000:.0f} MB before the refusal"  # libraries included


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "deep"),
        ("[" * 40 + "]" * 40, "deep"),
        ("[" + "0," * 1_000_000 + "0]", "more than"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1', "line 1, column"),
        ("1" * 5000, "limit"),
    ],
)
def test_json_is_bounded(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsing.parse_json(text)


def _bomb(levels: int, copies: int) -> str:
    """Return YAML of a few hundred bytes that stands for copies ** levels values."""
    lines = ["a0: &a0 [x]"]
    for k in range(1, levels):
        lines.append(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * copies)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_bomb(9, 7), "more than"),
        (_bomb(20, 9), "aliases"),
        ("a: &a [*a]", "deep|more"),
        ("[" * 5000, "deep|flow"),
        ("a: 1\na: 2", "twice"),
        ("a: !!python/object/apply:os.system [true]", "constructor"),
        ("a: [1, 2", "line"),
        ("? [1, 2]\n: 3", "unhashable|hash"),
    ],
)
def test_yaml_is_bounded(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsing.parse_yaml(text)


def test_yaml_has_what_recipes_need() -> None:
    text = "one: &one {rate: 1e-3, n: 4}\ntwo: {<<: *one, n: 5}"
    values: Any = parsing.parse_yaml(text)
    assert values == {"one": {"rate": 0.001, "n": 4}, "two": {"rate": 0.001, "n": 5}}


def test_a_file_that_may_not_be_read_is_data_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    import facevae.cli
    import seqvae.cli

    path = tmp_path / "mine.mid"
    path.write_bytes((ROOT / "data/rock.mid").read_bytes())
    real = os.open

    def refuse(name: Any, *rest: Any, **options: Any) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(name, *rest, **options)

    # The rights of a file do not bind root, as which tests may run.
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    for command, verbs in (
        (seqvae.cli.command, (["show"], ["reconstruct"], ["humanize"])),
        (facevae.cli.command, (["reconstruct"],)),
    ):
        for verb in verbs:
            result = CliRunner().invoke(command(), [*verb, str(path)])
            assert result.exit_code == 1, (verb, result.output)
            reason = "cannot be read (permission denied); check the name and its rights"
            assert result.output == f"Error: {path}: {reason}\n"


def test_a_folder_that_cannot_be_read_is_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds would be missing from shards, or from what is measured, without a word."""
    from click.testing import CliRunner

    import facevae.cli
    import seqvae.cli

    locked, real = tmp_path / "in" / "locked", os.scandir
    locked.mkdir(parents=True)
    for name in ("rock.mid", "ada.png"):
        shutil.copy(ROOT / "data" / name, tmp_path / "in")

    def refuse(path: Any = ".") -> Any:
        if os.fspath(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(locked))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    out = str(tmp_path / "out")
    for command, verb in (
        (seqvae.cli.command, ["prepare", str(locked.parent), "-o", out]),
        (seqvae.cli.command, ["evaluate", str(locked.parent)]),
        (facevae.cli.command, ["align", str(locked.parent), "-o", out]),
    ):
        result = CliRunner().invoke(command(), verb)
        assert result.exit_code == 1, (verb, result.output)
        reason = "cannot be read (permission denied); check the name and its rights"
        assert result.output == f"Error: {locked}: {reason}\n"


@pytest.mark.parametrize(
    "representation", [{}, {"name": "drums"}, {"name": 3, "bars": 2}, {"name": "drums", "bars": 0}]
)
def test_a_summary_without_a_representation(
    tmp_path: Path, representation: dict[str, object]
) -> None:
    import json

    from seqvae.music.data.shards import read_summary

    counts = {"train": 1, "validation": 1, "test": 1}
    about = {"representation": representation, "windows": counts, "sources": {}}
    (tmp_path / "summary.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match=r"summary\.json: is not a summary of shards: its repr"):
        read_summary(tmp_path)
