from dataclasses import dataclass, field, replace

import pytest

from whence.claims.ledger import FAILS, HOLDS, NOT_RUN, UNDECIDED, Claim, Published, Test
from whence.claims.table import quoted, rows, score


@dataclass(frozen=True)
class Run:
    notebook: str = "locality/thing"
    profile: str = "laptop"
    key: str = "k1"
    device: str = "a CPU"
    dataset: str = "photos"
    claims: list = field(default_factory=list)


CLAIM = Claim(
    id="locality/a",
    statement="A.",
    source="wiener1949",
    where="p. 1",
    measure="how much",
    notebook="locality/thing",
    test=Test.parse({"above": 1.0}),
    written="2026-11-20",
)


def claims(*changes):
    made = [replace(CLAIM, id=f"locality/{letter}", **change) for letter, change in zip("abc", changes, strict=False)]
    return {claim.id: claim for claim in made}


def measured(name="locality/a", value=2.0, verdict=HOLDS):
    return {
        "id": name,
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "n_seeds": 5,
        "verdict": verdict,
        "values": [value],
    }


def figure(label="seen", dataset="cifar10"):
    return {"published": Published(0.5, label, dataset)}


def test_a_claim_that_nothing_measured_is_a_row_without_numbers():
    (row,) = rows(claims({}), [])
    assert row.verdict == NOT_RUN
    assert (row.value, row.low, row.high, row.n_seeds, row.profile, row.device, row.dataset, row.key) == (None,) * 8
    assert (row.id, row.test, row.notebook) == ("locality/a", "> 1", "locality/thing")


def test_a_run_that_reported_nothing_leaves_the_claim_not_run():
    assert [row.verdict for row in rows(claims({}), [Run()])] == [NOT_RUN]


def test_a_row_holds_what_the_run_measured_and_where():
    (row,) = rows(claims({}), [Run(claims=[measured()])])
    assert (row.value, row.low, row.high, row.n_seeds, row.verdict) == (2.0, 1.9, 2.1, 5, HOLDS)
    assert (row.profile, row.device, row.dataset, row.key) == ("laptop", "a CPU", "photos", "k1")


def test_each_data_set_and_profile_has_its_row_in_the_order_of_the_ledger():
    runs = [
        Run(claims=[measured("locality/b"), measured("locality/a")]),
        Run(dataset="cifar10", key="k2", claims=[measured("locality/a", 3.0)]),
        Run(profile="paper", key="k3", claims=[measured("locality/a", 4.0)]),
    ]
    table = rows(claims({}, {}, {}), runs)
    assert [(row.id[-1], row.key) for row in table] == [("a", "k1"), ("a", "k2"), ("a", "k3"), ("b", "k1"), ("c", None)]


def test_of_equal_experiments_the_latest_counts():
    runs = [Run(key=key, claims=[measured(value=value)]) for key, value in (("k1", 1.0), ("k2", 2.0), ("k0", 3.0))]
    assert [(row.key, row.value) for row in rows(claims({}), runs)] == [("k0", 3.0)]


def test_a_latest_run_that_no_longer_reports_a_claim_takes_its_old_figure_away():
    assert [row.verdict for row in rows(claims({}), [Run(claims=[measured()]), Run(key="k2")])] == [NOT_RUN]


def test_a_claim_is_measured_by_its_own_notebook_only():
    stray = Run(notebook="locality/other", claims=[measured()])
    assert [row.verdict for row in rows(claims({}), [stray])] == [NOT_RUN]


def test_a_report_of_a_claim_that_left_the_ledger_is_no_row():
    assert [row.id for row in rows(claims({}), [Run(claims=[measured(), measured("locality/gone")])])] == ["locality/a"]


@pytest.mark.parametrize(
    ("label", "dataset", "run", "shown"),
    [
        ("seen", "photos", Run(claims=[measured()]), 0.5),
        ("seen", "cifar10", Run(claims=[measured()]), None),  # a figure for another data set is no comparison
        ("recalled", "photos", Run(claims=[measured()]), None),
        ("recalled", "cifar10", Run(claims=[measured()]), None),
        ("seen", "cifar10", None, 0.5),
        ("recalled", "cifar10", None, None),
    ],
)
def test_a_published_figure_is_shown_when_seen_and_for_its_own_data_set(label, dataset, run, shown):
    (row,) = rows(claims(figure(label, dataset)), [run] if run else [])
    assert row.published == shown
    assert row.published_label == ("seen" if shown else None)


def test_a_recalled_figure_appears_nowhere_in_its_row():
    for runs in ([], [Run(dataset="cifar10", claims=[measured()])]):
        (row,) = rows(claims({"published": Published(0.123456, "recalled", "cifar10", "recalled from memory")}), runs)
        assert "0.123456" not in repr(row)
        assert "recalled" not in repr(row)


def test_runs_may_come_from_a_generator():
    assert len(rows(claims({}, {}), (Run(claims=[measured()]) for _ in range(2)))) == 2


def test_the_score_counts_rows_by_verdict():
    run = Run(claims=[measured("locality/a"), measured("locality/b", 0.0, FAILS)])
    counted = score(rows(claims({}, {}, {}), [run]))
    assert counted == {HOLDS: 1, FAILS: 1, NOT_RUN: 1}
    assert counted[UNDECIDED] == 0
    assert score([]) == {}


def test_a_claim_on_data_of_its_own_is_one_row_whatever_data_set_the_run_was_told():
    own = claims({"data": "disks", **figure(dataset="disks")})
    few, many = measured(), {**measured(value=3.0), "n_seeds": 9}
    runs = [Run(claims=[many]), Run(dataset="cifar10", claims=[few])]
    (row,) = rows(own, runs)
    assert (row.dataset, row.value, row.published) == ("disks", 3.0, 0.5)


def test_a_page_quotes_the_run_with_most_seeds_and_of_equal_ones_the_last():
    runs = [
        Run(profile=profile, key=key, claims=[measured() | {"n_seeds": n}])
        for profile, key, n in (("laptop", "k1", 3), ("laptop -p n_seeds=10", "k2", 10), ("paper", "k3", 10), ("slow", "k4", 5))
    ]
    other = Run(dataset="cifar10", key="k5", claims=[measured() | {"n_seeds": 20}])
    table = rows(claims({}, {}), [*runs, other])
    for order in (table, table[::-1]):
        assert quoted(order, "locality/a", "cifar10").key == "k5"
    assert quoted(table, "locality/a", "photos").key == "k3"
    assert quoted(table[:2], "locality/a", "photos").key == "k2"
    assert quoted(table, "locality/a", "digits") is None
    assert quoted(table, "locality/b", "photos") is None
