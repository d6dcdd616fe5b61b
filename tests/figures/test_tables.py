import xml.etree.ElementTree as ET

import pytest
import torch

from whence.figures.tables import table
from whence.stats import Interval, bootstrap

CAPTION = "Errors of three denoisers"


def cells(made, tag="td"):
    return ["".join(cell.itertext()) for cell in ET.fromstring(made.html()).iter(tag)]


def looks(made, tag="td"):
    return [cell.get("style") for cell in ET.fromstring(made.html()).iter(tag)]


def test_a_cell_says_what_it_was_given():
    row = ["a", 0.12345, 12345, Interval(0.5, 0.25, 0.75, 3), None, float("nan"), -1.0]
    assert cells(table("abcdefg", [row], CAPTION)) == ["0.12", "12,345", "0.50 [0.25, 0.75]", "–", "–", "−1.00"]


def test_each_column_is_written_by_its_own_format():
    assert cells(table("abc", [["x", 0.5, 0.256]], CAPTION, digits=["", ".3f", ".0%"])) == ["0.500", "26%"]


def test_a_single_seed_has_no_interval():
    assert cells(table("ab", [["x", bootstrap([0.5])]], CAPTION)) == ["0.50"]


def test_numbers_of_torch_are_numbers():
    made = table("ab", [["x", torch.tensor([0.5, 1.0]).mean()]], CAPTION)
    assert cells(made) == ["0.75"]
    assert "right" in looks(made)[0]


def test_a_column_of_numbers_is_flush_right_and_one_with_a_word_is_not():
    made = table("abc", [["x", 1.0, "word"], ["y", None, 2.0]], CAPTION)
    assert ["right" in look for look in looks(made)] == [True, False, True, False]


def test_every_row_and_every_column_is_named_for_a_screen_reader():
    root = ET.fromstring(table("ab", [["x", 1.0], ["y", 2.0]], CAPTION).html())
    assert [name.get("scope") for name in root.iter("th")] == ["col", "col", "row", "row"]


def test_a_table_scrolls_in_a_box_of_its_own_which_a_key_can_reach_and_its_caption_stays():
    caption, box = ET.fromstring(table("ab", [["x", 1.0]], CAPTION).html())
    assert "overflow-x: auto" in box.get("style")
    assert (box.get("role"), box.get("tabindex"), box.get("aria-label")) == ("region", "0", CAPTION)
    assert (caption.tag, caption.text) == ("p", CAPTION)
    assert [inner.tag for inner in box] == ["table"]


def test_a_few_words_are_not_broken_and_a_sentence_is():
    made = table("abc", [["x", "0.81 [0.74, 0.88]", "a sentence that is longer than what fits into a cell"]], CAPTION)
    assert ["nowrap" in look for look in looks(made)] == [True, False]


def test_markup_in_words_is_shown_not_obeyed():
    nasty = '<b>"bold"</b> & more'
    made = table(["a", nasty], [[nasty, nasty]], f"Says {nasty} at once")
    assert cells(made) == [nasty]
    assert cells(made, "th")[1:] == [nasty, nasty]
    caption, box = ET.fromstring(made.html())
    assert caption.text == box.get("aria-label") == f"Says {nasty} at once"


def test_as_text_columns_stand_under_their_names():
    text = str(table(["name", "error"], [["one", 0.5], ["the other", 12.25]], CAPTION))
    assert text.splitlines() == [
        CAPTION,
        "",
        "name       error",
        "---------  -----",
        "one         0.50",
        "the other  12.25",
    ]


def test_a_notebook_is_given_both():
    made = table("ab", [["x", 1.0]], CAPTION)
    assert made._repr_mimebundle_(include=None, exclude=None) == {"text/html": made.html(), "text/plain": str(made)}


@pytest.mark.parametrize("rows", [[], [["x"]], [["x", 1.0], ["y", 1.0, 2.0]]])
def test_rows_that_do_not_fit_the_header_are_refused(rows):
    with pytest.raises(ValueError, match="table of 2 columns with rows of"):
        table("ab", rows, CAPTION)


def test_formats_that_do_not_fit_the_header_are_refused():
    with pytest.raises(ValueError, match="and 1 formats"):
        table("ab", [["x", 1.0]], CAPTION, digits=[".2f"])


def test_a_table_without_a_caption_is_refused():
    with pytest.raises(ValueError, match="says what the table shows"):
        table("ab", [["x", 1.0]], " Errors ")
