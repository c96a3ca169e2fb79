"""The studio over Open Sound Control (OSC), for Max, Pd, SuperCollider and scripts of a DAW.

A UDP server: each answer goes to the sender of the message, or to the port that `/reply` set.
docs/studio.md lists the messages.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from vaecore.errors import DataError, UsageError, unexpected
from vaecore.reading import Kind, read_bytes
from vaecore.studio.live import Live
from vaecore.studio.requests import CORNERS, Corner, Point
from vaecore.studio.served import File
from vaecore.studio.verbs import clean_name

HOST = "127.0.0.1"
"""This machine alone: the sender of a datagram can be forged."""
LARGEST = 65_507
"""Largest content of a UDP datagram in bytes."""
Message = tuple[str, Sequence[Any]]


def messages(data: bytes) -> list[tuple[str, list[Any]]]:
    """Return the addresses and arguments in a datagram; an empty list if it is not OSC."""
    import logging

    from pythonosc.osc_packet import OscPacket

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the package would print what it cannot read, unescaped
    try:
        found = [each.message for each in OscPacket(data).messages]
        return [(each.address, list(each.params)) for each in found]
    except Exception:  # the package raises errors of many types; there is no address to answer
        return []
    finally:
        logging.disable(before)


class OscServer:
    """Answers OSC messages.

    Args:
        name: The command; addresses begin with it.
        live: Decodes points and runs `sample`.
        port: UDP port; 0 takes a free one.
        most: Largest file in bytes.

    Raises:
        DataError: The port cannot be used.
    """

    def __init__(self, name: str, live: Live, port: int, most: int) -> None:
        self.name, self.live, self.most = name, live, most
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((HOST, port))
        except OSError as error:
            self._socket.close()
            text = f"port {port} for OSC cannot be used ({(error.strerror or '').lower()})"
            raise DataError(text, remedy="choose another with --osc") from error
        self.port: int = self._socket.getsockname()[1]
        self._reply: int | None = None
        self._files: dict[int, tuple[str, int | None]] = {}
        self._add: dict[str, float] = {}
        self._model: str | None = None
        self._temperature, self._seed = 0.0, 0
        self._verbs: dict[str, Callable[..., Iterable[Message]]] = {
            "load": self._load,
            "clear": self._clear,
            "model": self._choose,
            "attribute": self._attribute,
            "temperature": self._set_temperature,
            "seed": self._set_seed,
            "blend": self._blend,
            "sample": self._sample,
            "reply": self._reply_to,
            "ping": lambda: [("/pong", [])],
        }

    def start(self) -> None:
        """Answer in a thread of its own, until `stop`."""
        Thread(target=self._serve, name="osc", daemon=True).start()

    def stop(self) -> None:
        """Stop answering."""
        # It raises, as a UDP socket is not connected, and yet wakes the thread that waits.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                data, sender = self._socket.recvfrom(LARGEST)
            except OSError:
                return
            for address, given in messages(data):
                for answer, arguments in self.answer(address, given):
                    self._send(answer, arguments, sender)

    def _send(self, address: str, arguments: Sequence[Any], sender: tuple[str, int]) -> None:
        from pythonosc.osc_message_builder import build_msg

        target = sender if self._reply is None else (HOST, self._reply)
        try:
            self._socket.sendto(build_msg(f"/{self.name}{address}", list(arguments)).dgram, target)
        except OSError:  # the receiver is gone, or a file is too large for a datagram
            return

    def answer(self, address: str, arguments: Sequence[Any]) -> list[Message]:
        """Return the answers to a message: addresses without the command's name, and arguments.

        An error is an answer, too, at /error.
        """
        name, _, verb = address.strip("/").partition("/")
        if name != self.name:
            return []
        try:
            if verb not in self._verbs:
                raise UsageError(f"no message {verb!r}; there are {', '.join(self._verbs)}")
            return list(self._verbs[verb](*arguments))
        except (DataError, UsageError) as error:
            return [("/error", [str(error)])]
        except (TypeError, ValueError):
            given = " ".join(map(str, arguments))[:100]
            return [("/error", [f"cannot use {address} {given}; see docs/studio.md"])]
        except Exception as error:
            return [("/error", [unexpected(error)])]

    # The messages, each with its arguments

    def _load(self, corner: int, source: str | bytes, bar: int | None = None) -> Iterable[Message]:
        """Put a file, given by its path or its bytes, into a corner (1 to 4)."""
        if not 1 <= int(corner) <= CORNERS:
            raise UsageError(f"corners are 1 to {CORNERS}, not {corner}")
        file = self._file(source)
        options = {} if bar is None else {"bar": int(bar)}
        found = self.live.look(file, options, self._model)
        self._files[int(corner)] = found["id"], None if bar is None else int(bar)
        yield "/loaded", [int(corner), file.name, found["model"], found["place"]]

    def _file(self, source: str | bytes) -> File:
        if isinstance(source, bytes):
            return File("file.mid", source)
        path = Path(source).expanduser()
        return File(clean_name(path.name), read_bytes(path, Kind("file", self.most, "cut it")))

    def _clear(self) -> Iterable[Message]:
        """Forget all corners, attributes and settings."""
        self._files.clear()
        self._add.clear()
        self._model, self._temperature, self._seed = None, 0.0, 0
        yield "/cleared", []

    def _choose(self, name: str = "") -> Iterable[Message]:
        """Choose the model; an empty name lets the files decide."""
        self._model = self.live.models.check(str(name)) if name else None
        yield "/model", [self._model or ""]

    def _attribute(self, name: str, amount: float) -> Iterable[Message]:
        """Set the strength of an attribute in all blends that follow."""
        self._add[str(name)] = float(amount)
        yield "/attribute", [str(name), float(amount)]

    def _set_temperature(self, temperature: float) -> Iterable[Message]:
        self._temperature = float(temperature)
        yield "/temperature", [self._temperature]

    def _set_seed(self, seed: int) -> Iterable[Message]:
        self._seed = int(seed)
        yield "/seed", [self._seed]

    def _reply_to(self, port: int = 0) -> Iterable[Message]:
        """Send answers to a port of this machine; 0 sends each to the sender of its message."""
        if not 0 <= int(port) <= 65_535:
            raise UsageError(f"a port is 1 to 65535, or 0 for the sender's, not {port}")
        self._reply = int(port) or None
        yield "/reply", [int(port)]

    def _blend(self, x: float = 0.0, y: float = 0.0) -> Iterable[Message]:
        """Send the blend of the corners at a point, x and y from 0 to 1."""
        loaded = [self._files[k] for k in sorted(self._files)]
        bars = [bar or 1 for _, bar in loaded] if any(bar for _, bar in loaded) else []
        point = Point(
            corners=[Corner(file=file) for file, _ in loaded],
            at=(float(x), float(y)),
            model=self._model,
            options={"bar": bars} if bars else {},
            add=self._add,
            temperature=self._temperature,
            seed=self._seed,
        )
        played = self.live.play(point)
        return played.taken.stage.messages(played.taken.space.codec, played.example)

    def _sample(self, seed: int | None = None) -> Iterable[Message]:
        """Send a sample of the model."""
        self._seed = self._seed if seed is None else int(seed)
        values = {"seed": [str(self._seed)], "n": ["1"]}
        if self._model:
            values["model"] = [self._model]
        outcome = self.live.verbs.run("sample", {}, values)
        assert outcome.result is not None
        assert outcome.space is not None
        stage = self.live.stage(outcome.space)
        return stage.messages(outcome.result.codec, outcome.result.examples[0])
