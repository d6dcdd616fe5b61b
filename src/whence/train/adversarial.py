"""Adversarial training: the same loop and loss, on batches that an attack on the network as it is has moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from whence.seeds import stream
from whence.train.supervised import Labelled

Score = Callable[[Tensor], Tensor]
Attack = Callable[[Score, Tensor, Tensor, Tensor], Tensor]


def attacked(
    feed: Iterable[Labelled], score: Score, attack: Attack, seeds: Sequence[int], spread: float = 0.0, start: int = 0
) -> Iterator[Labelled]:
    """Yield the feed's batches with x moved by what `attack(score, x, y, begin)` finds against the score as it is at that moment.

    Batches are those of `labelled`, a row for each of the seeds; labels and indices are left alone. The loop asks for a batch
    after it has made the step before, so every attack meets the current weights. `begin` is uniform in [-spread, spread], from
    the stream (seed, "attack", number) of each seed, numbers counted from `start`: a seed is attacked alike alone or in a stack.
    An attack is, for instance, `lambda f, x, y, begin: pgd(f, x, y, 0.3, start=begin)`.
    Raises ValueError for a negative spread, and for a batch that has not one row a seed.
    """
    if spread < 0:
        raise ValueError(f"spread {spread}: expected >= 0, half the width of the range a perturbation begins in")
    return _moved(feed, score, attack, seeds, spread, start)


def _moved(
    feed: Iterable[Labelled], score: Score, attack: Attack, seeds: Sequence[int], spread: float, number: int
) -> Iterator[Labelled]:
    for batch in feed:
        if len(batch.x) != len(seeds):
            raise ValueError(f"a batch of shape {tuple(batch.x.shape)} for {len(seeds)} seeds: expected a row (b, *shape) for each")
        delta = attack(score, batch.x, batch.y, beginning(batch.x, seeds, spread, number))
        yield replace(batch, x=batch.x + delta.detach())
        number += 1


def beginning(x: Float[Tensor, "s b ..."], seeds: Sequence[int], spread: float, number: int) -> Float[Tensor, "s b ..."]:
    """Where the perturbations of a batch begin: uniform in [-spread, spread], each seed by its own stream."""
    drawn = [torch.rand(x.shape[1:], generator=stream(s, "attack", number)) for s in seeds]
    return (spread * (2 * torch.stack(drawn) - 1)).to(x)
