"""The record of a run: the one thing that comes back up to the book, the claims table and the command line."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from whence.resources import project_root, write_atomically

LIST = re.compile(r"\[\n +([^\[\]{}]*?)\n +\]")  # of numbers or texts, one a line: JSON has no line break but between values
LAYOUT = re.compile(r",\n +")


@dataclass(frozen=True)
class Record:
    """What `run.json` holds beside an executed notebook.

    `notebook` is STUDY/NAME; `parameters` are complete (defaults included); `key` names notebook, claims, parameters, code, data
    and environment, whose digests are `parts`. `numbers` are the tables that the notebook kept, {"columns": [...], "rows": [...]}
    by name. A record that was joined from runs of other seeds says in `joined` which: key, seed, n_seeds, commit of each.
    Between equal runs only `wall_s`, `peak_mib` (peak resident memory of the kernel,
    MiB) and `finished` (UTC, ISO 8601) vary.
    """

    notebook: str
    parameters: dict[str, Any]
    profile: str
    key: str
    commit: str
    clean: bool
    versions: dict[str, str]
    device: str
    threads: int
    wall_s: float
    peak_mib: float
    finished: str
    claims: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    joined: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dataset(self) -> str:
        """The data set the run names in its parameters, or "-" for none."""
        return str(self.parameters.get("dataset", "-"))

    def write(self, folder: Path) -> None:
        """Write `run.json` into the folder, whole or not at all."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        write_atomically(folder / "run.json", LIST.sub(lambda found: f"[{LAYOUT.sub(', ', found[1])}]", text) + "\n")


def read_record(path: Path) -> Record:
    """The record in a `run.json`. Raises ValueError naming the file, what is wrong with it, and what mends it where it lies."""
    try:
        table = json.loads(path.read_text())
        known = {f.name for f in fields(Record)}
        return Record(**{name: value for name, value in table.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a readable run record ({error}); {_mend(path.resolve())}") from error


def _mend(path: Path) -> str:
    home = project_root()
    if home and path.is_relative_to(published_dir().resolve()):
        return "publish it again, which replaces it: whence book"
    if home and path.is_relative_to(committed_dir().resolve()):
        return f"restore it from version control: git checkout HEAD -- {path.relative_to(home.resolve())}"
    return f"delete the folder of this one run, {path.parent}, and repeat the command that made it"


def root() -> Path:
    """The checkout, where notebooks are and runs are kept. Raises FileNotFoundError outside of one."""
    found = project_root()
    if found is None:
        raise FileNotFoundError("no checkout of Whence here or above: cd into it (the folder with _config.yml and notebooks/)")
    return found


def runs_dir() -> Path:
    """Where runs are kept: _build/runs/<study>/<name>/<key>/{notebook.ipynb, run.json}."""
    return root() / "_build" / "runs"


def published_dir() -> Path:
    """Where the book reads executed notebooks and their records: book/studies/<study>/<name>.{ipynb, json}."""
    return root() / "book" / "studies"


def committed_dir() -> Path:
    """Records of expensive runs that are kept under version control: data/runs/**/run.json."""
    return root() / "data" / "runs"


def book_records() -> list[Record]:
    """The records the book speaks of: what is published now and what is committed, by notebook, data set, profile, and when
    they finished."""
    paths = [*published_dir().glob("*/*.json"), *committed_dir().rglob("run.json")]
    return sorted((read_record(path) for path in paths), key=lambda r: (r.notebook, r.dataset, r.profile, r.finished))
