"""The OpenAPI description of the HTTP API, and a page that shows it without outside resources.

Verbs are described from the options of the command line, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import click

from vaecore import __version__
from vaecore.studio.live import Live
from vaecore.studio.requests import Codes, Point
from vaecore.studio.verbs import may_be_file

_FILE = {"type": "string", "format": "binary"}
_ERRORS = {
    "400": "The request is wrong: an unknown name, or a value out of range.",
    "403": "The request comes from another site's page, or by an unknown name of this server.",
    "410": "A file is no longer kept: send it again (its id is in `missing`).",
    "413": "The request is too large.",
    "422": "A file cannot be used; the message names it, the reason and the remedy.",
    "503": "Too many requests wait; try again.",
}


def description(name: str, live: Live) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of a package's API.

    Args:
        name: The command, such as "seqvae".
        live: Its verbs are described.
    """
    paths: dict[str, Any] = {
        f"/api/{verb}": {"post": _verb(verb, command, live.verbs.parameters(verb))}
        for verb, command in live.verbs.commands.items()
    }
    taking = {
        "inputs": {"type": "array", "items": _FILE, "description": "The files."},
        **_properties(live.verbs.taking()),
    }
    paths |= {
        "/api/models": {"get": _operation("models", "The models, their size and attributes.")},
        "/api/models/{name}": {
            "get": {
                **_operation("model", "Facts of a model: size, attributes, and how it is drawn."),
                "parameters": [
                    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
            }
        },
        "/api/files": {
            "post": _operation(
                "files",
                "The content of files, the model that fits each, and the example that is taken of "
                "it. Each file gets an id, under which /api/play finds it while it is kept in "
                "memory.",
                _form(taking, ["inputs"]),
            )
        },
        "/api/encode": {
            "post": _operation(
                "encode", "The codes (posterior means) of files.", _form(taking, ["inputs"])
            )
        },
        "/api/decode": {
            "post": _operation(
                "decode",
                "Decode codes: to JSON, or to files if Accept is not application/json.",
                _json(Codes),
            )
        },
        "/api/play": {
            "post": _operation(
                "play",
                "Decode a point between files that were sent before, with attributes added: to "
                "JSON, or to a file if Accept is not application/json.",
                _json(Point),
            )
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name} studio",
            "version": __version__,
            "description": "Every verb of the command line over HTTP: files in, files out. Options "
            "have the names of the command line, without leading dashes and with _ in place of -. "
            "With `Accept: application/json` the answer is the report of --json, with the files in "
            "base64; otherwise it is the file, or a ZIP archive of several.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            }
        },
    }


def _operation(
    name: str, summary: str, body: Mapping[str, Any] | None = None, more: str = ""
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "200": {
            "description": "The answer.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    }
    if body is not None:
        answer["200"]["content"]["application/octet-stream"] = {"schema": _FILE}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answer |= {code: {"description": text, "content": error} for code, text in _ERRORS.items()}
    found: dict[str, Any] = {"operationId": name, "summary": summary, "responses": answer}
    if more:
        found["description"] = more
    if body is not None:
        found["requestBody"] = body
    return found


def _verb(
    name: str, command: click.Command, parameters: Mapping[str, click.Parameter]
) -> dict[str, Any]:
    summary, _, more = (command.help or "").strip().partition("\n\n")
    properties = _properties(parameters)
    properties["output"] = {
        "type": "string",
        "description": "Name of the file to write; its ending chooses the file type.",
    }
    required = [key for key, parameter in parameters.items() if parameter.required]
    more = " ".join(more.split())
    return _operation(name, " ".join(summary.split()), _form(properties, required), more)


def _properties(parameters: Mapping[str, click.Parameter]) -> dict[str, Any]:
    return {name: _schema(parameter) for name, parameter in parameters.items()}


def _schema(parameter: click.Parameter) -> dict[str, Any]:
    """Return the JSON schema of a parameter."""
    if isinstance(parameter, click.Argument):
        if parameter.name == "inputs" and parameter.nargs != 1:
            bounds: dict[str, Any] = {}
            if parameter.nargs > 1:
                bounds = {"minItems": parameter.nargs, "maxItems": parameter.nargs}
            return {"type": "array", "items": _FILE, "description": "The files.", **bounds}
        return {**_FILE, "description": "The file."}
    kind, schema = parameter.type, dict[str, Any]()
    if getattr(parameter, "is_flag", False):
        schema["type"] = "boolean"
    elif isinstance(kind, click.Path):
        schema |= _FILE
    elif isinstance(kind, click.Choice):
        schema |= {"type": "string", "enum": list(kind.choices)}
    elif isinstance(kind, (click.IntRange, click.FloatRange)):
        schema["type"] = "integer" if isinstance(kind, click.IntRange) else "number"
        schema |= {
            key: value
            for key, value in (("minimum", kind.min), ("maximum", kind.max))
            if value is not None
        }
    else:
        schema["type"] = "string"
    if getattr(parameter, "multiple", False):
        schema = {"type": "array", "items": schema}
    default = parameter.default
    if isinstance(default, (bool, int, float, str)) and not getattr(parameter, "multiple", False):
        schema["default"] = default
    text = getattr(parameter, "help", None) or ""
    if may_be_file(parameter) and not isinstance(kind, click.Path):
        text += " Or send a file."
    return {**schema, "description": text} if text else schema


def _form(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = required
    return {"content": {"multipart/form-data": {"schema": schema}}, "required": bool(required)}


def _json(kind: Any) -> dict[str, Any]:
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, inner in schema.pop("$defs", {}).items():
        schema = _inlined(schema, name, inner)
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def _inlined(schema: Any, name: str, inner: Any) -> Any:
    """Return a schema with references to the schema `name` replaced by `inner`."""
    if isinstance(schema, dict):
        if schema.get("$ref", "").endswith(f"/{name}"):
            return inner
        return {key: _inlined(value, name, inner) for key, value in schema.items()}
    return [_inlined(each, name, inner) for each in schema] if isinstance(schema, list) else schema


def reference(found: Mapping[str, Any]) -> str:
    """Return an OpenAPI description as an HTML page."""
    info, parts, index = found["info"], [], []
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            index.append(f'<li><a href="#{name}">{escape(path)}</a></li>')
            parts.append(_section(path, method, operation))
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: HTTP API'
        '</title><meta name="viewport" content="width=device-width">'
        '<link rel="stylesheet" href="/studio.css"></head><body><main class="reference">'
        f"<h1>{title}: HTTP API</h1><p>{escape(info['description'])}</p>"
        '<p><a href="/openapi.json">openapi.json</a> · <a href="/">the studio</a></p>'
        f'<nav aria-label="Calls"><ul>{"".join(index)}</ul></nav>{"".join(parts)}'
        "</main></body></html>"
    )


def _section(path: str, method: str, operation: Mapping[str, Any]) -> str:
    text = escape(operation["summary"])
    more = escape(operation.get("description", ""))
    content = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "")
    schema: Mapping[str, Any] = content[kind].get("schema", {}) if kind else {}
    needed = schema.get("required", ())
    rows = [
        f"<tr><th scope=row><code>{escape(name)}</code>{' (needed)' * (name in needed)}</th>"
        f"<td>{escape(_type(each))}</td><td>{escape(each.get('description', ''))}</td></tr>"
        for name, each in schema.get("properties", {}).items()
    ]
    table = (
        "<table><thead><tr><th scope=col>field</th><th scope=col>type</th>"
        f"<th scope=col>meaning</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        if rows
        else ""
    )
    return (
        f'<section id="{operation["operationId"]}"><h2>{method.upper()} {escape(path)}</h2>'
        f"<p>{text}</p>{f'<p>{more}</p>' if more else ''}"
        f"{f'<p><small>{kind}</small></p>' if kind else ''}{table}</section>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema's type in a few words."""
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"] if each.get("type") != "null")
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))}, several"
    text = "file" if schema.get("format") == "binary" else str(schema.get("type", "object"))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        text += f" from {low:g} to {high:g}"
    if "default" in schema:
        text += f", by default {schema['default']}"
    return text
