import re
import xml.etree.ElementTree as ET

import pytest
import torch

from whence.figures.panels import panels
from whence.figures.style import DARK, SERIES, WIDTH
from whence.seeds import stream

ALT = "a sentence that says what is seen here"
SEEDS = torch.rand(5, generator=stream(5, "panels"))
LINE = re.compile(r'<path d="([^"]+)"[^>]*style="fill: none; stroke: (#[0-9a-f]{6}); stroke-width: 1.8')


def rows(*names, **series):
    return {name: {key: values + i for key, values in series.items()} for i, name in enumerate(names)}


def intervals(picture):
    """(left, height, colour) of every interval, in points."""
    found = [([float(n) for n in re.findall(r"-?[\d.]+", path)], colour) for path, colour in LINE.findall(picture.svg)]
    return [(x0, y, colour) for (x0, y, *_), colour in found]


def test_panels_keep_the_house_rules():
    """Colours that have a dark twin, no wider than a phone, an alt text, well-formed."""
    rulers = {f"ruler {k}": rows("a", "b", "c", trained=SEEDS, untrained=SEEDS - 1) for k in range(3)}
    picture = panels(rulers, ALT, {"ruler 1": (0.5, "chance")})
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", picture.svg)) <= set(DARK)
    assert float(re.search(r'width="([\d.]+)pt"', picture.svg)[1]) <= WIDTH * 72
    assert picture.alt == ALT
    ET.fromstring(picture.svg)


def test_a_row_has_one_height_in_all_panels_of_a_line_and_runs_downwards():
    drawn = intervals(panels({"one": rows("a", "b", x=SEEDS), "two": rows("a", "b", x=-10 * SEEDS)}, ALT))
    first, second = drawn[:2], drawn[2:]
    assert [height for _, height, _ in first] == [height for _, height, _ in second]
    assert first[0][1] < first[1][1], "down the page is up in SVG's coordinates"


def test_a_series_has_one_colour_whichever_panel_it_is_in():
    drawn = intervals(panels({"one": rows("a", x=SEEDS, y=SEEDS), "two": rows("a", y=SEEDS)}, ALT))
    assert sorted(colour for *_, colour in drawn) == sorted([SERIES[0], SERIES[1], SERIES[1]])


def test_what_holds_nan_or_is_not_there_is_left_out_and_the_others_stay():
    full = {"a": {"x": SEEDS}, "b": {"x": SEEDS}, "c": {"x": SEEDS}}
    holed = panels({"one": full, "two": {"a": {"x": SEEDS}, "b": {"x": SEEDS * torch.nan}}}, ALT)
    assert len(intervals(holed)) == 4


@pytest.mark.parametrize(
    ("rulers", "references", "message"),
    [
        ({}, {}, "0 panels"),
        ({"one": rows("a", x=SEEDS), "two": rows("z", x=SEEDS)}, {}, r"rows beyond the first panel's \['z'\]"),
        ({"one": rows("a", x=SEEDS)}, {"three": (0.0, "none")}, r"references for \['three'\]"),
        ({"one": rows("a", **{f"s{i}": SEEDS for i in range(7)})}, {}, "7 series"),
    ],
)
def test_what_cannot_be_drawn_is_refused(rulers, references, message):
    with pytest.raises(ValueError, match=message):
        panels(rulers, ALT, references)
