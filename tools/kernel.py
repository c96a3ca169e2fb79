"""Compile the page's WebAssembly: `python tools/kernel.py` (needs wat2wasm, from wabt)."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "vaecore/page/model"


def kernel() -> str:
    """Return the content of kernel.js."""
    command = ["wat2wasm", str(FOLDER / "kernel.wat"), "--output=-"]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    text = base64.b64encode(made).decode()
    lines = [f'  "{text[at : at + 88]}"' for at in range(0, len(text), 88)]
    head = "// Made of kernel.wat by tools/kernel.py: the matrix product, in WebAssembly.\n\n"
    return head + "export const KERNEL = [\n" + ",\n".join(lines) + ',\n].join("");\n'


if __name__ == "__main__":
    (FOLDER / "kernel.js").write_text(kernel())
