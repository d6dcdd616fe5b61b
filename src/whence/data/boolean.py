"""The cube {-1, 1}^d: its points, the functions on it that papers train on, and the parts of it that training never shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.walsh import bits

LARGEST = 2 * 2**30  # bytes of a cube in memory

# What is done with the bits of a window, and the value for a place beyond the last bit, which changes nothing.
AGGREGATES: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "parity": (lambda window: window.prod(1), 1.0),
    "majority": (lambda window: window.sum(1).sign(), 0.0),
    "min": (lambda window: window.amin(1), 1.0),
    "max": (lambda window: window.amax(1), -1.0),
}


def cube(d: int) -> Float[Tensor, "n d"]:
    """All 2^d points in float32, in the order of `whence.walsh`: point r is -1 where bit i of r is set.

    Raises ValueError for d below 1, or one whose cube would take more than 2 GiB.
    """
    need = d * 4 * 2**d if d > 0 else 0
    if d < 1 or need > LARGEST:
        raise ValueError(
            f"cube of dimension {d}: expected 1 or more, and at most {LARGEST / 2**30:g} GiB of points; these would take "
            f"{need / 2**30:,.1f} GiB. Draw points instead: points(n, {d}, generator)"
        )
    if d <= 16:
        return 1 - 2 * bits(2**d).float()
    half = cube(d - 1)  # column by column, so that no array of long integers is needed
    top = torch.ones(2**d, 1)
    top[len(half) :] = -1
    return torch.cat([half.repeat(2, 1), top], 1)


def ladder(d: int) -> Float[Tensor, "d1 d"]:
    """d + 1 points that differ from the first in 0, 1, ..., d bits: all that a kernel of the number of unlike bits has to say."""
    return 1 - 2 * torch.ones(d + 1, d).tril(-1)


def points(n: int, d: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """n independent uniform points of the cube, in float32."""
    return 1 - 2 * torch.randint(2, (n, d), generator=generator).float()


def monomial(x: Float[Tensor, "n d"], members: Sequence[int]) -> Float[Tensor, " n"]:
    """chi_T(x), the product of some coordinates; 1 for none. Raises ValueError for coordinates that x has not, or has twice."""
    d = checked(x).shape[1]
    if len(set(members)) != len(members) or not all(0 <= i < d for i in members):
        raise ValueError(f"coordinates {list(members)} of points of dimension {d}: expected each once, between 0 and {d - 1}")
    return x[:, list(members)].prod(1)


def parity(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The product of all coordinates."""
    return checked(x).prod(1)


def majority(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The sign of the sum, 0 on a tie (which needs an even number of coordinates)."""
    return checked(x).sum(1).sign()


def staircase(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """x_0 + x_0 x_1 + ... + x_0 ... x_{d-1}: one monomial of each degree."""
    return checked(x).cumprod(1).sum(1)


def chain(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """x_0 x_1 + 2 x_1 x_2 + ... + (d-1) x_{d-2} x_{d-1}: pairs of neighbours, each heavier than the one before."""
    pairs = checked(x)[:, :-1] * x[:, 1:]
    return pairs @ torch.arange(1, x.shape[1], dtype=x.dtype, device=x.device)


def pvr(x: Float[Tensor, "n d"], pointer: int, window: int, aggregate: str, cyclic: bool = False) -> Float[Tensor, " n"]:
    """Pointer value retrieval: the first `pointer` bits are the number p of a place among the others, the answer is some aggregate
    of the `window` bits from there on.

    The first bit counts most and +1 is the digit 1, so that a pointer of -1s is the first place. A window that runs over the end is
    cut there, or with `cyclic` goes on from the first place. Aggregates: parity, majority (0 on a tie), min, max.
    Raises ValueError when the places are fewer than the pointer can name, or fewer than a window.
    """
    d = checked(x).shape[1]
    places = d - pointer
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate {aggregate!r}: expected one of {', '.join(AGGREGATES)}")
    if pointer < 1 or places < 2**pointer or not 1 <= window <= places:
        raise ValueError(
            f"pointer of {pointer} bits and window of {window} in {d} bits: expected at least 1 pointer bit and 2^{pointer} places "
            f"beside it, d >= {pointer + 2 ** max(pointer, 0)}, and a window of 1 to d - {pointer} bits"
        )
    weights = 2 ** torch.arange(pointer - 1, -1, -1, device=x.device)
    first = ((x[:, :pointer] > 0).long() * weights).sum(1, keepdim=True)
    at = first + torch.arange(window, device=x.device)
    shown = x[:, pointer:].gather(1, at % places)
    function, neutral = AGGREGATES[aggregate]
    return function(shown if cyclic else torch.where(at < places, shown, neutral))


def some_positive(x: Float[Tensor, "n d"], members: Sequence[int]) -> Bool[Tensor, " n"]:
    """The points where at least one of these coordinates is 1; with one coordinate that bit is frozen (the canonical holdout)."""
    inside = torch.stack([monomial(x, (i,)) > 0 for i in members]).any(0) if len(members) else torch.zeros(len(x), dtype=torch.bool)
    return some_seen(inside, f"one of the coordinates {list(members)} is 1")


def even(x: Float[Tensor, "n d"], members: Sequence[int]) -> Bool[Tensor, " n"]:
    """The points where an even number of these coordinates is -1."""
    return some_seen(monomial(x, members) > 0, f"an even number of the coordinates {list(members)} is -1")


def at_most(x: Float[Tensor, "n d"], minuses: int) -> Bool[Tensor, " n"]:
    """The points with at most so many coordinates -1: a ball around (1, ..., 1)."""
    return some_seen((checked(x) < 0).sum(1) <= minuses, f"at most {minuses} coordinates are -1")


def some_seen(seen: Bool[Tensor, " n"], words: str) -> Bool[Tensor, " n"]:
    """The same mask of seen points. Raises ValueError when it leaves none of them seen."""
    if not bool(seen.any()):
        raise ValueError(
            f"none of {len(seen)} points is seen where {words}: nothing would be left to train on; "
            "widen the seen part, or draw more points"
        )
    return seen


def checked(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """The same points. Raises ValueError when one is not on the cube."""
    off = x[x.abs() != 1]
    if x.ndim != 2 or len(off):
        found = f"a value {off.flatten()[0].item():g}" if len(off) else f"shape {tuple(x.shape)}"
        raise ValueError(f"points with {found}: expected (n, d) values of -1 and 1; bits 0 and 1 become points as 1 - 2 * bits")
    return x
