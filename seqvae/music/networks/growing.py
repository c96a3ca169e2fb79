"""Growing: a model of long windows is initialised from trained models of short ones.

A hierarchical model takes long to learn what bars look like, and which dimensions of z describe
which bar. A flat model of two bars has learned the first, and has a code for any two bars. `grow`
copies the layers of flat models, one for each voice, into the levels of the hierarchical model that
read and write a bar. The layers between are linear in the flat models, so they are computed: z
becomes the principal components of the codes of all pairs of bars of real phrases, each scaled to
variance one, without the weakest. So the large model starts nearly as good as the small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seqvae.music.networks.components import Basis, components
from seqvae.music.networks.decoder import ConditionedLSTM, SequenceDecoder
from seqvae.music.networks.encoder import Reader, VoicesReader
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from seqvae.music.networks.levels import fold, voices_of
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.networks.voices import VoicesEmbedding
from seqvae.sequences.sizes import listed

SMALL = 0.1
"""Factor for the random weights of connections that the small models do not have."""
ENCODED_AT_ONCE = 64
"""Windows that are encoded together."""
_SAME = (
    *("embedding_dim", "summary_dim"),
    *("encoder_dim", "encoder_layers", "decoder_dim", "decoder_layers"),
)
"""Sizes that the large model and the small ones must share."""


class Layout(NamedTuple):
    """How windows of the large model divide into windows of the small ones."""

    bars: int
    """Bars of the large window."""
    group: int
    """Bars of a small window."""
    steps: int
    """Steps of a bar."""


def _linears(part: ConditionedLSTM) -> tuple[nn.Linear, nn.Linear]:
    """Return the two linear layers that project z for each step."""
    return cast(nn.Linear, part.plan[0]), cast(nn.Linear, part.plan[2])


def _decoder(model: SequenceVAE) -> SequenceDecoder:
    """Return the decoder of a flat model."""
    return cast(SequenceDecoder, model.decoder)


def grow(model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor) -> None:
    """Initialise a hierarchical model from flat ones of shorter windows.

    Args:
        model: An untrained model with two levels in encoder and decoder; changed in place.
        smalls: A flat model for each voice, of windows of one or more bars, with readout and
            conditioning by "steps".
        windows: Real music `(n, *shape)`; n must exceed the number of latent dimensions of the
            small models for all bars together.

    Raises:
        ValueError: The models do not fit together.
    """
    layout = _layout(model, smalls)
    (inner,), cores = model.encoder.inner, cast(HierarchicalDecoder, model.decoder).cores
    readers = list(inner) if isinstance(inner, VoicesReader) else [inner]
    whole = model.encoder.embedding
    embeddings = list(whole) if isinstance(whole, VoicesEmbedding) else [whole]
    with torch.no_grad():
        for small, reader, embedding, core in zip(smalls, readers, embeddings, cores, strict=True):
            decoder = _decoder(small)
            embedding.load_state_dict(small.encoder.embedding.state_dict())
            _copy(small.encoder, reader, ("lstm", "summary"), layout)
            _copy(decoder, core, ("embedding", "lstm", "head"), layout)
            _linears(core)[1].load_state_dict(_linears(decoder)[1].state_dict())
        model.eval()
        basis = _read(model, smalls, windows, layout)
        _write(model, smalls, basis, layout)


def regrid(model: SequenceVAE, other: SequenceVAE) -> None:
    """Initialise a flat model from one whose windows have another number of steps.

    Weights of a step are taken from the step at the same share of the window; all others are
    copied.

    Args:
        model: An untrained model; changed in place.
        other: A trained model, of the same architecture but for `steps` and `grid`.

    Raises:
        ValueError: The architectures differ in more.
    """
    steps, others = model.architecture.steps, other.architecture.steps
    if replace(other.architecture, steps=steps, grid=model.architecture.grid) != model.architecture:
        raise ValueError("the architectures differ in more than the steps")
    nearest = (torch.arange(steps) * others / steps).round().long()
    known = other.state_dict()
    with torch.no_grad():
        for name, own in model.state_dict().items():
            taken = known[name]
            for axis, (size, old) in enumerate(zip(own.shape, taken.shape, strict=True)):
                if size != old:  # an axis of steps, or of numbers for each step
                    each = taken.unflatten(axis, (others, -1))
                    taken = each.index_select(axis, nearest).flatten(axis, axis + 1)
            own.copy_(taken)


def _layout(model: SequenceVAE, smalls: Sequence[SequenceVAE]) -> Layout:
    """Return how the windows of the models divide, refusing models that do not fit together."""
    a = model.architecture
    if len(a.levels) != 2 or a.encoder_levels != a.levels:
        raise ValueError("a grown model needs two levels, the same in encoder and decoder")
    if (a.readout, a.conditioning) != ("steps", "steps"):
        raise ValueError("a grown model needs readout and conditioning by steps")
    voices = listed(a.voices)
    if len(smalls) != len(voices):
        raise ValueError(f"{len(voices)} voices need as many models, not {len(smalls)}")
    bars, steps = a.levels
    groups = set()
    for voice, b in zip(voices, (small.architecture for small in smalls), strict=True):
        if b.levels or b.encoder_levels or (b.readout, b.conditioning) != ("steps", "steps"):
            raise ValueError(
                "the small models must be flat, with readout and conditioning by steps"
            )
        if b.voices != voice:
            raise ValueError(f"{voice} cannot be initialised from {b.voices}")
        for name in _SAME:
            own, small = getattr(a, name), getattr(b, name)
            if own != small:
                raise ValueError(f"{name} is {own}, in the small model {small}")
        groups.add(b.steps / steps)
    group = groups.pop()
    if groups or group != int(group) or bars % int(group):
        raise ValueError(f"the small windows do not divide {bars} bars of {steps} steps")
    return Layout(bars, int(group), steps)


def _read(
    model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor, layout: Layout
) -> Basis:
    """Set the encoder to compute the principal components of the small codes, and return these.

    A bar's contribution to the code of its group depends on its place in the group. The upper level
    summarises each bar in `segment_dim` numbers that serve for every place; after that each bar of
    a window has weights of its own.
    """
    a, encoder = model.architecture, model.encoder
    summary = cast(nn.Linear, encoder.summary)
    groups = layout.bars // layout.group
    parts = windows.split(ENCODED_AT_ONCE)
    read = torch.cat([encoder.vectors(part).transpose(0, 1) for part in parts])  # (n, bars, width)
    weights = _at_places([small.encoder.mean.weight for small in smalls], layout.group)
    all_weights = weights.flatten(0, 1)
    anywhere = components((read @ all_weights.t()).flatten(0, 1), a.segment_dim)
    kept, width = anywhere.axes.shape[1], read.shape[-1]
    summary.weight.mul_(SMALL)
    summary.weight[:kept, -width:] = (anywhere.axes / anywhere.scale).t() @ all_weights
    at_place = _split(anywhere.axes * anywhere.scale, 0, *weights.shape[:2])  # (.., segment)

    codes = _split(read, 1, groups, layout.group)
    codes = torch.einsum("ngpw,pcw->ngc", codes, weights)
    codes += torch.cat([small.encoder.mean.bias for small in smalls])
    voices = zip(smalls, voices_of(windows[:512]), strict=True)
    posteriors = [small.eval().encode(fold(voice, groups)) for small, voice in voices]
    variance = torch.cat([each.stddev.square().mean(0) for each in posteriors])
    basis = components(codes.flatten(1), a.latent_dim, variance.repeat(groups))
    dims = len(basis.scale)
    to_z = _split((basis.axes / basis.scale).t(), 1, groups, -1)  # (z, group, code)
    weight = encoder.mean.weight.zero_().view(a.latent_dim, groups, layout.group, -1)
    weight[:dims, ..., :kept] = torch.einsum("zgc,pcs->zgps", to_z, at_place)
    summaries = torch.cat([encoder.code(part) for part in parts])
    encoder.mean.bias.copy_(-encoder.mean.weight @ summaries.mean(0))
    encoder.stddev.weight.zero_()
    stddev = torch.ones(a.latent_dim)
    stddev[:dims] = (basis.variance.sqrt() / basis.scale).clamp(min=1e-3)
    encoder.stddev.bias.copy_(stddev.expm1().log())  # undoes softplus
    return basis


def _write(model: SequenceVAE, smalls: Sequence[SequenceVAE], basis: Basis, layout: Layout) -> None:
    """Set the decoder to write bars from the principal components of the small codes.

    The projection of z for a bar (its plan) is linear in the code of its group, and depends on the
    bar's place in the group. The embedding of a bar has the principal components of all plans.
    """
    decoder = cast(HierarchicalDecoder, model.decoder)
    (conductor,), cores = decoder.conductors, decoder.cores
    groups = layout.bars // layout.group
    codes = _split(basis.codes, 1, groups, -1)  # (n, group, code)
    plans = [_linears(_decoder(small))[0] for small in smalls]
    weight = _at_places([plan.weight.t() for plan in plans], layout.group)
    weight = weight.transpose(1, 2).contiguous()  # (place, plan, code)
    bias = torch.cat([plan.bias.view(layout.group, -1) for plan in plans], dim=1)
    wanted = torch.einsum("ngc,pqc->ngpq", codes, weight) + bias
    planned = components(wanted.flatten(0, 2), model.architecture.segment_dim)
    kept = len(planned.scale)
    to_guide = (planned.axes / planned.scale).t()  # (guide, plan)

    dims = len(basis.scale)
    from_z = _split(basis.axes * basis.scale, 0, groups, -1)  # (group, code, z)
    first, second = _linears(conductor)
    rows = first.weight.zero_().view(groups, layout.group, -1, model.latent_dim)
    rows[:, :, :kept, :dims] = torch.einsum("kq,pqc,gcz->gpkz", to_guide, weight, from_z)
    centre = torch.einsum("gc,pqc->gpq", basis.centre.view(groups, -1), weight) + bias
    offset = first.bias.zero_().view(groups, layout.group, -1)
    offset[..., :kept] = (centre - planned.centre) @ to_guide.t()
    second.weight.copy_(torch.eye(len(second.bias)))
    second.bias.zero_()
    conductor.position.zero_()

    guide = (wanted.flatten(0, 2) - planned.centre) @ to_guide.t()  # (n * bars, guide)
    begin = conductor.lstm.hidden_size
    own = [len(plan.bias) // layout.group for plan in plans]
    axes, centres = (planned.axes * planned.scale).split(own), planned.centre.split(own)
    sizes = [small.latent_dim for small in smalls]
    for core, small, axis, middle, code in zip(
        cores, smalls, axes, centres, codes.split(sizes, dim=-1), strict=True
    ):
        plan, _ = _linears(core)
        plan.weight.mul_(SMALL)
        plan.weight[:, begin : begin + kept] = axis
        plan.bias.copy_(middle)
        states = _decoder(small).initial(code.unsqueeze(2).expand(-1, -1, layout.group, -1))
        states = states.flatten(0, 2)
        fitted = torch.linalg.lstsq(guide, states - states.mean(0)).solution
        core.initial.weight.mul_(SMALL)
        core.initial.weight[:, begin : begin + kept] = fitted.t()
        core.initial.bias.copy_(states.mean(0))


def _split(x: Tensor, dim: int, *sizes: int) -> Tensor:
    """Return `x.unflatten(dim, sizes)`, which PyTorch does not type."""
    divided: Tensor = x.unflatten(dim, sizes)
    return divided


def _at_places(weights: Sequence[Tensor], group: int) -> Tensor:
    """Return the joint weights of several models for each place in a group.

    Args:
        weights: Weights of each model, `(code, group * width)`.
        group: Number of places.

    Returns:
        Block-diagonal matrices `(group, codes of all models, widths of all models)`.
    """
    places = (_split(weight, 1, group, -1).transpose(0, 1) for weight in weights)
    return torch.stack([torch.block_diag(*blocks) for blocks in zip(*places, strict=True)])


def _copy(
    source: Reader | ConditionedLSTM,
    to: Reader | ConditionedLSTM,
    parts: Sequence[str],
    layout: Layout,
) -> None:
    """Copy layers of a small model's encoder or decoder, and its position vectors of a bar."""
    for part in parts:
        getattr(to, part).load_state_dict(getattr(source, part).state_dict())
    to.position.copy_(source.position[: layout.steps])
