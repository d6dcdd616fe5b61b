"""The built book as a reader meets it: in a browser, without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = [pytest.mark.xdist_group("book"), pytest.mark.timeout(1800)]

NOTEBOOK = "studies/locality/memorisation.html"


@dataclass
class Visit:
    """What a page did when it was opened at the width of a phone."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    formulas: int = 0
    rendered: int = 0
    overflow: int = 0


@pytest.fixture(scope="session")
def visits(browser, site, pages) -> dict[str, Visit]:
    """Every page of the site, opened once in a window 390 pixels wide."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    seen = {}
    for name in pages:
        visit, tab = Visit(), context.new_page()
        tab.on("request", lambda request, visit=visit: visit.requests.append(request.url))
        tab.on("console", lambda line, visit=visit: visit.complaints.append(line.text) if line.type == "error" else None)
        tab.on("pageerror", lambda error, visit=visit: visit.complaints.append(str(error)))
        tab.on("response", lambda r, visit=visit: visit.complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        tab.goto(site + name, wait_until="networkidle")
        visit.formulas = tab.locator("article .math").count()
        visit.rendered = tab.locator("article .math mjx-container").count()
        visit.overflow = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        seen[name] = visit
        tab.close()
    context.close()
    return seen


def test_no_page_makes_a_request_that_leaves_the_site(visits, site):
    leaving = {name: [url for url in v.requests if not url.startswith((site, "data:"))] for name, v in visits.items()}
    assert {name: urls for name, urls in leaving.items() if urls} == {}
    assert all(visit.requests for visit in visits.values())


def test_no_page_logs_an_error_or_asks_for_a_file_that_is_not_there(visits):
    assert {name: visit.complaints for name, visit in visits.items() if visit.complaints} == {}


def test_every_formula_is_rendered(visits):
    assert visits[NOTEBOOK].formulas > 0
    assert {name: (v.formulas, v.rendered) for name, v in visits.items() if v.formulas != v.rendered} == {}


def test_no_page_is_wider_than_a_phone(visits):
    assert {name: visit.overflow for name, visit in visits.items() if visit.overflow > 0} == {}


def test_a_claim_is_read_on_a_phone_without_scrolling_sideways(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(site + "claims.html", wait_until="networkidle")
    cells = [cell.bounding_box() for cell in tab.locator(".claims-table tbody tr").first.locator("td").all()]
    assert len(cells) == 5
    assert all(cell["x"] >= 0 and cell["x"] + cell["width"] <= 390 for cell in cells)
    assert tab.locator(".pst-scrollable-table-container").evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    context.close()


def test_the_book_opens_from_disk_with_its_formulas_and_its_search(page, html):
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else pytest.fail(request.url))
    page.goto((html / NOTEBOOK).as_uri(), wait_until="networkidle")
    assert page.locator("article mjx-container").count() > 0
    page.goto((html / "search.html").as_uri() + "?q=denoiser")
    page.wait_for_selector("#search-results li a")


def test_search_finds_the_page_that_holds_a_word(page, site):
    page.goto(site + "search.html?q=shortcut")
    page.wait_for_selector("#search-results li a")
    links = page.locator("#search-results li a").evaluate_all("links => links.map(link => new URL(link.href).pathname)")
    assert "/shortcut.html" in links


def test_the_switch_to_dark_swaps_each_figure_for_its_twin_and_keeps_its_caption(page, site):
    page.goto(site + NOTEBOOK, wait_until="networkidle")
    light, dark, captions = (page.locator(f"article figure {part}") for part in ("img.only-light", "img.only-dark", "figcaption"))
    assert light.count() == dark.count() > 0
    assert light.first.is_visible()
    assert not dark.first.is_visible()
    for _ in range(3):  # the button goes round light, dark and what the system prefers
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert all(dark.nth(i).is_visible() and not light.nth(i).is_visible() for i in range(dark.count()))
    assert all(captions.nth(i).is_visible() for i in range(captions.count()))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "claims.html", NOTEBOOK, "api/denoisers.html"])
def test_text_has_the_contrast_that_weak_eyes_need(browser, site, name, theme):
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(site + name, wait_until="networkidle")
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)  # a script sets it, in its time
    assert tab.evaluate(CONTRAST) == []
    context.close()


# WCAG 2 AA: 4.5 to 1 between each piece of text and the nearest opaque ground behind it, 3 to 1 for large or bold type.
CONTRAST = """() => {
  const rgba = c => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const ground = node => { const layers = [];
    for (; node; node = node.parentElement) layers.push(rgba(getComputedStyle(node).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]); };
  const poor = new Set();
  const walker = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement, style = getComputedStyle(node);
    if (!walker.currentNode.data.trim() || !node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (node.closest('.headerlink, mjx-assistive-mml, button, title')) continue;
    const size = parseFloat(style.fontSize), under = ground(node), pair = [light(over(rgba(style.color), under)), light(under)];
    const ratio = (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
    if (ratio < (size >= 24 || (size >= 18.6 && style.fontWeight >= 600) ? 3 : 4.5))
      poor.add(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)} (${style.color} on ${under})`);
  }
  return [...poor];
}"""


def test_the_download_button_gives_the_executed_notebook(page, site, checkout):
    page.goto(site + NOTEBOOK, wait_until="networkidle")
    page.locator(".dropdown-download-buttons button").first.click()
    with page.expect_download() as download:
        page.locator(".dropdown-download-buttons a.btn-download-source-button").evaluate(
            "link => { link.download = ''; link.click() }"
        )
    got = Path(download.value.path()).read_bytes()
    assert got == (checkout / "book" / NOTEBOOK).with_suffix(".ipynb").read_bytes()
    assert all(cell["execution_count"] for cell in json.loads(got)["cells"] if cell["cell_type"] == "code")


def test_the_claims_table_is_what_the_command_line_says(page, site, checkout, whence):
    rows = json.loads(whence(checkout, "claims", "--json"))
    page.goto(site + "claims.html")
    shown = page.locator("table.claims-table tbody tr")
    cells = [
        (line.locator(".claim-id code").inner_text(), line.locator(".verdict").inner_text().split(maxsplit=1)[1])
        for line in shown.all()
    ]
    assert cells == [(row["id"], row["verdict"]) for row in rows]


def test_the_score_adds_up_to_the_rows_of_the_table(page, site):
    page.goto(site + "claims.html")
    numbers = [int(text) for text in page.locator("article .claims-score li b").all_inner_texts()]
    assert numbers[0] == sum(numbers[1:]) == page.locator("table.claims-table tbody tr").count()


EXPLORERS = ("locality.html", "simplicity.html", "shortcut.html", "atlas.html")


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_follows_its_sliders_by_keyboard(page, site, name):
    page.goto(site + name)
    box = page.locator(".explorer").first
    slider = box.locator("input[type=range]").last
    slider.focus()
    for key in ("Home", "End"):
        page.keyboard.press(key)
        level = slider.get_attribute("aria-valuetext")
        assert level in box.locator(".explorer-words").inner_text()
        assert box.locator("output").last.inner_text() == level
    page.keyboard.press("Home")
    at_home = box.locator("svg").inner_html()
    page.keyboard.press("End")
    assert box.locator("svg").inner_html() != at_home
    assert "NaN" not in box.locator("svg").inner_html()


@pytest.mark.parametrize("name", EXPLORERS)
def test_without_scripts_an_explorer_is_a_table_with_all_its_numbers(browser, site, name):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(site + name)
    box = tab.locator(".explorer").first
    assert not box.locator(".explorer-panel").is_visible()
    assert box.locator("table").is_visible()
    points = json.loads(box.locator("script").text_content())["points"]
    assert box.locator("tbody tr").count() == len(points) > 0
    context.close()


def test_claims_can_be_chosen_and_the_choice_is_in_the_address(page, site):
    page.goto(site + "claims.html")
    rows, fields = page.locator("table.claims-table tbody tr"), page.locator(".claims-filter select")
    total = rows.count()
    assert fields.count() == 3
    fields.nth(0).select_option("simplicity")
    of_study = page.locator("table.claims-table tbody tr.study-simplicity").count()
    assert 0 < of_study < total
    assert page.locator("table.claims-table tbody tr:visible").count() == of_study
    fields.nth(2).select_option("shah2020pitfalls")
    both = page.locator("table.claims-table tbody tr.study-simplicity.paper-shah2020pitfalls").count()
    assert page.locator("table.claims-table tbody tr:visible").count() == both > 0
    page.goto("about:blank")
    page.goto(site + "claims.html#where:study=simplicity&paper=shah2020pitfalls")
    assert page.locator("table.claims-table tbody tr:visible").count() == both
