"""The model in a page, in node."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaecore.page import bundle

NODE = shutil.which("node")
needed = pytest.mark.skipif(NODE is None, reason="node is not here (Debian: nodejs)")
ENTRY = Path(__file__).with_name("page_model.js")

Answer = Callable[..., Any]


def in_node(html: str, folder: Path) -> tuple[dict[str, Any], Answer]:
    """Return the data of a page, and what does tasks of `page_model.js` with its model.

    Args:
        html: The page.
        folder: Where the script is written.
    """
    found = re.search(r'id="data">(.*?)</script>', html)
    assert found is not None
    data = json.loads(found[1])
    script = folder / "model.cjs"
    script.write_text('const fs = require("fs");\n' + bundle(ENTRY))

    def answer(**tasks: Any) -> Any:
        text = json.dumps({"data": data, "tasks": tasks})
        run = subprocess.run([str(NODE), str(script)], input=text, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return data, answer
