"""Who may ask, and how much may be sent.

A server on one's own machine can be reached by every page that a browser shows. Such a page may
send forms to it, and with a name that it points at 127.0.0.1 (DNS rebinding) it may read the
answers. So requests are refused whose Host is no address and none of the names this server was
given, and those that another page's origin makes.
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
    """More was sent than this server takes."""


class Guard:
    """Refuses foreign requests and large ones, and says in every answer what a page may do.

    Args:
        app: What answers the others.
        hosts: Names that this server may be called by; addresses and localhost always may.
        most: Bytes of a request.
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
            return f"this server is not {host!r}; start it with --allow to give it that name", 403
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page of {origin} may not use this server", 403
        if headers.get("sec-fetch-site") == "cross-site" and (
            headers.get("sec-fetch-mode") != "navigate"
        ):
            return "a page of another site may not use this server", 403
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most:
            return too_large(self.most), 413
        return "", 200

    def _known(self, host: str) -> bool:
        """Return whether a Host is an address, localhost, or a name of this server."""
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
    return f"this is too large; at most {most / 1e6:.0f} MB are taken at once"
