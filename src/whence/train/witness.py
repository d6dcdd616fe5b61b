"""What tells later whether a stored network still answers as it did, and whether images are those it was trained on."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.seeds import stream

PROBES = (0.1, 0.5, 2.0)  # noise levels at which a network's answers are kept


def rounded(network: nn.Module) -> None:
    """Round a network's weights in place to what a file keeps of them."""
    for tensor in network.state_dict().values():
        tensor.copy_(tensor.half())


def statistics(pool: Tensor) -> dict[str, Any]:
    """Shape, mean and standard deviation of a pool: enough to see that it is not the one a network was trained on."""
    variance, mean = torch.var_mean(pool.flatten(1), 1, correction=0)  # image by image: no copy of the pool
    whole = variance.double().mean() + mean.double().var(correction=0)
    return {"shape": list(pool.shape), "mean": float(mean.double().mean()), "deviation": float(whole.sqrt())}


@torch.no_grad()
def witness(denoiser: Any, pool: Tensor) -> Float[Tensor, "p c h w"]:
    """What the denoiser answers to a fixed image of noise at three noise levels."""
    generator = stream(0, "witness")
    x = 2 * torch.rand(1, *pool.shape[1:], generator=generator) - 1
    z = torch.randn(len(PROBES), *pool.shape[1:], generator=generator)
    sigma = torch.tensor(PROBES)
    return denoiser((x + sigma[:, None, None, None] * z).to(pool.device), sigma.to(pool.device)).cpu()
