"""The HTTP API of `seqvae studio`: a real client on a real port."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pretty_midi
import pytest
import torch
from studios import JSON, files, music, play, refused, sent, tiny

import seqvae

pytest.importorskip("starlette", reason="needs the extra [studio]")


@pytest.fixture(scope="module")
def client(box: Path) -> Iterator[httpx.Client]:
    """A client of a studio with tiny models."""
    with tiny(box) as client:
        yield client


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
