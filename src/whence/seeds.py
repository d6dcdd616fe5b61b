"""Named random streams: each consumer draws from its own, so adding one never moves another."""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed from a root seed and a path of names: the first 8 bytes of sha256("seed/name/...")."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed {seed!r}: expected an int, such as 0")
    if not names:
        raise ValueError(f"stream({seed}) has no name: say what it is for, as in stream({seed}, 'noise')")
    if bad := [name for name in names if "/" in str(name)]:
        raise ValueError(f"stream name {bad[0]!r} holds a '/', which separates names: pass the parts as separate names")
    path = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator for one named purpose: ``torch.randn(3, generator=stream(seed, "noise", step))``.

    Always on the CPU: draw there and move, so that a seed gives the same numbers on every device.
    """
    return torch.Generator().manual_seed(derive(seed, *names))
