"""What MkDocs needs beside mkdocs.yml: pages that are not in docs/, and links that leave it.

Pages in docs/ and the READMEs link to each other and to files as the repository's web view wants
it, relative to where they are. Here such links are turned to the site's pages:

    READMEs and model cards     pages of the site, as they are
    modules                     their place in the reference
    other files                 a page that shows the file

The reference has a page for each package, and one for the commands, made from their `--help`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("vaecore", "seqvae", "facevae")
COMMANDS = ("seqvae", "facevae")
CARDS = [card for name in COMMANDS for card in sorted(ROOT.glob(f"{name}/models/*/README.md"))]
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
LANGUAGES = {".py": "python", ".yaml": "yaml"}

SOURCES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "MODEL_LICENSES.md": "model_licenses.md",
    "SECURITY.md": "security.md",
    "data/README.md": "data.md",
    "benchmarks/README.md": "benchmarks.md",
    **{str(card.relative_to(ROOT)): f"cards/{card.parent.name}.md" for card in CARDS},
}
"""Pages that are not in docs/: from the repository's path to the site's."""
FOLDERS = {f"{name}/models": "cards/index.md" for name in COMMANDS}
"""Folders that pages link to, and what to show for them."""

EXAMPLES = {
    "drums.html": ("seqvae", "palette", "rock.mid bossa.mid funk.mid house.mid", "four beats"),
    "melodies.html": ("seqvae", "palette", "sunrise.mid alley.mid fountain.mid", "three melodies"),
    "faces.html": ("facevae", "palette", "ada.png bob.png cleo.png dan.png", "four faces"),
}
"""Pages that play: how they are made, and what they are called."""

ALONE = ("index.md", "lecture.md")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation with what is found."""
    sections = {title: pages for entry in config.nav for title, pages in entry.items()}
    sections["Models"] += [{card.parent.name: f"cards/{card.parent.name}.md"} for card in CARDS]
    named = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    for page in sorted((ROOT / "docs").glob("*.md")):
        if page.name not in named:
            title = page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
            sections["How it was made"].insert(-1, {title: page.name})
    for package in PACKAGES:
        pages = [{each: f"api/{each}.md"} for each in _packages(package)]
        sections["Reference"].append({package: pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {site: (ROOT / path).read_text(encoding="utf-8") for path, site in SOURCES.items()}
    pages["cards/index.md"] = _box()
    pages["commands.md"] = _commands()
    for package in PACKAGES:
        pages |= {f"api/{name}.md": _reference(name) for name in _packages(package)}
    documents = {path: (ROOT / path).read_text(encoding="utf-8") for path in SOURCES}
    for path in (ROOT / "docs").rglob("*.md"):
        documents[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
    for path, text in documents.items():
        for _, target, _ in LINK.findall(text):
            found = normpath(join(dirname(path), target))
            if _site(found) == f"source/{found}.md":
                pages[_site(found)] = _listing(found)
    for site, content in {**pages, **_examples()}.items():
        files.append(File.generated(config, site, content=content))
    return files


@cache
def _examples() -> dict[str, bytes]:
    """Return the pages that play, made by the commands that docs/page.md names."""
    made = {}
    with TemporaryDirectory() as folder:
        for name, (command, verb, inputs, _) in EXAMPLES.items():
            place = Path(folder) / name
            files = [str(ROOT / "data" / each) for each in inputs.split()]
            arguments = [verb, *files, "-q", "-o", str(place)]
            subprocess.run([sys.executable, "-m", command, *arguments], check=True)
            made[f"examples/{name}"] = place.read_bytes()
    return made


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to the repository's files to the site's pages."""
    here = page.file.src_uri
    if here in ALONE:  # no other page is in their section
        page.meta["hide"] = ["navigation"]
    at = {site: path for path, site in SOURCES.items()}.get(here, f"docs/{here}")

    def turned(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        site = None if ":" in target else _site(normpath(join(dirname(at), target)))
        if site is None:
            return match[0]
        name, _, anchor = site.partition("#")
        after = f"#{anchor})" if anchor else after
        return f"{before}{relpath(name, dirname(here) or '.')}{after}"

    markdown = LINK.sub(turned, markdown)
    if here == "page.md":
        lines = [f"- [{words}](examples/{name})" for name, (*_, words) in EXAMPLES.items()]
        markdown += "\n## Try it\n\nMade with the commands above:\n\n" + "\n".join(lines) + "\n"
    return markdown


def _site(path: str) -> str | None:
    """Return where the site shows a path of the repository; None if it is not there."""
    place = ROOT / path
    if not place.exists():
        return None
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path in SOURCES or path in FOLDERS:
        return SOURCES.get(path) or FOLDERS[path]
    if place.is_dir():
        return SOURCES.get(f"{path}/README.md")
    if path.split("/")[0] in PACKAGES and place.suffix == ".py":
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        package = module if place.name == "__init__.py" else module.rpartition(".")[0]
        return f"api/{package}.md#{module}"
    return f"source/{path}.md"


def _packages(name: str) -> list[str]:
    """Return a package and the packages in it, as dotted names."""
    places = sorted((ROOT / name).rglob("__init__.py"))
    return [".".join(place.parent.relative_to(ROOT).parts) for place in places]


def _reference(package: str) -> str:
    """Return the page of a package: its own docstring, then its modules."""
    modules = sorted((ROOT / package.replace(".", "/")).glob("[!_]*.py"))
    blocks = [f"# {package}", f"::: {package}\n    options: {{show_root_heading: false}}"]
    blocks += [f"::: {package}.{module.stem}" for module in modules]
    return "\n\n".join(blocks) + "\n"


def _listing(path: str) -> str:
    """Return a page that shows a text file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return f"# {path}\n\n````{LANGUAGES.get(Path(path).suffix, '')}\n{text}\n````\n"


def _box() -> str:
    """Return the page of all models in the box."""
    lines = ["# Models in the box", "", "| model | what | size |", "|---|---|---:|"]
    for card in CARDS:
        config: dict[str, Any] = json.loads((card.parent / "config.json").read_text())
        size = sum(file.stat().st_size for file in card.parent.iterdir()) / 1e6
        name = card.parent.name
        lines.append(f"| [`{name}`]({name}.md) | {config['description']} | {size:.1f} MB |")
    return "\n".join(lines) + "\n"


def _commands() -> str:
    """Return the page of all commands: what `--help` says."""
    import click

    parts = ["# Commands"]
    for name in COMMANDS:
        group = import_module(f"{name}.cli").command()
        parts.append(f"## {name}")
        context = click.Context(group, None, name, terminal_width=88, **group.context_settings)
        parts.append(f"```text\n{group.get_help(context)}\n```")
        for verb, command in group.commands.items():
            if not command.hidden:
                inner = click.Context(command, context, verb)
                parts.append(f"### {name} {verb}\n\n```text\n{command.get_help(inner)}\n```")
    return "\n\n".join(parts) + "\n"
