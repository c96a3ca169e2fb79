"""Moves that are measured on what is decoded: even steps, variations, edits."""

from __future__ import annotations

import pytest
import torch

from vaecore.calibrated import Moves
from vaecore.calibrated.edits import Steered
from vaecore.cli.vary import shortfall
from vaecore.paths import bilinear_grid, interpolate, slerp
from vaecore.perception import Perception

EVENTS = 40
EDGES = torch.linspace(0.02, 0.98, EVENTS)


def decode(z):
    """Events that are there from a place on: ones and zeros, `(n, events)`."""
    return (z[:, :1] > EDGES).long()


class Events(Perception):
    """Of ones and zeros; the property is their number."""

    def __init__(self, odd=0.0, others=100.0, neutral=None):
        self.odd, self.others = odd, others  # others are always there
        self.natural = neutral

    def change(self, x):
        return (x[1:] != x[:-1]).sum(1).double()

    def difference(self, x, y):
        return (x != y).double().mean(1)

    def faults(self, x):
        return (x.sum(1) % 2 == 1).float() * self.odd

    def count(self, x):
        return x.sum(1).float() + self.others

    def between(self, x, y, share):
        count = torch.lerp(x.sum(1).float(), y.sum(1).float(), share)
        return (torch.arange(EVENTS) < count[:, None].round()).long()

    def variants(self, x):
        return x[None]

    def neutral(self, attribute):
        return self.natural

    def measured(self, attribute, x):
        return x.sum(1).double() if attribute == "number" else None


def draw(n, round_):
    return 4 * torch.rand(n, 2, generator=torch.Generator().manual_seed(round_))


def line(bend):
    return lambda t: torch.stack([t**bend, t], dim=1)


def encode(x):
    """Place of the events; the second number lets `jumping` decode them one by one."""
    edges = torch.cat([torch.zeros(1), EDGES])
    return torch.stack([edges[x.sum(1)] + 0.01, torch.full((len(x),), 2.0)], dim=1)


def moves(decode=decode, **options):
    return Moves(Events(**options), decode, encode, draw)


def change(x):
    return Events().change(x)


@pytest.mark.parametrize("bend", [0.4, 1.0, 6.0])
def test_steps_change_as_much_each_however_the_way_is_bent(bend):
    z = moves().walk(torch.linspace(0, 1, 9), line(bend))
    assert (change(decode(z)) - EVENTS / 8).abs().max() <= 1


def test_ends_are_those_of_the_way():
    z = moves().walk(torch.tensor([0.0, 0.3, 1.0]), line(2.0))
    assert z[0].tolist() == [0, 0]
    assert z[-1].tolist() == [1, 1]


def jumping(z):
    """All events come at once in the middle of the way, unless the second number is above 1."""
    return torch.where(z[:, 1:] > 1, decode(z), decode((z[:, :1] > 0.5).float()))


def test_a_jump_is_bridged_by_codes_of_what_is_between():
    bridged = jumping(moves(jumping).walk(torch.linspace(0, 1, 9), line(1.0)))
    assert change(jumping(line(1.0)(torch.linspace(0, 1, 9)))).max() == EVENTS
    assert change(bridged).max() <= EVENTS / 4
    assert change(bridged).sum() == EVENTS


def test_a_bridge_that_is_decoded_to_something_else_is_not_taken():
    def stubborn(z):
        return decode((z[:, :1] > 0.5).float())

    z = moves(stubborn).walk(torch.linspace(0, 1, 9), line(1.0))
    assert change(stubborn(z)).tolist().count(EVENTS) == 1


def test_a_step_is_not_the_one_before_where_the_way_comes_back_to_it():
    def there_and_back(z):
        number = torch.tensor([0, 10, 20, 10, 20, 30, 40])[(6.99 * z[:, 0]).long()]
        return (torch.arange(EVENTS) < number[:, None]).long()

    # After a third and after two thirds of all change there are 20 events.
    z = moves(there_and_back).walk(torch.linspace(0, 1, 4), line(1.0))
    assert change(there_and_back(z)).min() > 0


def test_steps_avoid_faults():
    z = moves(odd=2.0).walk(torch.linspace(0, 1, 6), line(1.0))
    assert (decode(z).sum(1) % 2 == 0).all()


def test_a_way_on_which_nothing_changes_is_walked_in_the_latent_space():
    z = moves().walk(torch.linspace(0, 1, 5), lambda t: torch.stack([-t, t], 1))
    assert torch.equal(z[:, 1], torch.linspace(0, 1, 5))


def test_interpolate_and_palette_take_a_walk():
    walk, ends = moves().walk, torch.tensor([[0.0, 0.1], [1.0, 0.1]])
    z = interpolate(ends, 5, "lerp", walk=walk)
    assert torch.equal(z[[0, -1]], ends)
    assert change(decode(z)).tolist() == [EVENTS / 4] * 4
    corners = torch.cat([ends, ends + torch.tensor([0.0, 1.0])])
    grid = bilinear_grid(corners, 3, 5, "lerp", walk=walk)
    assert grid.shape == (3, 5, 2)
    assert torch.equal(grid[[0, 0, -1, -1], [0, -1, 0, -1]], corners)
    assert all(change(decode(row)).max() <= EVENTS / 4 + 1 for row in grid)


def test_a_palette_takes_arcs():
    corners = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    grid = bilinear_grid(corners, 3, 3, "slerp")
    assert torch.allclose(grid[0, 1], slerp(corners[0], corners[1], 0.5))
    assert grid[1, 1].norm() > bilinear_grid(corners, 3, 3, "lerp")[1, 1].norm()


@pytest.mark.parametrize("amount", [0.1, 0.3, 0.6])
def test_variations_differ_by_what_was_asked_and_from_each_other(amount):
    z = torch.tensor([0.3, 0.0])
    found = decode(moves().vary(z, 4, amount, seed=0))
    share = Events().difference(found, decode(z[None]).expand_as(found))
    assert (share - amount).abs().max() < 0.15
    assert (share > 0).all()
    assert len(torch.unique(found, dim=0)) == 4


def test_no_amount_is_the_code_itself_and_all_is_the_prior():
    z = torch.tensor([0.3, 0.0])
    assert torch.equal(moves().vary(z, 2, 0.0, 0), z.expand(2, -1))
    assert torch.equal(moves().vary(z, 2, 1.0, 0), draw(2, 0))
    with pytest.raises(ValueError, match="amount"):
        moves().vary(z, 2, 1.5, 0)


def test_where_there_is_one_other_example_alone_it_is_repeated():
    def two(z):
        return decode((z[:, :1] > 0.5).float())

    found = two(moves(two).vary(torch.tensor([0.3, 0.0]), 3, 0.5, seed=0))
    assert len(found) == 3


def steered(asked, vector, **options):
    deviations = {"number": 5.0}  # five events are one standard deviation
    (found,) = moves(**options).steer(
        torch.tensor([0.5, 0.0]), [asked], {"number": torch.tensor(vector)}, deviations
    )
    return found


@pytest.mark.parametrize("asked", [-2.0, -1.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("vector", [[0.3, 0.0], [-0.3, 0.1], [0.01, 0.5]])
def test_an_edit_comes_to_what_was_asked_whatever_the_vector(asked, vector):
    found = steered({"number": asked}, vector)
    assert found.reached["number"] == pytest.approx(asked, abs=0.11)
    assert found.missed() == []


@pytest.mark.parametrize("asked", [-1.0, 1.0])
def test_an_edit_by_less_than_an_event_moves_one_rather_than_none(asked):
    z, vector = torch.tensor([0.5, 0.0]), {"number": torch.tensor([0.3, 0.0])}
    (found,) = moves().steer(z, [{"number": asked}], vector, {"number": 0.5})
    assert found.reached["number"] == 2 * asked  # an event is two standard deviations


def test_an_edit_tells_what_it_could_not_do():
    found = steered({"number": 9.0}, [0.3, 0.0])
    assert found.missed() == ["number"]
    assert 3 < found.reached["number"] <= 4
    assert Steered(found.z, {"number": 1.0}, {}).missed() == []  # it was not measured


@pytest.mark.parametrize(("asked", "share"), [(-0.5, 0.5), (-1.0, 1.0), (-2.0, 1.0)])
def test_an_edit_by_one_goes_all_the_way_to_a_neutral_value_and_no_further(asked, share):
    own = int(decode(torch.tensor([[0.5, 0.0]])).sum())
    for neutral, way in ((0.0, own / 5), (own - 3.0, 0.6)):  # far away, and near
        found = steered({"number": asked}, [0.3, 0.0], neutral=neutral)
        moved = share * way if way > 1 else min(-asked, way)
        assert found.reached["number"] == pytest.approx(-moved, abs=0.11)
        assert found.missed() == ([] if moved >= -asked - 0.25 else ["number"])
    away = steered({"number": 0.6}, [0.3, 0.0], neutral=0.0)
    assert away.reached["number"] == pytest.approx(0.6, abs=0.11)


def test_nothing_is_taken_from_what_is_below_its_neutral_value_but_it_can_be_added_to():
    own = int(decode(torch.tensor([[0.5, 0.0]])).sum())
    for asked in (-1.0, -0.1):
        found = steered({"number": asked}, [0.3, 0.0], neutral=own + 3.0)
        assert found.reached == {"number": 0}
        assert found.missed() == found.unmoved() == ["number"]
    more = steered({"number": 1.0}, [0.3, 0.0], neutral=own + 3.0)  # the value is 0.6 away
    assert more.reached["number"] == pytest.approx(1.0, abs=0.11)


def test_the_line_about_an_edit_that_came_short():
    for reached, text in (
        ({"swing": 0.0}, "changed nothing: the input cannot go further."),
        ({"swing": -0.41}, "was reached in part only: swing-0.41; it cannot go further."),
        (
            {"swing": 0.0, "loud": 1.0},
            "was reached in part only: swing+0 loud+1; it cannot go further.",
        ),
    ):
        found = Steered(torch.zeros(2), {"swing": -1.0, "loud": 1.0}, reached)
        assert shortfall("swing-1", found) == f"swing-1 {text}"


def test_no_edit_leaves_nothing():
    gone = steered({"number": -9.0}, [0.3, 0.0])
    assert decode(gone.z[None]).sum() == 0
    found = steered({"number": -9.0}, [0.3, 0.0], others=0.0)
    assert decode(found.z[None]).sum() == 1
    assert found.missed() == ["number"]


def test_only_what_is_measured_and_has_a_unit_is_steered():
    x = decode(torch.zeros(1, 2))
    assert moves().can_steer(["number"], {"number": 5.0}, x)
    assert not moves().can_steer(["number"], {}, x)
    assert not moves().can_steer(["other"], {"other": 5.0}, x)
