"""Which device computes, and the switches that keep its float32 honest."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is the first CUDA device where there is one, else the CPU. TF32 is turned off.

    TF32 rounds the inputs of a matrix product to 10 bits; a softmax over squared distances at low noise does not survive it.
    Raises ValueError for a name torch does not know or a device this machine has not got.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {name!r}: expected 'auto', 'cpu' or a device of this machine ({error})") from error
    return chosen


def describe(chosen: torch.device) -> str:
    """The device in words, for a record: the accelerator's or the processor's model."""
    if chosen.type == "cuda":
        return torch.cuda.get_device_name(chosen)
    listing = Path("/proc/cpuinfo")  # on Linux; elsewhere the architecture has to do
    lines = listing.read_text().splitlines() if listing.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model} (CPU)"
