import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from whence.runs import record
from whence.runs.record import Record, book_records, read_record

RECORD = Record(
    notebook="locality/thing",
    parameters={"dataset": "photos", "sigma": 0.1, "n_seeds": 5, "sizes": [1, 2], "flag": True, "name": "σ"},
    profile="laptop",
    key="0123abcd",
    commit="f" * 40,
    clean=True,
    versions={"torch": "2.13.0"},
    device="a CPU",
    threads=1,
    wall_s=1.25,
    peak_mib=300.5,
    finished="2026-11-20T13:00:00Z",
    claims=[{"id": "locality/a", "value": 0.1 + 0.2, "verdict": "holds"}],
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("notebooks", "data/runs", "book/studies"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "_config.yml").touch()
    (tmp_path / "data/registry.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_what_is_read(tmp_path):
    RECORD.write(tmp_path / "new/folder")
    assert read_record(tmp_path / "new/folder/run.json") == RECORD


def test_rows_and_values_are_a_line_each_and_texts_are_as_they_were(tmp_path):
    rows = [[0.5, "a, b"], [None, "[\n 1,\n 2\n ]"], [1, "{}"]]
    made = replace(RECORD, numbers={"t": {"columns": ["x", "y"], "rows": rows}})
    made.write(tmp_path)
    assert read_record(tmp_path / "run.json") == made
    lines = [line.strip().rstrip(",") for line in (tmp_path / "run.json").read_text().splitlines()]
    assert {'[0.5, "a, b"]', '"columns": ["x", "y"]', '"sizes": [1, 2]'} <= set(lines)


def test_a_record_from_before_there_were_tables_is_read(tmp_path):
    older = {name: value for name, value in asdict(RECORD).items() if name not in ("numbers", "joined", "parts")}
    (tmp_path / "run.json").write_text(json.dumps(older))
    assert read_record(tmp_path / "run.json") == RECORD


def test_equal_records_are_equal_bytes(tmp_path):
    RECORD.write(tmp_path / "a")
    replace(RECORD, parameters=dict(reversed(RECORD.parameters.items()))).write(tmp_path / "b")
    assert (tmp_path / "a/run.json").read_bytes() == (tmp_path / "b/run.json").read_bytes()


def test_a_record_of_a_later_version_is_read_without_what_is_unknown(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**asdict(RECORD), "weather": "rain"}))
    assert read_record(path) == RECORD


@pytest.mark.parametrize("length", [0, 1, 50, -3])
def test_a_truncated_record_is_refused_by_its_name_with_the_mend(tmp_path, length):
    RECORD.write(tmp_path)
    path = tmp_path / "run.json"
    path.write_text(path.read_text()[:length])
    with pytest.raises(ValueError, match=r"run\.json: not a readable run record \(.*delete the folder of this one run, .* repeat"):
        read_record(path)


@pytest.mark.parametrize(
    ("place", "mend"),
    [
        ("book/studies/locality/thing.json", "publish it again, which replaces it: whence book"),
        ("data/runs/locality/thing/ff/run.json", "version control: git checkout HEAD -- data/runs/locality/thing/ff/run.json"),
        ("_build/runs/locality/thing/ff/run.json", "delete the folder of this one run, {home}/_build/runs/locality/thing/ff, and"),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_the_mend_of_a_damaged_record_fits_the_place_where_it_lies(project, place, mend, relative):
    """The folder of a published record holds the pages of a whole study: to delete it would lose them."""
    path = project / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    with pytest.raises(ValueError, match="not a readable run record") as caught:
        read_record(Path(place) if relative else path)
    assert mend.format(home=project.resolve()) in str(caught.value)
    assert ("delete" in str(caught.value)) == place.startswith("_build")


@pytest.mark.parametrize("content", ["[]", "null", "3", "{}", '{"notebook": "locality/thing"}', "\\xff"])
def test_what_is_json_and_no_record_is_refused_too(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content.encode().decode("unicode_escape").encode("latin-1"))
    with pytest.raises(ValueError, match="not a readable run record"):
        read_record(path)


def test_a_record_that_is_not_there_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.json: not a readable run record"):
        read_record(tmp_path / "absent.json")


@pytest.mark.parametrize(("parameters", "dataset"), [({"dataset": "mnist"}, "mnist"), ({"sigma": 1}, "-"), ({}, "-")])
def test_the_data_set_is_the_one_the_parameters_name(parameters, dataset):
    assert replace(RECORD, parameters=parameters).dataset == dataset


def test_folders_are_those_of_the_project_one_stands_in(project):
    assert record.root() == project
    assert record.runs_dir() == project / "_build/runs"
    assert record.published_dir() == project / "book/studies"
    assert record.committed_dir() == project / "data/runs"


def test_outside_of_a_checkout_one_is_told_to_go_there(monkeypatch):
    monkeypatch.setattr(record, "project_root", lambda: None)  # as an installed wheel answers, see tests/ground/test_resources.py
    with pytest.raises(FileNotFoundError, match=r"cd into it \(the folder with _config\.yml and notebooks/\)"):
        record.runs_dir()


def publish(project, name, made):
    made.write(project / "made")
    path = project / "book/studies" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    (project / "made/run.json").rename(path)


def test_the_book_speaks_of_what_is_published_and_what_is_committed(project):
    assert book_records() == []
    publish(project, "locality/thing", RECORD)
    paper = replace(RECORD, profile="paper", key="ff")
    paper.write(project / "data/runs/locality/thing/ff")
    other = replace(RECORD, notebook="locality/another")
    publish(project, "locality/another", other)
    assert book_records() == [other, RECORD, paper]


@pytest.mark.parametrize(("first", "second"), [("aa", "bb"), ("bb", "aa")])
def test_of_equal_experiments_the_one_that_finished_last_comes_last(project, first, second):
    """The claims table lets the last one count, whatever its key and wherever it lies."""
    old = replace(RECORD, key=first, finished="2026-11-20T13:00:00Z")
    new = replace(RECORD, key=second, finished="2026-11-21T09:00:00Z")
    publish(project, "locality/thing", new)
    old.write(project / "data/runs/old")
    assert [made.key for made in book_records()] == [first, second]


def test_a_damaged_record_stops_the_book_by_its_name(project):
    publish(project, "locality/thing", RECORD)
    (project / "book/studies/locality/broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json"):
        book_records()
