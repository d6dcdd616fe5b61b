"""A grid planned and joined: which cells there are, which are there already, the one record of those that differ in the seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from whence.runs import store
from whence.runs.grid import Grid
from whence.runs.job import FAILED, Job, Outcome, plan
from whence.runs.join import N_SEEDS, SEED, Joined, join, key_of, seeds
from whence.runs.params import UsageError
from whence.runs.record import Record, committed_dir, read_record, root

MACHINE = ("device",)  # where a run is made, not what it measures


@dataclass(frozen=True)
class Cell:
    """One run of a grid: what was typed for it, its job, and the label of the experiment that its seed belongs to."""

    overrides: dict[str, str]
    label: str
    job: Job

    @property
    def there(self) -> bool:
        """Whether the run is there already."""
        return store.finished(Path(self.job.folder)) is not None


def cells(grid: Grid) -> list[Cell]:
    """The cells of a grid, planned and checked.

    Raises UsageError when a value is refused, when a data set is not here, and when two cells of one experiment share a seed.
    """
    varied = {name for name, values in grid.axes.items() if len(values) > 1}
    found = []
    for overrides in grid.cells():
        title = " ".join(f"{name}={text}" for name, text in overrides.items() if name in varied) or grid.notebook
        job = plan(grid.notebook, grid.profile, [f"{name}={text}" for name, text in overrides.items()], title)
        found.append(Cell(overrides, _label(grid, varied, job.parameters), job))
    _check_data(found)
    for group in experiments(found).values():
        _check_seeds(group)
    return found


def experiments(found: Iterable[Cell]) -> dict[str, list[Cell]]:
    """The cells of each experiment by its label, in the order of their seeds."""
    groups: dict[str, list[Cell]] = {}
    for cell in found:
        groups.setdefault(cell.label, []).append(cell)
    return {name: sorted(group, key=lambda cell: seeds(cell.job.parameters).start) for name, group in groups.items()}


def joined_file(group: Sequence[Cell]) -> Path:
    """Where the joined record of an experiment lies: _build/sweeps/<study>/<name>/<label>/<key>/run.json."""
    key = key_of([cell.job.key for cell in group])
    return root() / "_build" / "sweeps" / group[0].job.notebook / group[0].label / key / "run.json"


def joined(grid: Grid, group: Sequence[Cell]) -> Joined:
    """Join the runs of an experiment, all of which are there, and write the record to `joined_file`."""
    made = join([read_record(Path(cell.job.folder) / "run.json") for cell in group], grid.profile)
    made.record.write(joined_file(group).parent)
    return made


def keep(record: Record, name: str) -> Path:
    """Put a joined record under version control's folder, data/runs/<study>/<name>/<label>/run.json; returns that path.

    Raises ValueError when another experiment's record is there.
    """
    path = committed_dir() / record.notebook / name / "run.json"
    if path.exists() and (unlike := _differences(read_record(path).parameters, record.parameters)):
        raise ValueError(
            f"{path.relative_to(root())} holds another experiment ({unlike}), so it is left as it is: move it away (git rm, "
            "git mv), or give the parameter two values in the grid, which puts it into the label"
        )
    record.write(path.parent)
    return path


@dataclass(frozen=True)
class Targets:
    """What Snakemake makes: each cell's record with the words after `whence run` that make it, and the joined records.

    Paths are those below the project's root.
    """

    cells: dict[str, list[str]]
    joined: list[str]


def targets(grid: Grid) -> Targets:
    """The files that a sweep of this grid makes. Raises as `cells` does."""
    found, home = cells(grid), root()
    calls = {}
    for cell in found:
        words = [word for name, text in cell.overrides.items() for word in ("-p", f"{name}={text}")]
        path = (Path(cell.job.folder) / "run.json").relative_to(home).as_posix()
        calls[path] = [grid.notebook, "--profile", grid.profile, *words]
    return Targets(calls, [joined_file(group).relative_to(home).as_posix() for group in experiments(found).values()])


def check_keep(grid: Grid) -> None:
    """Raises UsageError for a grid whose records must not be kept."""
    if grid.profile == "smoke":
        raise UsageError("--keep with --profile smoke: its numbers mean nothing, so no record of it is kept")


def failures(outcomes: Iterable[Outcome]) -> list[str]:
    """What failed, by title."""
    return [outcome.name for outcome in outcomes if outcome.status == FAILED]


def _label(grid: Grid, varied: set[str], parameters: dict[str, Any]) -> str:
    """The data set, then what else the grid varies (but the seed), then the profile if it is not the default one."""
    words = [str(parameters["dataset"])] if "dataset" in parameters else []
    words += [f"{n}={_short(v)}" for n, v in parameters.items() if n in varied and n not in ("dataset", SEED)]
    words += [grid.profile] if grid.profile != "laptop" or not words else []
    return "-".join(words)


def _short(value: Any) -> str:
    """A value as a folder can be named after it; what had to be left out is told apart by a digest."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = re.sub(r"[^\w.,+-]", "_", text)[:40]
    return plain if plain == text else f"{plain}~{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def _check_data(found: Sequence[Cell]) -> None:
    names = {cell.job.parameters["dataset"] for cell in found if "dataset" in cell.job.parameters}
    if not names:
        return
    from whence.data.registry import members, registry
    from whence.data.storage import here

    known = registry()
    if missing := sorted(name for name in {m for given in names for m in members(given)} if here(known[name]) == "no"):
        raise UsageError(f"no {' and no '.join(missing)} here yet: whence data fetch {' '.join(missing)}")


def _check_seeds(group: Sequence[Cell]) -> None:
    for one, other in pairwise(group):
        first, second = seeds(one.job.parameters), seeds(other.job.parameters)
        if first.stop > second.start:
            mend = f"add -p {N_SEEDS}=1" if len(first) > 1 else "leave one of them away"
            raise UsageError(
                f"{one.job.title} covers the seeds {first.start} to {first.stop - 1}, {other.job.title} begins at {second.start}: "
                f"a seed that counts twice makes intervals too narrow; {mend}"
            )


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    skipped = (SEED, N_SEEDS, *MACHINE)
    names = [n for n in {**old, **new} if n not in skipped and old.get(n) != new.get(n)]
    return ", ".join(f"{n} was {old.get(n, 'not there')}, is {new.get(n, 'not there')}" for n in names)
