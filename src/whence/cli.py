"""The command line: run notebooks, see their parameters, make the book, look after data and claims."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whence import __version__

if TYPE_CHECKING:
    from whence.runs.job import Job, Outcome
    from whence.runs.sweep import Cell

app = typer.Typer(
    help="Where inductive bias comes from: run the notebooks, make the book.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data = typer.Typer(help="List, fetch and verify the data sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data, name="data")

Notebook = Annotated[str, typer.Argument(metavar="STUDY/NOTEBOOK")]
Profile = Annotated[str, typer.Option(help="Sizes: smoke (seconds), laptop (two cores, minutes), paper (one GPU).")]
Workers = Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Notebooks at once, each with cores / jobs threads.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of each notebook (default: cores / jobs).")]
Force = Annotated[bool, typer.Option("--force", help="Run again what is there already.")]

SWEEP_EXAMPLE = """\b
Ten seeds on two data sets, two cells at a time, kept under data/runs/:
  whence sweep STUDY/NOTEBOOK -p dataset=photos,digits -p seed=0..9 -p n_seeds=1 -j 2 --keep
\b
The same from a file (texts with commas or dots stand as they are):
  notebook = "STUDY/NOTEBOOK"
  [parameters]
  dataset = ["photos", "digits"]
  seed = "0..9"
  n_seeds = 1
"""


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"whence {__version__}")
        raise typer.Exit


@app.command()
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(metavar="STUDY/NOTEBOOK...", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="All notebooks.")] = False,
    profile: Profile = "laptop",
    p: Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Set a parameter; may be repeated.")] = None,
    jobs: Workers = None,
    threads: Threads = None,
    force: Force = False,
    check_determinism: Annotated[bool, typer.Option("--check-determinism", help="Run twice afresh and compare.")] = False,
    publish: Annotated[bool, typer.Option("--publish/--no-publish", help="Put the results into the book's sources.")] = False,
) -> None:
    """Run notebooks, show their verdicts.

    A run that is there already is not made again: it is keyed by notebook, claims, parameters, code, data and environment.
    """
    from whence.runs import show

    planned = _plan(notebooks or [], everything, profile, p or [])
    if check_determinism:
        _check_determinism(planned, jobs, threads)
        return
    outcomes = _execute(planned, jobs, force, threads)
    for line in (line for outcome in outcomes for line in show.outcome(outcome)):
        print(line)
    failed = [outcome.notebook for outcome in outcomes if outcome.status == "failed"]
    if publish:
        from whence.runs import publish as book

        for path in book.publish(outcome.folder for outcome in outcomes if outcome.status != "failed"):
            print(f"published {show.path(path)} (whence book builds the pages)")
    if failed:
        _fail(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")


@app.command(epilog=SWEEP_EXAMPLE)
def sweep(
    notebook: Annotated[str | None, typer.Argument(metavar="STUDY/NOTEBOOK", show_default=False)] = None,
    p: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUES", help="0..9, or a,b,c, or one value; repeatable.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="smoke, laptop or paper (default: the grid file's, else laptop).")] = None,
    grid: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Take notebook, profile and values from a file.")] = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Cells at once (one an accelerator, or 2).")] = None,
    threads: Threads = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put the joined records into data/runs/, to be committed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the cells and which are there; run nothing.")] = False,
    force: Force = False,
) -> None:
    """Run a notebook on a grid of parameters; join what differs only in the seed.

    Cells that are there already are not run again, so a sweep that was stopped goes on with the same command. Cells that differ
    only in their seed become one record with an interval over seeds: each then needs n_seeds=1.
    """
    from whence.runs import grid as grids
    from whence.runs import show
    from whence.runs import sweep as sweeps

    table = grids.read(notebook, profile, p or [], grid)
    if keep:
        sweeps.check_keep(table)
    cells = sweeps.cells(table)
    if dry_run:
        print(show.cells(cells))
        return
    outcomes = _sweep(cells, jobs, threads, force)
    failed = set(sweeps.failures(outcomes))
    for name, group in sweeps.experiments(cells).items():
        if unfinished := [cell.job.title for cell in group if cell.job.title in failed]:
            print(f"{name}: not joined, {len(unfinished)} of {len(group)} cells failed")
            continue
        made = sweeps.joined(table, group)
        where = sweeps.keep(made.record, name) if keep else sweeps.joined_file(group)
        for line in show.experiment(name, group, made, where):
            print(line)
    if failed:
        _fail(f"{len(failed)} of {len(cells)} cells failed: {', '.join(sorted(failed))}; the same command runs only these again")


@app.command()
def parameters(notebook: Notebook, profile: Profile = "laptop") -> None:
    """Show what a notebook can be told, and what each profile sets."""
    from whence.runs import params, show

    name = params.find(notebook)
    values = params.resolve(name, profile)
    sets = {known: params.settings(name, known) for known in params.PROFILES}
    header = ["name", "type", "value", *(f"({known})" for known in sets), "help"]
    found = params.parameters(params.source(name))
    lines = ([p.name, p.type, values[p.name], *(table.get(p.name, "") for table in sets.values()), p.help] for p in found)
    print(show.table([header, *lines]))
    print(f"\nwhence run {name} -p {found[0].name}={values[found[0].name]}" if found else "\nno parameters")


@app.command()
def book(
    profile: Profile = "laptop",
    jobs: Workers = None,
    force: Force = False,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
) -> None:
    """Run all notebooks and build the book."""
    from whence.claims.table import score
    from whence.runs import publish as pages
    from whence.runs import show
    from whence.runs.audit import table

    outcomes = _execute(_plan([], True, profile, []), jobs, force)
    if failed := [outcome.notebook for outcome in outcomes if outcome.status == "failed"]:
        _fail(f"{', '.join(failed)} failed: the book is left as it was")
    pages.publish(outcome.folder for outcome in outcomes)
    index = pages.build()
    ran = sum(outcome.status == "ran" for outcome in outcomes)
    print(f"notebooks: {ran} run, {len(outcomes) - ran} unchanged")
    print(f"claims: {show.scored(score(table()))}")
    print(f"book: {index}")
    if open_it:
        typer.launch(index.as_uri())


@app.command()
def claims(
    as_json: Annotated[bool, typer.Option("--json", help="The table as JSON.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 unless every claim is measured by a current run.")] = False,
) -> None:
    """Show claims, measurements and verdicts."""
    from whence.runs import audit, show

    rows = audit.table()
    if as_json:
        print(json.dumps([vars(row) for row in rows], indent=1, ensure_ascii=False))
    elif not check:
        print(show.claims(rows))
    if check:
        problems = audit.problems()
        for problem in problems:
            print(problem, file=sys.stderr)
        if problems:
            _fail(f"{len(problems)} problems")
        print(f"{len(rows)} rows, each measured by a current run", file=sys.stderr if as_json else sys.stdout)


@app.command()
def doctor() -> None:
    """Look whether this machine is ready."""
    from whence.runs.doctor import FAIL, examine

    ready = True
    for finding in examine():
        ready &= finding.level != FAIL
        print(
            f"{finding.level:<5} {finding.topic:<20} {finding.message}" + (f"\n{'':27}mend: {finding.mend}" if finding.mend else "")
        )
    if not ready:
        raise typer.Exit(1)


@data.command("list")
def list_data() -> None:
    """Show the data sets: whether they are here, kind, shape, size to download, licence."""
    from whence.data.registry import registry
    from whence.data.storage import here
    from whence.runs import show

    header = ["name", "here", "kind", "shape", "MB", "licence", "what it is"]
    entries = registry().values()
    sizes = ("x".join(map(str, entry.shape)) for entry in entries)
    lines = (
        [e.name, here(e), e.kind, size, f"{e.bytes / 1e6:.1f}", e.licence, e.title] for e, size in zip(entries, sizes, strict=True)
    )
    print(show.table([header, *lines]))


@data.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME...")]) -> None:
    """Download data sets (or take them from the folder WHENCE_DATA) and check them."""
    from whence.data import registry
    from whence.runs import params, show

    params.check_data_sets(names)
    for name in names:
        print(f"{name}: {show.path(registry.fetch(name))}")


@data.command()
def verify(names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", show_default=False)] = None) -> None:
    """Check that the data here are what the registry expects, byte for byte."""
    from whence.data import registry
    from whence.runs import params

    params.check_data_sets(names or [])
    checks = registry.verify(names or None)
    for check in checks:
        print(f"{'ok  ' if check.ok else 'BAD '} {check.name}: " + (f"{check.file}, " if check.file != "-" else "") + check.message)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def main() -> None:
    """The console script: 0 done, 1 failed, 2 called wrongly, 130 interrupted. WHENCE_TRACEBACK=1 shows where an error arose."""
    try:
        app(prog_name="whence")
    except Exception as error:
        status = _status(error)
        if status is None or os.environ.get("WHENCE_TRACEBACK"):
            raise
        print(f"whence: {error}", file=sys.stderr)
        sys.exit(status)


def _status(error: Exception) -> int | None:
    """The exit status for an error that is no bug of ours, else None."""
    from whence.data.entries import DataError
    from whence.runs.params import UsageError
    from whence.runs.publish import BookError

    if isinstance(error, UsageError):
        return 2
    return 1 if isinstance(error, ValueError | OSError | ModuleNotFoundError | DataError | BookError) else None


def _plan(names: Sequence[str], everything: bool, profile: str, overrides: Sequence[str]) -> list[Job]:
    from whence.runs.job import plan
    from whence.runs.params import UsageError, find
    from whence.runs.params import notebooks as known

    if bool(names) == everything:
        raise UsageError(f"name notebooks or say --all, one of the two (notebooks: {', '.join(known()) or 'none yet'})")
    chosen = known() if everything else list(dict.fromkeys(map(find, names)))
    return [plan(name, profile, overrides) for name in chosen]


def _workers(jobs: int | None, planned: Sequence[Job]) -> int:
    from whence.runs.execute import cores

    return max(1, min(jobs or 2, cores(), len(planned)))


def _execute(planned: Sequence[Job], jobs: int | None, force: bool, threads: int | None = None) -> list[Outcome]:
    from whence.runs import execute

    return execute.run(planned, _workers(jobs, planned), force, threads=threads)


def _sweep(cells: Sequence[Cell], jobs: int | None, threads: int | None, force: bool) -> list[Outcome]:
    from whence.runs import execute
    from whence.runs.progress import Progress
    from whence.runs.slots import accelerators

    planned = [cell.job for cell in cells]
    todo = len(cells) if force else sum(not cell.there for cell in cells)
    workers = _workers(jobs or len(accelerators()) or None, planned)
    print(f"{len(cells)} cells: {len(cells) - todo} there already, {todo} to run, {min(workers, todo)} at a time", file=sys.stderr)
    return execute.run(planned, workers, force, Progress(total=todo), threads)


def _check_determinism(planned: Sequence[Job], jobs: int | None, threads: int | None) -> None:
    from whence.runs import execute, show

    results = execute.check_determinism(planned, threads or max(1, execute.cores() // _workers(jobs, planned)))
    for outcome, difference in results:
        if difference:
            print(f"{outcome.notebook}: DIFFERS at {difference}\n  both are kept in {show.path(outcome.folder)}")
        elif outcome.status != "failed":
            print(f"{outcome.notebook}: two runs are equal, byte for byte")
    if unlike := [outcome.notebook for outcome, difference in results if difference or outcome.status == "failed"]:
        _fail(f"not reproduced: {', '.join(unlike)}")


def _fail(message: str) -> None:
    print(f"whence: {message}", file=sys.stderr)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
