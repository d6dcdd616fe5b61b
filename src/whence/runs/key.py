"""The key of a run: a digest of everything that its numbers depend on, so that a run is redone exactly when one of them changes."""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import whence
from whence.resources import resource
from whence.runs import environment
from whence.runs.params import PROFILES, NotebookError, notebooks, resolve, source
from whence.runs.params import parameters as declared

MAKERS = ("kernel", "normalise", "worker")  # modules of whence.runs that decide what an executed notebook looks like
TRAINS, SHOWS = "whence.train.learn", "whence.claims.numbers"  # modules that read what is committed: networks, records
UNSEEN = "unseen"
LAYOUT = ("lines_to_next_cell", "lines_to_end_of_cell_marker")  # what jupytext notes of blank lines


def parts(notebook: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the things a run depends on: notebook, claims, parameters, code, data, environment; networks and records, if any.

    The claims are those of this notebook only. The code is every module of `whence` that the notebook imports, directly or
    through others, and those that make the executed notebook. The data is the registry's entry of the parameter `dataset`,
    or its entries where that names several.
    Of a notebook that trains, the networks are all those that come with the project. Of one that shows kept tables, the records
    are the committed ones of every notebook it names, its own too; but only the book's own runs see them (see `sees_records`).
    Raises NotebookError for a file that is not Python.
    """
    path = source(notebook)
    modules = code(path)
    found = {
        "notebook": digest(cells(path)),
        "claims": digest(claims(notebook)),
        "parameters": digest(dict(parameters)),
        "code": digest(modules | makers()),
        "data": digest(_data(parameters)),
        "environment": digest([environment.python(), environment.installed()]),
    }
    if TRAINS in modules:
        found["networks"] = digest(_files(_folder("data/networks"), "*.safetensors"))
    if SHOWS in modules:
        found["records"] = digest(records(notebook)) if sees_records(notebook, parameters) else UNSEEN
    return found


def records(notebook: str) -> dict[str, str]:
    """Digest of each committed record of the notebook and of those whose names (STUDY/NAME) stand as strings in its code."""
    path = source(notebook)
    named = {n.value for n in ast.walk(_tree(path, path.stat().st_mtime_ns)) if isinstance(n, ast.Constant)}
    asked = [name for name in notebooks() if name == notebook or name in named]
    return {f"{name}/{file}": d for name in asked for file, d in _files(_folder(f"data/runs/{name}"), "*/run.json").items()}


def sees_records(notebook: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a run is one that the book could show: a profile's own settings, on the notebook's own data set.

    Any other finds no committed records: else each run that is kept would make all runs of its sweep stale.
    """
    own = {p.name: p.default for p in declared(source(notebook))}
    if parameters.get("dataset") != own.get("dataset"):
        return False
    return any(dict(parameters) == resolve(notebook, profile) for profile in PROFILES)


def key(parts: Mapping[str, str]) -> str:
    """The key of a run of these parts: 16 hexadecimal digits."""
    return digest(dict(parts))[:16]


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The names of the parts that differ."""
    return [name for name in new if old.get(name) != new[name]]


def cells(path: Path) -> list[list[Any]]:
    """Type, source and metadata of a notebook's cells: not its header, nor the blank lines between cells."""
    return _cells(path, path.stat().st_mtime_ns)


@cache
def _cells(path: Path, changed_ns: int) -> list[list[Any]]:
    import jupytext

    notebook = jupytext.read(path, fmt="py:percent")
    return [[c.cell_type, c.source.rstrip(), {k: v for k, v in c.metadata.items() if k not in LAYOUT}] for c in notebook.cells]


def claims(notebook: str) -> list[dict[str, Any]]:
    """The tables of claims.toml that this notebook measures, in the ledger's order."""
    path = source(notebook).with_name("claims.toml")
    try:
        tables = tomllib.loads(path.read_text()).get("claim", []) if path.exists() else []
    except tomllib.TOMLDecodeError as error:
        raise NotebookError(f"{path}: not TOML ({error})") from error
    return [table for table in tables if table.get("notebook") == notebook]


def code(path: Path, package: Path | None = None) -> dict[str, str]:
    """Digest of each module of a package (`whence`) that a Python file imports, transitively, packages' __init__ included.

    A digest is of the syntax tree, so that comments and layout do not count.
    """
    folder = package or Path(whence.__file__).parent
    found: dict[str, str] = {}
    queue = list(_imports(_tree(path, path.stat().st_mtime_ns), folder, ""))
    while queue:
        module = queue.pop()
        if module in found:
            continue
        file = _file(module, folder)
        assert file is not None  # _imports yields what exists
        tree = _tree(file, file.stat().st_mtime_ns)
        found[module] = _source(file, file.stat().st_mtime_ns)
        queue += _imports(tree, folder, module if file.name == "__init__.py" else module.rpartition(".")[0])
    return found


def makers(package: Path | None = None) -> dict[str, str]:
    """Digest of each module that makes the executed notebook; without what they import, which does not show in it."""
    folder = (package or Path(whence.__file__).parent) / "runs"
    files = {name: folder / f"{name}.py" for name in MAKERS}
    return {f"runner {name}": _source(file, file.stat().st_mtime_ns) for name, file in files.items()}


def digest(value: Any) -> str:
    """sha256, in hexadecimal, of a value as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _folder(relative: str) -> Path | None:
    """A folder of the project or of the installed package, None where there is none."""
    try:
        return resource(relative)
    except FileNotFoundError:
        return None


def _files(folder: Path | None, pattern: str) -> dict[str, str]:
    """sha256 of each file of a folder by its path below it."""
    found = sorted(folder.glob(pattern)) if folder else []
    return {p.relative_to(folder).as_posix(): _sha256(p, p.stat().st_mtime_ns, p.stat().st_size) for p in found if folder}


@cache
def _sha256(path: Path, changed_ns: int, size: int) -> str:  # the last two are there for the cache
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _data(parameters: Mapping[str, Any]) -> str:
    if "dataset" not in parameters:
        return ""
    from whence.data.registry import fingerprint

    return fingerprint(parameters["dataset"])


@cache
def _tree(path: Path, changed_ns: int) -> ast.Module:  # the time of change is there for the cache
    try:
        return ast.parse(path.read_text())
    except SyntaxError as error:
        raise NotebookError(f"{path}, line {error.lineno}: {error.msg}") from error


@cache
def _source(path: Path, changed_ns: int) -> str:
    """Digest of a module, without comments and layout."""
    return digest(ast.unparse(_tree(path, changed_ns)))


def _imports(tree: ast.Module, folder: Path, package: str) -> Iterator[str]:
    """Modules of the package named by any import statement of the tree, with the packages above them."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            bits = name.split(".")
            prefixes = (".".join(bits[:n]) for n in range(1, len(bits) + 1))
            yield from (prefix for prefix in prefixes if _file(prefix, folder) is not None)


def _file(module: str, folder: Path) -> Path | None:
    name, *rest = module.split(".")
    if name != folder.name:
        return None
    base = folder.joinpath(*rest)
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)
