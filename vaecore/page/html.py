"""HTML files with scripts, styles and data inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from vaecore.page.bundle import bundle

STYLE = Path(__file__).with_name("style.css")
MODEL_STYLE = STYLE.with_name("model.css")
"""Style sheet of pages with a model inside."""

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of pages: they can neither fetch nor send anything."""


def page(
    title: str,
    body: str,
    script: Path,
    data: Mapping[str, Any],
    styles: Sequence[Path] = (),
    description: str = "",
) -> str:
    """Return an HTML file that needs no network and no other file.

    Args:
        title: Title of the page.
        body: HTML of its body.
        script: The JavaScript module that it runs; see `bundle`.
        data: Its data, as JSON, which `data()` of `dom.js` returns.
        styles: Style sheets after the one that all pages share.
        description: One sentence about it, for previews of links.
    """
    css = "\n".join(path.read_text(encoding="utf-8") for path in (STYLE, *styles))
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    # So that "</script>" in a name does not end the block.
    text = text.replace("<", "\\u003c")
    code = bundle(script).replace("</script", "<\\/script")
    about = f'<meta name="description" content="{escape(description)}">\n' if description else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
{about}<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{css}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{text}</script>
<script type="module">
{code}
</script>
</body>
</html>
"""


def filled(template: Path, fields: Mapping[str, str]) -> str:
    """Return the HTML of a template with each `{name}` replaced.

    Args:
        template: File of the template.
        fields: HTML for each name.
    """
    body = template.read_text(encoding="utf-8")
    for name, text in fields.items():
        body = body.replace(f"{{{name}}}", text)
    return body


def corners(names: Sequence[str], rows: int) -> dict[str, str]:
    """Return the title of a palette, and the names of its corners above and below it, as HTML.

    Args:
        names: Names of the inputs, in their order.
        rows: Number of rows of the grid; with one row, all names are above it.
    """

    def edge(names: Sequence[str]) -> str:
        kind = ' class="middle"' if len(names) == 1 else ""
        return "".join(f"<span{kind}>{escape(name)}</span>" for name in names)

    top, bottom = (names, []) if rows == 1 else (names[:2], names[2:])
    return {
        "title": " · ".join(map(escape, names)),
        "top": edge(top),
        "bottom": edge(bottom),
    }
