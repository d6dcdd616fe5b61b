import re
import xml.etree.ElementTree as ET

import pytest
import torch

from whence.figures.atlas import atlas
from whence.figures.style import DARK, ORANGE, WIDTH
from whence.seeds import stream

ALT = "a sentence that says what is seen here"
SVG = "{http://www.w3.org/2000/svg}"


def maps(*columns):
    return {column: torch.rand(6, 6, generator=stream(5, "map", column)) for column in columns}


def drawn(**keywords):
    return atlas({"plain": maps("Wiener", "a network"), "permuted": maps("Wiener")}, ALT, **keywords)


def images(picture):
    """(left, top) of every map in points, without the colour scale."""
    found = [(float(image.get("x")), float(image.get("y"))) for image in ET.fromstring(picture.svg).iter(SVG + "image")]
    return found[:-1]


def test_an_atlas_keeps_the_house_rules():
    picture = drawn(marks={"plain": (1, 2)})
    scale = {"#0b0405", "#def5e5"}  # the ends of the colour scale, which is the same on both pages
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", picture.svg)) - scale <= set(DARK)
    assert float(re.search(r'width="([\d.]+)pt"', picture.svg)[1]) <= WIDTH * 72
    assert picture.alt == ALT
    assert picture.svg == drawn(marks={"plain": (1, 2)}).svg


def test_a_row_without_a_column_leaves_its_place_empty():
    first, second = (atlas({"a": maps("x", "y", "z"), "b": row}, ALT) for row in (maps("x", "z"), maps("x", "y", "z")))
    assert len(images(first)) == 5
    assert set(images(first)) < set(images(second))


def test_marks_are_drawn_in_every_field_of_their_row_only():
    def count(picture):
        return picture.svg.count(f"stroke: {ORANGE}")

    assert [count(drawn()), count(drawn(marks={"plain": (1, 2)})), count(drawn(marks={"permuted": (1, 2)}))] == [0, 2, 1]


def test_each_field_is_relative_to_its_own_largest_value():
    rows, brighter = maps("x", "y"), {name: 7 * field for name, field in maps("x", "y").items()}
    assert atlas({"a": rows}, ALT).svg == atlas({"a": brighter}, ALT).svg


@pytest.mark.parametrize(("rows", "marks"), [({}, None), ({"a": {}}, None), ({"a": maps("x")}, {"b": (0, 0)})])
def test_nothing_to_show_and_marks_of_no_row_are_refused(rows, marks):
    with pytest.raises(ValueError, match="expected fields to show"):
        atlas(rows, ALT, marks)
