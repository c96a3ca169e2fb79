"""Many JavaScript modules as one script, so that a page can be one file.

Modules are ES modules, which browsers, editors and type checkers read unchanged. They may use only
a part of the syntax, so that no other bundler is needed:

    import { a, b } from "./beside.js";
    import { c } from "vaecore/page/field.js";      a module of another package
    export function | async function | class | const NAME
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";[ \t]*\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=((?:async )?function\*?|class|const) (\w+))", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(entry: Path) -> str:
    """Return a module and all that it imports as one script.

    Each imported module becomes a function, so that its names are local; the entry stays unchanged.

    Args:
        entry: File of the module.

    Raises:
        ValueError: A module uses other syntax, or imports itself through others.
    """
    done: dict[Path, str] = {}
    parts: list[str] = []
    _add(entry.resolve(), done, parts, ())
    return "\n".join(parts)


def _add(path: Path, done: dict[Path, str], parts: list[str], above: tuple[Path, ...]) -> str:
    """Add a module after those that it imports, and return its name in the script."""
    if path in above:
        raise ValueError(f"{path}: imports itself through {above[-1].name}")
    if path in done:
        return done[path]
    text = path.read_text(encoding="utf-8")
    names: list[str] = []

    def imported(match: re.Match[str]) -> str:
        there = _add(_place(match[2], path), done, parts, (*above, path))
        wanted = " ".join(match[1].split()).rstrip(", ")
        if " as " in wanted:
            raise ValueError(f"{path}: imports {wanted!r}; import names without `as`")
        return f"const {{ {wanted} }} = {there};\n"

    def exported(match: re.Match[str]) -> str:
        names.append(match[2])
        return ""

    text = EXPORT.sub(exported, IMPORT.sub(imported, text))
    if other := OTHER.search(text):
        raise ValueError(f"{path}: cannot be bundled: {other[0]}")
    done[path] = name = f"{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{len(done)}"
    if not above:  # the entry, which may await at its top level
        parts.append(text)
        return name
    parts.append(
        f"const {name} = (() => {{\n{text.strip()}\nreturn {{ {', '.join(names)} }};\n}})();"
    )
    return name


def _place(specifier: str, importer: Path) -> Path:
    """Return the file of an import: beside the importer, or in a package."""
    if specifier.startswith("."):
        return (importer.parent / specifier).resolve()
    package, _, rest = specifier.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{importer}: there is no package {package}")
    return (Path(spec.submodule_search_locations[0]) / rest).resolve()
