"""All windows of an image against all windows of others, from the distances of their strips.

    |y_Q(q) - x_Q(r)|^2 = sum_{d < k} |y_S(q + d) - x_S(r + d)|^2,   S = a strip of k pixels, one above the other; Q = k strips

A strip is in k windows. So the distances of strips are found once, by a matrix product of c k terms, and added k at a time: c k + k
operations for a pair of windows, where a product of whole windows takes c k^2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.gemm import product
from whence.denoisers.rounding import added
from whence.seeds import stream


def strips(images: Float[Tensor, "n c h w"], k: int, mode: str) -> Float[Tensor, "p n v h"]:
    """The strip of k pixels around every pixel of images that go on k // 2 pixels further to either side; v = w + 2 (k // 2).

    Their p = c k pixels are shuffled, so that sums over them wander rather than drift (see rounding.py).
    """
    (c, h), beyond = images.shape[1:3], pad(images, (k // 2,) * 4, mode)
    order = torch.randperm(c * k, generator=stream(0, "inputs")).tolist()
    return torch.stack([beyond[:, i // k, i % k : i % k + h].mT for i in order])


class Band(NamedTuple):
    """Some rows of an image of which every window is asked about: their strips less the mean, and as factors of a product."""

    centre: Float[Tensor, " p"]
    strips: Float[Tensor, "v b p"]
    factors: Float[Tensor, "r p+1"]
    window: int
    variance: float

    @staticmethod
    def of(strips: Float[Tensor, "p v b"], window: int, variance: float) -> Band:
        """From strips in float64. To their mean, rounded, distances in float32 are found: what is near matters, and is near it."""
        centre = strips.mean((1, 2)).float()
        apart = strips.movedim(0, -1) - centre.double()
        norms = apart.square().sum(-1, keepdim=True)
        factors = torch.cat((apart, -norms / 2), -1).flatten(0, 1) * (BITS / variance)
        return Band(centre, apart, factors.float(), window, variance)

    def logits(self, keys: Float[Tensor, "p n v h"]) -> tuple[Float[Tensor, "q m"], Float[Tensor, ""]]:
        """-|y_Q - x_Q|^2 / (2 sigma^2) in bits, of the band's windows and all those of images; the largest strip's square.

        Windows are in the order (column, row), those of images in (image, column, row).
        """
        n, v, h = keys.shape[1:]
        k, b = self.window, self.strips.shape[1]
        w = v - k + 1
        apart = torch.cat((keys.flatten(1) - self.centre[:, None], keys.new_ones(1, n * v * h)))
        norms = apart[:-1].square().sum(0)
        pairs = product(self.factors, apart, norms * (-BITS / (2 * self.variance))).view(v, b * n, v, h)
        if k == 1:
            return pairs.view(w * b, n * w * h), norms.max()
        sums = pairs[:w, :, :w] + pairs[1 : w + 1, :, 1 : w + 1]
        for d in range(2, k):
            sums += pairs[d : d + w, :, d : d + w]
        return sums.view(w * b, n * w * h), norms.max()

    def sums(self, keys: Float[Tensor, "p n v h"], values: Float[Tensor, "s m"], first: int, detailed: bool) -> Sums:
        """The softmaxes of the band's windows over all those of some images: sums of the weights times each of the values."""
        logits, largest = self.logits(keys)
        found = Weighed.of(logits, first, detailed)
        return found.sums(product(values, found.weights.T).T, largest.expand(len(logits)))

    def delta(self, state: Sums, reach: float) -> Float[Tensor, " q"]:
        """What rounding may have done to the logits, in nats; pixels of the pool go as far as `reach`."""
        loudest, own = self.strips.abs().amax(-1), self.strips.square().sum(-1)
        reach += float(self.centre.abs().max())
        each = [one.unfold(0, self.window, 1).flatten(0, 1) for one in (loudest, own)]
        return added(each[0], each[1], len(self.centre), state.peak / BITS, state.largest, reach, self.variance)
