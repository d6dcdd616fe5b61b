"""The built book's files: links, figures, badges, buttons, reference."""

from __future__ import annotations

import functools
import json
import os
import pkgutil
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

import whence
from whence.resources import project_root

pytestmark = [pytest.mark.xdist_group("book"), pytest.mark.timeout(1800)]


@pytest.fixture(scope="session")
def soup(html: Path):
    @functools.cache
    def parse(name: str) -> BeautifulSoup:
        return BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")

    return parse


@pytest.fixture(scope="session")
def places(soup):
    """The places of a page that a link can lead to."""

    @functools.cache
    def found(name: str) -> set[str]:
        return {tag[key] for tag in soup(name).find_all(True) for key in ("id", "name") if tag.get(key)}

    return found


@pytest.fixture(scope="session")
def notebooks(pages: list[str]) -> list[str]:
    return [name for name in pages if name.startswith("studies/")]


def test_every_link_within_the_site_leads_to_a_page_and_a_place_on_it(html, pages, soup, places):
    broken, files = [], {path for path in html.rglob("*") if path.is_file()}
    for name in pages:
        for tag in soup(name).select("a[href], img[src], link[href], script[src]"):
            address = urlsplit(tag.get("href") or tag.get("src"))
            if address.scheme or address.netloc:
                continue
            target = Path(os.path.normpath((html / name).parent / unquote(address.path))) if address.path else html / name
            if target not in files:
                broken.append(f"{name}: {tag.get('href') or tag.get('src')}")
                continue
            inside = address.fragment and target.suffix == ".html" and tag.name == "a"
            if inside and unquote(address.fragment) not in places(target.relative_to(html).as_posix()):
                broken.append(f"{name}: no place {address.fragment} in {address.path or name}")
    assert broken == []


def test_every_figure_has_a_number_of_its_own_a_caption_and_alternative_text(pages, soup, notebooks):
    figures = [(name, figure) for name in pages for figure in soup(name).select("article figure")]
    assert {name for name, _ in figures} >= set(notebooks)
    for name, figure in figures:
        assert figure.select_one("figcaption .caption-number"), name
        assert len(figure.select_one("figcaption .caption-text").get_text().split()) > 3, name
    numbers = [figure.select_one(".caption-number").get_text() for _, figure in figures]
    assert len(numbers) == len(set(numbers))
    for name in pages:
        for image in soup(name).select("article img:not(.toggler)"):
            assert len(image.get("alt", "").split()) > 4, f"{name}: {image}"


def test_no_page_shows_markup_that_was_never_turned_into_text(pages, soup):
    for name in (page for page in pages if not page.startswith("api/")):  # docstrings may speak of markup
        article = BeautifulSoup(str(soup(name).article or ""), "html.parser")
        for code in article.select("pre, code, .highlight"):
            code.decompose()
        assert re.findall(r"\{[a-z:]+\}`|glue:text|```|\$\$", article.get_text()) == [], name


def test_every_picture_in_a_notebook_is_a_numbered_figure_with_a_dark_twin(soup, notebooks):
    for name in notebooks:
        for image in soup(name).select("div.cell_output img"):
            assert image.find_parent("figure"), f"{name}: {image}"
            assert {"only-light", "only-dark"} & set(image["class"]), f"{name}: {image}"


def test_each_notebook_names_the_run_that_it_shows(soup, notebooks, checkout):
    for name in notebooks:
        record = json.loads((checkout / "book" / name).with_suffix(".json").read_text())
        badge = soup(name).select_one("ul.run-badge").get_text(" ")
        for part in (record["profile"], record["key"][:12], record["device"], record["finished"][:10]):
            assert part in badge


def test_only_notebooks_can_be_launched_and_their_edit_button_leads_to_the_source(pages, soup, notebooks):
    url = yaml.safe_load((project_root() / "_config.yml").read_text())["repository"]["url"]
    repository = "/".join(url.split("/")[-2:])
    for name in pages:
        launch = [a["href"] for a in soup(name).select(".dropdown-launch-buttons a")]
        edit = {a["href"] for a in soup(name).select("a.btn-source-edit-button")}
        stem = name.removesuffix(".html")
        if name not in notebooks:
            assert launch == [], name
            continue
        assert launch == [
            f"https://colab.research.google.com/github/{repository}/blob/executed/book/{stem}.ipynb",
            f"https://mybinder.org/v2/gh/{repository}/executed?urlpath=lab/tree/book/{stem}.ipynb",
        ]
        source = f"notebooks/{stem.removeprefix('studies/')}.py"
        assert edit == {f"{url}/edit/main/{source}"}
        assert (project_root() / source).is_file()


def test_the_reference_names_every_public_module(html, pages, soup):
    found = {m.name for m in pkgutil.walk_packages(whence.__path__, "whence.") if not m.ispkg}
    public = {name for name in found if not name.rsplit(".", 1)[1].startswith("_")} - {"whence.cli"}
    documented = {tag["id"].removeprefix("module-") for name in pages for tag in soup(name).select("[id^='module-whence']")}
    assert documented == public


def test_every_doi_and_arxiv_id_of_the_bibliography_is_a_link(soup):
    text = (project_root() / "book" / "references.bib").read_text()
    links = " ".join(a["href"] for a in soup("references.html").select("div.citation a.external"))
    names = re.findall(r"^\s*(?:doi|eprint) = \{(.+)\}", text, re.MULTILINE)
    assert len(names) > 15
    assert [name for name in names if name not in links] == []


def test_the_data_table_has_a_row_for_each_data_set(soup):
    from whence.data.registry import registry

    assert [row.td.get_text() for row in soup("data.html").select("table.data-table tbody tr")] == list(registry())


def test_the_site_carries_only_the_part_of_mathjax_that_pages_use(html):
    size = sum(path.stat().st_size for path in (html / "_static" / "mathjax").rglob("*") if path.is_file())
    assert 1e6 < size < 6e6
