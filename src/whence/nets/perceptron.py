"""A multilayer perceptron that classifies: whatever the study asks to vary, and nothing that hears a noise level."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from whence.nets.embed import check_sizes

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "swish": functional.silu,
    "selu": functional.selu,
    "tanh": torch.tanh,
    "gauss": lambda h: torch.exp(-h.square() / 2),
    "sine": torch.sin,
    "linear": lambda h: h,
}


class Perceptron(nn.Module):
    """`depth` hidden layers of `width` units on flat inputs (d,) or flattened images (c, h, w), with torch's own first weights.

    A hidden layer is act(norm(W h + b)): `norm` is layer normalisation (Euclidean, learned scale and shift), `gate` multiplies
    what it gives by the sigmoid of a second affine map of h, `residual` adds h (from the second layer on, where the widths agree),
    and `dropout` drops units of each hidden layer in training. `bias=False` leaves no additive constant anywhere.
    The forward pass is written so that parameters, inputs and masks may all carry a leading axis of seeds: see train.stack.
    Raises ValueError for another shape or activation, sizes below 1, or a dropout outside [0, 1).
    """

    VERSION: ClassVar[int] = 1
    STACKS: ClassVar[bool] = True  # parameters (S, ...) and x (S, b, ...) give (S, b, k): no vmap is needed
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        outputs: int = 2,
        width: int = 100,
        depth: int = 2,
        activation: str = "relu",
        norm: bool = False,
        residual: bool = False,
        gate: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape = _check_shape(shape)
        self.options: dict[str, Any] = {
            "outputs": outputs,
            "width": width,
            "depth": depth,
            "activation": activation,
            "norm": norm,
            "residual": residual,
            "gate": gate,
            "dropout": dropout,
            "bias": bias,
        }
        check_sizes(outputs=outputs, width=width, depth=depth)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}, expected a share in [0, 1): with 1 nothing would be left")
        before = [math.prod(self.shape)] + [width] * (depth - 1)
        self.layers = nn.ModuleList(nn.Linear(n, width, bias=bias) for n in before)
        self.gates = nn.ModuleList(nn.Linear(n, width, bias=bias) for n in before if gate)
        self.norms = nn.ModuleList(nn.LayerNorm(width, bias=bias) for _ in before if norm)
        self.last = nn.Linear(width, outputs, bias=bias)
        self.act = ACTIVATIONS[activation]

    def features(self, x: Float[Tensor, "*s b ..."], kept: Sequence[Float[Tensor, "*s b w"]] | None = None) -> Tensor:
        """The last hidden layer, (b, width).

        `kept` are masks to multiply the hidden layers by, one each, such as those of `train.supervised.masks`, where a seed must
        drop the same units whoever trains beside it; without them dropout draws from torch's global state, and only in training.
        """
        h = self._flat(x)
        for i, layer in enumerate(self.layers):
            inner = _affine(layer, h)
            inner = self.act(_normalised(self.norms[i], inner) if self.options["norm"] else inner)
            if self.options["gate"]:
                inner = inner * _affine(self.gates[i], h).sigmoid()
            h = inner + h if self.options["residual"] and i > 0 else inner
            if kept is not None:
                h = h * kept[i]
            elif self.training and self.options["dropout"] > 0:  # a rate of 0 would still draw
                h = functional.dropout(h, self.options["dropout"])
        return h

    def forward(self, x: Float[Tensor, "*s b ..."], kept: Sequence[Float[Tensor, "*s b w"]] | None = None) -> Tensor:
        """The outputs, (b, outputs): logits, not probabilities."""
        return _affine(self.last, self.features(x, kept))

    def _flat(self, x: Tensor) -> Tensor:
        n = len(self.shape)
        if x.ndim <= n or tuple(x.shape[-n:]) != self.shape:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, this network was made for (b, {', '.join(map(str, self.shape))}): "
                "build one for these inputs, or give it inputs of that shape"
            )
        return x.flatten(-n)


def _affine(layer: Any, h: Tensor) -> Tensor:
    """W h + b, also of S layers at once: weight (S, out, in), bias (S, out), h (S, b, in) or (b, in) for all."""
    if layer.weight.ndim == 2:
        return functional.linear(h, layer.weight, layer.bias)
    h = h if h.ndim == 3 else h.expand(len(layer.weight), *h.shape)
    if layer.bias is None:
        return torch.bmm(h, layer.weight.mT)
    return torch.baddbmm(layer.bias[:, None], h, layer.weight.mT)


def _normalised(norm: Any, h: Tensor) -> Tensor:
    h = functional.layer_norm(h, h.shape[-1:], eps=norm.eps) * norm.weight.unsqueeze(-2)
    return h if norm.bias is None else h + norm.bias.unsqueeze(-2)


def _check_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    found = tuple(shape)
    if len(found) not in (1, 3) or not all(isinstance(n, int) and n >= 1 for n in found):
        raise ValueError(f"shape is {found}, expected (c, h, w) of images or (d,) of flat inputs, such as tuple(x.shape[1:])")
    return found
