"""The verb `studio`: its options, its socket, and starting and stopping the server."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaecore.cli import options
from vaecore.cli.dispatch import Dispatch
from vaecore.cli.echo import echo, style
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from vaecore.cli.main import Group
    from vaecore.studio.live import Live
    from vaecore.studio.stage import Page, Stage

PORT = 8765
_NEEDED = ("starlette", "uvicorn", "python_multipart")


def studio_command(front: Callable[[], tuple[Page, Mapping[str, Stage]]]) -> click.Command:
    """Return the verb that serves a package's studio.

    Args:
        front: Returns the page, and how each domain is shown, by the domain's subject. Called when
            the server starts.
    """

    @click.command()
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=PORT,
        show_default=True,
        help="Port of the page and of the HTTP API; 0 takes a free one.",
    )
    @click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on. With any other, everybody who can reach it may use the studio.",
    )
    @click.option(
        "--allow",
        multiple=True,
        metavar="NAME",
        help="A name by which other machines reach this one; may be given again.",
    )
    @click.option(
        "--osc",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Also answer OSC on this port of this machine; 0 takes a free one.",
    )
    @click.option(
        "--model",
        "models",
        multiple=True,
        type=options.FILE,
        metavar="FOLDER",
        help="Offer this model folder, too; may be given again.",
    )
    @click.option(
        "--most",
        type=click.IntRange(1, 1000),
        default=32,
        show_default=True,
        metavar="MB",
        help="Largest request that is taken.",
    )
    @click.option(
        "--open/--no-open",
        "opens",
        default=None,
        help="Open the page in a browser.  [default: where there is a screen]",
    )
    @options.device
    @click.pass_context
    def studio(
        context: click.Context,
        port: int,
        host: str,
        allow: tuple[str, ...],
        osc: int | None,
        models: tuple[Path, ...],
        most: int,
        opens: bool | None,
        device: str,
    ) -> None:
        """Play in the browser: blend, edit, vary and sample, and hear or see it at once.

        The same server is an HTTP API, described at /api, and answers OSC with --osc. It listens to
        this machine alone, keeps nothing on disk, and ends with Ctrl-C.
        """  # fmt: skip
        _check()
        for folder in models:
            if not folder.is_dir():
                raise UsageError(f"--model {folder}: name a model folder")
        group, dispatch = context.find_root().command, context.find_object(Dispatch)
        assert dispatch is not None
        listener = listen(host, port)  # first: it fails at once, and what follows takes time
        page, stages = front()
        live = build(group, dispatch, stages, models, device)  # type: ignore[arg-type]
        name = group.name or ""
        port = listener.getsockname()[1]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        echo(f"{style(address, bold=True)}  the studio\n{address}/api  the HTTP API")
        server = None
        if osc is not None:
            from vaecore.studio.osc import OscServer

            server = OscServer(name, live, osc, most * 1_000_000)
            server.start()
            echo(f"osc.udp://127.0.0.1:{server.port}  OSC")
        echo("Ctrl-C ends it.")
        sys.stdout.flush()
        if opens or (opens is None and _has_screen()):
            webbrowser.open_new(address)
        try:
            serve(name, live, page, listener, frozenset({host.lower(), *map(str.lower, allow)}),
                  most * 1_000_000)  # fmt: skip
        finally:
            if server is not None:
                server.stop()

    return studio


def build(
    group: Group,
    dispatch: Dispatch,
    stages: Mapping[str, Stage],
    folders: tuple[Path, ...] = (),
    device: str = "cpu",
) -> Live:
    """Return what runs the verbs and decodes the points of a command's studio.

    Args:
        group: The command.
        dispatch: Chooses the domain of a request.
        stages: How each domain is shown, by its subject.
        folders: Model folders that are offered beside the shipped models.
        device: Where to compute, such as "cpu".
    """
    import torch

    from vaecore.studio.live import Live
    from vaecore.studio.models import Models
    from vaecore.studio.verbs import Verbs

    # Requests run in parallel, so that each of them is computed by one thread.
    torch.set_num_threads(1)
    models = Models((each.domain for each in dispatch.presentations), folders, device)
    return Live(Verbs(group, dispatch, models), models, stages)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UsageError: The address is empty, which sockets take for all addresses of this machine.
        DataError: The address or the port cannot be used.
    """
    if not host.strip():
        raise UsageError("--host is empty; 127.0.0.1 is for this machine alone, 0.0.0.0 for all")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named. Otherwise the body of an
    # answer waits 40 ms for the acknowledgement of its header.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        text = f"{host} port {port} cannot be used ({(error.strerror or str(error)).lower()})"
        raise DataError(text, remedy="choose another with --host or --port") from error
    return listener


def serve(
    name: str, live: Live, page: Page, listener: socket.socket, hosts: frozenset[str], most: int
) -> None:
    """Answer requests until Ctrl-C or SIGTERM."""
    import uvicorn

    from vaecore.studio.app import Studio

    app = Studio(name, live, page, most).app(hosts)
    config = uvicorn.Config(
        # Requests that Ctrl-C ends are no errors, and the application reports all others.
        app, log_level="critical", access_log=False, server_header=False, lifespan="off",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def _check() -> None:
    """Raise DataError where the packages of the extra are missing."""
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise DataError(f"the studio needs {missing[0]}", remedy="pip install 'seqvae[studio]'")


def _has_screen() -> bool:
    """Return whether a browser can open: from a terminal, with a display where one is needed."""
    shown = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and shown
