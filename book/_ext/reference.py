"""``{modules} whence.data``: the reference of every module of a package, so that none can be forgotten."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Modules(SphinxDirective):
    """One section for each module of the package (packages inside it excepted), made by autodoc."""

    required_arguments = 1
    option_spec = {"except": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        package = importlib.import_module(self.arguments[0])
        folder = Path(package.__path__[0])
        self.env.note_dependency(os.path.relpath(folder, self.env.srcdir))  # a module that comes or goes changes the folder
        names = sorted(f"{package.__name__}.{m.name}" for m in pkgutil.iter_modules([str(folder)]) if not m.ispkg and m.name != self.options.get("except"))
        return [self.section(name) for name in names]

    def section(self, name: str) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(name)], names=[name])
        section += nodes.title("", "", nodes.literal(text=name))
        section += self.parse_text_to_nodes(f"```{{eval-rst}}\n.. automodule:: {name}\n```")
        return section


def plain_prose(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are written as prose with `code`: keep a bar, star or underscore of a formula from being read as markup."""
    lines[:] = [_KEEP.sub(lambda found: found["keep"] or f"\\{found['sign']}", line) for line in lines]


_KEEP = re.compile(r"(?P<keep>``.+?``|:\w+:`[^`]+`|`[^`]+`_?|(?<![\w/*])\*\w[^*]*\w\*(?![\w/*]))|(?P<sign>[|*]|(?<=\w)_(?!\w))")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", plain_prose)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
