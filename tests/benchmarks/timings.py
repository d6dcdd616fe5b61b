"""How the benchmarks time: processor time over threads, against the machine's own matrix products, measured in between.

Processor time divided by the threads is what a call takes on idle cores; on a shared machine the clock on the wall is not. The
peak is the fastest float32 product this machine has, 2048 x 2048, by as many threads, measured before each round: whatever slows
the machine slows both. `scaled` is the time on a machine whose peak is 500 GFLOP/s on two cores (250 on one).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from whence.denoisers.gemm import product

ROUNDS = 3
UNIT = 500e9  # products a second on two cores, the unit of the targets
SIDE = 2048
PAUSE = 0.02  # seconds before a call: threads of the one before then sleep, and none pays for another's waiting
LINES: list[str] = []


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds of processor time over threads, floating-point operations of the definition."""

    member: str
    data: str
    sigma: float
    threads: int
    queries: int
    images: int
    seconds: float
    peak: float
    work: float
    error: float | None
    target: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What is printed."""
        each = 1e3 * self.seconds / self.queries / self.images * 1000
        rate = self.work / self.seconds
        scaled = each * self.peak / (UNIT * self.threads / 2)
        error = "-" if self.error is None else f"{self.error:.0e}"
        figures = (f"{each:.2f}", f"{rate / 1e9:.0f}", f"{self.peak / 1e9:.0f}", f"{rate / self.peak:.2f}", f"{scaled:.2f}")
        return (self.member, self.data, f"{self.sigma:g}", str(self.threads), *figures, self.target, error)


ROWS: list[Row] = []
HEAD = ("member", "data", "sigma", "threads", "ms/query/1000", "GFLOP/s", "peak", "of peak", "scaled ms", "target", "max error")


def peak() -> float:
    """Products a second of the machine, now, by as many threads as torch has."""
    a, b = torch.ones(SIDE, SIDE), torch.ones(SIDE, SIDE)
    product(a, b)
    start = time.process_time()
    product(a, b)
    return 2 * SIDE**3 / ((time.process_time() - start) / torch.get_num_threads())


def timed(benchmark, call: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """(median seconds of processor time over threads, median peak), each round's peak measured just before it."""
    (seconds,), peaks = alternating(benchmark, [call], rounds)
    return seconds, peaks


def alternating(benchmark, calls: list[Callable[[], object]], rounds: int) -> tuple[list[float], float]:
    """(each call's median seconds of processor time over threads, median peak), of calls one after the other in each round."""
    seconds: list[list[float]] = [[] for _ in calls]
    peaks: list[float] = []

    def measured() -> None:
        for call, times in zip(calls, seconds, strict=True):
            time.sleep(PAUSE)
            start = time.process_time()
            call()
            times.append((time.process_time() - start) / torch.get_num_threads())

    for call in calls:
        call()
    benchmark.pedantic(measured, setup=lambda: peaks.append(peak()), rounds=rounds)
    return [statistics.median(times) for times in seconds], statistics.median(peaks)


def table() -> Iterator[str]:
    """The rows in columns, then what was said beside them."""
    lines = [HEAD, *(row.cells for row in ROWS)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    yield ""
    yield "ms per query and 1,000 images; GFLOP/s: what the definition's sums take, over the time (masks spare some)"
    yield from LINES
