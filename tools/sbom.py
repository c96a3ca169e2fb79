"""List the dependencies with versions and licences, and write a CycloneDX file.

    python -m tools.sbom [--extra train] [-o sbom.json]

The table lists installed packages, direct dependencies first. The file is made by cyclonedx-py
(pip install cyclonedx-bom) from the whole environment: run this in a fresh one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

DISTRIBUTION = "seqvae"


def needed(name: str, extras: set[str]) -> list[str]:
    """Return the names of the packages that one needs directly, on this machine."""
    found = []
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            found.append(requirement.name)
    return found


def closure(extras: set[str]) -> tuple[list[str], list[str]]:
    """Return the direct dependencies, and the installed ones that these need."""
    direct = sorted(set(needed(DISTRIBUTION, extras)), key=str.lower)
    seen, waiting = set(direct), list(direct)
    while waiting:
        try:
            more = needed(waiting.pop(), set())
        except PackageNotFoundError:
            continue
        waiting += [name for name in more if name not in seen]
        seen |= set(more)
    return direct, sorted(seen - set(direct), key=str.lower)


def licence(package: Distribution) -> str:
    """Return the licence of a package, as its metadata have it."""
    about = package.metadata
    expression = about.get("License-Expression")
    kinds = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("License ::")
    ]
    text = (about.get("License") or "").strip().partition("\n")[0]
    return expression or ", ".join(kinds) or text[:60] or "not told"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    for title, names in zip(
        ("needed", "needed by these"), closure(set(options.extra)), strict=True
    ):
        print(f"| {title} | version | licence |\n|---|---|---|")
        for name in names:
            try:
                package = distribution(name)
            except PackageNotFoundError:
                continue
            print(f"| {name} | {package.version} | {licence(package)} |")
        print()
    if options.output:
        command = ["cyclonedx-py", "environment", "--output-reproducible", "--of", "JSON"]
        return subprocess.run(
            [*command, "-o", options.output, sys.executable], check=False
        ).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
