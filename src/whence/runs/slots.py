"""Accelerators shared out among workers: each sees one, so that ten runs on four of them do not all meet on the first."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
from collections.abc import Sequence

from whence.runs.job import Job

VISIBLE = "CUDA_VISIBLE_DEVICES"
ANY = ("auto", "cuda")  # values of the parameter `device` that leave it open which accelerator


def accelerators() -> list[str]:
    """The accelerators this process may use, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    if (named := os.environ.get(VISIBLE)) is not None:
        listed = [name.strip() for name in named.split(",")]
        ends = next((i for i, name in enumerate(listed) if name in ("", "-1", "NoDevFiles")), len(listed))
        return listed[:ends]  # CUDA stops reading at the first that there is not
    if shutil.which("nvidia-smi") is None:
        return []
    asked = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    return done.stdout.split() if done.returncode == 0 else []


class Slots:
    """One accelerator for each of n workers, handed out and taken back; none where there are none."""

    def __init__(self, names: Sequence[str], n_workers: int) -> None:
        self.free: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.some = bool(names)
        for worker in range(max(n_workers, len(names)) if names else 0):
            self.free.put(names[worker % len(names)])

    def take(self, job: Job) -> str | None:
        """A slot for a job; None where there are no accelerators, or when the job names its own device."""
        return self.free.get() if self.some and job.parameters.get("device", "auto") in ANY else None

    def give(self, slot: str | None) -> None:
        """Take a slot back."""
        if slot is not None:
            self.free.put(slot)
