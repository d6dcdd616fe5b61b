from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import whence
from whence.runs import key
from whence.runs.job import plan
from whence.runs.params import NotebookError

MODULES = {
    "__init__.py": "",
    "top.py": "from pkg.rooms import first\n",
    "rooms/__init__.py": "",
    "rooms/first.py": "import numpy\n\n\ndef f():\n    from .second import g\n    return g\n",
    "rooms/second.py": "from pkg import ground\ng = 1\n",
    "rooms/unused.py": "h = 1\n",
    "ground.py": "import pkg.top  # a cycle\nz = 1\n",
}


@pytest.fixture
def package(tmp_path):
    """A package `pkg` of a few modules, and a file that imports one of them."""
    for name, text in MODULES.items():
        (tmp_path / "pkg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pkg" / name).write_text(text)
    (tmp_path / "user.py").write_text("import os\nfrom pkg.top import first\n")
    return tmp_path / "pkg"


def code(package):
    return key.code(package.parent / "user.py", package)


def test_the_code_is_everything_imported_directly_or_through_others(package):
    assert set(code(package)) == {"pkg", "pkg.top", "pkg.rooms", "pkg.rooms.first", "pkg.rooms.second", "pkg.ground"}


@pytest.mark.parametrize("module", ["__init__.py", "top.py", "rooms/__init__.py", "rooms/second.py", "ground.py"])
def test_a_change_in_a_module_imported_through_others_counts(package, module):
    before = code(package)
    (package / module).write_text(MODULES[module] + "changed = True\n")
    assert code(package) != before


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("rooms/unused.py", "h = 2\n"),
        ("rooms/second.py", "# a comment\nfrom pkg import ground\n\n\ng = (\n    1\n)  # why\n"),
    ],
)
def test_modules_not_imported_comments_and_layout_do_not_count(package, module, text):
    before = code(package)
    (package / module).write_text(text)
    assert code(package) == before


def test_a_module_named_after_from_counts_as_one(package):
    (package.parent / "user.py").write_text("from pkg.rooms import unused, first as f\n")
    assert {"pkg.rooms.unused", "pkg.rooms.first"} <= set(code(package))


def test_code_that_is_not_python_is_refused_with_its_line(package):
    (package / "ground.py").write_text("z = 1\nz = = 2\n")
    with pytest.raises(NotebookError, match=r"ground\.py, line 2"):
        code(package)


def parts(*overrides, profile="laptop", name="locality/a"):
    return plan(name, profile, overrides).parts


def test_the_key_knows_which_part_changed(notebook, claim):
    path = notebook("a", "print(1)")
    before = parts()
    assert key.changed(before, parts("seed=1")) == ["parameters"]
    claim("a")
    assert key.changed(before, parts()) == ["claims"]
    before = parts()
    path.write_text(path.read_text().replace("print(1)", "print(2)"))
    assert key.changed(before, parts()) == ["notebook"]


def test_a_claim_of_another_notebook_does_not_count(notebook, claim):
    notebook("a")
    before = parts()
    claim("b")
    assert parts() == before


def test_the_header_and_blank_lines_of_a_notebook_do_not_count_but_cell_metadata_does(notebook):
    path = notebook("a", "print(1)")
    before, text = parts(), path.read_text()
    path.write_text("# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       extension: .py\n# ---\n\n" + text)
    assert parts() == before
    path.write_text(text.replace("# %%\nprint(1)", "\n\n\n# %%\nprint(1)"))
    assert parts() == before
    path.write_text(text.replace("# %%\nprint(1)", '# %% tags=["hide-input"]\nprint(1)'))
    assert key.changed(before, parts()) == ["notebook"]


def test_what_a_notebook_imports_is_part_of_its_key(notebook):
    assert key.code(notebook("a", "1")) == {}
    assert set(key.code(notebook("b", "from whence.noise import log_grid"))) == {"whence", "whence.noise"}


@pytest.fixture
def runner(tmp_path):
    """A copy of the code, to be edited; its folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(Path(whence.__file__).parent, tmp_path / "site" / "whence", ignore=ignored)


def planned(package):
    """The parts that a fresh interpreter finds with that copy of the code."""
    code = "import json; from whence.runs.job import plan; print(json.dumps(plan('locality/a').parts))"
    surroundings = os.environ | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return json.loads(subprocess.check_output([sys.executable, "-c", code], env=surroundings, text=True))


def test_a_change_in_how_a_notebook_is_kept_makes_it_anew(notebook, runner):
    """Else the book would go on showing what the code of today does not make."""
    notebook("a", "1")
    before, path = planned(runner), runner / "runs" / "normalise.py"
    path.write_text(path.read_text().replace("Set for this run", "Given to this run"))
    assert key.changed(before, planned(runner)) == ["code"]


@pytest.mark.parametrize("module", ["kernel", "normalise", "worker"])
def test_what_makes_the_executed_notebook_counts_but_not_its_comments(runner, module):
    before, path = key.makers(runner), runner / "runs" / f"{module}.py"
    path.write_text(f"# why\n\n{path.read_text()}")
    assert key.makers(runner) == before
    path.write_text(f"{path.read_text()}\nchanged = True\n")
    assert [name for name, found in key.makers(runner).items() if found != before[name]] == [f"runner {module}"]


def test_what_only_reports_on_runs_does_not_count(notebook, runner):
    notebook("a", "1")
    before = planned(runner)
    for module in ("show", "progress", "doctor", "publish"):
        path = runner / "runs" / f"{module}.py"
        path.write_text(f"{path.read_text()}\nchanged = True\n")
    assert planned(runner) == before


def test_names_of_profiles_and_the_order_of_parameters_do_not_count(notebook, project):
    notebook("a")
    (project / "notebooks" / "profiles.toml").write_text('[smoke."locality/a"]\nseed = 3\n')
    smoke, laptop = plan("locality/a", "smoke"), plan("locality/a", "laptop", ["seed=3"])
    assert smoke.key == laptop.key != plan("locality/a", "laptop").key
    turned = dict(reversed(smoke.parameters.items()))
    assert key.parts("locality/a", turned) == smoke.parts


def test_an_int_given_for_a_float_is_the_same_run(notebook):
    notebook("a")
    assert plan("locality/a", "laptop", ["scale=2"]).key == plan("locality/a", "laptop", ["scale=2.0"]).key


def test_the_data_set_counts_by_its_entry_in_the_registry(notebook, project):
    notebook("a", parameters='# %% tags=["parameters"]\ndataset: str = "photos"\n')
    before = parts()
    assert key.changed(before, parts("dataset=digits")) == ["parameters", "data"]
    path = project / "data" / "registry.toml"
    path.write_text(path.read_text().replace('title = "Photographs', 'title = "Some photographs'))
    assert key.changed(before, parts()) == ["data"]


def trained(project, name, content):
    path = project / "data" / "networks" / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_networks_that_come_with_the_project_count_for_a_notebook_that_trains_and_no_other(notebook, project):
    notebook("a", "from whence.train.learn import learn")
    notebook("b", "from whence.noise import log_grid")
    path = trained(project, "unet-01234567", b"one")
    before, other = parts(), parts(name="locality/b")
    assert "networks" not in other
    path.write_bytes(b"two")
    assert key.changed(before, parts()) == ["networks"]
    path.write_bytes(b"one")
    assert parts() == before
    trained(project, "dit-01234567", b"three")
    assert key.changed(before, parts()) == ["networks"]
    (path.parent / "README.md").touch()
    assert parts(name="locality/b") == other


def committed(project, name, label="cifar10", finished="2026-11-20"):
    path = project / "data" / "runs" / "locality" / name / label / "run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"finished": "{finished}"}}')


SHOWS = "from whence.claims.numbers import kept"


def test_committed_records_count_for_a_notebook_that_shows_kept_tables(notebook, project):
    notebook("a", SHOWS)
    notebook("b", "1")
    before, other = parts(), parts(name="locality/b")
    committed(project, "b")
    assert parts() == before  # of another notebook
    committed(project, "a")
    assert key.changed(before, parts()) == ["records"]
    before = parts()
    committed(project, "a", finished="2026-11-21")
    assert key.changed(before, parts()) == ["records"]
    assert "records" not in other
    assert parts(name="locality/b") == other


def test_records_of_another_notebook_count_where_its_name_is_a_string_of_the_code(notebook, project):
    notebook("a", f'{SHOWS}\nkept("locality/b", "cifar10", "t")')
    notebook("b", "1")
    before = parts()
    committed(project, "b")
    assert key.changed(before, parts()) == ["records"]


def test_a_run_with_settings_of_its_own_sees_no_records_so_keeping_one_makes_no_cell_of_its_sweep_stale(notebook, project):
    notebook("a", SHOWS, parameters='# %% tags=["parameters"]\ndataset: str = "photos"\nseed: int = 0\n')
    (project / "notebooks" / "profiles.toml").write_text(
        '[smoke."locality/a"]\nseed = 3\n[paper."locality/a"]\ndataset = "digits"\n'
    )
    own = [parts("seed=1"), parts("dataset=digits"), parts("dataset=digits", "seed=3"), parts(profile="paper")]
    book = [parts(), parts(profile="smoke"), parts("seed=3")]
    committed(project, "a")
    assert [parts("seed=1"), parts("dataset=digits"), parts("dataset=digits", "seed=3"), parts(profile="paper")] == own
    assert {found["records"] for found in own} == {key.UNSEEN}
    assert [key.changed(old, new) for old, new in zip(book, [parts(), parts(profile="smoke"), parts("seed=3")], strict=True)] == [
        ["records"]
    ] * 3


def test_an_earlier_record_that_knew_fewer_parts_is_said_to_differ_in_them():
    assert key.changed({"code": "x"}, {"code": "x", "networks": "y"}) == ["networks"]


def test_a_label_tells_what_was_set_beyond_the_profile(notebook):
    notebook("a", parameters='# %% tags=["parameters"]\ndataset: str = "photos"\nseed: int = 0\n')
    assert plan("locality/a", "laptop", ["dataset=digits", "seed=0"]).profile == "laptop"
    assert plan("locality/a", "smoke", ["seed=4"]).profile == "smoke -p seed=4"
