"""Learning from labels, for one network or a stack of them: batches of examples, dropout masks, and losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from whence.seeds import stream


@dataclass(frozen=True)
class Labelled:
    """Examples for each of S networks: inputs (S, b, ...), labels (S, b), and which of the n examples they are (S, b)."""

    x: Float[Tensor, "s b ..."]
    y: Tensor
    index: Int[Tensor, "s b"]


def labelled(
    x: Tensor,
    y: Tensor,
    batch: int | None,
    seeds: Sequence[int],
    start: int = 0,
    chosen: Sequence[Int[Tensor, " m"]] | None = None,
) -> Iterator[Labelled]:
    """Yield batches number start, start + 1, ... without end, on the device of x.

    x (n, ...) with y (n,) is shared by all seeds; x (S, n, ...) with y (S, n) gives each its own. Batch k of a seed is a function
    of (seed, k) alone, whoever trains beside it: examples are gone through in a new random order each epoch, by the stream
    (seed, "order", epoch), and a batch may end one epoch and begin the next. `batch` None is all examples, in their order.
    `chosen` are indices for each seed, with repetition where an example is to be seen more often (see train.upsample): epochs
    then go through these; their numbers may differ. Not with `batch` None.
    Raises ValueError for shapes that do not fit, no examples, a batch < 1, a negative start, or an index outside the examples.
    """
    seeds = list(seeds)
    own = _check(x, y, seeds)
    n = y.shape[-1]
    if (batch is not None and batch < 1) or start < 0 or (batch is None and chosen is not None):
        raise ValueError(
            f"batches of {batch} from number {start}: expected at least 1 example and a number >= 0"
            + (", and a batch where examples are chosen: all at once has no order" if chosen is not None else "")
        )
    sets = [torch.arange(n) for _ in seeds] if chosen is None else [index.cpu() for index in chosen]
    _check_chosen(sets, n, len(seeds))
    return _whole(x, y, own, len(seeds)) if batch is None else _batches(x, y, own, batch, seeds, start, sets)


def masks(seeds: Sequence[int], number: int, shape: tuple[int, int], rate: float, depth: int = 1) -> list[Float[Tensor, "s b w"]]:
    """Dropout masks of step `number` for hidden layers of `shape` (b, width), one (S, b, width) a layer: 0, or 1 / (1 - rate).

    Drawn by (seed, "dropout", number, layer), so that a seed drops the same units alone or in a stack. Raises ValueError for a
    rate outside [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate {rate}, expected a share in [0, 1): with 1 nothing would be left")

    def one(seed: int, layer: int) -> Tensor:
        return (torch.rand(shape, generator=stream(seed, "dropout", number, layer)) >= rate).float() / (1 - rate)

    return [torch.stack([one(seed, layer) for seed in seeds]) for layer in range(depth)]


def example_losses(logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"]) -> Float[Tensor, "*s b"]:
    """-log softmax(logits)[y] of each example."""
    return -logits.log_softmax(-1).gather(-1, y[..., None])[..., 0]


def cross_entropy(logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"]) -> Float[Tensor, " *s"]:
    """The mean of `example_losses` over a batch, one for each network."""
    return example_losses(logits, y).mean(-1)


def logistic(margin: Float[Tensor, "*s b"]) -> Float[Tensor, " *s"]:
    """The mean of log(1 + exp(-margin)); the margin is the signed score, (2 y - 1) f."""
    return functional.softplus(-margin).mean(-1)


def hinge(margin: Float[Tensor, "*s b"]) -> Float[Tensor, " *s"]:
    """The mean of max(0, 1 - margin)."""
    return (1 - margin).clamp(min=0).mean(-1)


def squared(answer: Float[Tensor, "*s b"], target: Float[Tensor, "*s b"]) -> Float[Tensor, " *s"]:
    """The mean of (answer - target)^2."""
    return (answer - target).square().mean(-1)


def _whole(x: Tensor, y: Tensor, own: bool, s: int) -> Iterator[Labelled]:
    every = x if own else x.expand(s, *x.shape)
    labels = y if own else y.expand(s, *y.shape)
    index = torch.arange(y.shape[-1], device=y.device).expand(s, y.shape[-1])
    while True:
        yield Labelled(every, labels, index)


def _batches(x: Tensor, y: Tensor, own: bool, batch: int, seeds: list[int], start: int, sets: list[Tensor]) -> Iterator[Labelled]:
    @lru_cache(2 * len(seeds))
    def order(s: int, epoch: int) -> Tensor:
        return sets[s][torch.randperm(len(sets[s]), generator=stream(seeds[s], "order", epoch))]

    rows = torch.arange(len(seeds), device=y.device)[:, None]
    for number in count(start):
        index = torch.stack([_slice(order, s, len(chosen), number * batch, batch) for s, chosen in enumerate(sets)]).to(y.device)
        place = (rows, index) if own else (index,)
        yield Labelled(x[place], y[place], index)


def _slice(order: Callable[[int, int], Tensor], s: int, n: int, first: int, length: int) -> Tensor:
    """Positions first ... first + length of the endless walk of a seed through its examples."""
    parts, left = [], length
    while left:
        epoch, place = divmod(first + length - left, n)
        parts.append(order(s, epoch)[place : place + left])
        left -= len(parts[-1])
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _check(x: Tensor, y: Tensor, seeds: list[int]) -> bool:
    """Whether each seed has its own data."""
    own = y.ndim == 2
    expected = (len(seeds), y.shape[-1]) if own else tuple(y.shape)
    if y.ndim not in (1, 2) or tuple(x.shape[: y.ndim]) != expected or tuple(y.shape) != expected or not seeds or y.numel() == 0:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and y {tuple(y.shape)} for {len(seeds)} seeds: expected (n, ...) with (n,), shared, or "
            f"({len(seeds)}, n, ...) with ({len(seeds)}, n), each its own, n >= 1; x.expand(S, *x.shape) shares at no cost"
        )
    return own


def _check_chosen(sets: list[Tensor], n: int, s: int) -> None:
    if len(sets) != s or any(index.ndim != 1 or not len(index) for index in sets):
        raise ValueError(f"chosen has {len(sets)} index lists for {s} seeds: expected one (m,) for each, none empty")
    low, high = min(int(i.min()) for i in sets), max(int(i.max()) for i in sets)
    if low < 0 or high >= n:
        raise ValueError(f"chosen has indices from {low} to {high}, expected 0 to {n - 1}: those of {n} examples")
