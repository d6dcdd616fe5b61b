"""All windows of an image against all windows of others, from the distances of their strips.

    |y_Q(q) - x_Q(r)|^2 = sum_{d < k} |y_S(q + d) - x_S(r + d)|^2,   S = a strip of k pixels, one above the other; Q = k strips

A strip is in k windows. So the distances of strips are found once, by a matrix product of c k terms, and added k at a time: c k + k
operations for a pair of windows, where a product of whole windows takes c k^2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.gemm import product
from whence.denoisers.rounding import added
from whence.seeds import stream


def order(c: int, k: int) -> list[int]:
    """In which a strip's pixels stand, channel * k + place: shuffled, so that sums wander and do not drift (rounding.py)."""
    return torch.randperm(c * k, generator=stream(0, "inputs")).tolist()


def strips(images: Float[Tensor, "n c h w"], k: int, mode: str) -> Float[Tensor, "p n v h"]:
    """The strip of k pixels around every pixel of images that go on k // 2 pixels further to either side; v = w + 2 (k // 2)."""
    (c, h), beyond = images.shape[1:3], pad(images, (k // 2,) * 4, mode)
    return torch.stack([beyond[:, i // k, i % k : i % k + h].mT for i in order(c, k)])


class Bands(NamedTuple):
    """An image of which every window is asked about, in bands of a few rows: their strips less each band's mean, and as factors."""

    centre: Float[Tensor, "g p"]
    strips: Float[Tensor, "g v b p"]
    factors: Float[Tensor, "g v b p+1"]
    window: int
    variance: float

    @staticmethod
    def of(strips: Float[Tensor, "p v h"], rows: int, window: int, variance: float) -> Bands:
        """From an image's strips in float64, `rows` to a band.

        To a band's mean, rounded, distances in float32 are found: what is near matters, and is near it.
        """
        bands = strips.unflatten(2, (-1, rows)).permute(2, 1, 3, 0)
        centre = bands.mean((1, 2)).float()
        apart = bands - centre[:, None, None].double()
        norms = apart.square().sum(-1, keepdim=True)
        return Bands(centre, apart, (torch.cat((apart, -norms / 2), -1) * (BITS / variance)).float(), window, variance)

    @property
    def bits(self) -> float:
        """What times a squared distance is a logit."""
        return -BITS / (2 * self.variance)

    def logits(self, band: int, keys: Float[Tensor, "p n v h"]) -> tuple[Float[Tensor, "q m"], Float[Tensor, ""]]:
        """-|y_Q - x_Q|^2 / (2 sigma^2) in bits, of a band's windows and all those of images; the largest strip's square.

        Windows are in the order (column, row), those of images in (image, column, row).
        """
        n, v, h = keys.shape[1:]
        k, b = self.window, self.strips.shape[2]
        w = v - k + 1
        apart = torch.cat((keys.flatten(1) - self.centre[band][:, None], keys.new_ones(1, n * v * h)))
        norms = apart[:-1].square().sum(0)
        pairs = product(self.factors[band].flatten(0, 1), apart, norms * self.bits).view(v, b * n, v, h)
        if k == 1:
            return pairs.view(w * b, n * w * h), norms.max()
        sums = pairs[:w, :, :w] + pairs[1 : w + 1, :, 1 : w + 1]
        for d in range(2, k):
            sums += pairs[d : d + w, :, d : d + w]
        return sums.view(w * b, n * w * h), norms.max()

    def sums(self, keys: Float[Tensor, "p n v h"], pixels: Float[Tensor, "c n t"], first: int, detailed: bool) -> Sums:
        """The softmaxes of all windows over those of some images: sums of the weights times 1, the pixels and their squares."""
        flat = pixels.flatten(1)
        values = torch.cat((torch.ones_like(flat[:1]), flat, flat.square()))
        return joined(self._band(band, keys, values, first, detailed) for band in range(len(self.centre)))

    def _band(self, band: int, keys: Tensor, values: Float[Tensor, "s m"], first: int, detailed: bool) -> Sums:
        logits, largest = self.logits(band, keys)
        found = Weighed.of(logits, first, detailed)
        return found.sums(product(values, found.weights.T).T, largest.expand(len(logits)))

    def delta(self, state: Sums, reach: float) -> Float[Tensor, " q"]:
        """What rounding may have done to the logits, in nats; pixels of the pool go as far as `reach`."""
        loudest, own = self.strips.abs().amax(-1), self.strips.square().sum(-1)
        reach += float(self.centre.abs().max())
        each = [one.unfold(1, self.window, 1).flatten(0, 2) for one in (loudest, own)]
        return added(each[0], each[1], self.centre.shape[1], state.peak / BITS, state.largest, reach, self.variance)


def joined(parts: Iterable[Sums]) -> Sums:
    """Softmaxes of some queries and of others."""
    return Sums(*(torch.cat(column) for column in zip(*parts, strict=True)))
