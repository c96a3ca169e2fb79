"""Model folders that mean harm are refused before memory is taken, with the reason."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from seqvae.music.domain import DOMAIN
from vaecore.errors import DataError

MOST = 60_000
"""Kilobytes that a refusal may take beyond what was in use."""


def _config(**sizes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        values = json.loads((folder / "config.json").read_text())
        values["architecture"] |= sizes
        (folder / "config.json").write_text(json.dumps(values))

    return change


def _prior(tensors: dict[str, torch.Tensor], kind: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        save_file(tensors, folder / "prior.safetensors")
        values = json.loads((folder / "config.json").read_text()) | {"prior": kind}
        (folder / "config.json").write_text(json.dumps(values))

    return change


def _holes(name: str) -> Callable[[Path], None]:
    """Return a change: a tensor of 2 GB of which nothing is on the disk."""

    def change(folder: Path) -> None:
        size = 1_000_000_000
        about = {"x": {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]}}
        header = json.dumps(about).encode()
        (folder / name).write_bytes(len(header).to_bytes(8, "little") + header)
        os.truncate(folder / name, 8 + len(header) + size)

    return change


def _attribute(name: str) -> Callable[[Path], None]:
    return lambda folder: save_file({name: torch.zeros(6)}, folder / "attributes.safetensors")


def _directions(folder: Path) -> None:
    tensors = {
        "added.a": torch.zeros(6),
        "taken.a": torch.zeros(6),
        "input.weight": torch.zeros(0, 6),
    }
    save_file(tensors | {"place": torch.zeros(1, 1 << 20)}, folder / "directions.safetensors")


def _types(folder: Path) -> None:
    save_file({"x": torch.zeros(6, dtype=torch.float8_e4m3fn)}, folder / "attributes.safetensors")


def _later(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text()) | {"format": 2, "new": "thing"}
    (folder / "config.json").write_text(json.dumps(values))


def _lost(folder: Path) -> None:
    """Say that there is a flow, and leave none."""
    values = json.loads((folder / "config.json").read_text()) | {"prior": "flow"}
    (folder / "config.json").write_text(json.dumps(values))
    (folder / "prior.safetensors").unlink(missing_ok=True)


FLOW = {f"blocks.{k}.inner.bias": torch.zeros(0) for k in range(64)}
FLOW["first.weight"] = torch.zeros(8192, 0)
HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "huge layers": (_config(decoder_dim=1 << 13, encoder_dim=1 << 13), "larger than those"),
    "many layers": (_config(decoder_layers=16, encoder_layers=16), "lacks tensor"),
    "huge code": (_config(latent_dim=1 << 13), "has shape|larger than"),
    "absurd": (_config(latent_dim=10**12), "cannot be used"),
    "negative": (_config(decoder_dim=-5), "cannot be used"),
    "huge flow": (_prior(FLOW, "flow"), "holds neither mixture nor flow"),
    "huge mixture": (
        _prior({"means": torch.zeros(5000, 6), "weights": torch.ones(5000),
                "cholesky": torch.ones(5000, 6)}, "mixture"), "at most 4,096",
    ),
    "holes in weights": (_holes("weights.safetensors"), "lacks tensor"),
    "holes in attributes": (_holes("attributes.safetensors"), "has shape"),
    "holes in prior": (_holes("prior.safetensors"), "holds neither mixture nor flow"),
    "lost prior": (_lost, "prior.safetensors: is missing; the model folder is incomplete"),
    "holes in directions": (_holes("directions.safetensors"), "holds no directions"),
    "huge directions": (_directions, "a width of 1048576"),
    "escape in a name": (_attribute("a\x1b[31m"), "which is no name"),
    "long name": (_attribute("a" * 1000), "which is no name"),
    "unknown type": (_types, "F8_E4M3, which is not read"),
    "later version": (_later, "format 2 is not 1, which this version reads; update"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_harm_is_refused_before_memory_is_taken(
    tmp_path: Path, tiny_drums: Path, name: str
) -> None:
    change, message = HOSTILE[name]
    folder = shutil.copytree(tiny_drums, tmp_path / "model")
    DOMAIN.load(folder)  # so that libraries are loaded
    change(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=message) as caught:
        DOMAIN.load(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST
    assert str(caught.value).isprintable()


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path, tiny_drums: Path) -> None:
    folder = shutil.copytree(tiny_drums, tmp_path / "model")
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        DOMAIN.load(folder)


def test_names_that_are_no_text_are_prepared(tmp_path: Path, examples: Path) -> None:
    """In the shards and in the summary they are written as they are printed."""
    from seqvae.music.data.prepare import prepare
    from seqvae.music.data.shards import ShardedWindows, read_summary

    songs = tmp_path / os.fsdecode(b"songs\xff")
    songs.mkdir()
    shutil.copy(examples / "rock.mid", songs / os.fsdecode(b"a\xfe.mid"))
    (songs / os.fsdecode(b"b\x1b.mid")).write_bytes(b"MThd")
    out = tmp_path / os.fsdecode(b"out\xff")
    summary = prepare([songs], out, "drums", workers=1, shares=(1, 0, 0))
    assert summary.files["used"] == 1
    assert list(summary.broken) == [r"songs\xff/b\x1b.mid"]
    assert read_summary(out)["sources"].keys() == {r"songs\xff"}
    assert len(ShardedWindows(out, "train")) > 0


@pytest.mark.parametrize("verb", ["humanize", "drumify", "render", "show"])
def test_all_verbs_read_what_one_of_them_reads(
    tmp_path: Path, examples: Path, boxed, verb: str
) -> None:
    """A file in RIFF with a bad key signature: no verb has a reader of its own."""
    from click.testing import CliRunner

    from seqvae.cli import command

    data = (examples / "rock.mid").read_bytes()
    at = data.index(b"MTrk") + 8
    bad = b"\x00\xff\x59\x02\x40\x07"
    size = int.from_bytes(data[at - 4 : at], "big") + len(bad)
    data = data[: at - 4] + size.to_bytes(4, "big") + bad + data[at:]
    riff = b"RIFF" + (len(data) + 12).to_bytes(4, "little") + b"RMIDdata"
    (tmp_path / "a.rmi").write_bytes(riff + len(data).to_bytes(4, "little") + data)
    output = {"show": [], "render": ["-o", tmp_path / "o.wav"]}.get(
        verb, ["-o", tmp_path / "o.mid"]
    )
    arguments = [verb, str(tmp_path / "a.rmi"), *map(str, output)]
    model = [] if verb in ("show", "render") else ["--model", "groove_2bar"]
    result = CliRunner().invoke(command(), [*arguments, *model])
    assert "unexpected" not in result.output, result.output
    assert result.exit_code == 0 or "no model 'groove_2bar'" in result.output, result.output
