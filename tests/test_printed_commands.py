"""Every `whence ...` that README, CONTRIBUTING and the book's pages print can be typed as it stands; nothing is run to see it."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from whence import cli
from whence.resources import project_root
from whence.runs.grid import read
from whence.runs.job import plan
from whence.runs.params import UsageError, check_data_sets, find, notebooks
from whence.runs.sweep import cells

ROOT = project_root()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "book").glob("*.md"))]
FENCE = re.compile(r"^ *(```|~~~)\w*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"STUDY/NOTEBOOK": notebooks()[0], "<study>/<name>": notebooks()[0], "<name>": "photos"}


def commands(text):
    """The calls of `whence` in a page's code, one each, without comments and what is set or called before them."""
    lines = [line for _, block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    pieces = (piece.strip() for line in lines for piece in re.split(r"&&|\|\||[;|]|(?:^|\s)#.*", line))
    called = (re.sub(r"^(?:\$ |\w+=\S* |(?:\S*/)?bin/(?=whence))*", "", piece) for piece in pieces)
    return [piece for piece in called if re.match(r"whence +\w", piece)]


def check(command):
    """Raises what the command line raises when it refuses that before anything runs; a bare name of a command has to be one."""
    for placeholder, example in PLACEHOLDERS.items():
        command = command.replace(placeholder, example)
    words, parser = shlex.split(command)[1:], typer.main.get_command(cli.app)
    while words and hasattr(parser, "commands"):
        name = words.pop(0)
        if name not in parser.commands:
            raise UsageError(f"no command {name!r}")
        parser = parser.commands[name]
    if not words:
        return
    given = parser.make_context(name, words).params
    if name == "run":
        for notebook in notebooks() if given["everything"] else given["notebooks"]:
            plan(notebook, given["profile"], given["p"] or [])
    elif name == "sweep":
        if given["grid"] is None:  # a file of the reader's own
            cells(read(given["notebook"], given["profile"], given["p"] or []))
    elif name == "parameters":
        find(given["notebook"])
    elif name in ("fetch", "verify"):
        check_data_sets(given["names"])


PRINTED = [(page.relative_to(ROOT).as_posix(), command) for page in PAGES for command in commands(page.read_text())]


@pytest.mark.parametrize(("page", "command"), PRINTED)
def test_a_printed_command_is_one_that_is_accepted(page, command):
    check(command)


def test_the_pages_print_runs_with_values_of_ones_own():
    assert {page for page, command in PRINTED if re.match(r"whence run .*-p ", command)} >= {"README.md", "book/rerun.md"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```bash\nwhence run a/b -p x=1  # why\n```\n", ["whence run a/b -p x=1"]),
        (
            "```\nA=/b C= whence run a/b && whence book; cd .. | whence claims\n```\n",
            ["whence run a/b", "whence book", "whence claims"],
        ),
        ("1. A list:\n\n   ```bash\n   $ .venv/bin/whence run \\\n     a/b\n   ```\n", ["whence run       a/b"]),
        ("In prose, `whence run a/b` or `.venv/bin/whence book`.", ["whence run a/b", "whence book"]),
        ("`whence.stats`, `whence ...`, whence they came; `# whence run a/b`", []),
    ],
)
def test_commands_are_found_in_blocks_and_in_prose(text, found):
    assert commands(text) == found


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("whence run locality/no-such-notebook", "no notebook"),
        ("whence run STUDY/NOTEBOOK -p no_such_parameter=1", "has no parameter"),
        ("whence run STUDY/NOTEBOOK -p n_seeds=many", "expected int"),
        ("whence run STUDY/NOTEBOOK -p n_seeds=0", "expected int >= 1"),
        ("whence run STUDY/NOTEBOOK -p dataset=no-such-set", "no data set"),
        ("whence run STUDY/NOTEBOOK --profile tiny", "no profile"),
        ("whence run STUDY/NOTEBOOK --no-such-option", "No such option"),
        ("whence parameters locality/no-such-notebook", "no notebook"),
        ("whence data fetch no-such-set", "no data set"),
        ("whence sweep STUDY/NOTEBOOK -p seed=9..0 -p n_seeds=1", "holds no number"),
        ("whence sweep STUDY/NOTEBOOK -p seed=0..9", "covers the seeds"),
        ("whence runn", "no command"),
    ],
)
def test_a_command_that_would_be_refused_is_noticed(command, complaint):
    with pytest.raises(Exception, match=complaint):
        check(command)
