"""Every SVG figure gets a dark twin, and no figure goes without alternative text.

The twin is the same drawing with each colour of `whence.figures.style` swapped for its dark partner; the theme shows one of the
two. Directive ``{question} NAME`` draws one of the pictures of `whence.figures.questions`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from whence.resources import write_atomically

log = logging.getLogger(__name__)


def darken(svg: str) -> str:
    """The drawing in the colours for a dark page. One pass, so that no colour is swapped twice."""
    from whence.figures.style import DARK

    return re.sub("|".join(map(re.escape, DARK)), lambda found: DARK[found[0].lower()], svg, flags=re.IGNORECASE)


class Twins(SphinxTransform):
    """Double each SVG image into a light and a dark one; complain of images without alternative text."""

    default_priority = 870  # before Sphinx collects the images, at 880

    def apply(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            if not image.get("alt", "").strip():
                log.warning(f"figure without alternative text: {image['uri']}", location=image, type="whence", subtype="alt")
            if image["uri"].endswith(".svg") and "://" not in image["uri"]:
                self.double(image)

    def double(self, image: nodes.image) -> None:
        """Replace the image by a box with both: were they direct neighbours of the caption, the theme would hide that with them."""
        source = self.path(image["uri"])
        light = source.read_text(encoding="utf-8")
        if (dark := darken(light)) == light:
            return
        target = source.with_suffix(".dark.svg") if source.is_relative_to(self.cache) else self.cache / f"{source.stem}.dark.svg"
        if not target.exists() or target.read_text(encoding="utf-8") != dark:
            write_atomically(target, dark)
        box = nodes.container(classes=["twins"])
        image.parent.replace(image, box)
        twin = nodes.image(uri=self.uri(target), **{key: image[key] for key in ("alt", "width", "height", "scale") if key in image})
        twin["classes"] = [*image["classes"], "only-dark"]
        image["classes"] = [*image["classes"], "only-light"]
        box += [image, twin]

    @property
    def cache(self) -> Path:
        return Path(self.app.outdir).parent / "jupyter_execute"

    def path(self, uri: str) -> Path:
        """The file an image names: from the source folder with a leading slash, else beside its page."""
        return Path(self.env.relfn2path(uri, self.env.docname)[1])

    def uri(self, path: Path) -> str:
        return "/" + Path(_relative(path, Path(self.env.srcdir))).as_posix()


class Question(SphinxDirective):
    """``{question} slabs``: the picture of a study's question; with a caption it is a numbered figure."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        from whence.figures import questions, style

        drawn = questions.DRAW[self.arguments[0]]()
        target = Path(self.env.app.outdir).parent / "jupyter_execute" / f"question-{self.arguments[0]}.svg"
        if not target.exists() or target.read_text(encoding="utf-8") != drawn.svg:
            write_atomically(target, drawn.svg)
        for source in (questions.__file__, style.__file__):
            self.env.note_dependency(_relative(Path(source), Path(self.env.srcdir)))
        image = nodes.image(uri="/" + _relative(target, Path(self.env.srcdir)), alt=drawn.alt)
        return [self.figure(image)] if self.content else [image]

    def figure(self, image: nodes.image) -> nodes.figure:
        figure = nodes.figure("", image)
        figure += [nodes.caption("", "", *part.children) for part in self.parse_content_to_nodes()]
        self.set_source_info(figure)
        self.add_name(figure)
        return figure


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(Twins)
    app.add_directive("question", Question)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
