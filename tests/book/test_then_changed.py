"""The built book when something changes afterwards: what depends on it is made again, and nothing else. Runs last in its group."""

import json
from pathlib import Path

import pytest

from whence.runs.publish import BookError, build

pytestmark = [pytest.mark.xdist_group("book"), pytest.mark.timeout(1800)]


@pytest.fixture
def times(html: Path, pages: list[str]):
    return lambda: {name: (html / name).stat().st_mtime_ns for name in pages}


@pytest.fixture(autouse=True)
def inside(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PYTHONPATH", str(checkout / "src"))


def test_a_build_with_nothing_to_do_writes_no_page(times):
    before = times()
    build()
    assert times() == before


def test_pages_follow_the_notebook_they_quote_and_the_records_they_show_and_others_stay(checkout, html, times):
    before = times()
    record = checkout / "book/studies/locality/memorisation.json"
    content = json.loads(record.read_text())
    content["claims"][0]["verdict"] = "fails" if content["claims"][0]["verdict"] != "fails" else "holds"
    record.write_text(json.dumps(content))
    notebook = record.with_suffix(".ipynb")
    quoted = [o for c in json.loads(notebook.read_text())["cells"] for o in c.get("outputs", []) if _name(o) == "n_pool"]
    old = quoted[0]["data"]["application/papermill.record/text/plain"]
    notebook.write_text(notebook.read_text().replace(f'record/text/plain": "{old}"', 'record/text/plain": "987654"'))
    build()
    after = times()
    assert "987654" in (html / "locality.html").read_text()
    assert (html / "claims.html").read_text().count(f"verdict-{content['claims'][0]['verdict']}") > 0
    remade = {name for name in after if after[name] != before[name]}
    assert {"claims.html", "locality.html", "studies/locality/memorisation.html"} <= remade
    assert not {"api/denoisers.html", "cite.html", "contracts.html"} & remade


def test_a_page_that_shows_what_is_not_there_fails_the_build_with_every_reason(checkout):
    page = checkout / "book/cite.md"
    before = page.read_text()
    missing = ("{glue:text}`studies/locality/memorisation.ipynb::no_such_number:.2f`", "{cite:p}`nobody1900`", "[](nowhere.md)")
    page.write_text("\n\n".join([before, "![](_assets/mark.svg)", *missing]))
    with pytest.raises(BookError) as refused:
        build()
    page.write_text(before)
    for reason in ("figure without alternative text", "no_such_number", "nobody1900", "nowhere"):
        assert reason in str(refused.value)


def _name(output: dict) -> str:
    return output.get("metadata", {}).get("scrapbook", {}).get("name", "")
