"""Python processes that start at once: a server that has imported torch forks one for each call.

The pages have some hundred commands, and each would import torch for one or two seconds; a
training also imports Lightning, which takes longer than a small model takes to train. So the
programs `python`, `pytest`, `seqvae` and `facevae` in the folder of the fixture `warm` are a small
client; it hands its arguments, folder, environment and standard streams to the server, which runs
them in a fork of itself as a new Python would. SIGINT and SIGTERM are passed on to the fork.

    python warm.py SOCKET    serve until killed
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

PACKAGES = ("vaecore", "seqvae", "facevae")
IMPORTED = (
    "matplotlib.figure", "scipy.stats", "tokenizers.implementations", "pretty_midi",
    "pandas", "sklearn.mixture", "torch.utils.tensorboard",
)  # fmt: skip
"""What the packages, or what they import, import only when they need it."""

CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
call = dict(arguments={first!r} + sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ))
data = json.dumps(call).encode()
socket.send_fds(link, [len(data).to_bytes(4, "big")], [0, 1, 2])
link.sendall(data)
pid = int.from_bytes(link.recv(4), "big")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
sys.exit(link.recv(1)[0])
"""


def write_clients(folder: Path, address: Path) -> None:
    """Write the programs into a folder that blocks have on their path."""
    for name, first in (
        ("python", []),
        ("pytest", ["-m", "pytest"]),
        ("seqvae", ["-m", "seqvae"]),
        ("facevae", ["-m", "facevae"]),
    ):
        text = CLIENT.format(python=sys.executable, address=str(address), first=first)
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)


def run(arguments: list[str]) -> None:
    """Run `python ARGUMENTS`: -m MODULE, -c CODE or a file."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<block>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")


def answer(link: socket.socket) -> None:
    """Run one call in a fork of a fork, which sends its exit code; calls may overlap."""
    head, streams, _, _ = socket.recv_fds(link, 4, 3)
    size, data = int.from_bytes(head, "big"), b""
    while len(data) < size:
        data += link.recv(size - len(data))
    call = json.loads(data)
    if os.fork():
        for stream in streams:
            os.close(stream)
        return
    child = os.fork()
    if child:
        link.sendall(child.to_bytes(4, "big"))
        _, status = os.waitpid(child, 0)
        link.sendall(bytes([os.waitstatus_to_exitcode(status) & 255]))
        os._exit(0)
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            for number, mode in enumerate(("r", "w", "w"))
        )
        os.chdir(call["folder"])
        os.environ.clear()
        os.environ.update(call["environment"])
        sys.path.insert(0, call["folder"])
        run(call["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def reap() -> None:
    """Forget the calls that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def serve(address: str) -> None:
    """Answer calls."""
    for package in PACKAGES:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):  # of what is not installed
                    import_module(module.name)
    for name in IMPORTED:
        with suppress(ImportError):
            import_module(name)
    # What takes longest in a training of few steps: its pictures, and its attribute vectors.
    import_module("seqvae.music.pictures").COLUMNS = 1
    import_module("seqvae.sequences.attributes").TRIAL = 16
    gc.freeze()  # a fork that searched all this for garbage would copy it
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        while True:
            link, _ = server.accept()
            with link:
                answer(link)
            reap()


if __name__ == "__main__":
    serve(sys.argv[1])
