"""Loops compiled for the processor: for what no library does in one go, so that few numbers pass through the memory.

A function is compiled at its first call, which takes seconds, and kept for later processes. Accelerators have no use for these
loops: there whole arrays are products and softmaxes of the library.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numpy as np
import torch
from numba import njit
from torch import Tensor

NUMBERS = (torch.float32, torch.float64)
ALONE = 2**15 - 1  # numbers that torch goes through with one thread
FREE = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order, as vectors take them; there is no NaN to keep


def looped(device: torch.device) -> bool:
    """Whether there are loops for this device."""
    return device.type == "cpu"


def compiled(function: Callable) -> Callable:
    """Compiled for this processor; kept beside the code or in the user's cache, wherever can be written."""
    try:
        return njit(nogil=True, fastmath=FREE, cache=True)(function)
    except RuntimeError:  # nowhere can be
        return njit(nogil=True, fastmath=FREE)(function)


def shared(call: Callable[[slice], object], n: int) -> list:
    """What a call gives for slices of range(n), in order: one each for as many threads as torch has, side by side."""
    threads = max(1, min(n, torch.get_num_threads()))
    own, *others = [slice(n * i // threads, n * (i + 1) // threads) for i in range(threads)]
    asked = [_helpers().submit(call, part) for part in others]
    try:
        return [call(own), *(one.result() for one in asked)]
    finally:
        wait(asked)  # also after an error nobody writes on


def laid(source: Tensor, dtype: torch.dtype, more: int = 0) -> np.ndarray:
    """The numbers contiguously, so many rows of zeros after them; a view where there is nothing to do.

    The copy is made by the threads that loops have. The library's own stay awake for milliseconds after a copy, and would take
    turns with the loop that follows.
    """
    given = (source if source.dtype in NUMBERS else source.float()).detach()
    if given.dtype == dtype and given.is_contiguous() and not more:
        return given.numpy()
    found, numbers = given.new_empty((len(given) + more, *given.shape[1:]), dtype=dtype).numpy(), given.numpy()

    def some(part: slice) -> None:
        found[part] = numbers[part]

    shared(some, len(numbers))
    found[len(numbers) :] = 0
    return found


def few(rows: Tensor) -> tuple[Tensor, ...]:
    """The rows, so few at a time that an operation on them wakes none of the library's threads (see `laid`)."""
    return rows.split(max(1, ALONE // max(1, rows.shape[1:].numel()))) if looped(rows.device) else (rows,)


@cache
def _helpers() -> ThreadPoolExecutor:
    """Threads that stay: to start one takes as long as a small loop."""
    return ThreadPoolExecutor(os.cpu_count(), "whence-loop")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # a forked process has none of its parent's threads
