from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from whence.claims.numbers import LARGEST, Table, join, keep, kept, reported


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run goes on; its folder."""
    monkeypatch.setenv("WHENCE_RUN_DIR", str(tmp_path))
    return tmp_path


def committed(project, label, dataset, finished="2026-11-20", profile="laptop", notebook="locality/a", **tables):
    """Commit a record that holds these tables."""
    folder = project / "data" / "runs" / notebook / label
    folder.mkdir(parents=True)
    record = {"parameters": {"dataset": dataset}, "finished": finished, "profile": profile, "numbers": tables}
    (folder / "run.json").write_text(json.dumps(record))
    return folder / "run.json"


def one(value):
    return {"columns": ["x"], "rows": [[value]]}


def test_what_is_kept_is_what_is_reported(run):
    columns = {
        "seed": [0, 1],
        "r2": torch.tensor([0.5, 0.25]),
        "name": ["LS", "Wiener"],
        "n": np.array([1, 2]),
        "free": [None, True],
    }
    table = keep("agreement", columns)
    keep("second", {"x": (1.0,)})
    assert reported(run) == {
        "agreement": {
            "columns": ["seed", "r2", "name", "n", "free"],
            "rows": [[0, 0.5, "LS", 1, None], [1, 0.25, "Wiener", 2, True]],
        },
        "second": one(1.0),
    }
    assert table.column("r2") == [0.5, 0.25]
    assert table.where(name="Wiener", seed=1).rows == ((1, 0.25, "Wiener", 2, True),)
    assert table.where(seed=7).rows == ()


def test_without_a_run_a_table_is_given_back_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("WHENCE_RUN_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert keep("t", {"x": [1]}).rows == ((1,),)
    assert list(tmp_path.iterdir()) == []
    assert reported(tmp_path) == {}


def test_numbers_are_kept_to_seven_digits(run):
    value = 1 / 3e5
    assert keep("t", {"x": [value, float(np.float32(0.1))]}).column("x") == [3.333333e-06, 0.1]


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"x": [1, math.nan]}, "table 't', column 'x', row 1: nan is not a finite number"),
        ({"x": [math.inf]}, "inf is not a finite number"),
        ({"x": ["a" * 101]}, "nor a text of at most 100 characters"),
        ({"x": [[1, 2]]}, r"\[1, 2\] is not a finite number"),
        ({"x": torch.zeros(2, 2)}, "is not a finite number"),
        ({"x": [1], "y": [1, 2]}, r"columns of lengths \{'x': 1, 'y': 2\}"),
        ({}, "expected at least one"),
    ],
)
def test_what_is_no_table_of_plain_values_is_refused_and_not_written(run, columns, complaint):
    with pytest.raises(ValueError, match=complaint):
        keep("t", columns)
    assert reported(run) == {}


def test_more_than_a_record_should_hold_is_refused_and_what_was_kept_before_stays(run):
    keep("first", {"x": list(range(1000))})
    with pytest.raises(ValueError, match=r"expected at most 200,000 in one run: keep a summary"):
        keep("second", {"x": ["a" * 90] * (LARGEST // 94)})
    assert list(reported(run)) == ["first"]


def test_a_name_kept_twice_is_refused(run):
    keep("t", {"x": [1]})
    keep("t", {"x": [1]})
    with pytest.raises(ValueError, match="table 't' is kept more than once"):
        reported(run)


def test_a_column_that_there_is_not_is_named_with_those_there_are():
    table = Table(("a", "b"), ((1, 2),))
    with pytest.raises(KeyError, match=r"no column 'c' \(columns: a, b\)"):
        table.column("c")
    with pytest.raises(KeyError, match="no column 'c'"):
        table.where(c=1)


def test_a_table_is_shown_as_one():
    shown = Table(("a", "b"), ((1, 0.123456), (None, "x|y")))._repr_markdown_()
    assert shown.splitlines() == ["| a | b |", "| --- | --- |", "| 1 | 0.1235 |", "| – | x\\|y |"]


def test_the_committed_table_of_a_data_set_is_found_and_of_several_the_last(project, monkeypatch):
    monkeypatch.delenv("WHENCE_RECORDS", raising=False)
    committed(project, "cifar10", "cifar10", "2026-11-20", t=one(1))
    committed(project, "cifar10-paper", "cifar10", "2026-11-22", "paper -p n_seeds=3", t=one(2))
    committed(project, "later", "cifar10", "2026-11-23", other=one(3))
    committed(project, "mnist", "mnist", "2026-11-24", t=one(4))
    assert kept("locality/a", "cifar10", "t").column("x") == [2]
    assert kept("locality/a", "cifar10", "t", profile="laptop").column("x") == [1]
    assert kept("locality/a", "mnist", "t").column("x") == [4]


def test_where_nothing_is_committed_there_is_no_table(project, monkeypatch):
    monkeypatch.delenv("WHENCE_RECORDS", raising=False)
    committed(project, "cifar10", "cifar10", t=one(1))
    assert kept("locality/b", "cifar10", "t") is None
    assert kept("locality/a", "photos", "t") is None
    assert kept("locality/a", "cifar10", "u") is None
    assert kept("locality/a", "cifar10", "t", profile="paper") is None


def test_a_run_from_which_records_are_hidden_finds_none(project, monkeypatch):
    committed(project, "cifar10", "cifar10", t=one(1))
    monkeypatch.setenv("WHENCE_RECORDS", "hidden")
    assert kept("locality/a", "cifar10", "t") is None


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"parameters": 3}'])
def test_a_damaged_record_is_refused_by_its_name_with_the_mend(project, monkeypatch, content):
    monkeypatch.delenv("WHENCE_RECORDS", raising=False)
    committed(project, "cifar10", "cifar10", t=one(1)).write_text(content)
    with pytest.raises(
        ValueError, match=r"cifar10/run\.json: not a readable run record .*git checkout HEAD -- data/runs/locality/a"
    ):
        kept("locality/a", "cifar10", "t")


def test_an_older_record_without_tables_holds_none(project, monkeypatch):
    monkeypatch.delenv("WHENCE_RECORDS", raising=False)
    path = committed(project, "cifar10", "cifar10")
    path.write_text(json.dumps({"parameters": {"dataset": "cifar10"}}))
    assert kept("locality/a", "cifar10", "t") is None


def test_tables_of_several_seeds_become_one_with_the_seed_in_front():
    tables = [(0, {"columns": ["s", "x"], "rows": [[1, 2], [3, 4]]}), (7, {"columns": ["s", "x"], "rows": [[5, 6]]})]
    assert join(tables) == {"columns": ["seed", "s", "x"], "rows": [[0, 1, 2], [0, 3, 4], [7, 5, 6]]}


def test_a_table_that_says_the_seed_keeps_its_own():
    tables = [(0, {"columns": ["x", "seed"], "rows": [[1, 0], [2, 1]]}), (2, {"columns": ["x", "seed"], "rows": [[3, 2]]})]
    assert join(tables) == {"columns": ["x", "seed"], "rows": [[1, 0], [2, 1], [3, 2]]}


def test_tables_of_unlike_columns_are_not_joined():
    with pytest.raises(ValueError, match=r"columns \['x'\] and \['y'\]"):
        join([(0, one(1)), (1, {"columns": ["y"], "rows": [[1]]})])
