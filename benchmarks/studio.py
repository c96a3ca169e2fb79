"""How long does the studio take: from a moved slider to the new roll or face, and for 20 at once?

    python benchmarks/studio.py

`browser` is measured in headless Chromium, from the event of the slider to the drawn result, for
one visitor; beside it the CPU time of a move in the server and in the page. `at once` are 20
visitors with a connection each, who all move all the time; the time of a request, as each sees it,
and the server's CPU time for it. Both run on this machine beside the server, so they share its
cores with it; it prints the machine's load.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import click
import httpx

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "drums_2bar": ("rock.mid", "bossa.mid", "funk.mid", "house.mid"),
    "melody_2bar": ("sunrise.mid", "alley.mid", "fountain.mid", "harbour.mid"),
    "melody_16bar": ("garden.mid", "voyage.mid", "evening.mid", "morning.mid"),
    "trio_16bar": ("train.mid", "cafe.mid"),
    "faces_64": ("ada.png", "bob.png", "cleo.png", "dan.png"),
}
JSON = {"accept": "application/json"}


@contextmanager
def server(name: str):
    """Run a package's studio, and yield its address and its process."""
    command = [sys.executable, str(ROOT / "cli.py"), name, "studio", "--port=0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = re.match(r"http://\S+", process.stdout.readline())[0]
        try:
            yield address, process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def words(seconds: list[float]) -> str:
    """Return median, 95th percentile and maximum in milliseconds."""
    s = sorted(seconds)
    return (
        f"{1e3 * s[len(s) // 2]:.0f} / {1e3 * s[int(0.95 * (len(s) - 1))]:.0f} / {1e3 * s[-1]:.0f}"
    )


def at_once(address: str, model: str, users: int, seconds: float) -> tuple[list[float], int]:
    """Let so many visitors move all the time, and return the times of their requests."""
    form = [("inputs", (n, (ROOT / "data" / n).read_bytes())) for n in FILES[model]]
    with httpx.Client(base_url=address, timeout=120, headers=JSON) as client:
        found = client.post("/api/encode", files=form, data={"model": model}).json()
        corners = [{"file": each} for each in found["files"]]
        client.post("/api/play", json={"corners": corners, "model": model})
    times: list[float] = []
    end = time.monotonic() + seconds

    def move(k: int) -> None:
        with httpx.Client(base_url=address, timeout=120, headers=JSON) as own:
            n = 0
            while time.monotonic() < end:
                at = [((k + n) % 20) / 19, (n % 7) / 6]
                begin = time.monotonic()
                own.post("/api/play", json={"corners": corners, "model": model, "at": at})
                times.append(time.monotonic() - begin)
                n += 1

    threads = [threading.Thread(target=move, args=(k,)) for k in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(times)


def browser(address: str, model: str, moves: int) -> tuple[list[float], float]:
    """Move a slider so often; return the times until the result is drawn, and the page's CPU time.

    The CPU time is that of the page's main thread for each move, in seconds.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)

        def until(expression: str) -> None:
            while not page.evaluate(expression):
                time.sleep(0.05)

        until("Boolean(globalThis.studio)")
        page.select_option("select[aria-label=Model]", model)
        page.set_input_files(
            "input[type=file] >> nth=0", [str(ROOT / "data" / n) for n in FILES[model][:1]]
        )
        until("Boolean(studio.current()?.code)")
        # Not the search for an edit, which follows when the sliders rest.
        page.evaluate("void (studio.follower.settles = false)")
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = task_seconds(metrics)
        for k in range(moves):
            count = page.evaluate("studio.delays.length")
            page.evaluate(
                "value => { const e = document.querySelector('.sliders input');"
                " e.value = value; e.dispatchEvent(new Event('input')); }",
                round(-2 + 4 * ((k + 1) % 11) / 10, 1),
            )
            until(f"studio.delays.length > {count}")
        found = page.evaluate(f"studio.delays.slice(-{moves})")
        cpu = (task_seconds(metrics) - before) / moves
        chromium.close()
    return [each / 1e3 for each in found], cpu


def task_seconds(session) -> float:
    """Return the time that a page's main thread worked so far."""
    found = session.send("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in found if each["name"] == "TaskDuration")


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--users", default=20, show_default=True)
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--moves", default=20, show_default=True)
def main(models, users, seconds, moves) -> None:
    head = ["model", "browser, ms", "CPU, ms", "page's CPU, ms", "at once, ms", "CPU, ms"]
    click.echo(f"| {' | '.join(head)} | requests/s | load |")
    click.echo("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in models or FILES:
        with server("facevae" if name.startswith("faces") else "seqvae") as (address, pid):
            browser(address, name, 3)  # warms up
            before = cpu_seconds(pid)
            alone, page = browser(address, name, moves)
            one = (cpu_seconds(pid) - before) / (moves + 2)
            before = cpu_seconds(pid)
            times, count = at_once(address, name, users, seconds)
            many = (cpu_seconds(pid) - before) / count
            load = os.getloadavg()[0]
            click.echo(
                f"| {name} | {words(alone)} | {1e3 * one:.0f} | {1e3 * page:.0f} | {words(times)} "
                f"| {1e3 * many:.1f} | {count / seconds:.0f} | {load:.0f} |"
            )
    click.echo("\nTimes are the median, the 95th percentile and the largest.")


if __name__ == "__main__":
    main()
