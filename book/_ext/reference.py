"""``{modules} whence.data``: the reference of every module of a package, so that none can be forgotten."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

SEEN = "whence_modules"


def modules(package: str, leave_out: str = "") -> list[str]:
    """The names of the modules in a package, subpackages and those with a leading underscore excepted."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [m.name for m in pkgutil.iter_modules(folders) if not m.ispkg and not m.name.startswith("_") and m.name != leave_out]
    return sorted(f"{package}.{name}" for name in found)


class Modules(SphinxDirective):
    """One section for each module, made by autodoc; ``:except: cli`` leaves one out."""

    required_arguments = 1
    option_spec: ClassVar = {"except": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        query = (self.arguments[0], self.options.get("except", ""))
        found = modules(*query)
        self.env.metadata[self.env.docname][SEEN] = (query, found)
        return [self.section(name) for name in found]

    def section(self, name: str) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(name)], names=[name])
        section += nodes.title("", "", nodes.literal(text=name))
        section += self.parse_text_to_nodes(f"```{{eval-rst}}\n.. automodule:: {name}\n```")
        return section


def stale(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages whose package has gained or lost a module; autodoc itself watches the modules it knows."""
    noted = {docname: data[SEEN] for docname, data in env.metadata.items() if SEEN in data}
    return [docname for docname, (query, found) in noted.items() if modules(*query) != found]


def plain_prose(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are written as prose with `code`: cite the papers they name, and let no formula be read as markup."""
    keys = set(re.findall(r"^@\w+\{([^,]+),", Path(app.srcdir, "references.bib").read_text(encoding="utf-8"), re.MULTILINE))
    text = [_MARKUP.sub(lambda found: found["keep"] or f"\\{found['sign']}", line) for line in lines]
    text = [_WORD.sub(lambda word: f":cite:t:`{word[0]}`" if word[0] in keys else word[0], line) for line in text]
    lines[:] = [] if text[:1] and text[0].startswith("Alias for field number") else text


_WORD = re.compile(r"\b[a-z]+\d{4}[a-z]*\b")
_KEEP = r"(?P<keep>``.+?``|:\w+:`[^`]+`|`[^`]+`_?|(?<![\w/*])\*\w[^*]*\w\*(?![\w/*]))"
_MARKUP = re.compile(_KEEP + r"|(?P<sign>[|*]|(?<=\w)_(?!\w))")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", plain_prose)
    app.connect("env-get-outdated", stale)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
