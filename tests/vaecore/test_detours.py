"""Ways around thin places.

A code is a place and a height. Of twenty events ten sound, those from the place on: at both ends,
and anywhere if the code is high; low codes between are decoded to nothing.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vaecore.calibrated import Moves
from vaecore.calibrated.detours import around_thin_places
from vaecore.calibrated.even import Measured
from vaecore.perception import Perception

EVENTS, SOUNDING = 20, 10
HIGH = 20.0
ENDS = torch.tensor([[0.0, 0.1], [1.0, 0.1]])
WANTED = torch.linspace(0, 1, 9)


def from_place(place: Tensor) -> Tensor:
    first = (place.clamp(0, 1) * (EVENTS - SOUNDING)).round()[:, None]
    event = torch.arange(EVENTS)
    return ((event >= first) & (event < first + SOUNDING)).long()


def decode(z: Tensor) -> Tensor:
    place, high = z[:, 0], z[:, 1] > 1
    heard = high | (place < 0.1) | (place > 0.9)
    return from_place(place) * heard[:, None]


def place_of(x: Tensor) -> Tensor:
    return x.argmax(1) / (EVENTS - SOUNDING)


def encode(x: Tensor) -> Tensor:
    return torch.stack([place_of(x), torch.full((len(x),), HIGH)], 1)


class Slides(Perception):
    mixes = True

    def change(self, x):
        return (x[1:] != x[:-1]).sum(1)

    def difference(self, x, y):
        return (x != y).double().mean(1)

    def faults(self, x):
        return torch.zeros(len(x))

    def count(self, x):
        return x.sum(1)

    def between(self, x, y, share):
        return from_place(torch.lerp(place_of(x), place_of(y), share))

    def variants(self, x):
        return x[None]

    def measured(self, attribute, x):
        return None


def line(t: Tensor) -> Tensor:
    return torch.lerp(ENDS[0], ENDS[1], t[:, None])


def walked(codes: Tensor, encode=encode) -> Tensor:
    return around_thin_places(
        WANTED, codes, Measured(Slides(), decode, encode), lambda t, way: way(t)
    )


def test_a_thin_way_goes_through_what_the_rules_make() -> None:
    straight = line(WANTED)
    assert decode(straight).sum(1).tolist() == [SOUNDING] + [0] * 7 + [SOUNDING]
    around = walked(straight)
    assert decode(around).sum(1).tolist() == [SOUNDING] * 9
    assert torch.equal(around[[0, -1]], ENDS)
    torch.testing.assert_close(around[4], torch.tensor([0.5, HIGH]))
    assert Slides().change(decode(around)).max() < EVENTS / 2  # nothing comes all at once


def test_a_full_way_stays() -> None:
    high = line(WANTED) + torch.tensor([0.0, HIGH])
    assert walked(high) is high
    assert walked(ENDS) is ENDS


def test_no_detour_through_what_is_as_thin() -> None:
    straight = line(WANTED)
    assert walked(straight, lambda x: torch.tensor([[0.5, 0.1]])) is straight


def test_no_detour_that_is_much_longer() -> None:
    class Steep(Slides):
        """Silence is near to everything, and what sounds far from all else that does."""

        def change(self, x):
            sounds = x.sum(1) > 0
            return torch.where(sounds[1:] & sounds[:-1], 100, 1) * super().change(x)

    straight = line(WANTED)
    found = around_thin_places(
        WANTED, straight, Measured(Steep(), decode, encode), lambda t, way: way(t)
    )
    assert found is straight


def test_moves_take_detours_if_they_are_to_and_the_rules_mix_well() -> None:
    moves = Moves(Slides(), decode, encode, lambda n, number: torch.zeros(n, 2))
    around = replace(moves, detours=True).walk(WANTED, line)
    assert decode(around).sum(1).min() == SOUNDING
    straight = moves.walk(WANTED, line)
    assert torch.equal(around[[0, -1]], straight[[0, -1]])
    full = lambda t: line(t) + torch.tensor([0.0, HIGH])  # noqa: E731
    assert torch.equal(replace(moves, detours=True).walk(WANTED, full), moves.walk(WANTED, full))
    badly = Slides()
    badly.mixes = False
    unmixed = replace(moves, perception=badly, detours=True).walk(WANTED, line)
    assert torch.equal(unmixed, straight)
