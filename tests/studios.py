"""A studio on a real port, for tests."""

from __future__ import annotations

import io
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pretty_midi

from vaecore.cli import Group
from vaecore.studio.app import Studio
from vaecore.studio.command import build, listen
from vaecore.studio.live import Live
from vaecore.studio.stage import Page, Stage

JSON = {"accept": "application/json"}


def live(group: Group, front: tuple[Page, Mapping[str, Stage]]) -> Live:
    """Return what answers the requests of a command's studio."""
    return build(group, group.context_settings["obj"], front[1])


@contextmanager
def served(
    group: Group, front: tuple[Page, Mapping[str, Stage]], most: int = 2_000_000
) -> Iterator[httpx.Client]:
    """Serve a command's studio, and yield a client of it."""
    import uvicorn

    studio = Studio(group.name or "", live(group, front), front[0], most)
    listener: socket.socket = listen("127.0.0.1", 0)
    config = uvicorn.Config(studio.app(), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def tiny(box: Path) -> Iterator[httpx.Client]:
    """Serve seqvae's studio with the models of a box."""
    import torch

    import seqvae.domains
    from seqvae.cli import command
    from seqvae.studio.stages import front

    before = torch.get_num_threads()
    domains = tuple(replace(each, box=box) for each in seqvae.domains.DOMAINS)
    boxed = mock.patch.object(seqvae.domains, "DOMAINS", domains)
    with boxed, served(command(), front()) as client:
        yield client
    torch.set_num_threads(before)


def files(*paths: Any, name: str = "inputs") -> list[tuple[str, tuple[str, bytes]]]:
    """Return files as the form of a request."""
    return [(name, (path.name, path.read_bytes())) for path in paths]


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


def sent(client: httpx.Client, *paths: Path) -> list[dict[str, str]]:
    answer = client.post("/api/files", files=files(*paths))
    assert answer.status_code == 200, answer.text
    return [{"file": each["id"]} for each in answer.json()["files"]]


def play(client: httpx.Client, corners: list[dict[str, str]], **more: object) -> dict:
    answer = client.post("/api/play", json={"corners": corners, **more}, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()
