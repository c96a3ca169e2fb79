"""Film the page of a palette being played: `python tools/film_page.py`, from a checkout.

The page is made with the real command, opened in headless Chromium (see CONTRIBUTING.md) and
dragged over; a screenshot is taken for every frame, with the music set to the frame's time, so that
a slow machine does. The result is docs/palette.webp, which README shows.
"""

from __future__ import annotations

import io
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser import chromium  # noqa: E402

INPUTS = ("rock", "bossa", "funk", "house")
WIDTH, HEIGHT = 1120, 700
SHOWN = 800
"""Width of the film in pixels."""
FRAMES, PER_SECOND, BPM = 48, 8, 112
QUALITY = 62

# Plays no sound: the page is set to the time of each frame.
PREPARE = """() => {
  const { player, transport, field, blends } = seqvae;
  player.playing = true;
  transport.update();
  let sounding = null, beat = -1;
  const finger = document.createElement("div");
  finger.style.cssText = "position:fixed;width:30px;height:30px;margin:-15px;border-radius:50%;" +
    "background:rgb(255 255 255/.28);border:2px solid rgb(255 255 255/.85);pointer-events:none";
  document.body.append(finger);
  addEventListener("pointermove", (event) => {
    finger.style.left = `${event.clientX}px`;
    finger.style.top = `${event.clientY}px`;
  }, true);
  globalThis.show = (tick) => {
    const [column, row] = field.cell();
    if (Math.floor(tick / 480) !== beat) {
      beat = Math.floor(tick / 480);
      sounding = blends[row * field.options.columns + column];
    }
    const position = { music: sounding, tick: tick % sounding.length, index: null, begun: true };
    transport.options.onframe(position);
  };
}"""


def film(page: Page) -> list[Image.Image]:
    """Return the pictures of a drag over the field, one round."""
    page.evaluate(PREPARE)
    box = page.locator("#field").bounding_box()
    assert box is not None
    frames = []
    for k in range(FRAMES):
        angle = 2 * math.pi * k / FRAMES
        x = 0.5 + 0.42 * math.sin(angle) + 0.04 * math.sin(3 * angle)
        y = 0.5 - 0.40 * math.cos(angle)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if not k:
            page.mouse.down()
        page.evaluate(f"show({k / PER_SECOND * BPM / 60 * 480})")
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        tall = round(SHOWN * picture.height / picture.width)
        frames.append(picture.resize((SHOWN, tall), Image.Resampling.LANCZOS))
    return frames


def main() -> None:
    """Write docs/palette.webp."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "palette.html"
        inputs = [str(ROOT / f"data/{name}.mid") for name in INPUTS]
        command = [sys.executable, "-m", "seqvae", "palette", *inputs, "-q", "-o", str(file)]
        subprocess.run(command, check=True)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_page(viewport=size, color_scheme="dark", reduced_motion="reduce")
        page.goto(file.as_uri())
        frames = film(page)
        browser.close()
    first, *rest = frames
    place = ROOT / "docs/palette.webp"
    first.save(
        place, "WEBP", save_all=True, append_images=rest, loop=0, quality=QUALITY, method=6,
        duration=round(1000 / PER_SECOND),
    )  # fmt: skip
    print(f"{place}: {len(frames)} frames, {place.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
