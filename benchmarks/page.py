"""How long does a page with a model inside take to decode a point, in a real browser?

    python benchmarks/page.py [MODEL ...]

The pages of `seqvae page` and `facevae page` are opened in headless Chromium without a network.
`decode` is the time of one point in the page's main thread, `slider` that from the event of a
slider to the next picture on the screen, both in milliseconds: the median, the 95th percentile and
the largest. It prints the machine's load: run it on an idle one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click
from studio import words

MODELS = (
    "drums_2bar", "groove_2bar", "melody_2bar", "piano_2bar", "melody_16bar", "trio_16bar",
    "faces_64",
)  # fmt: skip
DECODE = """async count => {
  const found = [];
  for (let k = 0; k < count; k++) {
    const begin = performance.now();
    const at = [(k % 10) / 9, (k % 7) / 6];
    globalThis.seqvae ? await seqvae.musicAt(...at) : facevae.pixelsOf(facevae.codeAt(...at));
    found.push(performance.now() - begin);
  }
  return found;
}"""
SLIDER = """async count => {
  const slider = document.querySelector("#knobs input");
  const found = [];
  const picture = () => new Promise((resolve) => requestAnimationFrame(resolve));
  for (let k = 0; k < count; k++) {
    const begin = performance.now();
    slider.value = -2 + 4 * ((k + 1) % 11) / 10;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await picture();
    await picture();
    found.push(performance.now() - begin);
  }
  return found;
}"""


def measured(file: Path, points: int) -> tuple[list[float], list[float]]:
    """Return the seconds of so many points of a page, and of as many moves of a slider."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_context(offline=True).new_page()
        page.set_default_timeout(300_000)
        page.goto(file.as_uri())
        page.evaluate(DECODE, 5)  # the browser compiles what it runs often
        decode, slider = page.evaluate(DECODE, points), page.evaluate(SLIDER, points)
        chromium.close()
    return [each / 1e3 for each in decode], [each / 1e3 for each in slider]


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--points", default=40, show_default=True)
def main(models, points) -> None:
    from facevae.cli import command as faces
    from seqvae.cli import command as music

    click.echo("| model | page, MB | decode, ms | slider, ms | load |\n|---|---:|---:|---:|---:|")
    for name in models or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.html"
            command = (faces if name.startswith("faces") else music)()
            command(["page", name, "-o", str(file), "--quiet"], standalone_mode=False)
            decode, slider = measured(file, points)
            click.echo(
                f"| {name} | {file.stat().st_size / 1e6:.1f} | {words(decode)} | {words(slider)} "
                f"| {os.getloadavg()[0]:.0f} |"
            )


if __name__ == "__main__":
    main()
