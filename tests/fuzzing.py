"""Every door with damaged files: real ones, changed as a bad copy or a bad program changes them.

A door is what reads one kind of file. It may read what it gets, or refuse it in one line; any other
exception is a fault. `tests/contract/test_fuzz.py` tries a few of each, chosen by hypothesis, and
`python -m tools.fuzz` as many as there is time for.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fuzzing_outside import DOORS as OUTSIDE
from midi_changes import changed_events

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT), str(ROOT / "tests/vaecore")]

Change = tuple[int, float, int, int]
"""What is done, where (share of the file), to how many bytes, with which value."""

TOKENS = (
    b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80" * 4, b"MTrk", b"MThd",
    b"-1", b"NaN", b"1e999", b"null", b"[]", b"{}", b'"', b"\n", b"\x1b[31m", b"../../",
    b"99999999999999", b"&a [*a]", b"\xed\xa0\x80", b"\xef\xbb\xbf",
)  # fmt: skip
"""What programs trip over."""
WAYS = 7


def changed(data: bytes, changes: Sequence[Change]) -> bytes:
    """Return a file after some changes, one after the other."""
    content = bytearray(data)
    for way, share, size, value in changes:
        at = int(share * len(content))
        end = min(at + 1 + size, len(content))
        token = TOKENS[value % len(TOKENS)]
        if way == 0 and at < len(content):  # a flipped bit
            content[at] ^= 1 << value % 8
        elif way == 1:  # bytes overwritten
            content[at : at + len(token)] = token
        elif way == 2:  # bytes put in between
            content[at:at] = token
        elif way == 3:  # a gap
            del content[at:end]
        elif way == 4:  # a part that comes twice
            content[at:at] = content[at:end]
        elif way == 5:  # cut off
            del content[max(at, 1) :]
        elif at < len(content):  # a part of one value
            content[at:end] = bytes([value % 256]) * (end - at)
    return bytes(content)


class Door(NamedTuple):
    """A reader, and whole files of its kind."""

    read: Callable[[Path], object]
    """Called with a file in a folder of its own."""
    name: str
    """What the file is called."""
    seeds: Callable[[], list[bytes]]
    change: Callable[[bytes, Sequence[Change]], bytes] = changed
    """How its files are damaged."""


def _files(*patterns: str, most: int = 40_000) -> Callable[[], list[bytes]]:
    def read() -> list[bytes]:
        found = [path for each in patterns for path in sorted(ROOT.glob(each))]
        return [path.read_bytes() for path in found if path.stat().st_size <= most]

    return read


def _music(path: Path) -> None:
    from seqvae.music.presentation import grid_of_item, text_roll
    from seqvae.music.reading.midi import read_score
    from seqvae.music.representations import make_codec

    score = read_score(path)
    for kind in ("drums", "melody"):
        make_codec({"name": kind, "bars": 2}).find(score, chosen=True)
    text_roll(grid_of_item(score).lines(16)[0], 80)


def _song(path: Path) -> None:
    from seqvae.music.reading.playing import playable

    playable(path)


def _image(path: Path) -> None:
    from facevae.images import read_image

    read_image(path)


def _labels(path: Path) -> None:
    from facevae.data.labels import read_labels

    read_labels(path)


def _sentences(path: Path) -> None:
    from seqvae.text.data import read_sentences

    read_sentences([path])


def _recipe(path: Path) -> None:
    from seqvae.music.presets import Preset
    from vaecore.presets import preset_names

    for name in preset_names(path)[:1]:
        Preset.load(name, path=path)


def _kit(path: Path) -> None:
    from seqvae.music.representations.parts.kits import kit

    kit(path)


def _summary(path: Path) -> None:
    from seqvae.music.data.shards import read_summary

    read_summary(path.parent)


def _shard(path: Path) -> None:
    from seqvae.music.data.shards import read_windows

    read_windows(path.parent, "train")


def _model(path: Path) -> None:
    from lines import make_domain

    for whole in _model_folder().iterdir():
        if whole.name != path.name:
            shutil.copy(whole, path.parent)
    space = make_domain(path.parent).load(path.parent)
    space.sample(1)


@cache
def _model_folder() -> Path:
    import tempfile

    from lines import make_domain, save_model

    folder = Path(tempfile.mkdtemp(prefix="vae-fuzz-")) / "plain"
    return save_model(make_domain(folder.parent), folder)


def _of_model(name: str) -> Callable[[], list[bytes]]:
    return lambda: [(_model_folder() / name).read_bytes()]


def _directions() -> list[bytes]:
    import torch
    from lines import make_domain
    from safetensors.torch import save

    from vaecore.directions import Directions

    space = make_domain(_model_folder().parent).load(_model_folder())
    torch.manual_seed(1)
    network = Directions(list(space.attributes), space.latent_dim, width=4, blocks=1)
    return [save({k: t.detach().contiguous() for k, t in network.state().items()})]


def _edited(path: Path) -> None:
    import torch
    from lines import make_domain

    for whole in _model_folder().iterdir():
        shutil.copy(whole, path.parent)
    space = make_domain(path.parent).load(path.parent)
    space.added(torch.zeros(1, space.latent_dim), [dict.fromkeys(space.attributes, 1.0)])


def _shards() -> list[bytes]:
    import tempfile

    import numpy as np

    from seqvae.music.data.shards import ShardWriter, window_table

    folder = Path(tempfile.mkdtemp(prefix="vae-fuzz-"))
    rows = np.arange(320, dtype=np.uint16).reshape(10, 32)
    with ShardWriter(folder, "train", 32) as writer:
        writer.add(window_table(rows, ["a.mid"] * 10, range(10), [120.0] * 10, [0] * 10))
    data = (folder / "train-00000.parquet").read_bytes()
    shutil.rmtree(folder)
    return [data]


def _summaries() -> list[bytes]:
    counts = {"train": 3, "validation": 1, "test": 1}
    about = {"representation": {"name": "drums", "bars": 2}, "windows": counts, "sources": {}}
    return [json.dumps(about).encode()]


TABLES = (
    b"image,Smiling,Hat\na.jpg,1,-1\nb.jpg,0,1\n",
    b"2\nSmiling Hat\na.jpg  1 -1\nb.jpg -1  1\n",
)


@cache
def _training() -> tuple[object, bytes]:
    """Return the module of a small training, and its checkpoint."""
    import tempfile

    from trained import make_model, train

    from vaecore.training.config import TrainingConfig
    from vaecore.training.module import TrainingModule

    folder = Path(tempfile.mkdtemp(prefix="vae-fuzz-"))
    _, result = train(folder, max_steps=5)
    data = result.checkpoint.read_bytes()
    shutil.rmtree(folder)
    config = TrainingConfig(max_steps=5, precision="32")
    return TrainingModule(make_model(), config), data


def _checkpoint(path: Path) -> None:
    from vaecore.training.checkpoint import check

    check(path, _training()[0])


@cache
def _text_codec() -> object:
    from seqvae.text.domain import DOMAIN
    from vaecore.config import read_config

    return DOMAIN.make_codec(read_config(DOMAIN.box / "sentences").representation)


def _sentence(path: Path) -> None:
    """Read a sentence as it is typed: Python keeps bytes that are no UTF-8 as surrogates."""
    import os

    from seqvae.cli.text import TextPresentation
    from seqvae.text.domain import DOMAIN
    from vaecore.cli.job import Job

    typed = Path(os.fsdecode(path.read_bytes().replace(b"\0", b"").replace(b"/", b"") or b"x"))
    for each in Job(TextPresentation(DOMAIN), "interpolate").read([typed]):
        for sentence in each.content:
            _text_codec().encode(sentence)


_MIDI = _files("data/*.mid", "tests/cases/*.mid", most=6000)
_WHOLE = _files("data/*.mid", most=6000)

DOORS: dict[str, Door] = {
    "music": Door(_music, "a.mid", _MIDI),
    "song": Door(_song, "a.mid", _MIDI),
    "events": Door(_music, "a.mid", _WHOLE, changed_events),
    "played events": Door(_song, "a.mid", _WHOLE, changed_events),
    "image": Door(_image, "a.png", _files("data/*.png", "data/*.jpg")),
    "labels": Door(_labels, "a.csv", lambda: [*TABLES]),
    "sentences": Door(_sentences, "a.txt", lambda: ["A cat.\nEin Bär läuft.\n".encode() * 9]),
    "recipe": Door(_recipe, "a.yaml", _files("seqvae/music/presets.yaml")),
    "drum map": Door(_kit, "a.yaml", lambda: [b"36: kick\nD2: snare\nmiddle_c: C3\n42: 42\n"]),
    "summary": Door(_summary, "summary.json", _summaries),
    "shard": Door(_shard, "train-00000.parquet", _shards),
    "configuration": Door(_model, "config.json", _of_model("config.json")),
    "weights": Door(_model, "weights.safetensors", _of_model("weights.safetensors")),
    "attributes": Door(_model, "attributes.safetensors", _of_model("attributes.safetensors")),
    "checkpoint": Door(_checkpoint, "last.ckpt", lambda: [_training()[1]]),
    "sentence": Door(_sentence, "typed", lambda: [b"a man rides a horse .", b"two dogs"]),
    "prior": Door(_model, "prior.safetensors", _of_model("prior.safetensors")),
    "directions": Door(_edited, "directions.safetensors", _directions),
    **{name: Door(*each) for name, each in OUTSIDE.items()},
}


def outcome(door: Door, data: bytes, folder: Path) -> str:
    """Return what a door makes of a file: "read", or "refused: ...".

    Anything but a refusal in one line that can be printed is raised.
    """
    from vaecore.errors import DataError, UsageError, printable

    folder.mkdir()
    try:
        (folder / door.name).write_bytes(data)
        door.read(folder / door.name)
    except (DataError, UsageError) as error:
        text = str(error)
        assert text == printable(text), repr(text)
        assert len(text) < 2000, len(text)
        return f"refused: {error.problem if isinstance(error, DataError) else text}"
    finally:
        shutil.rmtree(folder)
    return "read"
