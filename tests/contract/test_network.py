"""At run time nothing opens a connection: the commands work on a machine without a network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NETWORK = 77

COMMANDS = {
    "seqvae": [
        ["models"],
        ["interpolate", "data/rock.mid", "data/bossa.mid", "--steps", "3", "-o", "{}/a.mid"],
        ["sample", "-n", "1", "-o", "{}/b.mid"],
        ["edit", "data/rock.mid", "--add", "note_density=1", "-o", "{}/c.mid"],
        ["show", "data/rock.mid"],
    ],
    "facevae": [["models"]],
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs copies of a process")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_opens_a_connection(
    tmp_path: Path, box: Path, use_box, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    from importlib import import_module

    monkeypatch.chdir(ROOT)
    use_box(box)
    group = import_module(f"{command}.cli").command()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)

            def hook(name: str, _: object) -> None:
                if name.startswith(("socket.connect", "socket.getaddrinfo", "socket.bind")):
                    os._exit(NETWORK)

            sys.addaudithook(hook)
            for arguments in COMMANDS[command]:
                filled = [each.format(tmp_path) for each in arguments]
                group.main(filled, standalone_mode=False)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "77: a connection; 1: an error"
