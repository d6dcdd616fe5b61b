"""What a notebook can be told: its typed parameters cell, the settings of a profile, `-p name=value`.

All of it is checked before a kernel starts.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from whence.runs.literals import EXAMPLES, expected, fitting, parse
from whence.runs.record import root

PROFILES = ("smoke", "laptop", "paper")


class UsageError(ValueError):
    """What was asked for cannot be done as typed (the command line exits with 2)."""


class NotebookError(ValueError):
    """A notebook or profiles.toml is at fault (the command line exits with 1)."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: type = default  # help``; `type` is a key of EXAMPLES."""

    name: str
    type: str
    default: Any
    help: str


def notebooks() -> list[str]:
    """All notebooks of all studies, as STUDY/NAME, sorted."""
    folder = root() / "notebooks"
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/[!._]*.py"))


def find(name: str) -> str:
    """The notebook meant by STUDY/NAME or by its path notebooks/STUDY/NAME.py. Raises UsageError for an unknown one."""
    known = notebooks()
    asked = name.removeprefix("./").removeprefix("notebooks/").removesuffix(".py")
    if asked in known:
        return asked
    raise UsageError(f"no notebook {name!r}{nearest(asked, known)} (notebooks: {', '.join(known) or 'none yet'})")


def source(notebook: str) -> Path:
    """The file of a notebook, notebooks/STUDY/NAME.py."""
    return root() / "notebooks" / f"{notebook}.py"


def parameters(path: Path) -> list[Parameter]:
    """The parameters of a py:percent notebook, read from its text: nothing is run.

    Raises NotebookError, naming file and line, when there is not exactly one cell tagged "parameters" or when it holds anything
    but assignments ``name: type = literal  # help``.
    """
    return list(_parameters(path, path.stat().st_mtime_ns))


@cache
def _parameters(path: Path, changed_ns: int) -> tuple[Parameter, ...]:  # the time of change is there for the cache
    import jupytext

    text = path.read_text()
    tagged = [c for c in jupytext.reads(text, fmt="py:percent").cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise NotebookError(f'{path}: {len(tagged)} cells tagged "parameters", expected one: # %% tags=["parameters"]')
    cell = tagged[0].source
    first = text.count("\n", 0, max(text.find(cell), 0))  # lines above the cell
    try:
        body = ast.parse(cell).body
    except SyntaxError as error:
        raise NotebookError(f"{path}, line {first + (error.lineno or 1)}: {error.msg} in the parameters cell") from error
    comments = _comments(cell)
    found = [_parameter(node, comments, f"{path}, line {first + node.lineno}") for node in body]
    names = [parameter.name for parameter in found]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise NotebookError(f"{path}: parameter {min(repeated)!r} stands twice in the parameters cell")
    return tuple(found)


def resolve(notebook: str, profile: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """All parameters of a run, in the cell's order: the cell < the profile's settings < overrides ``name=value``.

    Raises UsageError for an unknown profile, name, data set or device and for a value that the parameter cannot have; NotebookError
    when the notebook or profiles.toml is at fault.
    """
    known = {parameter.name: parameter for parameter in parameters(source(notebook))}
    values = {name: parameter.default for name, parameter in known.items()} | settings(notebook, profile)
    given: dict[str, Any] = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"-p {override}: expected name=value, for example -p seed=1")
        if name not in known:
            raise UsageError(unknown(notebook, name, known))
        if name in given:
            raise UsageError(f"-p {name} is given twice ({given[name]!r}, then {text!r}): give it once")
        given[name] = typed(known[name], text)
    values |= given
    _check_names(notebook, values)
    return values


def settings(notebook: str, profile: str) -> dict[str, Any]:
    """What notebooks/profiles.toml sets for a notebook at a profile; an empty dict where it says nothing."""
    path = root() / "notebooks" / "profiles.toml"
    if profile not in PROFILES:
        raise UsageError(f"no profile {profile!r}{nearest(profile, PROFILES)} (profiles: {', '.join(PROFILES)})")
    if not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise NotebookError(f"{path}: not TOML ({error})") from error
    _check_tables(path, tables)
    known = {parameter.name: parameter for parameter in parameters(source(notebook))}
    values = {}
    for name, value in tables.get(profile, {}).get(notebook, {}).items():
        if name not in known:
            raise NotebookError(f'{path}, [{profile}."{notebook}"]: {unknown(notebook, name, known)}')
        try:
            values[name] = fitting(name, known[name].type, value)
        except TypeError as error:
            raise NotebookError(f'{path}, [{profile}."{notebook}"]: {name} = {value!r}: {error}') from error
    return values


def check_data_sets(names: Iterable[str]) -> None:
    """Raises UsageError, with the nearest and all names, for one that is not in the registry; + joins the names of several."""
    from whence.data.registry import members, registry

    known = registry()
    for name in (member for given in names for member in members(given)):
        if name not in known:
            raise UsageError(f"no data set {name!r}{nearest(name, known)} (data sets: {', '.join(known)})")


def nearest(name: str, known: Iterable[str]) -> str:
    """ ": did you mean 'x'?" with the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f": did you mean {near[0]!r}?" if near else ""


def _parameter(node: ast.stmt, comments: Mapping[int, str], place: str) -> Parameter:
    form = "expected name: type = literal  # help"
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        raise NotebookError(f"{place}: {ast.unparse(node)!r} in the parameters cell; {form}")
    name, kind = node.target.id, ast.unparse(node.annotation)
    if kind not in EXAMPLES:
        raise NotebookError(f"{place}: parameter {name!r} has type {kind}; expected one of {', '.join(EXAMPLES)}")
    try:
        default = fitting(name, kind, ast.literal_eval(node.value))
    except ValueError as error:
        raise NotebookError(f"{place}: {name} = {ast.unparse(node.value)} is not a literal; {form}") from error
    except TypeError as error:
        raise NotebookError(f"{place}: parameter {name!r}: {error}") from error
    help_text = comments.get(node.end_lineno or node.lineno) or comments.get(node.lineno, "")
    return Parameter(name, kind, default, help_text)


def _comments(cell: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    return {t.start[0]: t.string.lstrip("# ").rstrip() for t in tokens if t.type == tokenize.COMMENT}


def typed(parameter: Parameter, text: str) -> Any:
    """The value that a text stands for, as it is typed after -p. Raises UsageError for one that the parameter cannot have."""
    try:
        return fitting(parameter.name, parameter.type, parse(parameter.type, text))
    except (ValueError, TypeError) as error:
        name, kind = parameter.name, parameter.type
        raise UsageError(f"-p {name}={text}: expected {expected(name, kind)}, for example -p {name}={EXAMPLES[kind]}") from error


def unknown(notebook: str, name: str, known: Iterable[str]) -> str:
    """What to say of a parameter that a notebook has not got, with the nearest that it has."""
    return f"{notebook} has no parameter {name!r}{nearest(name, known)} (parameters: {', '.join(known) or 'none'})"


def _check_names(notebook: str, values: Mapping[str, Any]) -> None:
    if "dataset" in values:
        check_data_sets([values["dataset"]])
    if "device" in values and not re.fullmatch(r"auto|cpu|cuda(:\d+)?", values["device"]):
        raise UsageError(f"{notebook}: device {values['device']!r}: expected auto, cpu, cuda or cuda:0")


def _check_tables(path: Path, tables: Mapping[str, Any]) -> None:
    for profile, table in tables.items():
        if profile not in PROFILES:
            raise NotebookError(f"{path}: no profile {profile!r}{nearest(profile, PROFILES)} (profiles: {', '.join(PROFILES)})")
        for notebook in table:
            if notebook not in notebooks():
                raise NotebookError(f'{path}, [{profile}."{notebook}"]: no such notebook{nearest(notebook, notebooks())}')
