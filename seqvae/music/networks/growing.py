"""Growing: a model of long windows begins with what models of short ones have learned.

A hierarchical model is long in learning what its bars are made of, and which of its many codes
speaks of which bar. A flat model of two bars knows the first, and has a code for any two bars.
`grow` puts the layers of flat models, one for each voice, where the hierarchical one reads and
writes a bar. What lies between them is linear in the flat models, so it can be computed: z becomes
the principal components of the codes of all pairs of bars, over real phrases. What the bars of a
phrase have in common, as where they repeat each other, comes first, each component has variance
one, and those that say least are left out. So the large model can do at once, nearly, what the
small ones could, and training goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqvae.music.networks.decoder import Guided
from seqvae.music.networks.encoder import Reader, VoicesReader
from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.networks.voices import VoicesEmbedding

SMALL = 0.1
"""What remains of the random weights of paths that the small models do not have."""
ROWS = 64
"""Windows that are read at once."""


class Layout(NamedTuple):
    """How the windows of the small models lie in those of the large one."""

    bars: int
    """Bars of the large window."""
    group: int
    """Bars of a small window."""
    steps: int
    """Steps of a bar."""


def grow(model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor) -> None:
    """Let a hierarchical model begin with flat ones of shorter windows.

    Args:
        model: Two levels in encoder and decoder, untrained; changed in place.
        smalls: One for each voice: flat, of windows of one or more of its bars, with readout and
            conditioning by "steps".
        windows: Of real music `(n, *shape)`, more than the smalls' latent dimensions of all bars.

    Raises:
        ValueError: They do not fit together; the message says where.
    """
    layout = _layout(model, smalls)
    readers = model.encoder.inner[0]
    readers = list(readers) if isinstance(readers, VoicesReader) else [readers]
    embedding = model.encoder.embedding
    embeddings = list(embedding) if isinstance(embedding, VoicesEmbedding) else [embedding]
    with torch.no_grad():
        for small, reader, embedding, core in zip(
            smalls, readers, embeddings, model.decoder.cores, strict=True
        ):
            embedding.load_state_dict(small.encoder.embedding.state_dict())
            _copy(small.encoder, reader, ("lstm", "summary"), layout)
            _copy(small.decoder, core, ("embedding", "lstm", "head"), layout)
            core.plan[2].load_state_dict(small.decoder.plan[2].state_dict())
        model.eval()
        basis = _read(model, smalls, windows, layout)
        _write(model, smalls, basis, layout)


def _layout(model: SequenceVAE, smalls: Sequence[SequenceVAE]) -> Layout:
    """Return how the models lie in each other, or say why they cannot."""
    a = model.architecture
    if len(a.levels) != 2 or a.encoder_levels != a.levels:
        raise ValueError("what grows has two levels, the same in encoder and decoder")
    if (a.readout, a.conditioning) != ("steps", "steps"):
        raise ValueError("what grows has readout and conditioning by steps")
    voices = a.voices if isinstance(a.voices, tuple) else (a.voices,)
    if len(smalls) != len(voices):
        raise ValueError(f"{len(voices)} voices cannot begin with {len(smalls)} models")
    bars, steps = a.levels
    groups = set()
    for voice, b in zip(voices, (small.architecture for small in smalls), strict=True):
        if b.levels or b.encoder_levels or (b.readout, b.conditioning) != ("steps", "steps"):
            raise ValueError("what is grown from is flat, with readout and conditioning by steps")
        if b.voices != voice:
            raise ValueError(f"a voice of {voice} cannot begin with one of {b.voices}")
        for name in (
            "embedding_dim", "summary_dim", "encoder_dim", "encoder_layers", "decoder_dim",
            "decoder_layers",
        ):  # fmt: skip
            if getattr(a, name) != getattr(b, name):
                raise ValueError(f"{name} is {getattr(a, name)} here and {getattr(b, name)} there")
        groups.add(b.steps / steps)
    group = groups.pop()
    if groups or group != int(group) or bars % int(group):
        raise ValueError(f"the small windows do not fit into {bars} bars of {steps} steps")
    return Layout(bars, int(group), steps)


def _read(
    model: SequenceVAE, smalls: Sequence[SequenceVAE], windows: Tensor, layout: Layout
) -> Basis:
    """Let the encoder give the principal components of the small codes; return these.

    What a bar adds to the code of its group depends on its place in the group. The upper level
    says of each bar what matters at any place, in `segment_dim` numbers; behind that every bar of
    a window has weights of its own.
    """
    a, encoder = model.architecture, model.encoder
    groups = layout.bars // layout.group
    parts = windows.split(ROWS)
    said = torch.cat([encoder.vectors(part).transpose(0, 1) for part in parts])  # (n, bars, width)
    adds = torch.stack(
        [
            torch.block_diag(*(_parts(s.encoder.mean.weight, layout.group)[k] for s in smalls))
            for k in range(layout.group)
        ]
    )  # (place, code, width)
    all_adds = adds.flatten(0, 1)
    anywhere = _components((said @ all_adds.t()).flatten(0, 1), a.segment_dim)
    kept, width = anywhere.axes.shape[1], said.shape[-1]
    encoder.summary.weight.mul_(SMALL)
    encoder.summary.weight[:kept, -width:] = (anywhere.axes / anywhere.scale).t() @ all_adds
    at_place = (anywhere.axes * anywhere.scale).unflatten(0, adds.shape[:2])  # (.., segment)

    codes = said.unflatten(1, (groups, layout.group))
    codes = torch.einsum("ngpw,pcw->ngc", codes, adds)
    codes += torch.cat([small.encoder.mean.bias for small in smalls])
    blur = torch.cat([_blur(s, v, layout) for s, v in zip(smalls, _each(windows), strict=True)])
    basis = _components(codes.flatten(1), a.latent_dim, blur.repeat(groups))
    dims = len(basis.scale)
    to_z = (basis.axes / basis.scale).t().unflatten(1, (groups, -1))  # (z, group, code)
    weight = encoder.mean.weight.zero_().view(a.latent_dim, groups, layout.group, -1)
    weight[:dims, ..., :kept] = torch.einsum("zgc,pcs->zgps", to_z, at_place)
    heard = torch.cat([encoder.code(part) for part in parts])
    encoder.mean.bias.copy_(-encoder.mean.weight @ heard.mean(0))
    encoder.stddev.weight.zero_()
    stddev = torch.ones(a.latent_dim)
    stddev[:dims] = (basis.blur.sqrt() / basis.scale).clamp(min=1e-3)
    encoder.stddev.bias.copy_(stddev.expm1().log())  # undoes softplus
    return basis


def _write(model: SequenceVAE, smalls: Sequence[SequenceVAE], basis: Basis, layout: Layout) -> None:
    """Let the decoder write bars from the principal components of the small codes.

    The plan of a bar is linear in the code of its group, in a way that depends on its place there.
    The embedding of a bar holds the principal components of plans of any place.
    """
    (conductor,), cores = model.decoder.conductors, model.decoder.cores
    groups = layout.bars // layout.group
    codes = basis.codes.unflatten(1, (groups, -1))  # (n, group, code)
    plans = [small.decoder.plan[0] for small in smalls]
    weight = torch.stack(
        [
            torch.block_diag(*(_parts(plan.weight.t(), layout.group)[k].t() for plan in plans))
            for k in range(layout.group)
        ]
    )  # (place, plan, code)
    bias = torch.cat([plan.bias.unflatten(0, (layout.group, -1)) for plan in plans], dim=1)
    wanted = torch.einsum("ngc,pqc->ngpq", codes, weight) + bias
    planned = _components(wanted.flatten(0, 2), model.architecture.segment_dim)
    kept = len(planned.scale)
    to_guide = (planned.axes / planned.scale).t()  # (guide, plan)

    dims = len(basis.scale)
    from_z = (basis.axes * basis.scale).unflatten(0, (groups, -1))  # (group, code, z)
    rows = conductor.plan[0].weight.zero_().view(groups, layout.group, -1, model.latent_dim)
    rows[:, :, :kept, :dims] = torch.einsum("kq,pqc,gcz->gpkz", to_guide, weight, from_z)
    centre = torch.einsum("gc,pqc->gpq", basis.centre.unflatten(0, (groups, -1)), weight) + bias
    offset = conductor.plan[0].bias.zero_().view(groups, layout.group, -1)
    offset[..., :kept] = (centre - planned.centre) @ to_guide.t()
    conductor.plan[2].weight.copy_(torch.eye(len(conductor.plan[2].bias)))
    conductor.plan[2].bias.zero_()
    conductor.position.zero_()

    guide = (wanted.flatten(0, 2) - planned.centre) @ to_guide.t()  # (n * bars, guide)
    first = conductor.lstm.hidden_size
    own = [len(plan.bias) // layout.group for plan in plans]
    axes, centres = (planned.axes * planned.scale).split(own), planned.centre.split(own)
    sizes = [small.latent_dim for small in smalls]
    for core, small, axis, middle, code in zip(
        cores, smalls, axes, centres, codes.split(sizes, dim=-1), strict=True
    ):
        core.plan[0].weight.mul_(SMALL)
        core.plan[0].weight[:, first : first + kept] = axis
        core.plan[0].bias.copy_(middle)
        states = small.decoder.initial(code.unsqueeze(2).expand(-1, -1, layout.group, -1))
        states = states.flatten(0, 2)
        fitted = torch.linalg.lstsq(guide, states - states.mean(0)).solution
        core.initial.weight.mul_(SMALL)
        core.initial.weight[:, first : first + kept] = fitted.t()
        core.initial.bias.copy_(states.mean(0))


class Basis(NamedTuple):
    """Principal components of some vectors."""

    codes: Tensor
    """The vectors `(n, width)`."""
    centre: Tensor
    """Their mean `(width,)`."""
    axes: Tensor
    """`(width, kept)`, the strongest first."""
    blur: Tensor
    """Variance of a posterior along each axis, `(kept,)`."""
    scale: Tensor
    """Standard deviation along each axis, a posterior's own included, `(kept,)`."""


def _components(x: Tensor, limit: int, blur: Tensor | None = None) -> Basis:
    """Return at most so many principal components of vectors `(n, width)`.

    Args:
        x: The vectors.
        limit: How many.
        blur: Variance of a posterior around each, `(width,)`; none by default.
    """
    centre = x.mean(0)
    strength, axes = torch.linalg.eigh((x - centre).double().t().cov())
    strength, axes = strength.flip(0).float(), axes.flip(1).float()
    kept = min(limit, int((strength > 1e-7 * strength[0]).sum()))
    strength, axes = strength[:kept], axes[:, :kept]
    along = torch.zeros(kept) if blur is None else (axes.square() * blur[:, None]).sum(0)
    return Basis(x, centre, axes, along, (strength + along).sqrt())


def _blur(small: SequenceVAE, windows: Tensor, layout: Layout) -> Tensor:
    """Return the mean variance of a small model's posterior, `(code,)`, on one voice's windows."""
    groups = fold(windows[:512], layout.bars // layout.group)
    return small.eval().encode(groups).stddev.square().mean(0)


def _each(x: Tensor) -> tuple[Tensor, ...]:
    """Return the voices of windows one by one."""
    return (x,) if x.ndim == 2 else x.unbind(-1)


def _parts(weight: Tensor, group: int) -> Tensor:
    """Return weights `(code, group * width)` for each place in a group, `(group, code, width)`."""
    return weight.unflatten(1, (group, -1)).transpose(0, 1)


def _copy(source: nn.Module, to: Reader | Guided, parts: Sequence[str], layout: Layout) -> None:
    """Copy layers, and the positions of the first bar, from a small model's reader or writer."""
    for part in parts:
        getattr(to, part).load_state_dict(getattr(source, part).state_dict())
    to.position.copy_(source.position[: layout.steps])
