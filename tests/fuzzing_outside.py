"""Doors of what other programs make, a part of the table of `fuzzing`: packed music and scores,
lists of beats, Magenta's checkpoints, and what is sent to the studio."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SONG = ROOT / "data/rock.mid"
Read, Seeds = Callable[[Path], object], Callable[[], list[bytes]]

# Music


def _score(path: Path) -> None:
    from seqvae.music.reading.midi import read_score

    read_score(path)


def _beats(path: Path) -> None:
    shutil.copy(SONG, path.with_name("a.mid"))
    _score(path.with_name("a.mid"))


def _lists() -> list[bytes]:
    beats = [(0.1 + 0.5 * k, k % 4 == 0) for k in range(24)]
    return [
        "".join(f"{time:.2f} {int(first)}\n" for time, first in beats).encode(),
        "".join(f"{time:.3f} {1 - first} {int(first)}\n" for time, first in beats).encode(),
    ]


def _packed() -> list[bytes]:
    song = SONG.read_bytes()
    chunk = b"data" + len(song).to_bytes(4, "little") + song
    riff = b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"RMID" + chunk
    return [gzip.compress(song, mtime=0), riff, bytes(128) + song]


_XML = (
    '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1"><part-list>'
    '<score-part id="P1"><part-name>Tune</part-name></score-part></part-list><part id="P1">'
    '<measure number="1"><attributes><divisions>1</divisions><time><beats>4</beats>'
    "<beat-type>4</beat-type></time></attributes><sound tempo='120'/>{notes}</measure></part>"
    "</score-partwise>"
)
_NOTE = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>1</duration></note>"


def _xml() -> list[bytes]:
    text = _XML.format(notes="".join(_NOTE.format(step) for step in "CEGB")).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("tune.xml"), text)
    return [text, packed.getvalue()]


def _abc() -> list[bytes]:
    return [b"X:1\nT:Tune\nM:4/4\nL:1/8\nQ:1/4=120\nK:G\n|:GABc d2B2|c2A2 G4:|\n"]


# Checkpoints of Magenta's


@cache
def _checkpoints() -> Path:
    """Return a folder with a small checkpoint in each format."""
    from tests.seqvae import magenta_files as files

    folder = Path(tempfile.mkdtemp(prefix="vae-fuzz-"))
    tensors = files.tensors_of(files.architecture("cat-drums_2bar_small"))
    files.write_bundle(folder / "x", tensors)
    web = {name: a for name, a in tensors.items() if name.startswith(("encoder/", "decoder/"))}
    spec = {"dataConverter": {"type": "DrumsConverter", "args": {"numSteps": 32}}}
    files.write_web(folder / "web", web, spec, "uint8", shard=1 << 20)
    with tarfile.open(folder / "x.tar", "w") as archive:
        for path in sorted(folder.glob("x.*")):
            if path.suffix != ".tar":
                archive.add(path, path.name)
    return folder


def _imported(path: Path, config: str | None = None) -> None:
    from seqvae.music.magenta.importing import import_checkpoint

    import_checkpoint(path, path.with_name("model") if config else path / "model", config)


def _bundle(path: Path) -> None:
    for name in ("x.index", "x.data-00000-of-00001"):
        if name != path.name:
            shutil.copy(_checkpoints() / name, path.parent)
    _imported(path.with_name("x"), "cat-drums_2bar_small")


def _archive(path: Path) -> None:
    _imported(path, "cat-drums_2bar_small")


def _web(path: Path) -> None:
    for whole in (_checkpoints() / "web").iterdir():
        if whole.name != path.name:
            shutil.copy(whole, path.parent)
    _imported(path.parent)


def _of_checkpoint(name: str) -> Seeds:
    return lambda: [(_checkpoints() / name).read_bytes()]


# Requests and messages to the studio


@cache
def _studio() -> tuple[Any, Any]:
    """Return the application, and what answers messages."""
    from studios import live

    from seqvae.cli import command
    from seqvae.studio.stages import front
    from vaecore.studio.app import Studio
    from vaecore.studio.osc import OscServer

    behind = live(command(), front())
    server = OscServer("seqvae", behind, 0, 1_000_000)
    server.stop()  # asked without its socket
    return Studio("seqvae", behind, front()[0], 2_000_000).app(), server


_FORM = "multipart/form-data; boundary=edge"


def _asked(place: str, kind: str) -> Read:
    """Return what sends a body to a place of the studio."""

    def send(path: Path) -> None:
        body, answers = path.read_bytes(), list[dict[str, Any]]()
        headers = {"host": "localhost", "content-type": kind, "content-length": str(len(body))}
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": place, "root_path": "",
            "raw_path": place.encode(), "scheme": "http", "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: dict[str, Any]) -> None:
            answers.append(message)

        asyncio.run(_studio()[0](scope, receive, answer))
        status = answers[0]["status"]
        if status != 200:
            from vaecore.errors import UsageError

            text = json.loads(b"".join(each.get("body", b"") for each in answers[1:]))["error"]
            assert status < 500, text
            raise UsageError(text)

    return send


def _form() -> list[bytes]:
    head = '--edge\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    song = head.format("inputs", '; filename="a.mid"').encode() + SONG.read_bytes()
    bar = head.format("bar", "").encode() + b"1"
    return [song + b"\r\n" + bar + b"\r\n--edge--\r\n"]


def _points() -> list[bytes]:
    code = [round((k % 7) / 7, 2) for k in range(128)]
    point = {"code": code, "model": "drums_2bar", "add": {"note_density": 1}, "temperature": 0.5}
    return [json.dumps(point | {"seed": 3, "at": [0.5, 0]}).encode()]


def _message(path: Path) -> None:
    from pythonosc.osc_message_builder import build_msg

    from vaecore.studio.osc import messages

    for address, arguments in messages(path.read_bytes()):
        for name, values in _studio()[1].answer(address, arguments):
            build_msg(f"/seqvae{name}", list(values))
            assert name != "/error" or not str(values[0]).startswith("unexpected"), values


def _messages() -> list[bytes]:
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

    single = [
        build_msg("/seqvae/load", [1, str(SONG), 1]),
        build_msg("/seqvae/attribute", ["note_density", 0.5]),
        build_msg("/seqvae/reply", [9000]),
    ]
    both = OscBundleBuilder(IMMEDIATELY)
    for address, value in (("/seqvae/temperature", 0.5), ("/seqvae/seed", 3)):
        builder = OscMessageBuilder(address)
        builder.add_arg(value)
        both.add_content(builder.build())
    return [*(each.dgram for each in single), both.build().dgram]


DOORS: dict[str, tuple[Read, str, Seeds]] = {
    "beats": (_beats, "a.beats.txt", _lists),
    "packed music": (_score, "a.mid.gz", _packed),
    "bundle": (_bundle, "x.index", _of_checkpoint("x.index")),
    "bundle's data": (_bundle, "x.data-00000-of-00001", _of_checkpoint("x.data-00000-of-00001")),
    "archive": (_archive, "x.tar", _of_checkpoint("x.tar")),
    "manifest": (_web, "weights_manifest.json", _of_checkpoint("web/weights_manifest.json")),
    "magenta.js": (_web, "config.json", _of_checkpoint("web/config.json")),
}
if find_spec("music21"):
    DOORS |= {"score": (_score, "a.mxl", _xml), "ABC": (_score, "a.abc", _abc)}
if find_spec("starlette") and find_spec("httpx"):
    DOORS |= {
        "form": (_asked("/api/files", _FORM), "form", _form),
        "point": (_asked("/api/play", "application/json"), "point.json", _points),
    }
if find_spec("pythonosc") and find_spec("httpx"):
    DOORS["message"] = (_message, "message", _messages)
