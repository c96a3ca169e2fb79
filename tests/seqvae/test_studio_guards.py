"""What the studio refuses, keeps to itself and does for many at once."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from studios import JSON, files, play, refused, sent, tiny

from seqvae.cli import command
from seqvae.studio.stages import front
from vaecore.studio import app, pool
from vaecore.studio.command import listen
from vaecore.studio.served import Outcome
from vaecore.studio.verbs import Verbs

pytest.importorskip("starlette", reason="needs the extra [studio]")


@pytest.fixture(scope="module")
def client(box: Path) -> Iterator[httpx.Client]:
    """A client of a studio with tiny models."""
    with tiny(box) as client:
        yield client


def test_wrong_requests_say_what_is_wrong(client, examples, tmp_path):
    rock = files(examples / "rock.mid")
    junk = tmp_path / "notes.mid"
    junk.write_bytes(b"this is no music")
    text = refused(client.post("/api/similar", files=files(junk)), 422)
    assert text.startswith("notes.mid: is not a MIDI file")
    assert "notes.mid" in refused(client.post("/api/files", files=files(junk)), 422)
    assert "needs two inputs" in refused(client.post("/api/interpolate", files=rock), 400)
    assert "9999" in refused(client.post("/api/sample", data={"n": "9999"}), 400)
    assert "no parameter 'stepz'" in refused(
        client.post("/api/interpolate", files=rock, data={"stepz": "3"}), 400
    )
    assert "no model 'none'" in refused(client.post("/api/sample", data={"model": "none"}), 400)
    assert "at" in refused(client.post("/api/play", json={"at": [0]}), 400)
    assert "corners" in refused(client.post("/api/play", json={}), 400)
    assert "numbers" in refused(
        client.post("/api/decode", json={"model": "drums_2bar", "codes": [[1.0]]}), 400
    )
    assert refused(client.get("/api/nothing"), 404)
    gone = client.post("/api/play", json={"corners": [{"file": "gone"}]})
    assert "send them again" in refused(gone, 410)
    assert gone.json()["missing"] == ["gone"]


def test_files_of_this_machine_cannot_be_named(client, examples, box):
    rock = files(examples / "rock.mid")
    for data in (
        {"model": str(box / "drums_2bar")},
        {"drum_map": "/etc/passwd"},
        {"drum_map": "../x.yaml"},
        {"vectors": "/etc/passwd", "add": "x=1"},
        {"soundfont": "/etc/passwd"},
        {"inputs": str(examples / "rock.mid")},
    ):
        verb = "edit" if "add" in data else "similar"
        answer = client.post(f"/api/{verb}", files=rock, data=data)
        assert answer.status_code in (400, 422), (data, answer.text)
    answer = client.post("/api/similar", data={"inputs": str(examples / "rock.mid")})
    assert answer.status_code in (400, 422)


def test_outputs_stay_in_their_folder(client, examples, tmp_path):
    place = tmp_path / "outside.mid"
    answer = client.post(
        "/api/similar", files=files(examples / "rock.mid"), data={"output": str(place)}
    )
    assert answer.status_code == 200
    assert not place.exists()
    sent = [("inputs", ("../../../../outside.mid", (examples / "rock.mid").read_bytes()))]
    report = client.post("/api/similar", files=sent, headers=JSON).json()
    assert report["windows"][0]["inputs"][0]["file"] == "outside.mid"


def test_nothing_is_left_on_disk(client, examples, tmp_path, monkeypatch):
    # A place of its own: other tests have studios at the same time.
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    made = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *a, **k: made.append(make(*a, **k)) or made[-1])
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd")
    client.post("/api/interpolate", files=files(examples / "rock.mid", examples / "funk.mid"))
    client.post("/api/similar", files=files(broken))
    assert any(Path(each).parent == place for each in made)
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:80"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_foreign_pages_are_refused(client, headers):
    refused(client.get("/api/models", headers=headers), 403)
    refused(client.post("/api/sample", headers=headers), 403)


def test_the_page_itself_is_not_foreign(client):
    host = client.base_url.netloc.decode()
    own = {"origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert client.get("/api/models", headers=own).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    answer = client.get("/", headers=link)
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert client.get("/api/models", headers={"host": "[::1]:80"}).status_code == 200


def test_large_requests_are_refused(client, tmp_path):
    large = tmp_path / "large.mid"
    large.write_bytes(bytes(2_100_000))
    assert "2 MB" in refused(client.post("/api/similar", files=files(large)), 413)

    def pieces() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="inputs"; filename="a.mid"\r\n\r\n'
        for _ in range(30):
            yield bytes(100_000)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/similar", content=pieces(), headers=kind)  # of unknown length
    assert "2 MB" in refused(answer, 413)


def test_twenty_people_at_once_are_decoded_together(client, examples):
    corners = sent(client, examples / "rock.mid", examples / "funk.mid")
    alone = [play(client, corners, at=(k / 19, 0)) for k in range(20)]
    together: dict[int, dict] = {}
    barrier = threading.Barrier(20)

    def ask(k: int) -> None:
        with httpx.Client(base_url=client.base_url, timeout=60) as own:
            barrier.wait()
            together[k] = play(own, corners, at=(k / 19, 0))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, answer in enumerate(alone):
        assert together[k]["shown"] == answer["shown"]
        assert together[k]["code"] == answer["code"]


def test_those_who_play_do_not_wait_for_long_verbs(client, examples, monkeypatch):
    corners = sent(client, examples / "rock.mid")
    begun, goes_on, run = threading.Semaphore(0), threading.Event(), Verbs.run

    def long(*arguments: object) -> Outcome:
        begun.release()
        goes_on.wait()
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Verbs, "run", long)
    statuses: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60) as own:
            statuses.append(own.post("/api/sample", data={"n": "1"}).status_code)

    asking = [threading.Thread(target=ask) for _ in range(app.VERBS + 3)]
    for thread in asking:
        thread.start()
    for _ in range(app.VERBS):  # as many as there are threads for verbs
        begun.acquire()
    for k in range(5):
        play(client, corners, seed=k, temperature=1.0)
    assert statuses == []
    goes_on.set()
    for thread in asking:
        thread.join()
    assert statuses == [200] * len(asking)


def test_too_many_verbs_are_sent_away(client, monkeypatch):
    monkeypatch.setattr(pool, "WAITING", 0)
    answer = client.post("/api/sample", data={"n": "1"})
    assert "try again" in refused(answer, 503)
    assert answer.headers["retry-after"] == "1"


def test_the_command_serves_and_ends(examples, tmp_path):
    import os
    import re
    import signal
    import subprocess
    import sys

    root = Path(__file__).resolve().parents[2]
    program = [sys.executable, str(root / "cli.py"), "seqvae", "studio", "--port=0", "--no-open"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stdout is not None
            address = re.match(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert address is not None
            taken = subprocess.run(
                [*program[:4], f"--port={address[0].rpartition(':')[2]}", "--no-open"],
                capture_output=True, text=True, cwd=tmp_path, check=False,
            )  # fmt: skip
            assert taken.returncode == 1
            assert "choose another with --host or --port" in taken.stderr
            names = [m["name"] for m in httpx.get(f"{address[0]}/api/models").json()["models"]]
            assert "drums_2bar" in names
        finally:
            server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    assert os.listdir(tmp_path) == []


def test_a_folder_may_be_offered(box, examples):
    from vaecore.studio.command import build

    group = command()
    live = build(group, group.context_settings["obj"], front()[1], (box / "melody_2bar",))
    assert "melody_2bar" in live.models.names
    assert json.dumps(live.models.describe())


def test_answers_are_sent_at_once() -> None:
    """Otherwise their bodies wait 40 ms for the acknowledgement of their headers."""
    listener = listen("127.0.0.1", 0)

    async def accepted() -> int:
        found = asyncio.get_running_loop().create_future()

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        server = await asyncio.get_running_loop().create_server(Protocol, sock=listener)
        async with server:
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.close()
            return await found

    # In a thread: tests that drive a browser leave a loop running in this one.
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lambda: asyncio.run(accepted())).result()
