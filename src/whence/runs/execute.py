"""Jobs to outcomes: each run in a process of its own, several at once, done once per key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from whence.runs import environment, store
from whence.runs.job import CURRENT, FAILED, Job, Outcome
from whence.runs.key import cells, changed
from whence.runs.normalise import first_difference
from whence.runs.progress import Progress
from whence.runs.record import read_record, root
from whence.runs.slots import Slots, accelerators

VOLATILE = ("wall_s", "peak_mib", "finished")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    jobs: Sequence[Job], n_workers: int = 1, force: bool = False, progress: Progress | None = None, threads: int | None = None
) -> list[Outcome]:
    """Make the runs that are not there yet (with `force`: all), n_workers at a time.

    Each has cores // n_workers threads unless `threads` says otherwise, and where there are accelerators, one of them: with more
    workers than accelerators they share. Returns an outcome for each job, in order. A failed run
    does not stop the others. KeyboardInterrupt kills the running ones and passes on.
    """
    commit, clean = environment.provenance(root())
    machine = {"commit": commit, "clean": clean, "threads": threads or max(1, cores() // n_workers)}
    team = _Team(machine, force, progress or Progress(), Slots(accelerators() if n_workers > 1 else [], n_workers))
    with ThreadPoolExecutor(n_workers) as pool:
        futures = [pool.submit(team.make, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            team.kill()
            raise


def reason(job: Job) -> str:
    """Why a job has to run: "first run", or which parts of its key changed since the most similar earlier run."""
    folder = Path(job.folder)
    if folder.name != job.key:  # the two of check_determinism
        return f"{folder.name} of two"
    earlier = [record for path in folder.parent.glob("*/run.json") if (record := store.finished(path.parent))]
    if any(record.key == job.key for record in earlier):
        return "rerun: forced"
    if not earlier:
        return "first run"
    latest = max(earlier, key=lambda record: (-len(changed(record.parts, job.parts)), record.finished))
    return f"rerun: {' and '.join(changed(latest.parts, job.parts))} changed"


def check_determinism(
    jobs: Sequence[Job], threads: int | None = None, progress: Progress | None = None
) -> list[tuple[Outcome, str]]:
    """Make each run twice afresh and compare notebook and record.

    Returns an outcome for each job with the first difference in words: "" when the two are equal outside the recorded times.
    Two that differ are kept for inspection, in the outcome's folder.
    """
    results = []
    for job in jobs:
        folder = root() / "_build" / "determinism" / job.notebook
        shutil.rmtree(folder, ignore_errors=True)
        twins = [replace(job, folder=str(folder / name)) for name in ("first", "second")]
        outcomes = run(twins, 1, True, progress, threads)
        failed = next((outcome for outcome in outcomes if outcome.status == FAILED), None)
        difference = "" if failed else _difference(*(Path(twin.folder) for twin in twins))
        if not difference:
            shutil.rmtree(folder)
        results.append((failed or replace(outcomes[0], folder=folder), difference))
    return results


class _Team:
    """The running workers of one `run`, kept so that they can be killed together."""

    def __init__(self, machine: dict[str, Any], force: bool, progress: Progress, slots: Slots) -> None:
        self.machine, self.force, self.progress, self.slots = machine, force, progress, slots
        self.running: set[subprocess.Popen[str]] = set()
        self.lock = threading.Lock()
        self.stopped = False

    def make(self, job: Job) -> Outcome:
        """The outcome of one job; called in a thread of the pool."""
        started = time.monotonic()
        record = store.finished(Path(job.folder))
        if record and not self.force:
            if record.profile != job.profile:  # two names for the same parameters: the one asked for last counts
                replace(record, profile=job.profile).write(Path(job.folder))
            return Outcome(job.notebook, job.key, CURRENT, Path(job.folder), 0.0, "nothing changed", job.title)
        why = reason(job)
        self.progress.start(job.title, len(cells(Path(job.source))), why)
        told = self._work(job)
        seconds = time.monotonic() - started
        outcome = Outcome(job.notebook, job.key, told["status"], Path(told["folder"]), seconds, told["why"] or why, job.title)
        self.progress.finish(outcome)
        return outcome

    def kill(self) -> None:
        """Kill the running workers; their kernels die with them. No other starts."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                process.kill()

    def _work(self, job: Job) -> dict[str, Any]:
        slot = self.slots.take(job)
        try:
            return self._worked(job, slot)
        finally:
            self.slots.give(slot)

    def _worked(self, job: Job, slot: str | None) -> dict[str, Any]:
        order = {"job": asdict(job), "machine": self.machine, "force": self.force, "parent": os.getpid()}
        with tempfile.TemporaryFile("w+") as log:
            with self.lock:
                if self.stopped:
                    return {"status": FAILED, "folder": job.failed_folder, "why": f"{job.notebook}: not started"}
                process = _worker(log, slot)
                self.running.add(process)
            told = self._listen(job, process, json.dumps(order))
            with self.lock:
                self.running.discard(process)
            log.seek(0)
            return told or {"status": FAILED, "folder": job.failed_folder, "why": _died(job, process.returncode, log.read())}

    def _listen(self, job: Job, process: subprocess.Popen[str], order: str) -> dict[str, Any] | None:
        """Pass the worker's events on until it ends; returns what it says of its outcome, if it lives to say it."""
        told: dict[str, Any] | None = None
        assert process.stdin
        assert process.stdout
        with process, suppress(BrokenPipeError):
            process.stdin.write(order)
            process.stdin.close()
            for line in process.stdout:
                match json.loads(line):
                    case {"event": "cell", "done": done}:
                        self.progress.cell(job.title, done)
                    case {"event": "waiting"}:
                        self.progress.waiting(job.title)
                    case {"event": "outcome", **fields}:
                        told = {str(name): value for name, value in fields.items()}
        return told


def _worker(log: Any, slot: str | None) -> subprocess.Popen[str]:
    """A fresh interpreter in a session of its own: Ctrl-C in the terminal reaches us alone, and we end it.

    It sees the accelerator of its slot alone, or without a slot whatever we see.
    """
    surroundings = os.environ | ({} if slot is None else {"CUDA_VISIBLE_DEVICES": slot})
    command = [sys.executable, "-m", "whence.runs.worker"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True, start_new_session=True, env=surroundings)


def _died(job: Job, code: int, log: str) -> str:
    how = f"was killed by signal {-code} (9: out of memory?)" if code < 0 else f"ended with status {code}"
    return "\n".join([f"{job.notebook}: the process that ran it {how}", *log.strip().split("\n")[-12:]])


def _difference(first: Path, second: Path) -> str:
    import nbformat

    texts = [(folder / "notebook.ipynb").read_bytes() for folder in (first, second)]
    if texts[0] != texts[1]:
        notebooks = [nbformat.reads(text.decode(), as_version=4) for text in texts]
        return first_difference(*notebooks) or "the notebooks' bytes"
    records = [asdict(read_record(folder / "run.json")) for folder in (first, second)]
    unlike = [name for name in records[0] if name not in VOLATILE and records[0][name] != records[1][name]]
    return f"the records' {', '.join(unlike)}" if unlike else ""
