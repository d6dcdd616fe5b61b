"""The workflows on GitHub run our own commands, with pinned actions and the least rights."""

import re
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from typer.main import get_command

from whence.cli import app
from whence.resources import project_root

ROOT = project_root()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def load(path):
    return yaml.safe_load(path.read_text())


def steps(path):
    return [(job, step) for job in load(path)["jobs"].values() for step in job["steps"]]


def test_there_are_the_three():
    assert [path.stem for path in WORKFLOWS] == ["ci", "publish", "weekly"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_version(path):
    used = [step["uses"] for _, step in steps(path) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+(\.\d+)*", name)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_that_may_write_runs_none_of_our_code(path):
    workflow = load(path)
    assert set(workflow["permissions"].values()) <= {"read"}
    for job in workflow["jobs"].values():
        rights = workflow["permissions"] | job.get("permissions", {})
        commands = " ".join(step.get("run", "") for step in job["steps"])
        if "write" in rights.values():
            assert not re.search(r"make |python|whence ", commands)
        else:
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_a_time_limit(path):
    assert all(job["timeout-minutes"] <= 120 for job in load(path)["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_commands_they_run_exist(path):
    targets = set(re.findall(r"^([\w.$()/]+):", (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv"), re.M))
    group = get_command(app)
    for _, step in steps(path):
        command = step.get("run", "")
        assert set(re.findall(r"\bmake (\S+)", command)) <= targets
        for words in re.findall(r"bin/whence ([^\n>|]+)", command):
            check(group, words.split())


def check(command, words):
    """Every word is a command, one of its options, or an argument where it takes any."""
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
        elif word.startswith("-"):
            assert word in {name for p in command.params for name in (*p.opts, *p.secondary_opts)}, word
        else:
            assert any(p.param_type_name == "argument" for p in command.params), word


def test_the_oldest_and_the_newest_python_are_tried():
    tried = load(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    allowed = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])]
    assert (tried[0], tried[-1]) == (allowed[0], allowed[-1])


def test_what_is_published_is_what_make_book_makes():
    paths = {
        step["uses"].split("@")[0]: step["with"]["path"]
        for _, step in steps(ROOT / ".github/workflows/publish.yml")
        if "with" in step and "path" in step["with"]
    }
    assert paths["actions/upload-pages-artifact"] == "_build/html"
    assert paths["actions/upload-artifact"] == paths["actions/download-artifact"] == "book/studies"
