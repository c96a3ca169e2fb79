"""The summary of a preparation: files and windows that were used, and why others were left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqvae.music.data.reading import FileFacts, SourceFile
from seqvae.music.data.shards import SPLITS

REASONS = {
    "meter": "not in 4/4",
    "tempo": "without a usable tempo",
    "program": "of other instruments",
    "range": "outside of the range of pitches or drums",
    "drums": "without drums",
    "melody": "without a melody",
    "bass": "without a bass",
    "short": "too short",
}
"""The rules of `Windows.rejections` in words."""

Counts = dict[str, int]


@dataclass
class Summary:
    """Counts of everything that a preparation read, kept and left out.

    Attributes:
        representation: Configuration of the codec that made the windows.
        settings: The split, the tracks that were used, and the limits of reading.
        files: Numbers of files: found, used, relaxed (used by the rules for short or sparse music),
            empty and broken.
        windows: Number of windows by split.
        sources: By source folder: files found and used, and windows by split.
        windows_left_out: Numbers of windows that are silent, that repeat one of their split, or
            one of an earlier split.
        empty: Number of files without a window, by the rule that most of their passages break.
        passages_left_out: Number of passages inside of files, by the rule that they break.
        broken: The problem of each file that could not be read.
    """

    representation: dict[str, Any]
    settings: dict[str, Any]
    files: Counts = field(
        default_factory=lambda: dict.fromkeys(("found", "used", "relaxed", "empty", "broken"), 0)
    )
    windows: Counts = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    sources: dict[str, Counts] = field(default_factory=dict)
    windows_left_out: Counts = field(default_factory=lambda: {"silent": 0})
    empty: Counts = field(default_factory=dict)
    passages_left_out: Counts = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def add_file(self, file: SourceFile, facts: FileFacts) -> None:
        """Count a file and its passages that were left out."""
        used = facts.windows > 0
        for name, value in (("found", 1), ("used", used), ("relaxed", facts.relaxed)):
            self.files[name] += value
        root = self.sources.setdefault(file.root, dict.fromkeys(("files", "used", *SPLITS), 0))
        root["files"] += 1
        root["used"] += used
        self.windows_left_out["silent"] += facts.silent
        for rule, count in facts.rules.items():
            self.passages_left_out[rule] = self.passages_left_out.get(rule, 0) + count
        if facts.problem is not None:
            self.files["broken"] += 1
            self.broken[file.name] = facts.problem
        elif not used:
            self.files["empty"] += 1
            rule = max(facts.rules, key=facts.rules.__getitem__, default="nothing usable")
            self.empty[rule] = self.empty.get(rule, 0) + 1

    def add_windows(self, split: str, sources: Mapping[str, int]) -> None:
        """Count windows of a split, given their number by file name."""
        for name, count in sources.items():
            self.windows[split] += count
            self.sources[name.partition("/")[0]][split] += count

    def write(self, path: Path) -> None:
        """Write the summary as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def table(self) -> str:
        """Return the summary as a table for the terminal."""
        columns = ("files", "used", *SPLITS)
        total = {c: sum(counts[c] for counts in self.sources.values()) for c in columns}
        rows = [["source", *columns]]
        for name, counts in (*self.sources.items(), ("all", total)):
            rows.append([name, *(f"{counts[c]:,}" for c in columns)])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = []
        for name, *cells in rows:
            padded = (c.rjust(w + 2) for c, w in zip(cells, widths[1:], strict=True))
            lines.append(name.ljust(widths[0]) + "".join(padded))
        for title, counts in (
            ("files without windows", self.empty),
            ("passages left out", self.passages_left_out),
            ("windows left out", self.windows_left_out),
        ):
            if counts:
                lines.append(f"{title}: {_listed(counts)}")
        if self.broken:
            lines.append(f"broken files ({len(self.broken)}):")
            lines += [f"  {name}: {problem}" for name, problem in self.broken.items()]
        return "\n".join(lines)

    def reasons(self) -> str:
        """Return the reasons for which files have no windows, in a few words."""
        counts = dict(self.empty)
        if self.broken:
            counts["broken"] = len(self.broken)
        return _listed(counts) or "all windows were left out"


def _listed(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{number:,} {REASONS.get(rule, rule)}" for rule, number in ordered)
