"""Networks as denoisers D(y, sigma): how input, output and noise level are scaled around what is learned.

A network F(y: b c h w, noise: b) answers in its own units. Each wrapper here turns one into a posterior mean in VE units and brings
what training needs to know: which noise levels to practise on, and how much an error at each counts. D is as differentiable as F;
F is computed in the network's own precision, the rest and the answer in y's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from whence.noise import ddpm_grid, per_sample

Network = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class EDM:
    """Preconditioning after karras2022edm, table 1: the network sees, and has to give, numbers of variance 1 at every noise.

        D(y) = c_skip y + c_out F(c_in y; log(sigma) / 4)
        c_skip = d^2 / (sigma^2 + d^2),  c_out = sigma d / sqrt(sigma^2 + d^2),  c_in = 1 / sqrt(sigma^2 + d^2)

    d is `deviation`, that of the pixels in [-1, 1]. With F = 0 it is the Wiener filter of white images with that deviation.
    Trained at log-normal noise levels (mean of log sigma -1.2, deviation 1.2), with the weight that makes F's target of variance 1.
    Raises ValueError for a deviation that is not positive.
    """

    network: Network
    deviation: float = 0.5

    MEAN: ClassVar[float] = -1.2
    SPREAD: ClassVar[float] = 1.2

    def __post_init__(self) -> None:
        if not 0 < self.deviation < float("inf"):
            raise ValueError(
                f"deviation is {self.deviation}, expected > 0 and finite: the pixels' standard deviation, as pool.std()"
            )

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y)
        total = (level**2 + self.deviation**2).sqrt()
        answer = answered(self.network, y / total, level.flatten().log() / 4)
        return (self.deviation / total) ** 2 * y + level * self.deviation / total * answer

    def weight(self, sigma: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Loss weights (sigma^2 + d^2) / (sigma d)^2."""
        return (sigma**2 + self.deviation**2) / (sigma * self.deviation) ** 2

    def levels(self, n: int, generator: Generator) -> Float[Tensor, " n"]:
        """n noise levels to train at, on the CPU."""
        return (self.MEAN + self.SPREAD * torch.randn(n, generator=generator)).exp()


@dataclass(frozen=True)
class NoisePrediction:
    """A network that names the noise, under the schedule of ho2020ddpm: betas from 1e-4 to .02 in 1000 steps.

        D(y) = y - sigma eps(x_t; t),   x_t = y / sqrt(1 + sigma^2)

    t is the step, from 0 (sigma .01) to 999 (sigma 157), at which the schedule has this sigma; between two of them it is
    interpolated in log sigma, and beyond the ends it stays at the end, while x_t and D keep the sigma that was asked for. The
    network hears 2 t / 999 - 1. Trained at uniform t on |eps - z|^2, which is (D - x)^2 with weight 1 / sigma^2.
    """

    network: Network

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y)
        return y - level * answered(self.network, y / (1 + level**2).sqrt(), 2 * step(level.flatten()) / (len(schedule()) - 1) - 1)

    def weight(self, sigma: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Loss weights 1 / sigma^2."""
        return sigma**-2

    def levels(self, n: int, generator: Generator) -> Float[Tensor, " n"]:
        """n noise levels to train at, on the CPU."""
        table = schedule()
        return table[torch.randint(len(table), (n,), generator=generator)].float()


@dataclass(frozen=True)
class Blind:
    """A network that is not told the noise level and names what has to go (kadkhodaie2024generalization).

        D(y) = y - F(y)

    F is given noise 0 whatever sigma is, so a network that could hear it learns to do without. Without additive constants
    (`bias=False`) D(y) = J(y) y, J the Jacobian. Trained at sigma = 2 U^2, U uniform on (0, 1], all errors weighing alike.
    """

    network: Network

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y), for any valid sigma."""
        level = per_sample(sigma, y)
        return y - answered(self.network, y, torch.zeros_like(level.flatten()))

    def weight(self, sigma: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Loss weights 1."""
        return torch.ones_like(sigma)

    def levels(self, n: int, generator: Generator) -> Float[Tensor, " n"]:
        """n noise levels to train at, on the CPU; never 0."""
        return 2 * (1 - torch.rand(n, generator=generator)) ** 2


def answered(network: Network, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """The network's answer in y's precision, computed in its own."""
    weights = network.parameters() if isinstance(network, nn.Module) else iter(())
    first = next(weights, None)
    own = y.dtype if first is None else first.dtype
    return network(y.to(own), noise.to(own)).to(y.dtype)


@cache
def schedule() -> Float[Tensor, " t"]:
    """The noise levels of the 1000 steps, ascending, float64."""
    return ddpm_grid(1000).flip(0)


def step(sigma: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """The step of the schedule that has this sigma, a real number from 0 to 999: linear in log sigma between steps."""
    table = _log_schedule(sigma.device)
    wanted = sigma.double().log().clamp(table[0], table[-1])
    upper = torch.searchsorted(table, wanted.detach()).clamp(1, len(table) - 1)
    below, above = table[upper - 1], table[upper]
    return (upper - 1 + (wanted - below) / (above - below)).to(sigma.dtype)


@cache
def _log_schedule(device: torch.device) -> Tensor:
    return schedule().log().to(device)
