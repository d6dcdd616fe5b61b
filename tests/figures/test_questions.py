"""The pictures on the first page draw what they say."""

import re

import numpy as np
import pytest

from whence.figures import questions, style


@pytest.mark.parametrize("name", questions.DRAW)
def test_a_question_is_drawn_alike_every_time_in_house_colours_with_a_description(name):
    first, second = questions.DRAW[name](), questions.DRAW[name]()
    assert first.svg == second.svg
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", first.svg)) <= set(style.DARK)
    assert len(first.alt.split()) > 20


def test_slab_coordinates_hide_their_class_from_mean_and_variance():
    """The probabilities 3/4 and 1/4 of the slabs of class -1 match the second moment of class +1 (Shah et al. 2020)."""
    label = np.repeat([-1, 1], 400_000)
    slab = questions._five_slabs(label, np.random.default_rng(0))
    for power in (1, 2, 3):
        moments = [np.mean(slab[label == sign] ** power) for sign in (-1, 1)]
        assert moments[0] == pytest.approx(moments[1], abs=4e-3)
    assert abs(np.mean(slab[label == -1] ** 4) - np.mean(slab[label == 1] ** 4)) > 0.05


def test_slabs_of_the_two_classes_do_not_touch():
    label = np.repeat([-1, 1], 5000)
    slab = questions._five_slabs(label, np.random.default_rng(0))
    cuts = np.digitize(slab, (-0.66, -0.22, 0.22, 0.66))
    np.testing.assert_array_equal(np.where(cuts % 2, 1, -1), label)


def test_the_natural_field_has_unit_variance_and_the_spectrum_it_names():
    spectrum, field = questions._natural_field(64, seed=0)
    assert spectrum.mean() == pytest.approx(1)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None])
    inside = frequency > 0
    np.testing.assert_allclose(spectrum[inside] * frequency[inside] ** 2, spectrum[0, 1] / 64**2, rtol=1e-12)
    assert field.var() == pytest.approx(1, abs=0.6)
