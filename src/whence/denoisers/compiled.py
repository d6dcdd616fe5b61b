"""Loops compiled for the processor: for what no library does in one go, so that few numbers pass through the memory.

A function is compiled at its first call, which takes seconds, and kept for later processes. Accelerators have no use for these
loops: there whole arrays are products and softmaxes of the library.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from numba import njit

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
    threads = min(n, torch.get_num_threads())
    if threads == 1:
        return [call(slice(0, n))]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, [slice(n * i // threads, n * (i + 1) // threads) for i in range(threads)]))
