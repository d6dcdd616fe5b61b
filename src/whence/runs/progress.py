"""What is seen while notebooks run: a bar for each running notebook in a terminal, a line at start and end elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, TextIO

from whence.runs.job import CURRENT, FAILED, Outcome

BAR = "{desc}: {bar:20} cell {n_fmt} of {total_fmt}, {elapsed}"


class Progress:
    """Shows runs as they go, on stderr; its methods may be called from any thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.bars: dict[str, Any] = {}

    def start(self, notebook: str, cells: int, why: str) -> None:
        """A notebook of so many cells starts, and why."""
        if self.stream.isatty():
            from tqdm import tqdm

            shown = {"desc": f"{notebook} ({why})", "unit": "cell", "bar_format": BAR, "leave": False}
            idle = not self.bars
            self.bars[notebook] = tqdm(total=cells, file=self.stream, mininterval=0, **shown)
            if idle:
                threading.Thread(target=self._tick, daemon=True).start()
        else:
            self.say(f"{notebook}: started ({why})")

    def cell(self, notebook: str, done: int) -> None:
        """So many of its cells are done."""
        if bar := self.bars.get(notebook):
            bar.update(min(done, bar.total) - bar.n)

    def waiting(self, notebook: str) -> None:
        """Another process makes the same run."""
        self.say(f"{notebook}: waiting for another process that makes this run")

    def finish(self, outcome: Outcome) -> None:
        """A notebook is done, or has failed."""
        if bar := self.bars.pop(outcome.notebook, None):
            bar.close()
        if outcome.status == FAILED:
            self.say(outcome.why)
        elif outcome.status == CURRENT:
            self.say(f"{outcome.notebook}: {outcome.why}")
        else:
            self.say(f"{outcome.notebook}: done in {outcome.seconds:.1f} s")

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
