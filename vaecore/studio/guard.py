"""Access control: which requests are refused, and how large a request may be.

Every page that a browser shows can reach a server on the same machine. It can send forms to it, and
if its own name resolves to 127.0.0.1 (DNS rebinding), it can read the answers. So two kinds of
requests are refused: those whose Host is neither an address nor a name of this server, and those of
a page from another origin.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src blob:; connect-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class TooLarge(Exception):
    """A request is larger than this server takes."""


class Guard:
    """ASGI middleware that refuses foreign and large requests, and adds `HEADERS` to all answers.

    Args:
        app: The application behind it.
        hosts: Names of this server, in lower case, beside its addresses and localhost.
        most: Largest request in bytes.
    """

    def __init__(self, app: App, hosts: frozenset[str], most: int) -> None:
        self.app, self.hosts, self.most = app, hosts, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do so."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem, status = self._problem(Headers(scope=scope))
        if problem:
            await JSONResponse({"error": problem}, status, HEADERS)(scope, receive, send)
            return
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                raise TooLarge
            return message

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                named = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                message["headers"] = [*message["headers"], *named]
            await send(message)

        await self.app(scope, counted, guarded)

    def _problem(self, headers: Headers) -> tuple[str, int]:
        host = headers.get("host", "")
        if not self._known(host):
            return f"{host!r} is not a name of this server; start it with --allow {host}", 403
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page from {origin} may not use this server", 403
        if headers.get("sec-fetch-site") == "cross-site" and (
            headers.get("sec-fetch-mode") != "navigate"
        ):
            return "a page from another site may not use this server", 403
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most:
            return too_large(self.most), 413
        return "", 200

    def _known(self, host: str) -> bool:
        """Return whether a Host header is an IP address, localhost, or a name of this server."""
        name = host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        if name.lower() in self.hosts | {"localhost"}:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def too_large(most: int) -> str:
    """Return the message for a request that is too large."""
    return f"the request is larger than {most / 1e6:.0f} MB; send less, or start with --most"
