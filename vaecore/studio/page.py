"""The front end as it is served: one page, one script, one style sheet."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from vaecore.page import bundle
from vaecore.studio.stage import Page

HERE = Path(__file__).parent
COMMON = Path(__file__).parents[1] / "page" / "style.css"


def html(name: str, page: Page) -> str:
    """Return the HTML of the page, whose script builds its content.

    Args:
        name: The command, such as "seqvae".
        page: The front end.
    """
    title, endings = escape(page.title), escape(",".join(page.endings))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/studio.css"><link rel="icon" href="data:,">'
        '<script type="module" src="/studio.js"></script></head>'
        f'<body class="{escape(page.looks)}" data-name="{escape(name)}" data-endings="{endings}">'
        "<noscript>This page needs JavaScript.</noscript></body></html>"
    )


@cache
def script(page: Page) -> str:
    """Return the page's JavaScript modules as one script."""
    return bundle(page.script)


@cache
def style(page: Page) -> str:
    """Return the page's style sheets as one."""
    sheets = (COMMON, HERE / "web" / "studio.css", *page.styles)
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
