"""Properties and histograms of windows, whatever their representation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.measuring import Floats


def measure(codec: SequenceCodec, windows: Any) -> dict[str, Floats]:
    """Measure every property of windows.

    Args:
        codec: The windows' codec; `codec.properties()` describes the properties.
        windows: `(n, *codec.shape)`, an array or a CPU tensor, of any number of steps.

    Returns:
        Name of property -> values `(n,)`; NaN where it is undefined.

    Raises:
        ValueError: The windows have another shape, or are not class indices.
    """
    x = codec.checked(windows)
    return {name: prop.of(x) for name, prop in codec.properties().items()}


def histograms(codec: SequenceCodec, windows: Any) -> dict[str, Floats]:
    """Return distributions of the notes of windows, by name; see `Alphabet.histograms`.

    With several voices the names begin with that of the voice, as in `melody_onsets`.
    Arguments and errors are as for `measure`.
    """
    return {
        f"{voice}{name}": values
        for voice, alphabet, x in codec.by_voice(windows)
        for name, values in alphabet.histograms(x, codec.steps_per_bar).items()
    }
