"""The palette as a page: played in a real browser, its notes against those that Python writes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import faults, opened

import seqvae
from seqvae.music.page import blender_page, music, palette_page
from seqvae.music.presentation.midi_file import midi_bytes
from vaecore.codec import Example
from vaecore.errors import UsageError
from vaecore.space import LatentSpace

SIDE = 3
NAMES = ("one", "two", "three", "four")


KINDS = ("drums_2bar", "groove_2bar", "melody_2bar", "trio_16bar")
DRUMS = pytest.mark.parametrize("grid", ["drums_2bar"], indirect=True)


@pytest.fixture(scope="module", params=KINDS)
def grid(request, examples: Path) -> tuple[LatentSpace[Example], list[Example]]:
    """A shipped model, and the blends of a small grid, row by row."""
    torch.set_num_threads(1)
    space = seqvae.load(request.param).as_examples()
    files = {
        "drums_2bar": ("rock", "bossa", "funk", "house"),
        "groove_2bar": ("shuffle", "samba", "rock", "funk"),
        "melody_2bar": ("sunrise", "alley", "fountain", "harbour"),
        "trio_16bar": ("parade", "voyage", "evening", "morning"),
    }[request.param]
    made = space.palette([examples / f"{name}.mid" for name in files], SIDE, SIDE)
    return space, [example for row in made for example in row]


@pytest.fixture(scope="module")
def file(grid, tmp_path_factory) -> Path:
    space, blends = grid
    corners = list(zip((0, SIDE - 1, -SIDE % 9, 8), NAMES, strict=True))
    path = tmp_path_factory.mktemp("page") / "palette.html"
    path.write_text(palette_page(space.codec, [blends], SIDE, corners))
    return path


def written(space: LatentSpace[Example], blends: list[Example], **options: Any) -> bytes:
    """Return the MIDI file that Python writes."""
    seconds = [each.context.seconds(space.codec.steps) for each in blends]
    items = [space.codec.decode(each.x, each.context) for each in blends]
    return midi_bytes(items, seconds, **options)


def test_a_page_has_all_inside(grid, file):
    text = file.read_text()
    addresses = set(re.findall(r"https?://[\w./-]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nothing is fetched from
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert (data["columns"], data["rows"], data["names"]) == (SIDE, SIDE, list(NAMES))
    space, blends = grid
    assert data["blends"] == [music(space.codec, each) for each in blends]


@DRUMS
def test_bars_of_different_length_are_refused(grid):
    space, blends = grid
    waltz = replace(blends[4], context=replace(blends[4].context, meter=(3, 4), per_quarter=3))
    mixed = [*blends[:4], waltz, *blends[5:]]
    with pytest.raises(UsageError, match="bars of one length, not of 3/4 and 4/4"):
        palette_page(space.codec, [mixed], SIDE, [(0, "one")])
    with pytest.raises(UsageError, match="bars of one length, not of 3/4 and 4/4"):
        blender_page(space, [("a", blends[0]), ("b", waltz)])


def test_downloads_are_what_python_writes(browser, grid, file):
    space, blends = grid
    with opened(browser, file) as page:
        for k in (0, 4, 8):
            page.evaluate(f"seqvae.choose({k})")
            with page.expect_download() as download:
                page.locator("#transport").get_by_role("button", name="MIDI file").click()
            assert Path(download.value.path()).read_bytes() == written(space, [blends[k]])
        path = [0, 4, 5, 8]
        made = bytes(page.evaluate(f"[...seqvae.pathFile({path}, 'loop', [])]"))
    assert made == written(space, [blends[k] for k in path])


def beats_of(log: list[dict[str, Any]]) -> dict[int, int]:
    """Return which blend sounded in each beat; one alone in each."""
    found: dict[int, set[int]] = {}
    for note in log:
        found.setdefault(int(note["tick"] // 480), set()).add(note["music"])
    assert all(len(blends) == 1 for blends in found.values())
    return {beat: blends.pop() for beat, blends in found.items()}


LOG = """seqvae.player.log.map((note) => ({...note, music: seqvae.blends.indexOf(note.music)}))"""


@DRUMS
def test_a_drag_across_the_field_plays_what_it_should(browser, grid, file):
    space, blends = grid
    with opened(browser, file) as page:
        page.evaluate("seqvae.transport.tempo.input.value = 200; seqvae.player.bpm = 200")
        box = page.locator("#field").bounding_box()
        x = [box["x"] + box["width"] * (k + 0.5) / SIDE for k in range(SIDE)]
        y = box["y"] + box["height"] / 2 / SIDE
        page.mouse.move(x[0], y)
        page.mouse.down()
        for at in x[1:]:
            page.wait_for_timeout(700)
            page.mouse.move(at, y, steps=4)
        page.wait_for_timeout(700)
        page.mouse.up()
        page.get_by_role("button", name="Stop").click()
        log, stalls = page.evaluate(f"[{LOG}, seqvae.player.stalls]")
    sounded = beats_of(log)
    assert sorted(set(sounded.values()), key=list(sounded.values()).index) == [0, 1, 2]
    # One beginning, and others only where this machine stood still.
    begins = [(0, log[0]["time"] - log[0]["tick"] * 60 / 200 / 480)]
    begins += [(stall["tick"], stall["time"]) for stall in stalls]
    expected = []
    last = max(sounded)
    for beat in range(last):  # the last one may have been cut short
        if beat not in sounded:
            continue
        notes = music(space.codec, blends[sounded[beat]])
        first = beat * 480 % notes["length"]
        flat = notes["notes"]
        for voice, start, _, pitch, velocity in zip(*[iter(flat)] * 5, strict=True):
            if first <= start < first + 480:
                tick = beat * 480 + start - first
                since, time = [each for each in begins if each[0] <= tick][-1]
                time += (tick - since) * 60 / 200 / 480
                expected.append((time, voice, pitch, velocity))
    played = [n for n in log if n["tick"] < last * 480]
    assert len(played) == len(expected)
    key = lambda note: (round(note[0], 3), *note[1:])  # noqa: E731
    told = sorted(((n["time"], n["voice"], n["pitch"], n["velocity"]) for n in played), key=key)
    for (at, *note), (should, *other) in zip(told, sorted(expected, key=key), strict=True):
        assert note == other
        assert at == pytest.approx(should, abs=0.005)


@DRUMS
def test_keys_alone_suffice(browser, file):
    with opened(browser, file) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "field"
        for key in ("Home", "PageUp", "ArrowRight"):
            page.keyboard.press(key)
        assert page.evaluate("seqvae.field.cell()") == [1, 0]
        page.keyboard.press("Space")
        assert page.evaluate("seqvae.player.playing")
        page.keyboard.press("Space")
        assert not page.evaluate("seqvae.player.playing")
        page.get_by_role("button", name="Draw a path").press("Enter")
        for key in ("ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        assert page.evaluate("seqvae.field.path.map((p) => seqvae.field.cell(p))") == [
            [1, 0], [2, 0], [2, 1],
        ]  # fmt: skip
        for name in ("Play it", "Stop"):
            page.get_by_role("button", name=name).press("Enter")
        # Every control is reached.
        names = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            names.add(
                page.evaluate(
                    "document.activeElement.ariaLabel ?? document.activeElement.innerText"
                )
            )
        assert {"Tempo", "Swing", "Volume", "Output", "Next blend enters", "Play"} <= names


@DRUMS
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (1280, 800)])
def test_it_fits_and_is_accessible(browser, file, size, theme):
    viewport = dict(zip(("width", "height"), size, strict=True))
    with opened(browser, file, viewport=viewport, color_scheme=theme) as page:
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0]
        assert page.locator("#field").bounding_box()["height"] > 150
        assert faults(page) == []


ONSETS = """async (path) => {
  const { player, buffer } = await seqvae.render(path, "bar", 4, (player) => {
    player.bpm = 120;
    for (const name of ["kick", "snare", "toms", "cymbals"]) player.muted.add(name);
  });
  const samples = buffer.getChannelData(0);
  const step = 44;
  const levels = [];
  for (let k = 0; k + step < samples.length; k += step) {
    let sum = 0;
    for (let i = k; i < k + step; i++) sum += samples[i] ** 2;
    levels.push(Math.sqrt(sum / step));
  }
  return { levels, step: step / 44100, times: player.log.map((note) => note.time) };
}"""


@DRUMS
def test_the_sound_begins_when_it_should(browser, grid, file):
    space, blends = grid
    path = [0, 4, 8]
    with opened(browser, file) as page:
        found = page.evaluate(ONSETS, path)
    expected = set()
    for bar in range(2):
        flat = music(space.codec, blends[path[bar % 3]])["notes"]
        for _, start, _, pitch, _ in zip(*[iter(flat)] * 5, strict=True):
            if start // 1920 == bar and pitch in (42, 44, 46, 54):
                expected.add(start * 60 / 120 / 480)
    assert sorted({round(time, 4) for time in found["times"] if time < 4}) == pytest.approx(
        sorted(expected)
    )
    levels, step = np.array(found["levels"]), found["step"]
    # A hit: louder than all of the 12 ms before by half, and not the room's answer.
    before = np.array([levels[max(0, k - 12) : k].max(initial=0) for k in range(len(levels))])
    heard = [
        k * step for k in np.flatnonzero((levels > 1.5 * before) & (levels > 0.1 * levels.max()))
    ]
    for time in sorted(expected):
        assert min((abs(each - time) for each in heard), default=9) < 0.005, time
    assert len(expected) > 8
    assert all(min(abs(each - time) for time in expected) < 0.012 for each in heard)
