"""What the verb `studio` refuses before a server starts."""

from __future__ import annotations

import pytest

from vaecore.errors import DataError, UsageError
from vaecore.studio import command


def test_a_port_that_is_taken_is_named() -> None:
    with command.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(DataError, match=f"127.0.0.1 port {port} cannot be used .*--port"):
            command.listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["", " "])
def test_an_empty_address_does_not_open_the_studio_to_the_network(host: str) -> None:
    with pytest.raises(UsageError, match="--host is empty"):
        command.listen(host, 0).close()


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_NEEDED", ("starlette", "no_such_package"))
    with pytest.raises(DataError, match=r"needs no_such_package.*pip install 'seqvae\[studio\]'"):
        command._check()


def test_a_browser_opens_only_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert not command._has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert command._has_screen()
