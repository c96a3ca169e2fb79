"""Humanize and drumify: what a model of performances makes of a stiff beat, or of a mere rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqvae.music.representations.groove.performance import hit_classes, stiffened
from vaecore.device import pad
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.representations.groove.codec import GrooveCodec
    from seqvae.music.representations.windows import Context
    from vaecore.space import LatentSpace


def humanize(
    space: LatentSpace, item: Any, temperature: float = 0.5, seed: int = 0
) -> tuple[Tensor, Context]:
    """Play the drums of an item as a drummer would: the same hits, with velocities and timing.

    The velocities and the timing that it has do not count. Windows follow each other from the first
    bar on; the end is filled up to a whole one.

    Args:
        space: A model of performances.
        item: MIDI path, PrettyMIDI, NoteSequence or Score.
        temperature: 0 gives medians, which are smooth; 1 as much variety as drummers have.
        seed: Of the draws.

    Returns:
        The performance `(steps, 27)`, and its tempo.

    Raises:
        DataError: The item has no drums, or the model is none of performances.
    """
    x, context = _codec(space).whole(item)
    windows = torch.from_numpy(x).unflatten(0, (-1, space.codec.steps))
    z = space.posterior_of(stiffened(windows)).mean
    hits = pad(hit_classes(windows))
    with torch.no_grad():
        played = space.model.decoder.generate(
            pad(z).to(space.model.device), temperature, seed, hits.to(space.model.device)
        )
    return played[: len(windows)].cpu().flatten(0, 1), context


def drumify(
    space: LatentSpace, item: Any, temperature: float = 0.5, seed: int = 0
) -> tuple[Tensor, Context]:
    """Play drums to the rhythm of an item: tapped, or of any part.

    Only when notes begin counts, with its timing. Arguments and result are as for `humanize`.

    Raises:
        DataError: The item has no notes in 4/4, or the model is none of performances.
    """
    x, context = _codec(space).taps(item)
    windows = torch.from_numpy(x).unflatten(0, (-1, space.codec.steps))
    played = space.decode_to_examples(space.posterior_of(windows).mean, temperature, seed)
    # Where nothing is tapped for a whole window nobody plays.
    silent = ~windows.any(dim=-1).any(dim=-1)
    played[silent] = 0
    return played.flatten(0, 1), context


def _codec(space: LatentSpace) -> GrooveCodec:
    from seqvae.music.representations.groove.codec import GrooveCodec

    if not isinstance(space.codec, GrooveCodec):
        name = space.name or "the model"
        raise DataError(f"{name} knows no performances", remedy="choose groove_2bar")
    return space.codec
