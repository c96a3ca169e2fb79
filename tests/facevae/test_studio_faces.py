"""The studio of faces: the HTTP API with a real client, and the page in Chromium."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import httpx
import pytest
import torch
from browser import faults
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra [studio]")
from studio_pages import until, visited
from studios import JSON, files, served

import facevae.domain
from facevae.cli import command
from facevae.studio.stages import front

DATA = Path(__file__).resolve().parents[2] / "data"
FACES = [DATA / name for name in ("ada.png", "bob.png", "cleo.png", "dan.png")]


@pytest.fixture(scope="module")
def client(face_box: Path) -> Iterator[httpx.Client]:
    """A client of a studio with a tiny model."""
    before = torch.get_num_threads()
    boxed = mock.patch.object(
        facevae.domain, "DOMAIN", replace(facevae.domain.DOMAIN, box=face_box)
    )
    with boxed, served(command(), front()) as client:
        yield client
    torch.set_num_threads(before)


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_morph_is_a_film_or_a_sheet(client):
    film = client.post("/api/morph", files=files(*FACES[:2]), data={"steps": "3"})
    assert film.headers["content-type"] == "image/gif", film.text
    assert picture(film.content).n_frames >= 3
    data = {"steps": "3", "output": "x.png"}
    sheet = client.post("/api/morph", files=files(*FACES[:2]), data=data)
    assert picture(sheet.content).format == "PNG"


def test_faces_come_one_by_one_as_json(client):
    data = {"n": "2", "amount": "0.5"}
    answer = client.post("/api/similar", files=files(FACES[0]), data=data, headers=JSON).json()
    assert len(answer["results"]) == 2
    shown = answer["results"][0]["shown"].removeprefix("data:image/png;base64,")
    kept = answer["results"][0]["file"]["data"]
    assert picture(base64.b64decode(shown)).size == (32, 32)
    assert base64.b64decode(kept) == base64.b64decode(shown)


def test_a_point_between_faces_is_a_picture(client):
    form = client.post("/api/files", files=files(*FACES)).json()["files"]
    assert form[0]["contents"]["width"] > 0
    point = {"corners": [{"file": each["id"]} for each in form], "at": [0.3, 0.6]}
    plain = client.post("/api/play", json=point)
    assert picture(plain.content).size == (32, 32)
    added = client.post("/api/play", json={**point, "add": {"Smiling": 1}})
    assert added.content != plain.content
    settled = client.post("/api/play", json={**point, "add": {"Smiling": 1}, "settle": True})
    assert picture(settled.content).size == (32, 32)


def test_a_file_that_is_no_picture_is_refused(client, tmp_path):
    junk = tmp_path / "me.jpg"
    junk.write_bytes(b"no picture")
    answer = client.post("/api/files", files=files(junk))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("me.jpg: ")


def test_too_many_pixels_are_refused(client, tmp_path):
    large = tmp_path / "large.png"
    Image.new("1", (30_000, 30_000)).save(large)
    answer = client.post("/api/files", files=files(large))
    assert answer.status_code == 422
    assert "large.png" in answer.json()["error"]


def test_the_page_shows_the_face_at_the_point(browser, client):
    address = str(client.base_url).rstrip("/")
    with visited(browser, address) as page:
        page.set_input_files("input[type=file] >> nth=0", [str(path) for path in FACES[:2]])
        until(page, "studio.current()?.code && studio.state().corners.filter(Boolean).length === 2")
        before = page.evaluate("studio.current().shown")
        page.focus("#field")
        page.keyboard.press("End")
        until(page, "studio.state().at[0] === 1")
        until(page, f"studio.current().shown !== '{before}'")
        painted = """(() => {
            const canvas = document.querySelector('canvas.face');
            const context = canvas.getContext('2d');
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            return new Set(data).size > 3;
        })()"""
        until(page, painted)
        assert faults(page) == []


def test_the_way_through_a_flow_is_that_of_palettes() -> None:
    from vaecore.paths import bilinear_grid
    from vaecore.studio.blend import CornerPaths

    space = facevae.load(Path(facevae.__file__).parent / "models" / "faces_64")
    assert space.plain_path == "flow"
    z = space.sample_codes(4, seed=1)
    ways = CornerPaths(space, z)
    grid = bilinear_grid(z, 3, 3, space._way("flow"))
    for row in range(3):
        for column in range(3):
            found = ways.code((column / 2, row / 2))
            assert torch.allclose(found, grid[row, column], atol=0.05), (row, column)
    assert torch.equal(ways.code((1.0, 0.0)), z[1])


def test_visitors_go_through_the_flow_together() -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    from vaecore.studio.blend import CornerPaths
    from vaecore.studio.models import Batcher

    space = facevae.load(Path(facevae.__file__).parent / "models" / "faces_64")
    z = space.sample_codes(4, seed=1)
    full, begun = Event(), list[int]()

    def compute(noise: torch.Tensor) -> torch.Tensor:
        begun.append(len(noise))
        full.wait(60)  # until all others wait, too
        return space.prior.from_noise(noise)

    together = Batcher(compute)
    shared, places = CornerPaths(space, z, together), [(k / 6, 0.5) for k in range(1, 6)]
    with ThreadPoolExecutor(len(places)) as threads:
        asked = [threads.submit(shared._code, place) for place in places]
        while sum(begun) + len(together._waiting) < len(places):
            time.sleep(0.01)
            assert not any(each.done() for each in asked)
        full.set()
        found = [each.result() for each in asked]
    assert begun == [begun[0], len(places) - begun[0]]  # whoever came first, and those who waited
    for code, place in zip(found, places, strict=True):
        assert torch.equal(code, CornerPaths(space, z).code(place))
