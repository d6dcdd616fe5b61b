"""What is seen while notebooks run: a bar for each running notebook in a terminal, a line at start and end elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, TextIO

from whence.runs.job import CURRENT, FAILED, Outcome

BAR = "{desc}: {bar:20} cell {n_fmt} of {total_fmt}, {elapsed}"


class Progress:
    """Shows runs as they go, on stderr; its methods may be called from any thread. With `total`, the runs that end are counted."""

    def __init__(self, stream: TextIO | None = None, total: int = 0) -> None:
        self.stream = stream or sys.stderr
        self.bars: dict[str, Any] = {}
        self.total, self.ended, self.began = total, 0, time.monotonic()
        self.lock = threading.Lock()

    def start(self, name: str, cells: int, why: str) -> None:
        """A notebook of so many cells starts, and why."""
        if self.stream.isatty():
            from tqdm import tqdm

            shown = {"desc": f"{name} ({why})", "unit": "cell", "bar_format": BAR, "leave": False}
            idle = not self.bars
            self.bars[name] = tqdm(total=cells, file=self.stream, mininterval=0, **shown)
            if idle:
                threading.Thread(target=self._tick, daemon=True).start()
        else:
            self.say(f"{name}: started ({why})")

    def cell(self, name: str, done: int) -> None:
        """So many of its cells are done."""
        if bar := self.bars.get(name):
            bar.update(min(done, bar.total) - bar.n)

    def waiting(self, name: str) -> None:
        """Another process makes the same run."""
        self.say(f"{name}: waiting for another process that makes this run")

    def finish(self, outcome: Outcome) -> None:
        """A notebook is done, or has failed."""
        if bar := self.bars.pop(outcome.name, None):
            bar.close()
        count = self._count()
        if outcome.status == FAILED:
            self.say(f"{count}{outcome.name}: failed\n{outcome.why}" if outcome.name != outcome.notebook else outcome.why)
        elif outcome.status == CURRENT:
            self.say(f"{count}{outcome.name}: {outcome.why}")
        else:
            self.say(f"{count}{outcome.name}: done in {outcome.seconds:.1f} s")

    def _count(self) -> str:
        """How many of all have ended, and about how long the rest takes at this pace."""
        if not self.total:
            return ""
        with self.lock:
            self.ended += 1
            left = (time.monotonic() - self.began) / self.ended * (self.total - self.ended)
        rest = f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left" if self.ended < self.total else ""
        return f"[{self.ended}/{self.total}{rest}] "

    def _tick(self) -> None:
        """Keep the clocks of the bars going while a long cell runs."""
        while self.bars:
            for bar in list(self.bars.values()):
                bar.refresh()
            time.sleep(1)

    def say(self, line: str) -> None:
        """One message, above the bars."""
        if self.bars:
            from tqdm import tqdm

            tqdm.write(line, file=self.stream)
        else:
            self.stream.write(f"{line}\n")  # in one piece: two threads may speak at once
            self.stream.flush()
