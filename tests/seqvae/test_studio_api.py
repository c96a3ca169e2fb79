"""The HTTP API of `seqvae studio`: a real client on a real port."""

from __future__ import annotations

import base64
import io
import json
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pretty_midi
import pytest
import torch
from studios import JSON, files, tiny

import seqvae
from seqvae.cli import command
from seqvae.studio.stages import front
from vaecore.studio import app, pool
from vaecore.studio.verbs import Outcome, Verbs

pytest.importorskip("starlette", reason="needs the extra [studio]")


@pytest.fixture(scope="module")
def client(box: Path) -> Iterator[httpx.Client]:
    """A client of a studio with tiny models."""
    with tiny(box) as client:
        yield client


def music(answer: httpx.Response) -> pretty_midi.PrettyMIDI:
    assert answer.status_code == 200, answer.text
    return pretty_midi.PrettyMIDI(io.BytesIO(answer.content))


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    text = answer.json()["error"]
    assert "\n" not in text
    assert "Traceback" not in text
    assert tempfile.gettempdir() not in text
    return text


def test_every_verb_that_takes_music_is_there(client):
    paths = client.get("/openapi.json").json()["paths"]
    verbs = ("interpolate", "palette", "sample", "reconstruct", "edit", "similar", "humanize",
             "drumify", "attribute", "analyze", "show", "render")  # fmt: skip
    assert {f"/api/{verb}" for verb in verbs} <= set(paths)
    assert not {f"/api/{verb}" for verb in ("train", "prepare", "evaluate", "studio")} & set(paths)


def test_the_description_is_valid_and_has_the_options_of_the_command_line(client):
    description = client.get("/openapi.json").json()
    pytest.importorskip("openapi_spec_validator").validate(description)
    form = description["paths"]["/api/interpolate"]["post"]["requestBody"]["content"]
    fields = form["multipart/form-data"]["schema"]["properties"]
    assert fields["steps"] == {
        "type": "integer", "minimum": 2, "maximum": 1000,
        "description": fields["steps"]["description"],
    }  # fmt: skip
    assert fields["path"]["enum"] == ["slerp", "lerp", "flow"]
    assert {"track", "bar", "key", "wav", "output"} <= set(fields)
    assert not {"json", "quiet", "device"} & set(fields)
    assert "<h2>POST /api/interpolate</h2>" in client.get("/api").text


def test_a_blend_is_that_of_the_command_line(client, examples, run, tmp_path):
    inputs = examples / "rock.mid", examples / "funk.mid"
    answer = client.post("/api/interpolate", files=files(*inputs), data={"steps": "3"})
    assert answer.headers["content-type"] == "audio/midi"
    assert answer.headers["content-disposition"] == 'attachment; filename="interpolation.mid"'
    run("interpolate", *inputs, "--steps", 3)
    assert answer.content == (tmp_path / "interpolation.mid").read_bytes()


def test_a_blend_as_json_has_the_report_the_files_and_the_results(client, examples):
    inputs = examples / "rock.mid", examples / "funk.mid"
    answer = client.post(
        "/api/interpolate", files=files(*inputs), data={"steps": "3"}, headers=JSON
    ).json()
    assert answer["model"] == "drums_2bar"
    assert [each["file"] for each in answer["windows"][0]["inputs"]] == ["rock.mid", "funk.mid"]
    (file,) = answer["files"]
    assert (file["name"], file["type"]) == ("interpolation.mid", "audio/midi")
    assert base64.b64decode(file["data"])[:4] == b"MThd"
    assert [each["title"] for each in answer["results"]] == ["rock", "", "funk"]
    assert answer["results"][0]["shown"]["length"] == 2 * 1920


def test_several_files_come_as_an_archive(client, examples):
    data = {"n": "2", "separate": "true", "output": "x.mid"}
    answer = client.post("/api/similar", files=files(examples / "rock.mid"), data=data)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.namelist() == ["x_01.mid", "x_02.mid"]
    assert archive.read("x_01.mid")[:4] == b"MThd"


def test_sampling_takes_no_file(client):
    assert music(client.post("/api/sample", data={"n": "2", "seed": "3"})).instruments
    chosen = client.post(
        "/api/sample", data={"n": "1", "model": "melody_2bar"}, headers=JSON
    ).json()
    assert chosen["model"] == "melody_2bar"
    first, again = (client.post("/api/sample", data={"n": "1"}).content for _ in range(2))
    assert first == again


def test_own_attributes_are_made_and_used_and_nobody_else_has_them(client, examples):
    form = files(examples / "rock.mid", name="with") + files(examples / "funk.mid", name="without")
    made = client.post("/api/attribute", files=form, data={"name": "mine"})
    assert made.status_code == 200, made.text
    vector = [("vectors", ("mine.safetensors", made.content))]
    form = files(examples / "rock.mid")
    assert music(client.post("/api/edit", files=form + vector, data={"add": "mine=1"}))
    text = refused(client.post("/api/edit", files=form, data={"add": "mine=1"}), 400)
    assert text == "unknown attribute 'mine'; known are: note_density"


def test_pictures_and_sound(client, examples):
    shown = client.post("/api/show", files=files(examples / "rock.mid"))
    assert shown.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert shown.headers["content-type"] == "image/png"
    played = client.post("/api/render", files=files(examples / "rock.mid"))
    assert played.content[:4] == b"RIFF"


def test_codes_go_out_and_come_back(client, box, examples):
    space = seqvae.load(box / "drums_2bar")
    paths = [examples / "rock.mid", examples / "funk.mid"]
    found = client.post("/api/encode", files=files(*paths)).json()
    codes = torch.tensor(found["codes"])
    assert torch.allclose(codes, space.encode(paths), atol=1e-6)
    asked = {"model": "drums_2bar", "codes": found["codes"]}
    decoded = client.post("/api/decode", json=asked)
    archive = zipfile.ZipFile(io.BytesIO(decoded.content))
    expected = space.decode(codes)
    for name, item in zip(archive.namelist(), expected, strict=True):
        notes = pretty_midi.PrettyMIDI(io.BytesIO(archive.read(name))).instruments[0].notes
        assert [n.pitch for n in notes] == [n.pitch for n in item.instruments[0].notes]
    results = client.post("/api/decode", json=asked, headers=JSON).json()["results"]
    assert len(results) == 2


def sent(client: httpx.Client, *paths: Path) -> list[dict[str, str]]:
    answer = client.post("/api/files", files=files(*paths))
    assert answer.status_code == 200, answer.text
    return [{"file": each["id"]} for each in answer.json()["files"]]


def play(client: httpx.Client, corners: list[dict[str, str]], **more: object) -> dict:
    answer = client.post("/api/play", json={"corners": corners, **more}, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_files_are_looked_into(client, examples):
    sent = files(examples / "harbour.mid")
    found = client.post("/api/files", files=sent, data={"model": "melody_2bar"}).json()["files"][0]
    assert found["model"] == "melody_2bar"
    assert found["contents"]["bars"] == 2
    assert found["contents"]["parts"][0]["use"] == "melody"
    assert found["place"].startswith("bars 1-2 of 2")
    assert found["shown"]["notes"]


def test_the_corners_of_the_plane_are_reconstructions_and_it_has_all_between(client, box, examples):
    paths = [examples / name for name in ("rock.mid", "funk.mid", "bossa.mid", "house.mid")]
    corners = sent(client, *paths)
    space = seqvae.load(box / "drums_2bar")
    z = space.encode(paths)
    for at, k in (((0, 0), 0), ((1, 0), 1), ((0, 1), 2), ((1, 1), 3)):
        assert torch.allclose(torch.tensor(play(client, corners, at=at)["code"]), z[k], atol=1e-6)
    codes = {tuple(play(client, corners, at=(x, 0.5))["code"]) for x in (0, 0.3, 0.6, 1)}
    assert len(codes) == 4
    # The middle of a palette of three by three is the middle of the plane.
    from vaecore.paths import bilinear_grid

    middle = bilinear_grid(z, 3, 3, space.plain_path)[1, 1]
    found = torch.tensor(play(client, corners, at=(0.5, 0.5))["code"])
    assert torch.allclose(found, middle, atol=1e-5)


def test_a_line_between_two_and_a_plane_between_three(client, box, examples):
    paths = [examples / name for name in ("rock.mid", "funk.mid", "bossa.mid")]
    z = seqvae.load(box / "drums_2bar").encode(paths)
    two, three = sent(client, *paths[:2]), sent(client, *paths)
    assert torch.allclose(torch.tensor(play(client, two, at=(1, 0))["code"]), z[1], atol=1e-6)
    for x in (0, 1):
        code = torch.tensor(play(client, three, at=(x, 1))["code"])
        assert torch.allclose(code, z[2], atol=1e-5)


def test_tempos_are_blended_as_places_are(client, examples):
    corners = sent(client, examples / "rock.mid", examples / "funk.mid")  # 120 and 98 bpm
    tempos = [play(client, corners, at=(x, 0))["shown"]["tempos"][0][1] for x in (0, 0.5, 1)]
    assert tempos == pytest.approx([120, 109, 98], abs=0.01)


def test_attributes_are_added_and_the_file_is_what_is_shown(client, box, examples):
    corners = sent(client, examples / "rock.mid")
    plain = play(client, corners)
    space = seqvae.load(box / "drums_2bar")
    moved = play(client, corners, add={"note_density": 0.5})
    difference = torch.tensor(moved["code"]) - torch.tensor(plain["code"])
    assert torch.allclose(difference, 0.5 * space.attributes["note_density"], atol=1e-5)
    settled = play(client, corners, add={"note_density": 0.5}, settle=True)
    assert len(settled["code"]) == space.latent_dim
    asked = {"corners": corners, "add": {"note_density": 0.5}}
    parts = music(client.post("/api/play", json=asked)).instruments
    notes = [note for part in parts for note in part.notes]
    assert len(notes) == len(moved["shown"]["notes"]) / 5


def test_the_same_point_is_the_same_and_draws_depend_on_the_seed(client, examples):
    corners = sent(client, examples / "rock.mid")
    one, two, other = (
        play(client, corners, temperature=1.0, seed=seed)["shown"] for seed in (1, 1, 2)
    )
    assert one == two != other


def test_wrong_requests_say_what_is_wrong(client, examples, tmp_path):
    rock = files(examples / "rock.mid")
    junk = tmp_path / "notes.mid"
    junk.write_bytes(b"this is no music")
    text = refused(client.post("/api/similar", files=files(junk)), 422)
    assert text.startswith("notes.mid: is not a MIDI file")
    assert "notes.mid" in refused(client.post("/api/files", files=files(junk)), 422)
    assert "needs two inputs" in refused(client.post("/api/interpolate", files=rock), 400)
    assert "9999" in refused(client.post("/api/sample", data={"n": "9999"}), 400)
    assert "there is no 'stepz'" in refused(
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


def test_nothing_is_left_on_disk(client, examples, tmp_path):
    def there() -> set[str]:
        return {p.name for p in Path(tempfile.gettempdir()).glob("studio-*")}

    before = there()
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd")
    client.post("/api/interpolate", files=files(examples / "rock.mid", examples / "funk.mid"))
    client.post("/api/similar", files=files(broken))
    assert there() <= before


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
            assert "choose another with --port" in taken.stderr
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
