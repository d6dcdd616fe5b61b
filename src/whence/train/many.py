"""Many seeds, or many cells of a grid: as one stack, or as one process with one thread per core, whichever is faster here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from sklearn.utils.parallel import Parallel, delayed
from torch import Tensor

Train = Callable[[list[int]], Mapping[str, Tensor]]
How = Literal["auto", "stack", "processes"]
ENOUGH = 0.8  # processes must take less than this share of the stack's time: they hold the other cores, too


def each(train: Train, seeds: Sequence[int], how: How = "auto", trial: Train | None = None) -> dict[str, Tensor]:
    """What `train(seeds)` gives, a mapping of CPU tensors (S, ...): from one stack of all seeds, or from a process for each core.

    As processes, seeds are dealt out in runs of neighbours, each process trains its share as a stack with one thread, and the
    answers are joined in order; a seed's numbers do not depend on its neighbours (see train.stack), so both ways give the same.
    "auto" times `trial`, a short training of the same kind (a tenth of the steps, say), both ways and takes the faster; without a
    trial, with one seed, one core or a CUDA device it is the stack. `train` may be a function of a notebook, and must return by
    name what it is asked for: every tensor with a first axis of len(seeds).
    Raises ValueError for no seeds, another `how`, or an answer of another length.
    """
    seeds = list(seeds)
    if not seeds or how not in ("auto", "stack", "processes"):
        raise ValueError(f"{len(seeds)} seeds, how {how!r}: expected at least one, and 'auto', 'stack' or 'processes'")
    if how == "auto":
        how = _faster(trial, seeds)
    return _checked(train(seeds), seeds) if how == "stack" else _processes(train, seeds)


def cores() -> int:
    """How many cores this process may use: no more than it has, nor than torch was given threads (OMP_NUM_THREADS)."""
    present = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(present, torch.get_num_threads())


def shares(seeds: Sequence[int], parts: int) -> list[list[int]]:
    """The seeds in order, in at most `parts` runs of neighbours whose lengths differ by one at most."""
    return [part.tolist() for part in np.array_split(np.asarray(seeds), min(parts, len(seeds)))]


def _faster(trial: Train | None, seeds: list[int]) -> Literal["stack", "processes"]:
    if trial is None or len(seeds) < 2 or cores() < 2 or torch.cuda.is_available():
        return "stack"
    _processes(_nothing, seeds)  # starting the processes is paid once, and they are kept
    return "processes" if _seconds(lambda: _processes(trial, seeds)) < ENOUGH * _seconds(lambda: trial(seeds)) else "stack"


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _nothing(seeds: list[int]) -> dict[str, Tensor]:
    return {"seed": torch.tensor(seeds)}


def _processes(train: Train, seeds: list[int]) -> dict[str, Tensor]:
    parts = shares(seeds, cores())
    answers = Parallel(n_jobs=len(parts), backend="loky")(delayed(_alone)(train, part) for part in parts)
    return {name: torch.from_numpy(np.concatenate([answer[name] for answer in answers])) for name in answers[0]}


def _alone(train: Train, seeds: list[int]) -> dict[str, np.ndarray]:
    """In a process: arrays, since tensors would travel by shared memory that outlives nobody."""
    torch.set_num_threads(1)
    return {name: t.detach().cpu().numpy() for name, t in _checked(train(seeds), seeds).items()}


def _checked(answer: Mapping[str, Tensor], seeds: list[int]) -> dict[str, Tensor]:
    for name, t in answer.items():
        if t.ndim < 1 or len(t) != len(seeds):
            raise ValueError(f"train gave {name!r} of shape {tuple(t.shape)} for {len(seeds)} seeds: expected ({len(seeds)}, ...)")
    return dict(answer)
