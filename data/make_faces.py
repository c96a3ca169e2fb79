"""Write the example faces of this folder: `python data/make_faces.py [FOLDER]`.

They are samples of `faces_64`, pictures of nobody.
"""

from __future__ import annotations

import sys
from pathlib import Path

import facevae

CHOSEN = {"ada": 8, "bob": 24, "cleo": 38, "dan": 36}
"""Name and number of the sample."""


def main(folder: Path) -> None:
    """Write all example faces into a folder."""
    faces = facevae.load("faces_64").sample(48, temperature=0.8, seed=1)
    for name, number in CHOSEN.items():
        faces[number].save(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
