"""HTTP answers: files, numbers and errors."""

from __future__ import annotations

import base64
import io
import mimetypes
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vaecore.cli.echo import echo
from vaecore.errors import DataError, UsageError, unexpected
from vaecore.studio.guard import TooLarge, too_large
from vaecore.studio.live import Missing
from vaecore.studio.pool import Busy
from vaecore.studio.served import File

_STATUS: dict[type[Exception], int] = {
    Missing: 410,
    DataError: 422,
    UsageError: 400,
    click.ClickException: 400,
    ValidationError: 400,
    TooLarge: 413,
    Busy: 503,
    MemoryError: 507,
}
"""HTTP status of an error; of several that fit, the first."""
HANDLED = (*_STATUS, HTTPException, Exception)
_MEDIA = {".mid": "audio/midi", ".midi": "audio/midi", ".wav": "audio/wav", ".webp": "image/webp"}


def refused(error: Exception, path: str, most: int) -> Response:
    """Return the answer to a request that failed: one line as JSON, and a status.

    Args:
        error: What was raised.
        path: Path of the request, for the report of an unexpected error on the terminal.
        most: Largest request in bytes, for the message of one that is larger.
    """
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    text = str(error)
    if isinstance(error, click.ClickException):
        text = error.format_message().rstrip(".")
    elif isinstance(error, ValidationError):
        first = error.errors()[0]
        text = ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)
    elif isinstance(error, TooLarge):
        text = too_large(most)
    elif isinstance(error, Busy):
        text = "too many requests wait already; try again in a moment"
    elif isinstance(error, HTTPException):
        status, text = error.status_code, str(error.detail)
    elif isinstance(error, MemoryError):
        text = "not enough memory; try fewer or smaller inputs"
    elif status == 500:
        text = f"{unexpected(error)}; please report it"
        echo(f"Error: {path}: {text}", err=True)
    answer: dict[str, Any] = {"error": " ".join(text.split())}
    if isinstance(error, Missing):
        answer["missing"] = error.names
    return JSONResponse(answer, status, {"retry-after": "1"} if status == 503 else None)


def wants_json(request: Request) -> bool:
    """Return whether a request asks for JSON; with any other Accept, such as */*, it gets files."""
    return "application/json" in request.headers.get("accept", "")


def encoded(file: File) -> dict[str, str]:
    """Return a file as JSON: its name, its media type, and its bytes in base64."""
    return {
        "name": file.name,
        "type": _media(file.name),
        "data": base64.b64encode(file.data).decode(),
    }


def attached(files: Sequence[File], name: str) -> Response:
    """Return one file as it is, or several as a ZIP archive of that name."""
    if len(files) == 1:
        name, kind, data = files[0].name, _media(files[0].name), files[0].data
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.writestr(zipfile.ZipInfo(file.name), file.data)
        name, kind, data = f"{name}.zip", "application/zip", buffer.getvalue()
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return Response(
        data, media_type=kind, headers={"content-disposition": f'attachment; filename="{plain}"'}
    )


def rounded(values: Any) -> Any:
    """Return nested lists of 32-bit numbers with the nine digits that they have."""
    if isinstance(values, list):
        return [rounded(each) for each in values]
    return float(f"{values:.9g}")


def _media(name: str) -> str:
    """Return the media type of a file's name."""
    ending = Path(name).suffix.lower()
    return _MEDIA.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
