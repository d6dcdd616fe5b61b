import ast
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from whence import resources
from whence.claims.ledger import FAILS, HOLDS, LABELS, MIN_SEEDS, STUDIES, UNDECIDED, Claim, Test, ledger, report

CHECKOUT = Path(resources.__file__).parents[2]
ABOVE, BELOW, EQUALS = {"above": 1.0}, {"below": 1.0}, {"equals": 1.0, "tolerance": 0.25}
CLAIM = {
    "id": "locality/a-thing",
    "statement": "A thing is so.",
    "source": "wiener1949",
    "where": "p. 1",
    "measure": "how much",
    "notebook": "locality/thing",
    "test": ABOVE,
    "written": "2026-11-20",
}
TABLE = """
[[claim]]
id = "locality/above"
statement = "It is much."
source = "wiener1949"
where = "p. 1"
measure = "how much"
notebook = "locality/thing"
test = { above = 1.0 }
written = "2026-11-20"

[[claim]]
id = "locality/exact"
statement = "It is one."
source = "wiener1949"
where = "p. 2"
measure = "how much exactly"
notebook = "locality/thing"
test = { equals = 1.0, tolerance = 0.0 }
deterministic = true
written = "2026-11-20"
published = { value = 1.0, label = "recalled", dataset = "mnist" }
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with claims of its own, and no run going on."""
    (tmp_path / "notebooks/locality").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "_config.yml").touch()
    (tmp_path / "data/registry.toml").touch()
    (tmp_path / "notebooks/locality/claims.toml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WHENCE_RUN_DIR", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("test", "low", "high", "verdict"),
    [
        (ABOVE, 1.1, 1.5, HOLDS),
        (ABOVE, 0.5, 0.9, FAILS),
        (ABOVE, 0.9, 1.1, UNDECIDED),
        (ABOVE, 1.0, 1.5, UNDECIDED),  # 1 is not above 1, the rest is
        (ABOVE, 0.5, 1.0, FAILS),  # none of it is above 1
        (ABOVE, 1.0, 1.0, FAILS),
        (BELOW, 0.5, 0.9, HOLDS),
        (BELOW, 1.1, 1.5, FAILS),
        (BELOW, 0.9, 1.1, UNDECIDED),
        (BELOW, 0.5, 1.0, UNDECIDED),
        (BELOW, 1.0, 1.5, FAILS),
        (EQUALS, 0.8, 1.2, HOLDS),
        (EQUALS, 0.75, 1.25, HOLDS),  # the tolerance belongs to it
        (EQUALS, 1.0, 1.0, HOLDS),
        (EQUALS, 0.2, 0.7, FAILS),
        (EQUALS, 1.3, 1.7, FAILS),
        (EQUALS, 0.2, 0.75, UNDECIDED),
        (EQUALS, 0.2, 0.9, UNDECIDED),
        (EQUALS, 1.1, 1.7, UNDECIDED),
        (EQUALS, 0.2, 1.7, UNDECIDED),
        ({"equals": 3, "tolerance": 0}, 3, 3, HOLDS),
        ({"equals": 3, "tolerance": 0}, 2.999, 2.999, FAILS),
    ],
)
def test_a_claim_holds_when_all_of_the_interval_is_accepted_and_fails_when_none_is(test, low, high, verdict):
    assert Test.parse(test).verdict(low, high) == verdict


@pytest.mark.parametrize(("test", "words"), [(ABOVE, "> 1"), ({"below": -0.5}, "< -0.5"), (EQUALS, "= 1 ± 0.25")])
def test_a_test_in_words(test, words):
    assert Test.parse(test).words == words


@pytest.mark.parametrize(
    "test",
    [
        {},
        {"over": 1.0},
        {"above": 1.0, "below": 2.0},
        {"equals": 1.0},
        {"tolerance": 1.0},
        {"equals": 1.0, "tolerance": -0.1},
        {"above": "1.0"},
        {"above": math.nan},
        {"below": math.inf},
        {"above": True},
        0.95,
        "above 1",
    ],
)
def test_a_test_of_no_known_form_is_refused_by_the_name_of_its_claim(test):
    with pytest.raises(ValueError, match=r"^claim 'locality/a-thing': .*see CONTRIBUTING\.md"):
        Claim.parse({**CLAIM, "test": test}, "locality/")


@pytest.mark.parametrize("missing", sorted(CLAIM.keys() - {"id"}))
def test_a_claim_that_lacks_a_field_is_refused_by_its_name_and_the_field(missing):
    with pytest.raises(ValueError, match=rf"^claim 'locality/a-thing': .*{missing}"):
        Claim.parse({name: value for name, value in CLAIM.items() if name != missing}, "locality/")


def test_a_claim_without_a_name_is_shown_whole():
    with pytest.raises(ValueError, match="A thing is so"):
        Claim.parse({name: value for name, value in CLAIM.items() if name != "id"}, "locality/")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"surce": "wiener1949"}, "surce"),
        ({"published": {"value": 1.0, "label": "guessed", "dataset": "mnist"}}, "label 'guessed': expected one of seen, recalled"),
        ({"published": {"value": 1.0, "label": "seen"}}, "dataset"),
        ({"published": 1.0}, "mapping"),
        ({"notebook": "shortcut/thing"}, "both must start with 'locality/'"),
    ],
)
def test_a_malformed_claim_is_refused_by_its_name_and_what_is_wrong(change, complaint):
    with pytest.raises(ValueError, match=r"claim 'locality/a-thing'") as caught:
        Claim.parse({**CLAIM, **change}, "locality/")
    assert complaint in str(caught.value)


def test_a_claim_of_another_study_is_refused():
    with pytest.raises(ValueError, match=r"claim 'shortcut/a-thing'.*both must start with 'locality/'"):
        Claim.parse({**CLAIM, "id": "shortcut/a-thing"}, "locality/")


def test_the_ledger_keeps_the_order_of_its_file(project):
    assert list(ledger()) == ["locality/above", "locality/exact"]


def test_a_claim_that_stands_twice_is_refused(project):
    path = project / "notebooks/locality/claims.toml"
    path.write_text(TABLE + TABLE.replace("locality/exact", "locality/other"))
    with pytest.raises(ValueError, match=r"claim 'locality/above' stands twice in .*claims\.toml"):
        ledger()


def test_a_file_that_is_no_toml_is_refused_by_its_name(project):
    (project / "notebooks/locality/claims.toml").write_text(TABLE + "[[claim\n")
    with pytest.raises(ValueError, match=r"locality/claims\.toml"):
        ledger()


def test_a_study_that_has_no_claims_yet_is_passed_over(project):
    (project / "notebooks/shortcut").mkdir()
    (project / "notebooks/shortcut/claims.toml").touch()
    assert len(ledger()) == 2


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.9, 2.0, 2.1], HOLDS),
        ([0.1, 0.2, 0.1], FAILS),
        ([0.0, 2.5, 1.0], UNDECIDED),
        ([2.0, 2.0], UNDECIDED),  # too few seeds to say, however clear
        ([0.0], UNDECIDED),
    ],
)
def test_a_report_judges_the_mean_over_seeds(project, values, verdict):
    found = report("locality/above", torch.tensor(values))
    assert found.verdict == verdict
    assert found.value == pytest.approx(np.mean(values))
    assert found.low <= found.value <= found.high
    assert found.n_seeds == len(values)


def test_enough_seeds_are_those_the_ledger_names(project):
    assert report("locality/above", [2.0] * (MIN_SEEDS - 1)).verdict == UNDECIDED
    assert report("locality/above", [2.0] * MIN_SEEDS).verdict == HOLDS


@pytest.mark.parametrize(("value", "verdict"), [(1.0, HOLDS), (1 + 1e-9, FAILS)])
def test_a_deterministic_claim_needs_one_value_only(project, value, verdict):
    found = report("locality/exact", value)
    assert (found.verdict, found.low, found.high, found.n_seeds) == (verdict, value, value, 1)


def test_a_deterministic_claim_takes_no_more_than_one_value(project):
    with pytest.raises(ValueError, match="'locality/exact' is deterministic, so it takes one value, not 3"):
        report("locality/exact", [1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("locality/abov", "did you mean 'locality/above'"),
        ("simplicity/depth-of-trees", "write it into claims.toml before the first run"),
    ],
)
def test_an_unknown_claim_is_refused_with_the_nearest_or_where_to_write_it(project, name, hint):
    with pytest.raises(KeyError) as caught:
        report(name, [1.0])
    assert f"no claim '{name}'" in caught.value.args[0]
    assert hint in caught.value.args[0]


@pytest.mark.parametrize("values", [[1.0, math.nan, 1.0], [math.inf] * 3, []])
def test_values_that_are_not_numbers_are_refused_and_not_recorded(project, monkeypatch, values):
    monkeypatch.setenv("WHENCE_RUN_DIR", str(project))
    with pytest.raises(ValueError, match="all finite"):
        report("locality/above", values)
    assert not (project / "claims.jsonl").exists()


def test_reports_of_a_run_are_kept_line_by_line(project, monkeypatch):
    monkeypatch.setenv("WHENCE_RUN_DIR", str(project))
    first, second = report("locality/above", [1.9, 2.0, 2.1]), report("locality/exact", 1.0)
    lines = [json.loads(line) for line in (project / "claims.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["locality/above", "locality/exact"]
    assert lines[0]["values"] == [1.9, 2.0, 2.1]
    for line, verdict in zip(lines, (first, second), strict=True):
        assert all(
            line[name] == getattr(verdict, name) for name in ("value", "low", "high", "n_seeds", "verdict", "test", "statement")
        )


def test_a_notebook_alone_keeps_no_record(project):
    before = sorted(project.rglob("*"))
    report("locality/above", [1.9, 2.0, 2.1])
    assert sorted(project.rglob("*")) == before


def test_a_verdict_tells_all_it_rests_on(project):
    seeds, exact = report("locality/above", [2.0, 2.0, 2.0]), report("locality/exact", 1.0)
    assert str(seeds) == "locality/above: holds. 2 [2, 2], n = 3, test > 1"
    assert seeds._repr_markdown_().startswith("**holds** · It is much.")
    assert "measured 2 [2, 2], n = 3 seeds · test: > 1" in seeds._repr_markdown_()
    assert "measured 1, exact · test: = 1 ± 0" in exact._repr_markdown_()


# --- the project's own claims ----------------------------------------------------------------------------------------------------

REAL = [pytest.param(claim, id=claim.id) for claim in ledger().values()]


def test_the_project_has_claims_and_one_of_each_study_that_has_notebooks():
    studies = {path.parent.name for path in (CHECKOUT / "notebooks").glob("*/*.py")}
    assert {param.values[0].id.split("/")[0] for param in REAL} >= studies
    assert studies <= set(STUDIES)


def reported(notebook):
    """The ids that a notebook's calls of report name; a placeholder of an f-string stands for anything."""
    for call in ast.walk(ast.parse(notebook.read_text())):
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) == "report":
            parts = call.args[0].values if isinstance(call.args[0], ast.JoinedStr) else [call.args[0]]
            yield re.compile("".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in parts))


@pytest.mark.parametrize("claim", REAL)
def test_a_claim_names_a_source_of_the_bibliography_and_a_notebook_that_reports_it(claim):
    keys = re.findall(r"^@\w+\{([^,\s]+),", (CHECKOUT / "book/references.bib").read_text(), re.MULTILINE)
    assert claim.source in keys
    assert any(pattern.fullmatch(claim.id) for pattern in reported(CHECKOUT / "notebooks" / f"{claim.notebook}.py"))


@pytest.mark.parametrize("notebook", sorted((CHECKOUT / "notebooks").glob("*/*.py")), ids=lambda path: path.stem)
def test_a_notebook_reports_only_claims_of_the_ledger(notebook):
    for pattern in reported(notebook):
        assert any(pattern.fullmatch(param.values[0].id) for param in REAL), pattern


@pytest.mark.parametrize("claim", REAL)
def test_a_claim_is_a_sentence_with_a_date_and_an_honest_figure(claim):
    assert claim.statement.endswith(".")
    assert claim.where
    assert claim.measure
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", claim.written)
    for change in claim.amended:
        assert {"test", "on", "reason"} <= change.keys(), "an amended test keeps the old one, the day and the reason"
        Test.parse(change["test"])
    if claim.published:
        assert claim.published.label in LABELS
        assert math.isfinite(claim.published.value)
