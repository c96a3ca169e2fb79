"""Humanize and drumify: drum performances from a stiff beat, or from a rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqvae.music.reading.grids import SIXTEEN
from seqvae.music.representations.groove.performance import blocks, hit_classes, stiffened
from vaecore.device import pad
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.representations.contexts import Context
    from seqvae.music.representations.groove.codec import GrooveCodec
    from vaecore.space import LatentSpace


LOUDEST = 0.92
"""Largest mean velocity of humanized drums, as a share of 127: it leaves room for accents."""


def humanize(
    space: LatentSpace[Any], item: Any, temperature: float = 0.5, seed: int = 0
) -> tuple[Tensor, Context]:
    """Play the drums of an item as a drummer would: the same hits, new velocities and timing.

    The item's own velocities and timing are ignored, but for the mean velocity and the swing, which
    stay; hits are neither early nor late in the mean. It is read window by window from the first
    bar on; the last window is filled up with silence.

    Args:
        space: A model of performances.
        item: MIDI path, PrettyMIDI, NoteSequence or Score.
        temperature: 0 gives medians, which are smooth; 1 as much variety as drummers have.
        seed: Makes the draws repeatable.

    Returns:
        The performance `(steps, 27)`, and its context, the tempo.

    Raises:
        DataError: The item has no drums, or the model is not one of performances.
    """
    codec, model = _codec(space), space.model
    decoder: Any = model.decoder  # that of a `SequenceVAE`, whose `generate` takes hits
    x, context = codec.whole(item)
    windows = torch.from_numpy(x).view(-1, *codec.shape)
    z = space.posterior_of(stiffened(windows)).mean
    hits = pad(hit_classes(windows))
    with torch.no_grad():
        z = pad(z).to(model.device)
        played = decoder.generate(z, temperature, seed, hits.to(model.device))
    return levelled(played[: len(windows)].cpu().flatten(0, 1), torch.from_numpy(x)), context


def levelled(played: Tensor, given: Tensor) -> Tensor:
    """Return a performance with the mean velocity and the swing of another, on time in the mean.

    Nothing is louder than 127: of what is given at full level the mean is `LOUDEST`. Hits alone do
    not tell how much a beat swings (of half of the unseen performances a guess was worse than
    none), but the times of what is given do: what is straight stays so, and a shuffle a shuffle.

    Args:
        played: `(steps, 27)`.
        given: The same hits.
    """
    hits, velocity, offset = blocks(played)
    velocity, offset = velocity * hits, offset * hits
    count = hits.sum().clamp(min=1)
    aim = min(float(blocks(given)[1].sum() / blocks(given)[0].sum().clamp(min=1)), LOUDEST)
    mean = float(velocity.sum() / count)
    if aim > mean:  # nearer to the loudest, so that accents stay accents
        velocity = 1 - (1 - velocity) * (1 - aim) / (1 - mean)
    else:
        velocity = velocity * (aim / max(mean, 1e-6))
    velocity = velocity.clamp(1 / 127, 1) * hits
    step = torch.arange(len(hits))
    for place in (1, 3):  # the sixteenths before and after an eighth between the beats
        there = (step % SIXTEEN.beat == place).float()[:, None]
        more = _lead(hits, offset, there) - _lead(*blocks(given)[::2], there)
        offset = offset - hits * there * more
    offset = (offset - hits * (offset.sum() / count)).clamp(-1, 1)
    return torch.cat([hits, velocity, offset], dim=-1)


def _lead(hits: Tensor, offset: Tensor, there: Tensor) -> Tensor:
    """Return the mean offset of the hits at some steps less that of those on the eighths.

    It is 0 where there are none of either.

    Args:
        hits: `(steps, 9)`.
        offset: Of the same shape.
        there: Which steps, 0 or 1, `(steps, 1)`.
    """
    some, others = hits * there, hits.clone()
    others[1::2] = 0
    if not (some.any() and others.any()):
        return offset.new_zeros(())
    first, second = ((offset * side).sum() / side.sum() for side in (some, others))
    return first - second


def drumify(
    space: LatentSpace[Any], item: Any, temperature: float = 0.5, seed: int = 0
) -> tuple[Tensor, Context]:
    """Play drums to the rhythm of an item: tapped, or of any instrument.

    Only the onsets of notes matter, with their timing. Arguments and result as for `humanize`.

    Raises:
        DataError: The item has no notes in 4/4, or the model is not one of performances.
    """
    codec = _codec(space)
    x, context = codec.taps(item)
    windows = torch.from_numpy(x).view(-1, *codec.shape)
    played = space.decode_to_examples(space.posterior_of(windows).mean, temperature, seed)
    played[~windows.flatten(1).any(dim=1)] = 0  # no drums in windows without taps
    return played.flatten(0, 1), context


def _codec(space: LatentSpace[Any]) -> GrooveCodec:
    from seqvae.music.representations.groove.codec import GrooveCodec

    if not isinstance(space.codec, GrooveCodec):
        name = space.name or "the model"
        problem = f"{name} is not a model of drum performances"
        raise DataError(problem, remedy="choose groove_2bar")
    return space.codec
