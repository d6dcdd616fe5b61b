"""A grid of runs: which values each parameter takes, and the cells that makes.

One notation for the command line (``-p seed=0..9 -p dataset=a,b``) and one file for sweeps here and on a cluster::

    notebook = "study/name"
    profile = "laptop"

    [parameters]
    dataset = ["a", "b"]   # a list: several values
    n_pool = 1000          # one value
    seed = "0..9"          # whole numbers, both ends included
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whence.runs import params
from whence.runs.literals import expected, fitting, written
from whence.runs.params import Parameter, UsageError

LARGEST = 10_000  # cells
FIELDS = ("notebook", "profile", "parameters")
RANGE = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*")


@dataclass(frozen=True)
class Grid:
    """A notebook, a profile, and the values of each parameter that is set beyond it."""

    notebook: str
    profile: str
    axes: dict[str, list[Any]]

    def cells(self) -> list[dict[str, str]]:
        """Every combination of values, as typed after -p, the last parameter fastest."""
        texts = [[written(value) for value in values] for values in self.axes.values()]
        return [dict(zip(self.axes, combination, strict=True)) for combination in itertools.product(*texts)]


def read(notebook: str | None = None, profile: str | None = None, given: Sequence[str] = (), file: Path | None = None) -> Grid:
    """The grid of a file, of ``name=values`` as typed after -p, or of both: what is typed counts.

    Raises UsageError for an unknown notebook, profile, parameter or data set, a value that a parameter cannot have or that stands
    twice, and for more than 10,000 cells.
    """
    table = _table(file) if file else {}
    if notebook and table.get("notebook", notebook) != notebook:
        raise UsageError(f"{file} is a grid of {table['notebook']}, not of {notebook}: leave the notebook away, or name that one")
    asked = notebook or table.get("notebook")
    if not asked:
        raise UsageError("no notebook: name one, or give a grid file that does (whence sweep --help shows both)")
    name = params.find(asked)
    chosen = profile or table.get("profile", "laptop")
    params.settings(name, chosen)  # refuses an unknown profile
    known = {parameter.name: parameter for parameter in params.parameters(params.source(name))}
    axes = {n: _listed(_known(name, n, known), v, f"{file}, {n}") for n, v in table.get("parameters", {}).items()}
    axes |= _typed(name, given, known)
    size = 1
    for values in axes.values():
        size *= len(values)
    if size > LARGEST:
        raise UsageError(f"a grid of {size:,} cells, expected at most {LARGEST:,}: split it")
    return Grid(name, chosen, axes)


def _table(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--grid {file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UsageError(f"--grid {file}: not TOML ({error})") from error
    for name, value in table.items():
        if name not in FIELDS:
            near = params.nearest(name, FIELDS) or " under [parameters]?"
            raise UsageError(f"--grid {file}: {name!r} at the top{near} (expected {', '.join(FIELDS)})")
        kind = dict if name == "parameters" else str
        if not isinstance(value, kind):
            raise UsageError(f"--grid {file}: {name} = {value!r}, expected {'a table' if kind is dict else 'a text in quotes'}")
    return table


def _known(notebook: str, name: str, known: dict[str, Parameter]) -> Parameter:
    if name not in known:
        raise UsageError(params.unknown(notebook, name, known))
    return known[name]


def _typed(notebook: str, given: Sequence[str], known: dict[str, Parameter]) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {}
    for word in given:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"-p {word}: expected name=values, for example -p seed=0..9")
        parameter = _known(notebook, name, known)
        if name in axes:
            raise UsageError(f"-p {name} is given twice: list all its values in one, -p {name}=a,b")
        axes[name] = _distinct(list(_values(parameter, text)), f"-p {name}={text}")
    return axes


def _values(parameter: Parameter, text: str) -> list[Any]:
    """The values of ``a,b,c``, of ``0..9`` for whole numbers, of one list for a parameter that is a list."""
    if parameter.type.startswith("list["):
        return [params.typed(parameter, text)]
    found: list[Any] = []
    for piece in text.split(","):
        if parameter.type == "int" and RANGE.fullmatch(piece):
            found += _range(parameter, piece, f"-p {parameter.name}={text}")
        elif not piece.strip() and "," in text:
            raise UsageError(f"-p {parameter.name}={text}: nothing between two commas, or after the last")
        else:
            found.append(params.typed(parameter, piece if parameter.type == "str" else piece.strip()))
    return found


def _range(parameter: Parameter, text: str, place: str) -> list[int]:
    bounds = RANGE.fullmatch(text)
    assert bounds
    low, high = int(bounds[1]), int(bounds[2])
    if high < low:
        raise UsageError(f"{place}: {text.strip()} holds no number, expected the lower end first: {high}..{low}")
    if high - low >= LARGEST:
        raise UsageError(f"{place}: {high - low + 1:,} values, expected at most {LARGEST:,}")
    params.typed(parameter, str(low))
    return list(range(low, high + 1))


def _listed(parameter: Parameter, value: Any, place: str) -> list[Any]:
    """The values of a grid file: a list is several, else one; a text stands as it is, but "0..9" is a range of whole numbers."""
    kind = parameter.type
    several = isinstance(value, list) and (not kind.startswith("list[") or (value and isinstance(value[0], list)))
    found: list[Any] = []
    for item in value if several else [value]:
        if kind == "int" and isinstance(item, str) and RANGE.fullmatch(item):
            found += _range(parameter, item, place)
            continue
        try:
            found.append(fitting(parameter.name, kind, item))
        except TypeError as error:
            raise UsageError(f"{place} = {item!r}: expected {expected(parameter.name, kind)} ({error})") from error
    return _distinct(found, place)


def _distinct(values: list[Any], place: str) -> list[Any]:
    if not values:
        raise UsageError(f"{place}: no value")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise UsageError(f"{place}: the value {value!r} stands twice")
    return values
