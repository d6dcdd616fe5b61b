"""First weights other than torch's: those under which a paper looks at networks before any training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from whence.seeds import stream


@torch.no_grad()
def randomise(
    network: nn.Module,
    seed: int,
    scale: float = 1.0,
    *,
    bias: float | Sequence[float] = 1.0,
    fan: Literal["both", "in"] = "both",
    law: Literal["uniform", "normal"] = "uniform",
) -> nn.Module:
    """The network, its affine layers drawn anew in place: weights U(-s, s), biases U(-bias, bias) (teney2024redshift).

    s = scale sqrt(6 / (fan_in + fan_out)), or scale sqrt(3 / fan_in) for fan "in", which is the same inside of the network but
    leaves the first layer no function of the width. `bias` is one number, or one for each layer in order. The law "normal" has
    the same variances. Layer i draws from the stream (seed, "random weights", i) numbers that are multiplied by s: the same seed
    at another scale is the same network with larger weights. Other parameters are left as they are.
    Raises ValueError for an unknown fan or law, a negative scale, or as many biases as there are not layers.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    biases = [bias] * len(layers) if isinstance(bias, int | float) else list(bias)
    _check(len(layers), len(biases), scale, fan, law)
    for i, (layer, half) in enumerate(zip(layers, biases, strict=True)):
        generator = stream(seed, "random weights", i)
        fans = layer.in_features + layer.out_features if fan == "both" else 2 * layer.in_features
        layer.weight.copy_(scale * math.sqrt(6 / fans) * _draw(layer.weight.shape, law, generator))
        if layer.bias is not None:
            layer.bias.copy_(half * _draw(layer.bias.shape, law, generator))
    return network


def _draw(shape: torch.Size, law: str, generator: torch.Generator) -> torch.Tensor:
    """Numbers of variance 1/3 in float64: U(-1, 1), or normal."""
    if law == "normal":
        return torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(3)
    return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1


def _check(layers: int, biases: int, scale: float, fan: str, law: str) -> None:
    if fan not in ("both", "in"):
        raise ValueError(f"fan is {fan!r}, expected 'both' or 'in'")
    if law not in ("uniform", "normal"):
        raise ValueError(f"law is {law!r}, expected 'uniform' or 'normal'")
    if not (scale >= 0 and math.isfinite(scale)):
        raise ValueError(f"scale is {scale}, expected a finite number >= 0: the sign of random weights says nothing")
    if biases != layers:
        raise ValueError(f"{biases} half-widths of biases for {layers} layers: expected one number, or one for each layer")
