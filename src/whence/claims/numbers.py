"""Tables that a notebook keeps in its record beside its claims, and those that stand in the committed records."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whence.resources import resource

FILE = "numbers.jsonl"
LARGEST = 200_000  # bytes of all the tables of one run: records are under version control
LONGEST = 100  # characters of a text in a table
DIGITS = 7  # significant ones that are kept of a number
HIDDEN = "hidden"  # value of WHENCE_RECORDS that makes a run blind to committed records: see whence.runs.key


@dataclass(frozen=True, repr=False)
class Table:
    """Named columns and rows of plain values: numbers, short texts, None where nothing was measured."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, name: str) -> list[Any]:
        """One column, from top to bottom. Raises KeyError naming the columns there are."""
        return [row[self._place(name)] for row in self.rows]

    def where(self, **values: Any) -> Table:
        """The rows that have these values: ``table.where(sigma=0.1)``. Raises KeyError for a column there is not."""
        places = {self._place(name): value for name, value in values.items()}
        return Table(self.columns, tuple(row for row in self.rows if all(row[i] == v for i, v in places.items())))

    def _place(self, name: str) -> int:
        if name not in self.columns:
            raise KeyError(f"no column {name!r} (columns: {', '.join(self.columns)})")
        return self.columns.index(name)

    def __repr__(self) -> str:
        return f"Table of {len(self.rows)} rows: {', '.join(self.columns)}"

    def _repr_markdown_(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *(map(_shown, row) for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(name: str, columns: Mapping[str, Any]) -> Table:
    """Put a table into the run's record when there is one, under a name; returns it, so that a cell can show it.

    `columns` are equally long sequences (lists, arrays, tensors) by name; a number is kept to 7 digits, a text has at most 100
    characters. A run of several seeds says in a column `seed` which row is of which; where runs of one seed each are joined, the
    column is added. Raises ValueError for unequal lengths, for a number that is not finite (None says: not measured), and for more
    than 200 kB in one run.
    """
    lists = {str(c): values.tolist() if hasattr(values, "tolist") else list(values) for c, values in columns.items()}
    lengths = {column: len(values) for column, values in lists.items()}
    if not lists or len(set(lengths.values())) != 1:
        raise ValueError(f"table {name!r}: columns of lengths {lengths}, expected at least one, all of one length")
    checked = [[_plain(v, f"table {name!r}, column {c!r}, row {i}") for i, v in enumerate(lists[c])] for c in lists]
    table = Table(tuple(lists), tuple(zip(*checked, strict=True)))
    if folder := os.environ.get("WHENCE_RUN_DIR"):
        _append(Path(folder) / FILE, name, table)
    return table


def kept(notebook: str, dataset: str, name: str, profile: str = "") -> Table | None:
    """The table of that name in the committed record of a notebook (STUDY/NAME) on a data set; None where there is none.

    Of several records that hold it the one that finished last; `profile` asks for one profile's. In a run with settings of one's
    own (see whence.runs.key) the answer is None: only the book shows what was kept, no result depends on it.
    Raises ValueError for a record that is damaged.
    """
    if os.environ.get("WHENCE_RECORDS") == HIDDEN:
        return None
    found = [
        record
        for record in _records(notebook)
        if record["parameters"].get("dataset") == dataset
        and name in record.get("numbers", {})
        and (not profile or record["profile"].split(" ")[0] == profile)
    ]
    if not found:
        return None
    return table(max(found, key=lambda record: record["finished"])["numbers"][name])


def table(plain: Mapping[str, Any]) -> Table:
    """The table that a record holds as {"columns": [...], "rows": [[...], ...]}."""
    return Table(tuple(plain["columns"]), tuple(tuple(row) for row in plain["rows"]))


def reported(folder: Path) -> dict[str, dict[str, Any]]:
    """The tables that a run's notebook kept in its folder, as a record holds them. Raises ValueError for a name kept twice."""
    path = folder / FILE
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        plain = json.loads(line)
        if found.setdefault(plain.pop("name"), plain) is not plain:
            raise ValueError(f"table {json.loads(line)['name']!r} is kept more than once: keep each table in one place")
    return found


def _append(path: Path, name: str, table: Table) -> None:
    line = json.dumps({"name": name, "columns": table.columns, "rows": table.rows}, ensure_ascii=False) + "\n"
    there = path.stat().st_size if path.exists() else 0
    if there + len(line.encode()) > LARGEST:
        raise ValueError(
            f"table {name!r} has {len(line.encode()):,} bytes and {there:,} are kept already, expected at most {LARGEST:,} in one "
            "run: keep a summary (fewer rows), draw the rest in a figure"
        )
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def _plain(value: Any, place: str) -> Any:
    """A value as JSON keeps it."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    raise ValueError(f"{place}: {value!r:.80} is not a finite number, nor a text of at most {LONGEST} characters, nor None")


def _records(notebook: str) -> Iterator[dict[str, Any]]:
    try:
        folder = resource(f"data/runs/{notebook}")
    except FileNotFoundError:
        return
    for path in sorted(folder.glob("*/run.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            yield {"finished": "", "profile": "", **record, "parameters": dict(record["parameters"])}
        except (ValueError, TypeError, KeyError) as error:
            mend = f"git checkout HEAD -- data/runs/{notebook}"
            raise ValueError(f"{path}: not a readable run record ({error}); restore it from version control: {mend}") from error


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def join(tables: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, Any]:
    """One table of those of several seeds, (seed, table) each, in seed order: rows one after another under a column `seed`.

    A table that has that column keeps its own. Raises ValueError when their columns differ.
    """
    first = list(tables[0][1]["columns"])
    if unlike := [list(plain["columns"]) for _, plain in tables if list(plain["columns"]) != first]:
        raise ValueError(f"columns {first} and {unlike[0]}")
    own = "seed" in first
    rows = [list(row) if own else [seed, *row] for seed, plain in tables for row in plain["rows"]]
    return {"columns": first if own else ["seed", *first], "rows": rows}
