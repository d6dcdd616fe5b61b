"""Values of parameters: which types there are, what is good for which, and how a value is typed on the command line."""

from __future__ import annotations

import json
import math
import tomllib
from typing import Any

EXAMPLES = {
    "int": "5",
    "float": "0.2",
    "bool": "true",
    "str": "photos",
    "list[int]": "1,2,3",
    "list[float]": "0.1,0.2",
    "list[str]": "a,b",
}


def least(name: str, kind: str) -> int | None:
    """The smallest value that a parameter of that name and type may have: 1 for a count ``n_...: int``, 0 for ``seed: int``."""
    if kind != "int":
        return None
    return 1 if name.startswith("n_") else 0 if name == "seed" else None


def fitting(name: str, kind: str, value: Any) -> Any:
    """The value as that type, if a parameter of that name may have it. Raises TypeError saying what was expected."""
    value, bound = conform(kind, value), least(name, kind)
    if bound is not None and value < bound:
        raise TypeError(f"{value!r} is not {expected(name, kind)}")
    return value


def expected(name: str, kind: str) -> str:
    """What a parameter of that name and type may be, in words."""
    bound = least(name, kind)
    return kind if bound is None else f"{kind} >= {bound}"


def conform(kind: str, value: Any) -> Any:
    """The value as that type; an int is good for a float, a bool is no int. Raises TypeError saying what was expected."""
    if kind.startswith("list[") and isinstance(value, list):
        return [conform(kind[5:-1], item) for item in value]
    if kind == "float" and type(value) in (int, float) and abs(value) < math.inf:
        return float(value)
    if type(value).__name__ == kind != "float":
        return value
    article = "an" if kind[0] == "i" else "a"
    raise TypeError(f"{value!r} is not {article} {'finite ' if kind == 'float' else ''}{kind}")


def parse(kind: str, text: str) -> Any:
    """The value that a text stands for as that type; lists are ``a,b,c`` or TOML. Raises ValueError or TypeError."""
    return conform(kind, _read(kind, text))


def written(value: Any) -> str:
    """A value as it is typed after ``-p name=``, so that `parse` gives it back."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(kind: str, text: str) -> Any:
    if kind == "str":
        return text
    text = text.strip()
    if kind == "bool":
        return {"true": True, "false": False}.get(text.lower(), text)
    if not kind.startswith("list["):
        return int(text) if kind == "int" else float(text)
    if text.startswith("["):
        return tomllib.loads(f"value = {text}")["value"]
    return [_read(kind[5:-1], item.strip()) for item in text.split(",")]
