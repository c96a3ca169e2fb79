"""How music and sentences are shown in the studio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vaecore.cli.presentation import Input
from vaecore.codec import Codec, Example
from vaecore.studio.stage import Page, Stage

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec

HERE = Path(__file__).parent
EXAMPLES = ("rock.mid", "bossa.mid", "funk.mid", "house.mid")
"""Example files of the page, in the folder data/ of the source code."""


class MusicStage(Stage):
    """Shows windows of music: as notes on the page, as MIDI files elsewhere."""

    kind = "music"
    ending = ".mid"

    def about(self, codec: Codec[Any], example: Example) -> Mapping[str, Any]:
        """Return the voices, bar and beat in ticks, the number of bars, and instrument names."""
        from pretty_midi import program_to_instrument_name

        from seqvae.music.page import lengths, voices

        of_music = cast("SequenceCodec", codec)
        return {
            "voices": voices(of_music, example),
            **lengths(of_music, example),
            "bars": of_music.bars,
            "instruments": {k: program_to_instrument_name(k) for k in range(128)},
            "title": of_music.title or of_music.name,
        }

    def shown(self, codec: Codec[Any], example: Example) -> Any:
        """Return the notes, tempos and programs; see `seqvae.music.page`."""
        from seqvae.music.page import music

        return music(cast("SequenceCodec", codec), example)

    def file(self, codec: Codec[Any], example: Example) -> bytes:
        """Return a MIDI file."""
        from seqvae.music.presentation.midi_file import midi_bytes

        of_music = cast("SequenceCodec", codec)
        seconds = (example.context or of_music.context).seconds(of_music.steps)
        return midi_bytes([codec.decode(example.x, example.context)], [seconds])

    def messages(self, codec: Codec[Any], example: Example) -> list[tuple[str, list[Any]]]:
        """Return a message for the beginning, for each note, and for the end.

        Times are in quarter notes, the tempo in quarter notes a minute.
        """
        from seqvae.music.page import voices
        from seqvae.music.representations.writing import RESOLUTION as QUARTER

        shown = self.shown(codec, example)
        names = [each["name"] for each in voices(cast("SequenceCodec", codec), example)]
        notes = [shown["notes"][k : k + 5] for k in range(0, len(shown["notes"]), 5)]
        bpm, length = shown["tempos"][0][1], shown["length"] / QUARTER
        return [
            ("/begin", [len(notes), float(length), float(bpm)]),
            *(
                ("/note", [names[voice], start / QUARTER, duration / QUARTER, pitch, velocity])
                for voice, start, duration, pitch, velocity in notes
            ),
            ("/end", []),
        ]

    def contents(self, input_: Input) -> Mapping[str, Any]:
        """Return the parts of a score, and its number of bars."""
        from seqvae.cli.parts import part_facts

        content = input_.content
        return {
            "bars": content.whole.bars,
            "parts": [part_facts(part) for part in content.parts],
        }


class TextStage(Stage):
    """Shows sentences as text."""

    kind = "text"
    ending = ".txt"

    def shown(self, codec: Codec[Any], example: Example) -> Any:
        """Return the sentence."""
        return codec.decode(example.x, example.context)

    def file(self, codec: Codec[Any], example: Example) -> bytes:
        """Return a text file."""
        return f"{self.shown(codec, example)}\n".encode()

    def messages(self, codec: Codec[Any], example: Example) -> list[tuple[str, list[Any]]]:
        """Return the sentence."""
        return [("/text", [self.shown(codec, example)])]


def front() -> tuple[Page, Mapping[str, Stage]]:
    """Return the page, and the stages by the subject of their domain."""
    from seqvae.domains import DOMAINS
    from seqvae.music.reading.container import SUFFIXES

    data = HERE.parents[1] / "data"
    page = Page(
        "seqvae studio",
        HERE / "studio.js",
        styles=(HERE.parent / "music" / "page" / "style.css",),
        endings=SUFFIXES,
        examples=tuple(data / name for name in EXAMPLES),
    )
    music, text = DOMAINS
    return page, {music.subject: MusicStage(), text.subject: TextStage()}
