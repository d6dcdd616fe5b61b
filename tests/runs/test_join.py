from __future__ import annotations

import json
from dataclasses import replace

import pytest

from whence.claims.ledger import judge
from whence.runs.join import join, key_of, seeds
from whence.runs.record import Record, read_record

PARAMETERS = {"dataset": "digits", "seed": 0, "n_seeds": 1, "scale": 1.0}
CELL = '# %% tags=["parameters"]\ndataset: str = "photos"\nseed: int = 0\nn_seeds: int = 5\nscale: float = 1.0\n\n'
WITHOUT_COUNT = '# %% tags=["parameters"]\nseed: int = 0\nscale: float = 1.0\n\n'


def claim_of(identity, values):
    return {"id": identity, "value": values[0], "values": list(values), "verdict": "undecided"}


def record(seed, claims=(), n_seeds=1, numbers=None, **fields):
    made = Record(
        notebook="locality/a",
        parameters=PARAMETERS | {"seed": seed, "n_seeds": n_seeds},
        profile=f"laptop -p seed={seed} -p n_seeds={n_seeds}",
        key=f"{seed:016x}",
        commit="c" * 40,
        clean=True,
        versions={"torch": "2.13.0"},
        device="a CPU",
        threads=1,
        wall_s=2.0,
        peak_mib=100.0 + seed,
        finished=f"2026-11-20T13:00:{seed:02d}+00:00",
        claims=list(claims),
        parts={"code": "x", "parameters": str(seed)},
        numbers=numbers or {},
    )
    return replace(made, **fields)


@pytest.fixture
def ledger(notebook, claim):
    """A notebook with one claim over seeds and a deterministic one; their ids."""
    notebook("a", parameters=CELL)
    over, exact = claim("a", "over-seeds"), claim("a", "exact")
    path = notebook("a", parameters=CELL).with_name("claims.toml")
    head, tail = path.read_text().rsplit("[[claim]]", 1)
    path.write_text(f"{head}[[claim]]\ndeterministic = true{tail}")
    return over, exact


VALUES = [0.3, 0.1, 0.9, 0.4, 0.7]


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1], [2, 3], [4, 1]])
def test_the_joined_verdict_is_that_of_one_run_with_all_seeds_however_they_were_cut(ledger, cuts):
    over, _ = ledger
    starts = [sum(cuts[:i]) for i in range(len(cuts))]
    runs = [record(s, [claim_of(over, VALUES[s : s + n])], n) for s, n in zip(starts, cuts, strict=True)]
    made, left_out = (joined := join(runs[::-1], "laptop")).record, joined.left_out  # in whatever order they finished
    whole = judge(over, VALUES)
    (claim,) = made.claims
    assert left_out == []
    assert claim == {**vars(whole), "values": VALUES}
    assert claim["verdict"] != "undecided"
    assert (made.parameters["seed"], made.parameters["n_seeds"], made.dataset) == (0, 5, "digits")


def test_a_joined_record_says_of_which_runs_it_is_made_and_what_they_cost(ledger):
    made = join([record(1, commit="d" * 40, device="another CPU"), record(0), record(2)], "laptop").record
    assert [cell["key"] for cell in made.joined] == [record(s).key for s in range(3)]
    assert made.joined[1] == {"key": record(1).key, "seed": 1, "n_seeds": 1, "commit": "d" * 40}
    assert made.key == key_of([record(s).key for s in range(3)])
    assert (made.wall_s, made.peak_mib, made.device) == (6.0, 102.0, "a CPU, another CPU")
    assert (made.commit, made.clean, made.finished) == ("c" * 40, False, record(2).finished)
    assert made.profile == "laptop -p n_seeds=3"
    assert made.parts["code"] == "x"
    assert made.parts["parameters"] not in "012"


def test_runs_of_one_clean_commit_are_one(ledger):
    assert join([record(0), record(1)], "laptop").record.clean
    assert not join([record(0), record(1, clean=False)], "laptop").record.clean


def test_a_joined_record_is_written_and_read_as_any_other(ledger, tmp_path):
    over, exact = ledger
    table = {"t": {"columns": ["x", "name"], "rows": [[0.5, "a [b], {c}"], [None, "d"]]}}
    runs = [record(s, [claim_of(over, [VALUES[s]]), claim_of(exact, [2.0])], numbers=table) for s in range(3)]
    made = join(runs, "laptop").record
    made.write(tmp_path / "joined")
    assert read_record(tmp_path / "joined" / "run.json") == made
    text = (tmp_path / "joined" / "run.json").read_text()
    assert "[0.3, 0.1, 0.9]" in text  # a row is a line
    assert json.loads(text)["numbers"]["t"]["rows"][1] == [0, None, "d"]


def test_a_single_run_is_given_back_as_it_is(ledger):
    one = record(3, [claim_of(ledger[0], [0.5])], numbers={"t": {"columns": ["x"], "rows": [[1]]}})
    assert join([one], "laptop").record is one


def test_a_deterministic_claim_agrees_and_is_judged_as_one_value(ledger):
    _, exact = ledger
    made = join([record(s, [claim_of(exact, [2.0 + 1e-9 * s])]) for s in range(3)], "laptop").record
    assert (made.claims[0]["values"], made.claims[0]["n_seeds"], made.claims[0]["verdict"]) == ([2.0], 1, "holds")


def test_a_deterministic_claim_that_differs_is_refused_with_the_mend(ledger):
    _, exact = ledger
    runs = [record(s, [claim_of(exact, [2.0 + (s == 2)])]) for s in range(3)]
    with pytest.raises(
        ValueError, match=r"exact is marked deterministic, but is 2\.0 with seed 0 and 3\.0 with seed 2: .*the mark"
    ):
        join(runs, "laptop")


@pytest.mark.parametrize(
    ("second", "complaint"),
    [([], "not reported by seed 1, so it is left out"), ([[0.1, 0.2]], "not one value a seed in seed 1, so it is left out")],
)
def test_a_claim_that_not_every_run_reports_a_seed_each_is_left_out_by_name(ledger, second, complaint):
    over, exact = ledger
    whole = [claim_of(exact, [2.0])]
    runs = [record(0, [claim_of(over, [0.3]), *whole]), record(1, [*(claim_of(over, v) for v in second), *whole])]
    made = join(runs, "laptop")
    assert [claim["id"] for claim in made.record.claims] == [exact]
    assert made.left_out == [f"{over}: {complaint}"]


def test_tables_are_joined_over_seeds_and_unlike_ones_left_out(ledger):
    tables = [{"t": {"columns": ["x"], "rows": [[s]]}, "u": {"columns": [f"x{s}"], "rows": []}} for s in range(2)]
    made = join([record(0, numbers=tables[0]), record(1, numbers=tables[1]), record(2, numbers=tables[1])], "laptop")
    assert made.record.numbers == {"t": {"columns": ["seed", "x"], "rows": [[0, 0], [1, 1], [2, 1]]}}
    assert made.left_out == ["table u: columns ['x0'] and ['x1'] in runs of the same sweep, so it is left out"]
    less = join([record(0, numbers=tables[0]), record(1)], "laptop")
    assert (less.record.numbers, less.left_out[0]) == ({}, "table t: not kept by seed 1, so it is left out")


def test_seeds_that_are_not_counted_up_are_listed_in_the_label(ledger):
    assert join([record(0), record(4), record(9)], "laptop").record.profile == "laptop -p n_seeds=3 -p seed=0,4,9"
    assert join([record(3), record(4), record(5)], "laptop").record.profile == "laptop -p seed=3 -p n_seeds=3"


def test_a_notebook_that_does_not_count_its_seeds_covers_one_a_run(notebook, claim):
    notebook("a", parameters=WITHOUT_COUNT)
    over = claim("a")
    runs = [record(s, [claim_of(over, [v])], parameters={"seed": s, "scale": 1.0}) for s, v in enumerate(VALUES)]
    made = join(runs, "laptop").record
    assert (made.claims[0]["n_seeds"], made.parameters, made.profile) == (5, {"seed": 0, "scale": 1.0}, "laptop -p seed=0..4")


def test_the_seeds_of_a_run_are_counted_up_from_its_first():
    assert seeds({"seed": 3, "n_seeds": 4}) == range(3, 7)
    assert seeds({"seed": 3}) == range(3, 4)
    assert seeds({}) == range(1)
