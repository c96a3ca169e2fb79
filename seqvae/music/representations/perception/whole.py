"""The perception of whole windows, of one voice or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.representations.perception.voice import VoicePerception
from seqvae.sequences.property import Property
from vaecore.perception import Perception


class MusicPerception(Perception):
    """How windows are perceived: the sum over their voices.

    Args:
        voices: The perception of each voice; of several, windows are `(n, steps, voices)`.
        properties: What attributes change, by name.
        effort: See `Perception`.
    """

    def __init__(
        self, voices: Sequence[VoicePerception], properties: Mapping[str, Property], effort: float
    ) -> None:
        self.voices = voices
        self.properties = properties
        self.effort = effort
        self.mixes = all(voice.mixes for voice in voices)

    def change(self, x: Tensor) -> Tensor:
        """Return how much is heard to change from window to window, `(n - 1,)`."""
        parts = [v.described(_array(part)) for v, part in self._each(x)]
        return torch.from_numpy(sum(np.abs(np.diff(part, axis=0)).sum(1) for part in parts))

    def difference(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the share of events that differ, `(n,)`: 0 alike, 1 nothing in common.

        It is 1 less twice the common events as a share of the events of both.
        """
        first, second = self._events(x), self._events(y)
        total, common = first.sum(1) + second.sum(1), (first & second).sum(1)
        return torch.from_numpy(np.where(total, 1 - 2 * common / np.maximum(total, 1), 0.0))

    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds wrong in the first voice, which leads."""
        voice, part = self._each(x)[0]
        return voice.faults(part)

    def poor(self, x: Tensor) -> Tensor:
        """Return which windows have a poor first voice, which leads, or a silent other."""
        (leader, first), *others = self._each(x)
        found = leader.poor(first)
        for voice, part in others:
            found |= torch.from_numpy(~voice.events(_array(part)).any(1))
        return found

    def mended(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """Return windows whose first voice, which leads, is mended; see `Perception.mended`."""
        voice, part = self._each(x)[0]
        mended = voice.mended(part, None if like is None else self._each(like)[0][1])
        return mended if len(self.voices) == 1 else torch.cat([mended[..., None], x[..., 1:]], -1)

    def count(self, x: Tensor) -> Tensor:
        """Return the number of events of windows, `(n,)`."""
        return torch.from_numpy(self._events(x).sum(1).astype(np.float32))

    def between(self, x: Tensor, y: Tensor, share: Tensor) -> Tensor:
        """Return windows in which one event after the other has changed."""
        pairs = zip(self._each(x), self._each(y), strict=True)
        found = [voice.blend(a, b, share) for (voice, a), (_, b) in pairs]
        return found[0] if len(found) == 1 else torch.stack(found, dim=-1)

    def variants(self, x: Tensor) -> Tensor:
        """Return windows near one, in each of which one voice has changed by a rule."""
        found = []
        for k, (voice, part) in enumerate(self._each(x[None])):
            for changed in voice.variants(part[0]):
                if len(self.voices) == 1:
                    found.append(changed)
                else:
                    whole = x.clone()
                    whole[..., k] = changed
                    found.append(whole)
        every: Tensor = torch.unique(torch.stack(found), dim=0)
        return every

    def neutral(self, attribute: str) -> float | None:
        """Return where edits of an attribute end; see `Perception.neutral`."""
        known = self.properties.get(attribute)
        return None if known is None else known.neutral

    def measured(self, attribute: str, x: Tensor) -> Tensor | None:
        """Return a property of windows; see `Perception.measured`."""
        known = self.properties.get(attribute)
        return None if known is None else torch.from_numpy(known.of(_array(x)))

    def _each(self, x: Tensor) -> list[tuple[VoicePerception, Tensor]]:
        parts = [x] if len(self.voices) == 1 else x.unbind(-1)
        return list(zip(self.voices, parts, strict=True))

    def _events(self, x: Tensor) -> NDArray[np.bool_]:
        return np.concatenate([v.events(_array(part)) for v, part in self._each(x)], axis=1)


def _array(x: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = x.detach().cpu().numpy()
    return found
