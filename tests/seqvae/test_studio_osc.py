"""OSC: messages over a real socket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from studios import live

import seqvae
from seqvae.cli import command
from seqvae.studio.stages import front
from vaecore.errors import DataError
from vaecore.paths import interpolate_at

pytest.importorskip("pythonosc", reason="needs the extra [studio]")
Ask = Callable[..., list[tuple[str, list]]]


@pytest.fixture
def ask(boxed) -> Iterator[Ask]:
    """Send a message to a server, and return its answers."""
    from pythonosc.osc_message_builder import build_msg
    from pythonosc.osc_packet import OscPacket

    from vaecore.studio.osc import OscServer

    server = OscServer("seqvae", live(command(), front()), 0, 1_000_000)
    server.start()
    mine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mine.bind(("127.0.0.1", 0))
    mine.settimeout(30)

    def ask(address: str, *arguments: object, last: str | None = None) -> list[tuple[str, list]]:
        mine.sendto(build_msg(address, list(arguments)).dgram, ("127.0.0.1", server.port))
        found: list[tuple[str, list]] = []
        while not found or (last and found[-1][0] not in (last, "/seqvae/error")):
            (each,) = OscPacket(mine.recv(65_507)).messages
            found.append((each.message.address, each.message.params))
        return found

    ask.port, ask.mine = server.port, mine  # type: ignore[attr-defined]
    yield ask
    server.stop()
    mine.close()


def test_a_blend_is_asked_for_and_comes_note_by_note(ask, examples, box):
    for corner, name in enumerate(("rock.mid", "funk.mid"), 1):
        ((address, loaded),) = ask("/seqvae/load", corner, str(examples / name))
        assert address == "/seqvae/loaded"
        assert loaded[:3] == [corner, name, "drums_2bar"]
    answer = ask("/seqvae/blend", 0.5, 0.0, last="/seqvae/end")
    begin, *notes, end = answer
    assert begin[0] == "/seqvae/begin"
    count, length, bpm = begin[1]
    assert (length, bpm) == (8.0, pytest.approx(109, abs=0.01))
    assert count == len(notes) > 0
    assert end == ("/seqvae/end", [])
    space = seqvae.load(box / "drums_2bar")
    a, b = space.encode([examples / "rock.mid", examples / "funk.mid"])
    middle = space.decode(interpolate_at(a, b, 0.5, space.plain_path)[None])[0]
    expected = sorted(n.pitch for n in middle.instruments[0].notes)
    assert len(expected) == count
    for address, (voice, start, duration, pitch, velocity) in notes:
        assert (address, voice) == ("/seqvae/note", "drums")
        assert 0 <= start < 8
        assert duration > 0
        assert 1 <= velocity <= 127
        assert 0 <= pitch <= 127


def test_settings_last_until_they_are_cleared(ask, examples):
    ask("/seqvae/load", 1, str(examples / "rock.mid"))
    plain = ask("/seqvae/blend", 0.0, 0.0, last="/seqvae/end")
    assert ask("/seqvae/attribute", "note_density", 1.0)[0][1] == ["note_density", 1.0]
    moved = ask("/seqvae/blend", 0.0, 0.0, last="/seqvae/end")
    assert moved != plain
    ask("/seqvae/clear")
    ask("/seqvae/load", 1, str(examples / "rock.mid"))
    assert ask("/seqvae/blend", 0.0, 0.0, last="/seqvae/end") == plain


def test_the_bytes_of_a_file_are_as_good_as_its_name(ask, examples):
    data = (examples / "harbour.mid").read_bytes()
    ((_, loaded),) = ask("/seqvae/load", 1, data)
    assert loaded[2] == "melody_2bar"
    assert ask("/seqvae/blend", last="/seqvae/end")[-1][0] == "/seqvae/end"


def test_samples_and_models(ask):
    assert ask("/seqvae/model", "melody_2bar") == [("/seqvae/model", ["melody_2bar"])]
    first, again = (ask("/seqvae/sample", 5, last="/seqvae/end") for _ in range(2))
    assert first == again
    assert ask("/seqvae/ping") == [("/seqvae/pong", [])]


def test_answers_may_go_to_another_port(ask, examples):
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))
    other.settimeout(30)
    from pythonosc.osc_message_builder import build_msg

    port = other.getsockname()[1]
    ask.mine.sendto(build_msg("/seqvae/reply", [port]).dgram, ("127.0.0.1", ask.port))
    assert b"/seqvae/reply" in other.recv(1000)
    ask.mine.sendto(build_msg("/seqvae/ping", []).dgram, ("127.0.0.1", ask.port))
    assert b"/seqvae/pong" in other.recv(1000)
    other.close()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (("/seqvae/load", 1, "/no/such.mid"), "such.mid: does not exist"),
        (("/seqvae/load", 9, "x.mid"), "corners are 1 to 4"),
        (("/seqvae/blend", 0.5, 0.5), "one to four corners"),
        (("/seqvae/model", "none"), "no model 'none'"),
        (("/seqvae/attribute", 1.0), "cannot use /seqvae/attribute"),
        (("/seqvae/blend", "left"), "cannot use /seqvae/blend left"),
        (("/seqvae/dance",), "no message 'dance'"),
    ],
)
def test_wrong_messages_are_answered(ask, message, text):
    ((address, arguments),) = ask(*message)
    assert address == "/seqvae/error"
    assert text in arguments[0]
    assert "\n" not in arguments[0]


def test_what_is_not_osc_is_passed_over(ask):
    for junk in (b"", b"junk", b"/seqvae/blend", bytes(3000), b"#bundle\0junk"):
        ask.mine.sendto(junk, ("127.0.0.1", ask.port))
    assert ask("/seqvae/ping") == [("/seqvae/pong", [])]


def test_a_port_that_is_taken_is_an_error_with_a_remedy(ask, boxed):
    from vaecore.studio.osc import OscServer

    with pytest.raises(DataError, match="choose another with --osc"):
        OscServer("seqvae", live(command(), front()), ask.port, 1)


def test_a_file_that_is_too_large_is_refused(ask, tmp_path: Path):
    large = tmp_path / "large.mid"
    large.write_bytes(bytes(1_000_001))
    ((_, (text,)),) = ask("/seqvae/load", 1, str(large))
    assert "is too large" in text
