import itertools
import os
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from skimage.color import rgb2lab

from whence.figures.style import DARK, GRID, INK, MUTED, PAPER, SERIES, canvas, svg

ALT = "Two curves and some bars that stand for every kind of mark."
COLOUR = re.compile(r"(?:fill|stroke|stop-color|(?<!-)color): *([^;\"]+)|(?:fill|stroke|stop-color)=\"([^\"]+)\"")
WHITE, NIGHT = "#ffffff", DARK[PAPER]


def sample():
    """Every kind of mark a notebook draws, with nothing said of its colour but the series'."""
    x = np.linspace(0.1, 3, 20)
    figure, ((curves, bars, points), (images, boxes, fills)) = canvas(2, 3, width=9, height=5)
    for k in range(8):
        curves.plot(x, np.sin(x + k), label=f"series {k}")
    curves.set(title="A title", xlabel="sigma", ylabel="error", xscale="log")
    curves.axhline(0)
    curves.legend(title="legend")
    curves.annotate("last point", (3, 0), color=SERIES[0])
    bars.bar([1, 2], [1, 2], yerr=0.1, ecolor=INK)  # matplotlib's own default is black, whatever the style
    bars.hist(x, bins=3, alpha=0.5)
    bars.text(0, 0, "a word")
    bars.grid(True)
    points.errorbar(x, x, yerr=0.2, fmt="o", capsize=2)
    points.scatter(x, -x)
    points.annotate("here", (1, 1), (2, 2), arrowprops={"arrowstyle": "->"})
    figure.colorbar(images.imshow(np.eye(4)), ax=images)
    boxes.boxplot([x, 2 * x])
    boxes.axvspan(1, 2)
    fills.fill_between(x, x, 2 * x, alpha=0.2, linewidth=0)
    fills.step(x, x)
    fills.bar([1], [3], hatch="//")
    figure.suptitle("All of it")
    return figure


@pytest.fixture(scope="module")
def picture():
    return svg(sample(), ALT)


def colours(text):
    return {(a or b).strip().lower() for a, b in COLOUR.findall(text)}


def test_every_colour_of_a_figure_has_a_dark_twin(picture):
    found = {colour for colour in colours(picture.svg) if not colour.startswith("url(")}
    assert found - DARK.keys() <= {"none"}
    assert found >= {INK, MUTED, GRID, *SERIES}, "the sample must use the palette, or this says nothing"


def test_no_glyph_is_left_to_the_default_black(picture):
    """Text without a fill of its own is black, on a dark page too."""
    words = re.findall(r'<g id="text_\d+">.*?</g>', picture.svg, re.DOTALL)
    assert len(words) > 40
    assert all("fill: #" in word for word in words)


def test_a_figure_lies_on_no_ground_of_its_own(picture):
    ground = re.search(r'<g id="patch_1">(.*?)</g>', picture.svg, re.DOTALL).group(1)
    assert "fill: none" in ground


def test_swapping_colours_touches_nothing_but_colours(picture):
    """No id of the drawing may look like a colour of the palette."""
    ids = set(re.findall(r'(?:id="|href="#|url\(#)([^")]+)', picture.svg))
    assert not [name for name in ids for colour in DARK if colour[1:] in name.lower()]


def test_the_same_figure_is_the_same_bytes(picture):
    assert svg(sample(), ALT).svg == picture.svg


DRAW = """
from whence.figures.style import canvas, svg
figure, axes = canvas()
axes.plot([0, 1, 3], label="a line")
axes.legend()
axes.bar([0, 1], [1, 2], hatch="/")
print(svg(figure, "One line, three points, and two bars").svg)
"""


def test_the_same_figure_is_the_same_bytes_in_another_process(capsys):
    settings = {**os.environ, "PYTHONHASHSEED": "1"}
    elsewhere = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, check=True, text=True, env=settings).stdout
    assert elsewhere.startswith("<svg")
    exec(DRAW, {})
    assert capsys.readouterr().out == elsewhere


def test_a_drawn_figure_is_closed():
    figure, axes = canvas()
    axes.plot([0, 1])
    svg(figure, ALT)
    assert not plt.fignum_exists(figure.number)


def test_a_figure_shows_itself_as_svg_with_its_alt_text(picture):
    data, metadata = picture._repr_mimebundle_(include=None, exclude=None)
    assert data["image/svg+xml"].startswith("<svg")
    assert data["text/plain"] == metadata["image/svg+xml"]["alt"] == ALT


def test_alt_text_is_one_line():
    assert svg(canvas()[0], "Told  in\n    two lines, read as one").alt == "Told in two lines, read as one"


@pytest.mark.parametrize("alt", ["", "   ", "a figure", "loss against step"])
def test_a_figure_without_a_sentence_of_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="expected a sentence that says what the figure shows"):
        svg(canvas()[0], alt)


def test_a_figure_of_ones_own_comes_out_alike():
    """The bytes do not hang on who made the figure, nor on settings made before."""
    plt.rcParams["svg.hashsalt"] = None
    figure, axes = plt.subplots()
    axes.fill_between([0, 1], [1, 2], color=SERIES[0])
    first = svg(figure, ALT).svg
    figure, axes = plt.subplots()
    axes.fill_between([0, 1], [1, 2], color=SERIES[0])
    assert svg(figure, ALT).svg == first


# --- colours ----------------------------------------------------------------------------------------------------------------------


def linear(colour):
    """Linear RGB of a hex colour (IEC 61966-2-1)."""
    stored = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


# Machado, Oliveira and Fernandes 2009, severity 1: what is left of linear RGB without one kind of cone.
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour, sight):
    """Lab of a colour as someone with this sight sees it."""
    left = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    return rgb2lab(np.where(left <= 0.0031308, 12.92 * left, 1.055 * left ** (1 / 2.4) - 0.055))


def test_the_formula_of_contrast_is_right_at_its_ends():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.005)


def test_every_colour_of_the_palette_has_one_twin_of_its_own():
    assert set(DARK) == {INK, MUTED, GRID, PAPER, *SERIES}
    assert len({*DARK.values()}) == len(DARK) == 10
    assert not set(DARK) & set(DARK.values()), "a twin that is a colour again could be swapped twice"
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for pair in DARK.items() for colour in pair)


@pytest.mark.parametrize("colour", [INK, MUTED, *SERIES])
def test_text_is_readable_in_every_colour_it_takes(colour):
    """Series too, since curves carry their names in their own colour. 4.5 is what WCAG asks of text, 3 of lines."""
    assert contrast(colour, WHITE) >= 4.5
    assert contrast(colour, PAPER) >= 4.5
    assert contrast(DARK[colour], NIGHT) >= 4.5
    assert contrast(DARK[colour], "#121212") >= 4.5


def test_grid_lines_are_fainter_than_all_that_is_data():
    for ground, twin in ((WHITE, dict(zip(DARK, DARK, strict=True))), (NIGHT, DARK)):
        assert 1.2 < contrast(twin[GRID], ground) < min(contrast(twin[colour], ground) for colour in SERIES) / 2


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("page", ["light", "dark"])
def test_no_two_series_look_alike_to_anyone(sight, page):
    palette = SERIES if page == "light" else [DARK[colour] for colour in SERIES]
    apart = {(a, b): float(np.linalg.norm(seen(a, sight) - seen(b, sight))) for a, b in itertools.combinations(palette, 2)}
    assert min(apart.values()) > (20 if sight == "all cones" else 10), min(apart, key=apart.get)
