"""A convolutional classifier whose filters are not shared: the same connections as the CNN, each with a weight of its own."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import unfold

from whence.nets.cnn import CNN
from whence.nets.embed import check_shape, check_sizes


class LocallyConnected(nn.Module):
    """The `CNN` of that width without sharing: each of its three layers has a 3 x 3 filter and a bias for every place.

    What an output can hear, the ReLUs, the strides, the mean over places and the affine map are the CNN's; first weights are drawn
    from the law of the CNN's, for every place anew. `untied` gives the one that computes what a CNN does.
    Raises ValueError for another shape than (c, h, w), or sizes below 1.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(self, shape: tuple[int, int, int], *, outputs: int = 2, width: int = 16) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {"outputs": outputs, "width": width}
        check_sizes(outputs=outputs, width=width)
        widths, side, layers = (self.shape[0], width, 2 * width, 2 * width), self.shape[1:], []
        for i, (before, after) in enumerate(pairwise(widths)):
            layers.append(Unshared(before, after, side, stride=1 if i == 0 else 2))
            side = layers[-1].side
        self.layers = nn.ModuleList(layers)
        self.last = nn.Linear(2 * width, outputs)

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f"]:
        """The last layer's answers averaged over places, (b, 2 width)."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}, this network was made for (b, {', '.join(map(str, self.shape))})")
        for layer in self.layers:
            x = layer(x).relu()
        return x.mean((-2, -1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """The outputs, (b, outputs): logits, not probabilities."""
        return self.last(self.features(x))


class Unshared(nn.Module):
    """A 3 x 3 convolution with padding 1 whose filter differs from place to place: weight (p, 9 before, after), bias (p, after)."""

    def __init__(self, before: int, after: int, side: tuple[int, int], stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.side = ((side[0] - 1) // stride + 1, (side[1] - 1) // stride + 1)
        places, bound = math.prod(self.side), 1 / math.sqrt(9 * before)
        self.weight = nn.Parameter(torch.empty(places, 9 * before, after).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(places, after).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "b before h w"]) -> Float[Tensor, "b after i j"]:
        """The answers at every place."""
        seen = unfold(x, 3, padding=1, stride=self.stride)  # (b, 9 before, p)
        answers = torch.baddbmm(self.bias[:, None], seen.permute(2, 0, 1), self.weight)  # (p, b, after)
        return answers.permute(1, 2, 0).unflatten(2, self.side)


def untied(network: CNN) -> LocallyConnected:
    """The locally connected network with a CNN's filters at every place: it answers alike, and is free to stop doing so."""
    free = LocallyConnected(network.shape, **network.options).to(network.last.weight)
    for layer, conv in zip(free.layers, network.convs, strict=True):
        numbers = conv.state_dict()
        filters = {"weight": numbers["weight"].flatten(1).T, "bias": numbers["bias"]}
        layer.load_state_dict({name: filters[name].expand_as(t) for name, t in layer.state_dict().items()})
    free.last.load_state_dict(network.last.state_dict())
    return free.train(network.training)
