import re

import numpy as np
import pytest
import torch

from whence.figures.curves import curves
from whence.figures.glue import glue
from whence.figures.maps import fields, gallery
from whence.figures.style import DARK, SERIES, WIDTH
from whence.seeds import stream

ALT = "a sentence that says what is seen here"
X = np.logspace(-1, 1, 9)


def colours(svg):
    return set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg))


def drawn():
    seeds = torch.rand(4, 9, generator=stream(5, "curves")) + 1
    gap = torch.where(torch.arange(9) < 6, seeds, torch.nan)
    yield curves(X, {"one": seeds, "two": gap, "three": seeds[0]}, "x", "y", ALT, logy=True, dashed=[seeds[1]])
    yield curves(X, {"one": seeds}, "x", "y", ALT, logx=False, marks=[(1.0, "here")], levels=[(1.5, "so much")], ylim=(0, 3))
    yield gallery({"first": torch.zeros(3, 1, 4, 4), "second": torch.ones(3, 3, 4, 4)}, ALT, notes=["a", "b", "c"])
    yield fields({"a field": torch.rand(5, 5, generator=stream(5, "field")), "a point": torch.eye(5)}, ALT)


@pytest.mark.parametrize("picture", list(drawn()), ids=["curves", "marks", "gallery", "fields"])
def test_every_colour_has_a_dark_twin(picture):
    scale = {"#0b0405", "#def5e5"}  # the ends of the colour scale, which is the same on both pages
    assert colours(picture.svg) - scale <= set(DARK)
    assert picture.alt == ALT


@pytest.mark.parametrize("picture", list(drawn()), ids=["curves", "marks", "gallery", "fields"])
def test_no_figure_is_wider_than_a_phone_shows(picture):
    assert float(re.search(r'width="([\d.]+)pt"', picture.svg)[1]) <= WIDTH * 72


def test_figures_are_the_same_bytes_every_time():
    assert [picture.svg for picture in drawn()] == [picture.svg for picture in drawn()]


def test_a_band_is_drawn_for_seeds_and_none_for_a_single_curve():
    def bands(series):
        return curves(X, {"one": series}, "x", "y", ALT).svg.count("opacity: 0.22")

    assert bands(torch.rand(4, 9)) == 1
    assert bands(torch.rand(9)) == 0


def test_series_keep_their_colours_in_order():
    picture = curves(X, {str(i): torch.full((9,), float(i + 1)) for i in range(3)}, "x", "y", ALT)
    lines = re.findall(r"fill: none; stroke: (#[0-9a-f]{6}); stroke-width: 1.8", picture.svg)
    assert lines[:3] == list(SERIES[:3])


@pytest.mark.parametrize("value", [0.25, "2,500", "a cat's share"])
def test_glue_writes_what_the_book_reads(monkeypatch, value):
    """The same display data as the book's own glue, whose package a lone notebook has not got."""
    from myst_nb import glue as theirs

    shown = []

    def record(*args, **keywords):
        shown.append((args, keywords))

    monkeypatch.setattr("whence.figures.glue.display", record)
    monkeypatch.setattr("myst_nb.ext.glue.ipy_display", record)
    glue("share", value)
    theirs("share", value, display=False)
    assert shown[0] == shown[1]


def test_words_are_shown_as_they_are(monkeypatch):
    """Thousands have a comma, and would be a pair without quotes."""
    from myst_nb.core.variables import format_plain_text

    shown = []
    monkeypatch.setattr("whence.figures.glue.display", lambda data, **_: shown.append(data))
    glue("images", "2,500")
    assert [format_plain_text(text, "") for text in shown[0].values()] == ["2,500"]


def test_a_tensor_is_glued_as_the_number_it_holds(monkeypatch):
    shown = []
    monkeypatch.setattr("whence.figures.glue.display", lambda data, **_: shown.append(data))
    glue("mean", torch.tensor([0.5, 1.0]).mean())
    assert list(shown[0].values()) == ["0.75"]
