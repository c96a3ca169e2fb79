"""The HTTP application: the routes and what they answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel
from python_multipart.exceptions import FormParserError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from vaecore.errors import UsageError
from vaecore.studio.answers import HANDLED, attached, encoded, refused, rounded, wants_json
from vaecore.studio.describe import description, reference
from vaecore.studio.guard import Guard
from vaecore.studio.live import Live
from vaecore.studio.page import html, script, style
from vaecore.studio.pool import Pool
from vaecore.studio.requests import Codes, Point
from vaecore.studio.served import File, Outcome
from vaecore.studio.stage import Page

MOST_BYTES = 32_000_000
"""Largest request in bytes, by default."""
MOST_FILES, MOST_FIELDS = 200, 200
"""Most files and most other fields of one form."""
LIVE, VERBS = 32, 2
"""Requests that run at the same time. Points that follow a pointer mostly wait to be decoded in one
batch; a verb keeps a core busy."""
SHOWN = 64
"""Most results of one verb that the page draws."""
_JS, _CSS = "text/javascript", "text/css"
Model = TypeVar("Model", bound=BaseModel)


class Studio:
    """The routes of one command's studio.

    Args:
        name: The command, such as "seqvae".
        live: Runs verbs and decodes points.
        page: The front end.
        most: Largest request in bytes.
    """

    def __init__(self, name: str, live: Live, page: Page, most: int = MOST_BYTES) -> None:
        self.name, self.live, self.page, self.most = name, live, page, most
        self.quick, self.slow = Pool(LIVE), Pool(VERBS)

    def app(self, hosts: frozenset[str] = frozenset()) -> Starlette:
        """Return the application.

        Args:
            hosts: Names of this server, in lower case, beside its addresses and localhost.
        """

        def api() -> dict[str, Any]:
            return description(self.name, self.live)

        verbs = [
            Route(f"/api/{name}", partial(self._verb, verb=name), methods=["POST"])
            for name in self.live.verbs.commands
        ]
        return Starlette(
            routes=[
                Route("/", lambda _: HTMLResponse(html(self.name, self.page))),
                Route("/studio.js", lambda _: Response(script(self.page), media_type=_JS)),
                Route("/studio.css", lambda _: Response(style(self.page), media_type=_CSS)),
                Route("/api", lambda _: HTMLResponse(reference(api()))),
                Route("/openapi.json", lambda _: JSONResponse(api())),
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
            exception_handlers=dict.fromkeys(HANDLED, self._refused),
        )

    # Models and files

    async def _examples(self, request: Request) -> Response:
        found = [encoded(File(p.name, p.read_bytes())) for p in self.page.examples if p.exists()]
        return JSONResponse({"files": found})

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"models": self.live.models.describe()})

    async def _model(self, request: Request) -> Response:
        return JSONResponse(await self.slow.run(self.live.about, request.path_params["name"]))

    async def _files(self, request: Request) -> Response:
        inputs, options, model = await self._inputs(request)
        found = [await self.slow.run(self.live.look, file, options, model) for file in inputs]
        return JSONResponse({"files": found})

    # Codes and points

    async def _encode(self, request: Request) -> Response:
        inputs, options, model = await self._inputs(request)
        ids = [self.live.keep(file) for file in inputs]
        taken = await self.slow.run(self.live.take, ids, options, model)
        assert taken.z is not None
        return JSONResponse(
            {
                "model": taken.model,
                "codes": rounded(taken.z.tolist()),
                "inputs": [{"file": s.input.name, **s.facts} for s in taken.sources],
                "files": ids,
                "notes": list(taken.notes),
            }
        )

    async def _decode(self, request: Request) -> Response:
        asked = await self._json(request, Codes)
        taken = self.live.model(asked.model)
        examples = await self.slow.run(self.live.decode, taken, asked)
        codec, stage = taken.space.codec, taken.stage
        if wants_json(request):
            results = [stage.shown(codec, each) for each in examples]
            return JSONResponse({"model": taken.model, "results": results})
        files = [
            File(f"{k}{stage.ending}", stage.file(codec, each))
            for k, each in enumerate(examples, 1)
        ]
        return attached(files, "decoded")

    async def _play(self, request: Request) -> Response:
        point, begin = await self._json(request, Point), time.monotonic()
        pool = self.slow if point.settle else self.quick
        found = await pool.run(self._played, point, wants_json(request))
        if isinstance(found, File):
            return attached([found], found.name)
        return JSONResponse({**found, "milliseconds": round(1e3 * (time.monotonic() - begin), 1)})

    def _played(self, point: Point, as_json: bool) -> dict[str, Any] | File:
        """Return what a point is decoded to: as the page draws it, or as a file."""
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
        """Return each result of a verb with its title, its drawing and its file."""
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

    # Requests and errors

    async def _inputs(self, request: Request) -> tuple[list[File], Mapping[str, Any], str | None]:
        """Return the files of a form, its options, and the model that it names.

        Raises:
            UsageError: There is no file.
        """
        files, options = await self._form(request)
        inputs = [file for each in files.values() for file in each]
        if not inputs:
            raise UsageError("send one file or several as `inputs`")
        return inputs, options, options.pop("model", [None])[-1]

    async def _form(self, request: Request) -> tuple[dict[str, list[File]], dict[str, list[Any]]]:
        """Return the files and the other fields of a form, by name.

        Raises:
            UsageError: It is no form, or it is damaged.
        """
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
        return refused(error, request.url.path, self.most)
