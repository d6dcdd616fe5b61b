"""Training batches: which images, under which noise. Batch k is a function of (seed, k) alone, so any of them can be first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from whence.seeds import stream

Levels = Callable[[int, Generator], Tensor]


class Batch(NamedTuple):
    """Clean images x, a noise level for each, and standard normal noise z: the network sees x + sigma z."""

    x: Float[Tensor, "b c h w"]
    sigma: Float[Tensor, " b"]
    z: Float[Tensor, "b c h w"]


def feed(pool: Float[Tensor, "n c h w"], batch: int, seed: int, levels: Levels, start: int = 0) -> Iterator[Batch]:
    """Yield batches number start, start + 1, ... without end, on the pool's device and in its precision.

    The pool is gone through in a new random order each epoch, by the streams (seed, "order", epoch); a batch may end one epoch and
    begin the next. `levels(n, generator)` draws the noise levels, by (seed, "level", number); z comes from (seed, "noise", number).
    Raises ValueError for an empty pool, a batch < 1 or a negative start.
    """
    if pool.ndim != 4 or len(pool) < 1:
        raise ValueError(f"pool has shape {tuple(pool.shape)}, expected (n, c, h, w) with n >= 1")
    if batch < 1 or start < 0:
        raise ValueError(f"batches of {batch} from number {start}: expected at least 1 image, and a number >= 0")
    return _batches(pool, batch, seed, levels, start)


def _batches(pool: Tensor, batch: int, seed: int, levels: Levels, number: int) -> Iterator[Batch]:
    order = lru_cache(2)(lambda epoch: torch.randperm(len(pool), generator=stream(seed, "order", epoch)))
    while True:
        position = torch.arange(number * batch, (number + 1) * batch)
        epoch, place = position // len(pool), position % len(pool)
        chosen = torch.cat([order(int(e))[place[epoch == e]] for e in epoch.unique()])
        z = torch.randn(batch, *pool.shape[1:], generator=stream(seed, "noise", number))
        sigma = levels(batch, stream(seed, "level", number))
        yield Batch(pool[chosen.to(pool.device)], sigma.to(pool), z.to(pool))
        number += 1
