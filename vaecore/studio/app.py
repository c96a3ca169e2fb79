"""The HTTP application: routes, answers and errors."""

from __future__ import annotations

import base64
import io
import mimetypes
import time
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from vaecore.cli.echo import echo
from vaecore.errors import DataError, UsageError
from vaecore.studio.describe import description, reference
from vaecore.studio.guard import Guard, TooLarge, too_large
from vaecore.studio.live import Live, Missing
from vaecore.studio.pool import Busy, Pool
from vaecore.studio.requests import Codes, Point
from vaecore.studio.served import File, Outcome
from vaecore.studio.stage import Page

MOST_BYTES = 32_000_000
"""Of one request, by default."""
MOST_FILES, MOST_FIELDS = 200, 200
LIVE, VERBS = 32, 2
"""Requests at work at once: those that follow a hand, which mostly wait for one another, and verbs,
which keep a core busy."""
SHOWN = 64
"""Results of a verb that are drawn at most."""

_HANDLED = (
    *(DataError, UsageError, click.ClickException, ValidationError),
    *(TooLarge, Busy, HTTPException, Exception),
)
MEDIA = {".mid": "audio/midi", ".midi": "audio/midi", ".wav": "audio/wav", ".webp": "image/webp"}
Model = TypeVar("Model", bound=BaseModel)


class Studio:
    """The routes of a package's studio.

    Args:
        name: The command, such as "seqvae".
        live: What answers.
        page: The front end.
        most: Bytes of one request.
    """

    def __init__(self, name: str, live: Live, page: Page, most: int = MOST_BYTES) -> None:
        self.name, self.live, self.page, self.most = name, live, page, most
        self.quick, self.slow = Pool(LIVE), Pool(VERBS)

    def app(self, hosts: frozenset[str] = frozenset()) -> Starlette:
        """Return the application.

        Args:
            hosts: Names by which it may be called beside addresses and localhost.
        """
        verbs = [
            Route(f"/api/{name}", partial(self._verb, verb=name), methods=["POST"])
            for name in self.live.verbs.commands
        ]
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/studio.js", self._script),
                Route("/studio.css", self._style),
                Route("/api", self._reference),
                Route("/openapi.json", self._description),
                Route("/api/models", self._models),
                Route("/api/models/{name}", self._model),
                Route("/api/examples", self._examples),
                Route("/api/files", self._files, methods=["POST"]),
                Route("/api/encode", self._encode, methods=["POST"]),
                Route("/api/decode", self._decode, methods=["POST"]),
                Route("/api/play", self._play, methods=["POST"]),
                *verbs,
            ],
            middleware=[Middleware(Guard, hosts=hosts, most=self.most)],
            exception_handlers=dict.fromkeys(_HANDLED, self._refused),
        )

    # The page

    async def _page(self, request: Request) -> Response:
        from vaecore.studio.page import html

        return HTMLResponse(html(self.name, self.page))

    async def _script(self, request: Request) -> Response:
        from vaecore.studio.page import script

        return Response(script(self.page), media_type="text/javascript")

    async def _style(self, request: Request) -> Response:
        from vaecore.studio.page import style

        return Response(style(self.page), media_type="text/css")

    async def _reference(self, request: Request) -> Response:
        return HTMLResponse(reference(description(self.name, self.live)))

    async def _description(self, request: Request) -> Response:
        return JSONResponse(description(self.name, self.live))

    async def _examples(self, request: Request) -> Response:
        found = [encoded(File(p.name, p.read_bytes())) for p in self.page.examples if p.exists()]
        return JSONResponse({"files": found})

    # Models and files

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"models": self.live.models.describe()})

    async def _model(self, request: Request) -> Response:
        return JSONResponse(await self.slow.run(about, self.live, request.path_params["name"]))

    async def _files(self, request: Request) -> Response:
        files, values = await self._form(request)
        model, options = _split(values)
        sent = [file for each in files.values() for file in each]
        if not sent:
            raise UsageError("send one file or several as `inputs`")
        found = []
        for file in sent:
            found.append(await self.slow.run(self.live.look, file, options, model))
        return JSONResponse({"files": found})

    # Codes and points

    async def _encode(self, request: Request) -> Response:
        files, values = await self._form(request)
        model, options = _split(values)
        sent = [file for each in files.values() for file in each]
        names = [self.live.keep(file) for file in sent]
        if not names:
            raise UsageError("send one file or several as `inputs`")
        taken = await self.slow.run(self.live.take, names, options, model)
        assert taken.z is not None
        inputs = [{"file": s.input.name, **s.facts} for s in taken.sources]
        answer = {"model": taken.model, "codes": rounded(taken.z.tolist()), "inputs": inputs}
        return JSONResponse({**answer, "files": names, "notes": list(taken.notes)})

    async def _decode(self, request: Request) -> Response:
        asked = await self._json(request, Codes)
        taken = self.live.model(self.live.models.check(asked.model))
        examples = await self.slow.run(self.live.decode, taken, asked)
        codec, stage = taken.space.codec, taken.stage
        if not wants_json(request):
            files = [
                File(f"{k}{stage.ending}", stage.file(codec, each))
                for k, each in enumerate(examples, 1)
            ]
            return attached(files, "decoded")
        results = [stage.shown(codec, each) for each in examples]
        return JSONResponse({"model": taken.model, "results": results})

    async def _play(self, request: Request) -> Response:
        point, begin = await self._json(request, Point), time.monotonic()
        pool = self.slow if point.settle else self.quick
        found = await pool.run(self._played, point, wants_json(request))
        if isinstance(found, File):
            return attached([found], found.name)
        return JSONResponse({**found, "milliseconds": round(1e3 * (time.monotonic() - begin), 1)})

    def _played(self, point: Point, as_json: bool) -> dict[str, Any] | File:
        """Return what is at a point: as the page draws it, or as a file."""
        played = self.live.play(point)
        codec, stage = played.taken.space.codec, played.taken.stage
        if not as_json:
            return File(f"{self.name}{stage.ending}", stage.file(codec, played.example))
        return {
            "model": played.taken.model,
            "code": rounded(played.z.tolist()),
            "shown": stage.shown(codec, played.example),
            "reached": {name: round(value, 3) for name, value in played.reached.items()},
        }

    # Verbs

    async def _verb(self, request: Request, verb: str) -> Response:
        files, values = await self._form(request)
        output = values.pop("output", [""])[-1]
        outcome = await self.slow.run(self.live.verbs.run, verb, files, values, output)
        if not wants_json(request):
            if not outcome.files:
                return JSONResponse(outcome.facts)
            return attached(outcome.files, verb)
        answer = {**outcome.facts, "notes": outcome.notes}
        answer["files"] = [encoded(file) for file in outcome.files]
        answer["results"] = await self.slow.run(self._results, outcome)
        return JSONResponse(answer)

    def _results(self, outcome: Outcome) -> list[dict[str, Any]]:
        """Return what a verb made, one by one, as the page draws and keeps it."""
        result = outcome.result
        if result is None or outcome.space is None:
            return []
        stage = self.live.stage(outcome.space)
        titles = list(result.titles) * len(result.rounds)
        found = []
        for k, (example, title) in enumerate(zip(result.examples[:SHOWN], titles, strict=False), 1):
            file = File(f"{result.verb} {k}{stage.ending}", stage.file(result.codec, example))
            found.append(
                {
                    "title": title,
                    "shown": stage.shown(result.codec, example),
                    "file": {**encoded(file), "id": self.live.keep(file)},
                }
            )
        return found

    # What is sent, and what is wrong with it

    async def _form(self, request: Request) -> tuple[dict[str, list[File]], dict[str, list[str]]]:
        """Return the files and the other fields of a form, by name."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            if not int(request.headers.get("content-length", "0")):
                return {}, {}
            raise UsageError("send a form (multipart/form-data)")
        files: dict[str, list[File]] = {}
        values: dict[str, list[str]] = {}
        try:
            async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        file = File(value.filename or "file", await value.read())
                        files.setdefault(name, []).append(file)
                    elif name == "inputs":  # a sentence
                        text = File(f"{len(files.get(name, [])) + 1}.txt", value.encode())
                        files.setdefault(name, []).append(text)
                    else:
                        values.setdefault(name, []).append(value)
        except FormParserError as error:  # older versions of Starlette let it through
            raise UsageError(f"the form is damaged ({error}); send it again") from error
        return files, values

    async def _json(self, request: Request, kind: type[Model]) -> Model:
        return kind.model_validate_json(await request.body())

    async def _refused(self, request: Request, error: Exception) -> Response:
        """Answer an error with its one line, and the status that belongs to it."""
        more: dict[str, Any] = {}
        if isinstance(error, Missing):
            status, text, more = 410, str(error), {"missing": error.names}
        elif isinstance(error, DataError):
            status, text = 422, str(error)
        elif isinstance(error, UsageError):
            status, text = 400, str(error)
        elif isinstance(error, click.ClickException):
            status, text = 400, error.format_message().rstrip(".")
        elif isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            status, text = 400, f"{where}: {first['msg']}" if where else first["msg"]
        elif isinstance(error, TooLarge):
            status, text = 413, too_large(self.most)
        elif isinstance(error, Busy):
            status, text = 503, "too many requests wait already; try again in a moment"
        elif isinstance(error, HTTPException):
            status, text = error.status_code, str(error.detail)
        elif isinstance(error, MemoryError):
            status, text = 507, "not enough memory; try fewer or smaller inputs"
        else:
            reason = (str(error).splitlines() or [""])[0]
            status = 500
            text = f"unexpected {type(error).__name__}: {reason}; please report it"
            echo(f"Error: {request.url.path}: {text}", err=True)
        headers = {"retry-after": "1"} if status == 503 else None
        return JSONResponse({"error": " ".join(text.split()), **more}, status, headers)


def about(live: Live, name: str) -> dict[str, Any]:
    """Return what the page needs of a model: how it is drawn, and its sliders."""
    taken = live.model(live.models.check(name))
    space, config = taken.space, taken.space.config
    example = live.decode(taken, Codes(model=name, codes=[[0.0] * space.latent_dim]))[0]
    measured = bool(config and any(isinstance(v, Mapping) for v in config.attributes.values()))
    return {
        "name": taken.model,
        "kind": taken.stage.kind,
        "latent_dim": space.latent_dim,
        "attributes": sorted(space.attributes),
        "settles": measured,
        "draws": space.model.draws,
        "ending": taken.stage.ending,
        **taken.stage.about(space.codec, example),
    }


def wants_json(request: Request) -> bool:
    """Return whether the caller asks for JSON; anything else, as curl's */*, is the file itself."""
    return "application/json" in request.headers.get("accept", "")


def encoded(file: File) -> dict[str, str]:
    """Return a file for JSON."""
    return {
        "name": file.name,
        "type": media(file.name),
        "data": base64.b64encode(file.data).decode(),
    }


def media(name: str) -> str:
    """Return the media type of a file's name."""
    ending = Path(name).suffix.lower()
    return MEDIA.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def attached(files: Sequence[File], name: str) -> Response:
    """Return one file as it is, or several as a ZIP archive."""
    if len(files) == 1:
        name, kind, data = files[0].name, media(files[0].name), files[0].data
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
    """Return numbers of 32 bits with the digits they have."""
    if isinstance(values, list):
        return [rounded(each) for each in values]
    return float(f"{values:.9g}")


def _split(values: Mapping[str, list[str]]) -> tuple[str | None, dict[str, Any]]:
    """Return the model and the other options of a form."""
    options = {name: value for name, value in values.items() if name != "model"}
    return values.get("model", [None])[-1], options
