"""Digits over grounds: each shows the sign of its cue, and how large or faint it is changes nothing of what it says."""

import os

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.availability import Availability
from whence.data.backdrops import backdrop, cut
from whence.data.dominoes import Half
from whence.data.overlays import DEER_AND_SHIPS, GROUNDS, Overlay, named
from whence.data.registry import arrays, dataset, members
from whence.seeds import stream

BARE = Overlay(ground_contrast=0.0)
THREES = Half("digits", (2,), (3,))  # grounds of a stored set that is bundled
PICTURED = {"grounds": THREES, "side": 8, "box": 6}
REAL = pytest.mark.skipif("WHENCE_DATA" not in os.environ, reason="WHENCE_DATA names no folder with the real arrays")


def test_the_figure_is_of_the_class_that_the_sign_of_its_cue_says():
    """At its own size, on no ground: the ink is a stored digit, put somewhere."""
    flat = Overlay(ground_contrast=0.0, box=8, side=8)
    x, _, z = flat.draw(40, 0)
    digits = Half("digits", (0,), (1,)).draw((z[:, 1] > 0).long(), 0, "train")
    torch.testing.assert_close(x, ((digits + 1) / 2).expand(-1, 3, -1, -1), atol=1e-6, rtol=0)


def test_the_ground_is_of_the_kind_that_the_sign_of_its_cue_says():
    x, _, z = Overlay(contrast=1e-6).draw(60, 0)
    for k, kind in enumerate(("brick", "grass")):
        mine = (z[:, 0] > 0) == bool(k)
        torch.testing.assert_close(x[mine], backdrop(kind, 60, 16, 0)[mine], atol=1e-5, rtol=0)


def test_exchanged_cues_are_the_same_images_with_the_cues_in_each_other_s_place():
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(Overlay(exchanged=True).embed(z, 0), Overlay().embed(z.flip(1), 0))


def test_of_a_stored_set_the_ground_is_an_image_of_the_class_that_the_sign_of_its_cue_says():
    """At its own size there is nothing to cut: behind an ink that is next to nothing stand the images themselves."""
    x, _, z = Overlay(contrast=1e-7, **PICTURED).draw(60, 0)
    behind = THREES.draw((z[:, 0] > 0).long(), 0, "train", "ground")
    torch.testing.assert_close(x, behind.expand(-1, 3, -1, -1), atol=1e-5, rtol=0)
    half = Overlay(contrast=1e-7, ground_contrast=0.5, **PICTURED).draw(60, 0).x
    torch.testing.assert_close(half, 0.5 * x, atol=1e-5, rtol=0)


def test_what_stands_behind_changes_neither_digits_nor_their_places_nor_the_latents():
    """Where ink is full, the ground does not show."""
    plain, pictured = Overlay(side=8, box=6).draw(50, 2), Overlay(**PICTURED).draw(50, 2)
    ink = Overlay(side=8, box=6, ground_contrast=0.0).draw(50, 2).x
    assert torch.equal(plain.z, pictured.z)
    assert torch.equal(plain.y, pictured.y)
    assert bool((ink == 1).any())
    torch.testing.assert_close(plain.x[ink == 1], pictured.x[ink == 1])
    assert not torch.equal(plain.x, pictured.x)


@pytest.mark.parametrize(("h", "w", "side", "wide"), [(32, 32, 16, 32), (32, 32, 12, 24), (9, 14, 4, 8), (8, 8, 8, 8)])
def test_a_piece_is_the_mean_over_blocks_of_a_square_somewhere_in_its_image(h, w, side, wide):
    images = torch.rand(30, 2, h, w, generator=stream(0, "images"))
    pieces = jaxtyping.jaxtyped(typechecker=beartype)(cut)(images, side, stream(0, "places"))
    block = wide // side
    found = set()
    for image, piece in zip(images, pieces, strict=True):
        places = [(i, j) for i in range(h - wide + 1) for j in range(w - wide + 1)]
        squares = [image[:, i : i + wide, j : j + wide].reshape(2, side, block, side, block).mean((2, 4)) for i, j in places]
        (there,) = [place for place, square in zip(places, squares, strict=True) if torch.allclose(square, piece, atol=1e-6)]
        found.add(there)
    assert len(found) > min(len(places), 8) / 2
    assert torch.equal(cut(images[:7], side, stream(0, "places")), pieces[:7])


def test_every_place_is_as_likely():
    """A ramp tells where a piece was cut: of 9 columns in 6 thousand pieces, within five standard errors."""
    ramp = torch.arange(32.0).expand(6000, 1, 32, 32)
    left = cut(ramp, 12, stream(1, "places"))[:, 0, 0, 0] - 0.5
    share = torch.bincount(left.long(), minlength=9) / 6000
    assert share.shape == (9,)
    assert (share - 1 / 9).abs().max() < 5 * (8 / 81 / 6000) ** 0.5


@REAL
@pytest.mark.parametrize("split", ["train", "test"])
def test_behind_digits_of_mnist_stand_photographs_of_cifar10_of_the_same_split(split):
    figure, grounds = named("mnist+cifar10")
    x, _, z = Overlay(figure=figure, grounds=grounds, contrast=1e-7, side=32).draw(20, 0, split)
    images, labels = arrays("cifar10", split)
    known = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    pixels = ((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    assert [known[p.tobytes()] for p in pixels] == [8 if sign else 4 for sign in (z[:, 0] > 0).tolist()]


def test_digits_over_grounds_are_named_by_the_sets_that_they_are_made_of():
    for name in GROUNDS:
        figure, grounds = named(name)
        used = [figure.dataset, *([grounds.dataset] if isinstance(grounds, Half) else [])]
        assert used == members(name)
        assert all(dataset(member).arrays for member in used)
    assert named("mnist+cifar10")[1] == DEER_AND_SHIPS
    with pytest.raises(
        ValueError, match=r"no digits over grounds of 'cifar10\+mnist': expected one of 'digits', 'mnist', 'mnist\+cifar10'"
    ):
        named("cifar10+mnist")


@pytest.mark.parametrize(
    "knob", [{"box": 7}, {"contrast": 0.3}, {"ground_contrast": 0.2}, {"exchanged": True}, {"grounds": ("photos", "gravel")}]
)
def test_latents_and_labels_are_the_law_s_bit_for_bit_whatever_the_pixels(knob):
    a, b, law = Overlay().draw(64, 3), Overlay(**knob).draw(64, 3), Availability(d=2).draw(64, 3)
    assert torch.equal(a.z, b.z)
    assert torch.equal(b.z, law.z)
    assert torch.equal(b.y, law.y)
    assert not torch.equal(a.x, b.x)
    assert b.x.shape == (64, 3, 16, 16)
    assert b.x.abs().max() <= 1


@pytest.mark.parametrize("box", [1, 5, 12, 16])
def test_ink_stays_in_a_box_and_goes_everywhere_with_it(box):
    x = Overlay(ground_contrast=0.0, box=box).draw(400, 0).x[:, 0]
    written = x > 1e-4
    for axis in (1, 2):
        lines = written.any(axis)
        extent = lines.shape[1] - lines.int().argmax(1) - lines.flip(1).int().argmax(1)
        assert int(extent[lines.any(1)].max()) <= box
        assert lines.any(0)[2:-2].all()


def test_contrast_scales_the_ink_and_ground_contrast_the_ground():
    ink = BARE.draw(20, 0).x
    torch.testing.assert_close(Overlay(ground_contrast=0.0, contrast=0.25).draw(20, 0).x, 0.25 * ink)
    ground, faint = (Overlay(contrast=1e-7, ground_contrast=c).draw(20, 0).x for c in (1.0, 0.5))
    torch.testing.assert_close(faint, 0.5 * ground, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"box": 17}, "a box of 17 pixels in an image of 16: expected from 1 to 16"),
        ({"box": 0}, "expected from 1 to 16"),
        ({"grounds": ("brick",)}, r"grounds \('brick',\): expected two"),
        ({"ground_contrast": 1.5}, r"grounds of contrast 1\.5: expected from 0 to 1"),
        ({"ground_contrast": float("nan")}, "grounds of contrast nan"),
    ],
)
def test_overlays_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Overlay(**options)


def test_grounds_there_are_not_and_cues_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"backdrop 'sea' of contrast 1\.0: expected one of none, photos"):
        Overlay(grounds=("sea", "grass")).draw(4, 0)
    with pytest.raises(ValueError, match=r"latent cues of shape \(4, 3\): expected \(m, 2\)"):
        Overlay().embed(torch.zeros(4, 3), 0)


def test_grounds_that_are_smaller_than_the_image_are_refused():
    with pytest.raises(ValueError, match=r"a piece of 16 x 16 of images of 8 x 8: expected a side from 1 to 8"):
        Overlay(grounds=THREES).draw(4, 0)
    with pytest.raises(ValueError, match=r"a piece of 0 x 0 of images of 8 x 8"):
        cut(torch.zeros(1, 1, 8, 8), 0, stream(0, "places"))
    with pytest.raises(ValueError, match=r"no image of class 11 in 'digits' 'train'"):
        Overlay(grounds=Half("digits", (2,), (11,)), side=8, box=4).draw(4, 0)
