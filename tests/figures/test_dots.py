import re
import xml.etree.ElementTree as ET

import pytest
import torch

from whence.figures.dots import dots
from whence.figures.style import BLUE, DARK, ORANGE, SERIES, WIDTH
from whence.seeds import stream

ALT = "a sentence that says what is seen here"
SEEDS = torch.rand(5, generator=stream(5, "dots"))
LINE = re.compile(r'<path d="([^"]+)"[^>]*style="fill: none; stroke: (#[0-9a-f]{6}); stroke-width: 1.8')


def compared():
    rows = {
        "first": {"plain": SEEDS, "permuted": SEEDS + 1},
        "second": {"plain": 2 * SEEDS, "permuted": torch.full((5,), torch.nan)},
    }
    return dots(rows, "error", ALT, reference=(1, "as before"), logx=True)


def intervals(picture):
    """(left, right, height, colour) of every interval, in points."""
    found = [([float(n) for n in re.findall(r"-?[\d.]+", path)], colour) for path, colour in LINE.findall(picture.svg)]
    return [(x0, x1, y, colour) for (x0, y, x1, _), colour in found]


@pytest.mark.parametrize("picture", [compared(), dots({"one": SEEDS, "two": SEEDS}, "x", ALT, xlim=(0, 2))], ids=["series", "rows"])
def test_a_dot_plot_keeps_the_house_rules(picture):
    """Colours that have a dark twin, no wider than a phone, an alt text, well-formed."""
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", picture.svg)) <= set(DARK)
    assert float(re.search(r'width="([\d.]+)pt"', picture.svg)[1]) <= WIDTH * 72
    assert picture.alt == ALT
    ET.fromstring(picture.svg)


def test_rows_run_downwards_and_a_series_keeps_its_colour():
    drawn = intervals(compared())
    assert [colour for *_, colour in drawn] == [BLUE, ORANGE, BLUE]  # the fourth holds nan and is left out
    heights = [height for *_, height, _ in drawn]
    assert heights == sorted(heights), "down the page is up in SVG's coordinates"


def test_the_interval_is_that_of_the_bootstrap():
    """A row of known ends gives the scale: equal seeds have an interval of no width."""
    from whence.stats import bootstrap

    picture = dots({"zero": [0.0, 0.0], "one": [1.0, 1.0], "seeds": SEEDS}, "x", ALT, xlim=(-2, 3))
    zero, one, (low, high, *_) = intervals(picture)
    unit = one[0] - zero[0]
    wanted = bootstrap(SEEDS, resamples=2000)
    assert zero[0] == zero[1]
    assert [(low - zero[0]) / unit, (high - zero[0]) / unit] == pytest.approx([wanted.low, wanted.high], abs=1e-4)


def test_a_row_without_a_value_keeps_its_place():
    def heights(second):
        return [height for *_, height, _ in intervals(dots({"a": SEEDS, "b": second, "c": SEEDS}, "x", ALT, xlim=(0, 1)))]

    full, holed = heights(SEEDS), heights(SEEDS * torch.nan)
    assert holed == [full[0], full[2]]


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="0 rows"):
        dots({}, "x", ALT)


def test_more_series_than_colours_are_refused():
    with pytest.raises(ValueError, match="7 series: expected at least one row and at most 6"):
        dots({"row": {str(i): SEEDS for i in range(len(SERIES) + 1)}}, "x", ALT)
