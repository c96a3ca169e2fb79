"""Growing: a model of long windows is initialised from trained models of short ones.

A hierarchical model takes long to learn what bars look like, and which dimensions of z describe
which bar. A flat model of two bars has learned the first, and has a code for any two bars. `grow`
copies the layers of flat models, one for each voice, to where the hierarchical one reads and writes
a bar. The layers in between are linear in the flat models, so they can be computed: z becomes the
principal components of the codes of all pairs of bars, over real phrases. What the bars of a phrase
have in common comes first, each component has variance one, and the weakest are left out. So the
large model begins nearly as good as the small ones, and training goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seqvae.music.networks.decoder import ConditionedLSTM, SequenceDecoder
from seqvae.music.networks.encoder import Reader, VoicesReader
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.networks.voices import VoicesEmbedding

SMALL = 0.1
"""Factor for the random weights of paths that the small models do not have."""
ENCODED_AT_ONCE = 64
"""Windows that are encoded at once."""


class Layout(NamedTuple):
    """How the windows of the small models divide those of the large one."""

    bars: int
    """Bars of the large window."""
    group: int
    """Bars of a small window."""
    steps: int
    """Steps of a bar."""


def _linears(part: ConditionedLSTM) -> tuple[nn.Linear, nn.Linear]:
    """Return the two linear layers of a plan by "steps"."""
    return cast(nn.Linear, part.plan[0]), cast(nn.Linear, part.plan[2])


def _decoder(model: SequenceVAE) -> SequenceDecoder:
    """Return the decoder of a flat model."""
    return cast(SequenceDecoder, model.decoder)


def grow(model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor) -> None:
    """Initialise a hierarchical model from flat ones of shorter windows.

    Args:
        model: Two levels in encoder and decoder, untrained; changed in place.
        smalls: One for each voice: flat, of windows of one or more of its bars, with readout and
            conditioning by "steps".
        windows: Real music `(n, *shape)`, n larger than the smalls' latent dimensions of all bars.

    Raises:
        ValueError: They do not fit together; the message says where.
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

    What belongs to a step is taken from the step at the same share of the window; all else is
    copied.

    Args:
        model: Untrained; changed in place.
        other: Of the same sizes, but for `steps`.

    Raises:
        ValueError: They differ in more than the number of steps.
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
                if size != old:  # so many numbers for each step
                    each = taken.unflatten(axis, (others, -1))
                    taken = each.index_select(axis, nearest).flatten(axis, axis + 1)
            own.copy_(taken)


def _layout(model: SequenceVAE, smalls: Sequence[SequenceVAE]) -> Layout:
    """Return how the small windows divide the large one.

    Raises:
        ValueError: They do not.
    """
    a = model.architecture
    if len(a.levels) != 2 or a.encoder_levels != a.levels:
        raise ValueError("a grown model needs two levels, the same in encoder and decoder")
    if (a.readout, a.conditioning) != ("steps", "steps"):
        raise ValueError("a grown model needs readout and conditioning by steps")
    voices = a.voices if isinstance(a.voices, tuple) else (a.voices,)
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
        for name in (
            "embedding_dim", "summary_dim", "encoder_dim", "encoder_layers", "decoder_dim",
            "decoder_layers",
        ):  # fmt: skip
            if getattr(a, name) != getattr(b, name):
                raise ValueError(
                    f"{name} is {getattr(a, name)}, in the small model {getattr(b, name)}"
                )
        groups.add(b.steps / steps)
    group = groups.pop()
    if groups or group != int(group) or bars % int(group):
        raise ValueError(f"the small windows do not divide {bars} bars of {steps} steps")
    return Layout(bars, int(group), steps)


def _read(
    model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor, layout: Layout
) -> Basis:
    """Let the encoder compute the principal components of the small codes; return these.

    A bar's contribution to the code of its group depends on its place in the group. The upper level
    summarises each bar in `segment_dim` numbers, for any place; after that every bar of a window
    has weights of its own.
    """
    a, encoder = model.architecture, model.encoder
    summary = cast(nn.Linear, encoder.summary)
    groups = layout.bars // layout.group
    parts = windows.split(ENCODED_AT_ONCE)
    read = torch.cat([encoder.vectors(part).transpose(0, 1) for part in parts])  # (n, bars, width)
    weights = torch.stack(
        [
            torch.block_diag(*(_places(s.encoder.mean.weight, layout.group)[k] for s in smalls))
            for k in range(layout.group)
        ]
    )  # (place, code, width)
    all_weights = weights.flatten(0, 1)
    anywhere = _components((read @ all_weights.t()).flatten(0, 1), a.segment_dim)
    kept, width = anywhere.axes.shape[1], read.shape[-1]
    summary.weight.mul_(SMALL)
    summary.weight[:kept, -width:] = (anywhere.axes / anywhere.scale).t() @ all_weights
    at_place = _split(anywhere.axes * anywhere.scale, 0, *weights.shape[:2])  # (.., segment)

    codes = _split(read, 1, groups, layout.group)
    codes = torch.einsum("ngpw,pcw->ngc", codes, weights)
    codes += torch.cat([small.encoder.mean.bias for small in smalls])
    voices = zip(smalls, _each(windows), strict=True)
    variance = torch.cat([_variance(small, voice, layout) for small, voice in voices])
    basis = _components(codes.flatten(1), a.latent_dim, variance.repeat(groups))
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
    """Let the decoder write bars from the principal components of the small codes.

    The plan of a bar is linear in the code of its group, in a way that depends on its place there.
    The embedding of a bar holds the principal components of plans of any place.
    """
    decoder = cast(HierarchicalDecoder, model.decoder)
    (conductor,), cores = decoder.conductors, decoder.cores
    groups = layout.bars // layout.group
    codes = _split(basis.codes, 1, groups, -1)  # (n, group, code)
    plans = [_linears(_decoder(small))[0] for small in smalls]
    weight = torch.stack(
        [
            torch.block_diag(*(_places(plan.weight.t(), layout.group)[k].t() for plan in plans))
            for k in range(layout.group)
        ]
    )  # (place, plan, code)
    bias = torch.cat([plan.bias.view(layout.group, -1) for plan in plans], dim=1)
    wanted = torch.einsum("ngc,pqc->ngpq", codes, weight) + bias
    planned = _components(wanted.flatten(0, 2), model.architecture.segment_dim)
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


class Basis(NamedTuple):
    """Principal components of some vectors."""

    codes: Tensor
    """The vectors `(n, width)`."""
    centre: Tensor
    """Their mean `(width,)`."""
    axes: Tensor
    """`(width, kept)`, the strongest first."""
    variance: Tensor
    """Variance of a posterior along each axis, `(kept,)`."""
    scale: Tensor
    """Standard deviation along each axis, a posterior's own included, `(kept,)`."""


def _components(x: Tensor, limit: int, variance: Tensor | None = None) -> Basis:
    """Return at most `limit` principal components of vectors `(n, width)`.

    Args:
        x: The vectors.
        limit: How many.
        variance: Variance of a posterior around each, `(width,)`; none by default.
    """
    centre = x.mean(0)
    strength, axes = torch.linalg.eigh((x - centre).double().t().cov())
    strength, axes = strength.flip(0).float(), axes.flip(1).float()
    kept = min(limit, int((strength > 1e-7 * strength[0]).sum()))
    strength, axes = strength[:kept], axes[:, :kept]
    along = torch.zeros(kept) if variance is None else (axes.square() * variance[:, None]).sum(0)
    return Basis(x, centre, axes, along, (strength + along).sqrt())


def _variance(small: SequenceVAE, windows: Tensor, layout: Layout) -> Tensor:
    """Return the mean variance of a small model's posterior, `(code,)`, on one voice's windows."""
    groups = fold(windows[:512], layout.bars // layout.group)
    return small.eval().encode(groups).stddev.square().mean(0)


def _each(x: Tensor) -> tuple[Tensor, ...]:
    """Return the voices of windows one by one."""
    return (x,) if x.ndim == 2 else x.unbind(-1)


def _split(x: Tensor, dim: int, *sizes: int) -> Tensor:
    """Return a tensor with one of its dimensions divided into several."""
    divided: Tensor = x.unflatten(dim, sizes)
    return divided


def _places(weight: Tensor, group: int) -> Tensor:
    """Return weights `(code, group * width)` for each place in a group, `(group, code, width)`."""
    return _split(weight, 1, group, -1).transpose(0, 1)


def _copy(
    source: Reader | ConditionedLSTM,
    to: Reader | ConditionedLSTM,
    parts: Sequence[str],
    layout: Layout,
) -> None:
    """Copy layers, and the positions of the first bar, of a small model's encoder or decoder."""
    for part in parts:
        getattr(to, part).load_state_dict(getattr(source, part).state_dict())
    to.position.copy_(source.position[: layout.steps])
