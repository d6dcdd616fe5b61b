"""What the command line prints: aligned tables, outcomes with their verdicts, the claims and their score."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whence.runs.job import FAILED, Outcome
from whence.runs.join import SEED, Joined, seeds
from whence.runs.record import read_record
from whence.runs.sweep import Cell

if TYPE_CHECKING:
    from whence.claims.table import Row

WIDEST = 10  # cells whose values stand side by side


def table(rows: Iterable[Sequence[object]]) -> str:
    """Rows in aligned columns; a list is written as it is typed after -p."""
    shown = [[",".join(map(str, cell)) if isinstance(cell, list) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown)


def outcome(done: Outcome) -> Iterator[str]:
    """Where the executed notebook lies, and a line for each verdict; nothing of a failed run, which was shown when it failed."""
    if done.status == FAILED:
        return
    yield f"{done.notebook}: {done.why if done.status == 'current' else 'ran'} -> {path(done.folder / 'notebook.ipynb')}"
    for claim in read_record(done.folder / "run.json").claims:
        yield f"  {claim['verdict']:<9}  {claim['id']}: {_measured(**claim)} (test {claim['test']})"


def cells(found: Sequence[Cell]) -> str:
    """The cells of a sweep and whether they are there, with the count of both below."""
    names = list(found[0].overrides)
    there = [cell.there for cell in found]
    lines = (
        [*cell.overrides.values(), "there" if done else "to run", cell.job.key] for cell, done in zip(found, there, strict=True)
    )
    return f"{table([[*names, 'run', 'key'], *lines])}\n\n{len(found)} cells: {sum(there)} there, {len(found) - sum(there)} to run"


def experiment(name: str, group: Sequence[Cell], made: Joined, where: Path) -> Iterator[str]:
    """A joined experiment: where its record lies, its verdicts with the value of each cell, and what could not be joined."""
    covered = [seed for cell in group for seed in seeds(cell.job.parameters)]
    span = f"{len(group)} cells, {len(covered)} seeds" if len(group) > 1 else "1 cell"
    yield f"{name} ({span}) -> {path(where)}"
    singles = len(group) > 1 and len(group) <= WIDEST
    told = [{c["id"]: c for c in read_record(Path(cell.job.folder) / "run.json").claims} for cell in group] if singles else []
    header = ["verdict", "claim", "measured", "test", *(f"seed {cell.job.parameters.get(SEED, 0)}" for cell in group[: len(told)])]
    lines = [
        [c["verdict"], c["id"], _measured(**c), c["test"], *(f"{of_one[c['id']]['value']:.3g}" for of_one in told)]
        for c in made.record.claims
    ]
    if lines:
        yield "\n".join(f"  {line}" for line in table([header, *lines]).splitlines())
    yield from (f"  {sentence}" for sentence in made.left_out)


def claims(rows: Sequence[Row]) -> str:
    """The claims table in text, with the score below."""
    from whence.claims.table import score

    header = ["verdict", "claim", "measured", "test", "published", "data", "profile"]
    return f"{table([header, *map(_claim, rows)])}\n\n{scored(score(rows))}"


def scored(counts: dict[str, int]) -> str:
    """How many claims hold, fail, are undecided or were not run, in words."""
    from whence.claims.ledger import FAILS, HOLDS, NOT_RUN, UNDECIDED

    words = {HOLDS: "hold", FAILS: "fail", UNDECIDED: "undecided", NOT_RUN: "not run"}
    return ", ".join(f"{counts.get(verdict, 0)} {word}" for verdict, word in words.items())


def path(where: Path) -> str:
    """A path as short as it can be typed here."""
    return os.path.relpath(where) if where.is_relative_to(Path.cwd()) else str(where)


def _claim(row: Row) -> list[str]:
    measured = "" if row.value is None else _measured(**vars(row))
    published = "" if row.published is None else f"{row.published:g}"
    return [row.verdict, row.id, measured, row.test, published, row.dataset or "", row.profile or ""]


def _measured(value: float, low: float, high: float, n_seeds: int, **_: Any) -> str:
    return f"{value:.3g} [{low:.3g}, {high:.3g}], n = {n_seeds}" if n_seeds > 1 else f"{value:.3g}"
