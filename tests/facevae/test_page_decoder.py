"""A decoder of faces in a page: it gives what Python gives, and is played in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import faults, opened
from torch import nn
from torch.nn import functional

import facevae
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import CENTRE, SCALE, FaceVAE
from facevae.page.decoder import decoder_page
from vaecore.errors import UsageError
from vaecore.page import bundle
from vaecore.page.recorded import record

NODE = shutil.which("node")
ENTRY = Path(__file__).with_name("page_model.js")
KINDS = ("residual", "spatial", "enlarged", "lecture", "vanilla")
SHADE = 1 / 255


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "model.cjs"
    path.write_text('const fs = require("fs");\n' + bundle(ENTRY))
    return path


def run(script: Path, network: nn.Module, z: torch.Tensor, plain: bool = False) -> torch.Tensor:
    """Return what the page's JavaScript decodes codes to."""
    found = record(network, z[:1])
    decoder = {
        "steps": found.steps,
        "result": found.result,
        "latent": z.shape[1],
        "weights": found.packed(),
    }
    text = json.dumps({"decoder": decoder, "codes": z.tolist(), "plain": plain})
    done = subprocess.run([str(NODE), str(script)], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return torch.tensor(json.loads(done.stdout)["found"])


@pytest.mark.skipif(NODE is None, reason="node is not here (Debian: nodejs)")
@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_is_decoded_as_in_python(script, kind):
    torch.manual_seed(1)
    shape = {"kind": kind, "size": 32, "latent_dim": 16, "width": 8, "sigma": 0.1}
    if kind == "enlarged":
        shape |= {"kind": "spatial", "enlarged": 2}
    model = FaceVAE(FaceArchitecture(**shape))
    for parameter in model.decoder.parameters():
        nn.init.normal_(parameter, std=0.1)  # some begin as zeros, and would hide what they do
    network = model.eval().decoder.network
    z = torch.randn(3, 16)
    with torch.no_grad():
        theirs = network(z).flatten(1)
    size = theirs.abs().max()
    for plain in (False, True):
        # Large matrices have 8 bits in the page: none of these is large but the first.
        assert (run(script, network, z, plain) - theirs).abs().max() < 0.02 * size


class Odd(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return functional.softmax(z, dim=1)


def test_an_operation_that_the_page_lacks_is_named():
    with pytest.raises(UsageError, match=r"no operation torch\.nn\.functional\.softmax"):
        record(Odd(), torch.zeros(1, 4))


@pytest.fixture(scope="module")
def space():
    torch.set_num_threads(1)
    return facevae.load("faces_64")


@pytest.fixture(scope="module")
def file(space, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "faces.html"
    path.write_text(decoder_page(space, seed=3, spare=1, places=3))
    assert path.stat().st_size < 9.2e6
    return path


READY = "[data-ready]"
PIXELS = "code => [...facevae.model.decode(Float32Array.from(code))]"


def code_at(page: Any, x: float, y: float) -> torch.Tensor:
    return torch.tensor(page.evaluate("at => [...facevae.codeAt(...at)]", [x, y]))


def test_the_browser_decodes_what_python_decodes(browser, space, file):
    z = torch.cat([space.sample_codes(3, seed=1), torch.randn(3, space.latent_dim)])
    theirs = space.decode_to_examples(z).flatten(1)
    corners = space.sample_codes(5, seed=3)[:4]
    with opened(browser, file, viewport={"width": 1280, "height": 860}) as page:
        page.wait_for_selector(READY)
        for code, face in zip(z, theirs, strict=True):
            ours = torch.tensor(page.evaluate(PIXELS, code.tolist())) * SCALE + CENTRE
            assert (ours.clamp(0, 1) - face).abs().max() < 2 * SHADE
        for code, at in zip(corners, ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
            assert torch.allclose(code_at(page, *at), code, atol=2e-3)  # 16 bits
        page.get_by_role("slider", name="Smiling").fill("-1")
        ours = code_at(page, 0, 0)
        theirs = space.added(corners[:1], [{"Smiling": -1.0}])[0]
        assert torch.allclose(ours, theirs, atol=5e-3)
        page.get_by_role("button", name="Sliders to 0").click()
        page.get_by_role("button", name="Invent the corner top left").click()
        assert torch.allclose(code_at(page, 0, 0), space.sample_codes(5, seed=3)[4], atol=2e-3)
        assert "Invented 5" in page.locator("#words").inner_text()
        page.get_by_role("button", name="First faces").click()
        assert torch.allclose(code_at(page, 0, 0), corners[0], atol=2e-3)
        assert faults(page) == []


def test_keys_alone_suffice_on_a_phone(browser, file):
    viewport = {"width": 360, "height": 740}
    with opened(browser, file, viewport=viewport, color_scheme="dark") as page:
        page.wait_for_selector(READY)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert faults(page) == []
        page.locator("#field").focus()
        page.keyboard.press("Home")
        page.keyboard.press("PageUp")
        page.wait_for_function("document.getElementById('words').textContent == 'Invented 1'")
        page.get_by_role("button", name="Draw a path").press("Enter")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        before = page.evaluate("facevae.times.length")
        page.get_by_role("button", name="Play the path").press("Enter")
        page.wait_for_function("n => facevae.times.length > n + 2", arg=before)
        page.get_by_role("button", name="Stop").press("Enter")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save picture").press("Enter")
        assert download.value.suggested_filename.endswith(".png")
