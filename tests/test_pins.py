"""One set of pins for pip, uv and conda, and the environment these tests run in is that one."""

import re
import tomllib
from importlib import metadata

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from whence.resources import project_root

ROOT = project_root()
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = BUILD["project"]
DIRECT = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
CLUSTER = PROJECT["optional-dependencies"]["cluster"]  # in the lock, but `make test` does not install it
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
ACCELERATOR = re.compile(r"nvidia-.*|cuda-.*|triton")  # what torch brings along for a GPU: it pins each of them itself


def pins(lines):
    """Name -> version of lines that say name==version and nothing else."""
    found = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+]+)", line)
        assert match, f"{line!r} does not pin one version"
        name = canonicalize_name(match[1])
        assert name not in found, f"{name} stands twice"
        found[name] = match[2]
    return found


def lock():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.lock").read_text().splitlines())
    return pins(line for line in lines if line)


def conda_pip():
    (section,) = (item["pip"] for item in CONDA["dependencies"] if isinstance(item, dict))
    return section


def closure(*queue):
    """Every installed distribution that these (name, extra) need here, transitively."""
    seen, names = set(), set()
    while queue:
        (name, extra), *queue = queue
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        names.add(name)
        for requirement in map(Requirement, metadata.requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                queue += [(canonicalize_name(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    return names


def test_every_direct_requirement_is_pinned_and_is_in_the_lock_at_that_version():
    direct = pins(DIRECT)
    assert direct.items() <= lock().items()


def test_the_cluster_extra_is_pinned_by_the_same_lock_and_is_no_part_of_the_tests_environment():
    assert pins(CLUSTER).items() <= lock().items()
    assert not set(pins(CLUSTER)) & set(pins(DIRECT))


def test_dev_and_cluster_fit_together():
    """What snakemake asks of packages that both need: these bounds moved the pins of packaging and SQLAlchemy down once."""
    for bound in map(
        Requirement, ("packaging<26,>=24", "SQLAlchemy<2.1.0,>=2.0.14", "docutils<0.23,>=0.20", "tenacity<10,>=9.1.4")
    ):
        assert Version(lock()[canonicalize_name(bound.name)]) in bound.specifier


def test_conda_gets_the_same_direct_requirements_the_lock_and_the_package():
    first, *middle, last = conda_pip()
    assert (first, last) == ("-c requirements.lock", "-e .[dev]")
    assert pins(middle) == pins(DIRECT)


def test_conda_takes_python_and_pip_and_nothing_else_from_its_own_channel():
    assert (CONDA["name"], CONDA["channels"]) == ("whence", ["conda-forge", "nodefaults"])
    python, pip, section = CONDA["dependencies"]
    assert pip == "pip"
    assert list(section) == ["pip"]
    name, version = python.split("=")
    assert name == "python"
    assert version in Requirement(f"python{PROJECT['requires-python']}").specifier
    assert version.count(".") == 1


def test_what_the_wheel_takes_along_is_there():
    carried = BUILD["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"data/registry.toml", "data/networks", "data/runs"} <= set(carried)
    assert all((ROOT / path).exists() and inside == f"whence/_resources/{path}" for path, inside in carried.items())


def test_torch_is_pinned_without_a_local_tag():
    for found in (pins(DIRECT), lock(), pins(conda_pip()[1:-1])):
        assert Version(found["torch"]).local is None


def test_what_is_installed_is_what_the_lock_says():
    installed = {canonicalize_name(d.metadata["Name"]): Version(d.version).public for d in metadata.distributions()}
    mend = "mend with: pip install -c requirements.lock -e .[dev]"
    assert set(pins(DIRECT)) <= set(installed), mend
    # what the lock has besides is needed on another system or by another Python
    assert {n: v for n, v in installed.items() if n in lock()} == {n: v for n, v in lock().items() if n in installed}, mend


def test_nothing_that_the_environment_needs_is_left_unpinned():
    needed = closure(("whence", ""), ("whence", "dev")) - {"whence"}
    assert {name for name in needed if not ACCELERATOR.fullmatch(name)} <= set(lock())


def test_the_citation_file_is_valid_and_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all({"name"} <= set(author) or {"family-names", "given-names"} <= set(author) for author in citation["authors"])
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]


def test_the_installed_package_is_this_version():
    assert metadata.version("whence") == PROJECT["version"]


def test_the_changelog_has_a_place_for_this_version():
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings
    assert headings[0] in ("Unreleased", PROJECT["version"])
