"""Sprites: what is drawn is what was asked for, and what makes a cue easy to see changes nothing of what it says."""

import itertools
import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data import backdrops, sprites
from whence.data.availability import Availability
from whence.data.couples import Couple
from whence.data.designs import Correlated, Equal, floor
from whence.data.looks import CUES, Look, free
from whence.data.photos import regions
from whence.data.sprites import BRIGHT, CHROMA, LUMA, RADIUS, SHAPES, SYMMETRY, chroma, colour, coverage, number, paint, room
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)
SIDES = (16, 24, 32, 64)


def one(shape, footprint=0.1, turn=0.0, centre=(0.0, 0.0), side=32):
    """A sprite's coverage, by itself."""
    args = torch.tensor([number(shape)]), torch.tensor([footprint]), torch.tensor([turn]), torch.tensor([centre]).double()
    return checked(coverage)(*args, side)[0]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_sprite_covers_its_footprint_whatever_its_shape_size_turn_and_place(shape, side):
    for footprint, turn, centre in itertools.product((0.03, 0.15), (0.0, 0.3, 0.77), ((0.0, 0.0), (0.04, -0.07))):
        assert float(one(shape, footprint, turn, centre, side).mean()) == pytest.approx(footprint, rel=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_have_area_one_centre_of_mass_zero_and_the_radius_of_their_table(shape):
    """Against a fine grid of points, in which the shape is where its signed distance is negative."""
    line = torch.linspace(-1.5, 1.5, 1501, dtype=torch.float64)
    x, y = torch.meshgrid(line, line, indexing="xy")
    inside = (SHAPES[shape](x, y) < 0).double()
    cell = 0.002**2
    assert float(inside.sum()) * cell == pytest.approx(1, abs=0.004)
    assert float((inside * x).sum()) * cell == pytest.approx(0, abs=0.004)
    assert float((inside * y).sum()) * cell == pytest.approx(0, abs=0.004)
    assert float(torch.hypot(x, y)[inside > 0].max()) == pytest.approx(RADIUS[shape], abs=0.004)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_quarter_turn_is_rot90_and_brings_a_shape_back_as_often_as_its_symmetry_says(shape):
    still = one(shape, turn=0.2, centre=(0.1, -0.05))
    torch.testing.assert_close(one(shape, turn=1.2, centre=(0.05, 0.1)), torch.rot90(still, 1), atol=2e-4, rtol=0)
    back = [float((one(shape, turn=0.2 + k) - one(shape, turn=0.2)).abs().max()) < 1e-3 for k in (1, 2, 3, 4)]
    assert back.index(True) + 1 == SYMMETRY[shape]


def test_a_square_of_whole_pixels_is_those_pixels():
    square = one("square", footprint=(8 / 32) ** 2)
    expected = torch.zeros(32, 32)
    expected[12:20, 12:20] = 1
    torch.testing.assert_close(square, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_sprite_within_its_room_leaves_the_image(shape):
    far = room(0.12, (shape,))
    for turn, place in itertools.product((0.0, 0.5, 1.3, 2.6), ((far, far), (-far, far), (far, -far), (-far, -far))):
        assert float(one(shape, 0.12, turn, place).mean()) == pytest.approx(0.12, rel=0.01)
    with pytest.raises(ValueError, match=rf"a footprint of 0.9 .* expected at most .*{shape} leaves it"):
        room(0.9, (shape,))


def test_places_tell_no_size_and_the_margin_is_that_of_the_largest():
    look, n = Look(side=24, footprint=(0.03, 0.12)), 500
    centres = []
    for scale in (0.001, 0.999):
        u = free(n, 0)
        u[:, CUES.index("scale")] = scale
        light = look.render(u, 0).mean(1)
        line = (torch.arange(24) + 0.5) / 24 - 0.5
        weight = light / light.sum((1, 2), keepdim=True)
        centres.append(torch.stack([(weight.sum(1) * line).sum(1), -(weight.sum(2) * line).sum(1)], 1))
    torch.testing.assert_close(*centres, atol=2e-3, rtol=0)  # image by image the same place
    assert float(centres[0].abs().max()) == pytest.approx(look.room, rel=0.03)
    assert look.room == pytest.approx(0.5 - RADIUS["triangle"] * math.sqrt(0.12))


def test_as_a_cue_the_position_moves_a_sprite_sideways_and_nothing_else():
    look = Look(side=24, footprint=(0.03, 0.05))
    design = Equal(("position", "colour"), 3, look)
    levels = torch.cartesian_prod(torch.arange(3), torch.zeros(1, dtype=torch.long)).repeat_interleave(40, 0)
    light = design.at(levels, 0).mean(1) + 1
    line = (torch.arange(24) + 0.5) / 24 - 0.5
    weight = (light - light.amin((1, 2), keepdim=True)) / (light - light.amin((1, 2), keepdim=True)).sum((1, 2), keepdim=True)
    right, up = (weight.sum(1) * line).sum(1), -(weight.sum(2) * line).sum(1)
    middle = (right / (2 * look.room) + 0.5) * 3 - 0.5  # of a level's bin
    assert float((middle - levels[:, 0]).abs().max()) < 0.3
    elsewhere = -((Equal(("scale", "colour"), 3, look).at(levels, 0).mean(1) + 1).sum(2) * line).sum(1)
    assert float(torch.corrcoef(torch.stack([up, elsewhere]))[0, 1]) > 0.9  # heights are the images' own


def test_hues_are_of_equal_luma_and_stay_in_range_and_without_saturation_they_are_grey():
    hue = torch.linspace(0, 1, 50)
    for saturation in (0.0, 0.5, 1.0):
        luma = colour(hue, saturation) @ torch.tensor(LUMA)
        torch.testing.assert_close(luma, torch.full((50,), BRIGHT), atol=1e-6, rtol=0)
        torch.testing.assert_close((colour(hue, saturation) - BRIGHT).norm(dim=1), torch.full((50,), saturation * CHROMA))
    assert colour(hue).abs().max() <= 1
    torch.testing.assert_close(chroma() @ chroma().T, torch.eye(2, dtype=torch.float64))
    assert torch.equal(colour(hue, 0.0)[0], colour(hue, 0.0)[30])


def test_paint_mixes_by_coverage_and_contrast():
    behind, cover = torch.full((1, 3, 1, 3), -0.5), torch.tensor([[[0.0, 0.5, 1.0]]])
    painted = paint(behind, cover, torch.tensor([[1.0, 0.0, -0.5]]), 0.5)[0, :, 0]
    torch.testing.assert_close(painted, torch.tensor([[-0.5, -0.125, 0.25], [-0.5, -0.375, -0.25], [-0.5, -0.5, -0.5]]))


@pytest.mark.parametrize("kind", backdrops.BACKDROPS)
@pytest.mark.parametrize("side", [16, 64])
def test_backdrops_are_in_range_and_a_shorter_draw_begins_a_longer_one(kind, side):
    long = checked(backdrops.backdrop)(kind, 300, side, 3)
    assert long.shape == (300, 3, side, side)
    assert long.abs().max() <= 1
    for n in (1, 17, 257):
        assert torch.equal(backdrops.backdrop(kind, n, side, 3), long[:n])
    assert (kind == "none") == torch.equal(long[:50], backdrops.backdrop(kind, 50, side, 3, "test"))
    torch.testing.assert_close(backdrops.backdrop(kind, 5, side, 3, contrast=0.25), 0.25 * long[:5])


def test_textures_have_no_level_in_common_with_their_name_and_are_grey():
    for kind in backdrops.TEXTURES:
        x = backdrops.backdrop(kind, 1500, 16, 0)
        assert abs(float(x.mean())) < 0.01
        assert torch.equal(x[:, 0], x[:, 2])
    assert [band.shape for band in regions("train", "textures")] == [(512, 272, 3)] * 3


def test_each_backdrop_is_of_the_kind_that_was_asked_for():
    which = torch.tensor([1, 0, 1, 1, 0])
    x = backdrops.backdrops(("grass", "photos"), which, 16, 0)
    assert torch.equal(x[which == 0], backdrops.backdrop("grass", 5, 16, 0)[which == 0])
    assert torch.equal(x[which == 1], backdrops.backdrop("photos", 5, 16, 0)[which == 1])
    with pytest.raises(ValueError, match=r"backdrops \[1, 2\] of \('grass', 'photos'\): expected numbers from 0 to 1"):
        backdrops.backdrops(("grass", "photos"), which + 1, 16, 0)


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("cues", [2, 3, 4])
def test_the_floor_is_the_accuracy_of_one_cue_on_another_over_all_cells_off_the_diagonal(levels, cues):
    look = Look(shapes=tuple(SHAPES)[:levels], background=("none", "photos", "brick", "grass")[:levels])
    cells = Equal(("colour", "scale", "shape", "background")[:cues], levels, look).off
    assert len(cells) == levels**cues - levels
    for a, b in itertools.permutations(range(cues), 2):
        assert float((cells[:, a] == cells[:, b]).double().mean()) == pytest.approx(floor(levels, cues))
    every = [c for c in itertools.product(range(levels), repeat=cues) if len(set(c)) > 1]
    assert sorted(map(tuple, cells.tolist())) == every


def test_floors_of_the_published_designs():
    assert [round(floor(3, k), 3) for k in (2, 3, 4)] == [0, 0.25, 0.308]
    assert [round(floor(2, k), 3) for k in (2, 3)] == [0, 0.333]


def test_diagonal_and_off_diagonal_samples_are_balanced_and_begin_longer_ones():
    design = Equal(look=Look(side=16, background=("photos",)))
    diagonal, off = design.diagonal(300, 0), design.off_diagonal(2 * 78, 0)
    assert (diagonal.levels == diagonal.y[:, None]).all()
    assert diagonal.y.bincount().tolist() == [100] * 3
    cells, counts = off.levels.unique(dim=0, return_counts=True)
    assert torch.equal(cells, design.off)
    assert counts.tolist() == [2] * 78
    assert torch.equal(off.y, off.levels[:, 0])
    assert torch.equal(design.off_diagonal(78, 0, cue="scale").y, off.levels[:78, 2])
    for long, short in ((diagonal, design.diagonal(17, 0)), (off, design.off_diagonal(80, 0))):
        assert all(torch.equal(a, b[: len(a)]) for a, b in zip(short, long, strict=True))
    assert diagonal.x.abs().max() <= 1
    assert not torch.equal(design.diagonal(17, 1).x, diagonal.x[:17])


def test_each_level_of_a_cue_is_what_it_says_in_the_image():
    look = Look(side=32, saturation=1.0)
    design, n = Equal(look=look), 156
    x, _, levels = design.off_diagonal(n, 0)
    cover = (x - 0).abs().amax(1) > 0.02
    covered = cover.double().mean((1, 2))
    by_scale = [covered[levels[:, 2] == k] for k in range(3)]
    assert by_scale[0].max() < by_scale[1].mean() < by_scale[2].min() * 1.2
    grey = torch.einsum("nchw,c->nhw", x, torch.tensor(LUMA))[:, None]  # all of a sprite but its hue
    hue = (x - grey).double().sum((2, 3)) @ chroma().T
    turn = torch.atan2(hue[:, 1], hue[:, 0]) / (2 * math.pi) % 1
    assert torch.equal((turn / 0.75 * 3).long(), levels[:, 0])


@pytest.mark.parametrize("knob", [{"footprint": (0.02, 0.1)}, {"contrast": 0.3}, {"saturation": 0.2}, {"backdrop_contrast": 0.5}])
def test_a_knob_of_availability_moves_no_label_and_no_level_and_some_pixel(knob):
    plain, moved = (Correlated(look=Look(shapes=("ellipse", "heart"), background=("brick", "grass"), **k)) for k in ({}, knob))
    a, b = plain.draw(40, 0), moved.draw(40, 0)
    assert all(torch.equal(p, q) for p, q in zip(a[1:], b[1:], strict=True))
    assert not torch.equal(a.x, b.x)
    equal = [Equal(look=Look(background=("photos",), **k)).off_diagonal(80, 0) for k in ({}, knob)]
    assert all(torch.equal(p, q) for p, q in zip(equal[0][1:], equal[1][1:], strict=True))


@pytest.mark.parametrize(
    "knob",
    [
        {"footprint": (0.09, 0.01)},
        {"contrast": (0.2, 1.0)},
        {"saturation": (1.0, 0.1)},
        {"background": "gravel"},
        {"swapped": True},
        {"law": Availability(amplification=(9.0, 1.0), d=5)},
    ],
)
def test_latents_and_labels_are_the_law_s_bit_for_bit_whatever_the_pixels(knob):
    a, b = Couple().draw(64, 3), Couple(**knob).draw(64, 3)
    law = Availability(d=2).draw(64, 3)
    assert torch.equal(a.z, b.z)
    assert torch.equal(a.z, law.z)
    assert torch.equal(a.y, b.y)
    assert torch.equal(a.y, law.y)
    assert ("law" in knob) == torch.equal(a.x, b.x)


def test_without_background_the_latents_can_be_read_off_the_mean_colour():
    """Linear in z: the mean along a line of colours is footprint x contrast x saturation x z / 4."""
    couple = Couple(footprint=(0.09, 0.03), contrast=(0.5, 1.0), saturation=(1.0, 0.5), side=32)
    x, _, z = couple.draw(50, 0)
    mean = x.double().mean((2, 3)) @ chroma().T
    gain = torch.tensor([0.09 * 0.5, 0.03 * 0.5], dtype=torch.float64) / 4
    torch.testing.assert_close(mean / gain, z.clamp(-4, 4), atol=0.1, rtol=0.01)
    swapped = Couple(footprint=(0.09, 0.03), contrast=(0.5, 1.0), saturation=(1.0, 0.5), side=32, swapped=True).draw(50, 0).x
    torch.testing.assert_close(swapped.double().mean((2, 3)) @ chroma().T, mean.flip(1), atol=1e-5, rtol=0)


def test_a_couple_s_sprites_do_not_overlap_and_image_i_of_a_probe_keeps_its_places():
    couple = Couple(side=32)
    grid = torch.tensor([[4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]).double()
    first, second, both = (couple.embed(row.expand(20, 2), 0) for row in grid)
    bare = couple.embed(torch.zeros(20, 2).double(), 0)
    torch.testing.assert_close(both - bare, (first - bare) + (second - bare), atol=1e-6, rtol=0)
    assert torch.equal(couple.embed(grid[:1].expand(7, 2), 0), first[:7])


@pytest.mark.parametrize("correlation", [0.5, 0.98, 1.0])
def test_a_spurious_cue_goes_with_the_label_as_often_as_it_says_and_each_group_is_numbered(correlation):
    drawn = Correlated(correlations=(correlation, 0.1)).draw(400, 0)
    agrees = (drawn.y == drawn.spurious).double()
    for e, expected in enumerate((correlation, 0.1)):
        mine = drawn.environment == e
        assert float(agrees[mine].mean()) == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / 200) + 1e-12)
        assert drawn.y[mine].bincount().tolist() == [100, 100]
    assert torch.equal(drawn.group, 2 * drawn.y + drawn.spurious)
    higher = Correlated(correlations=(1.0, 0.1)).draw(400, 0)
    assert torch.equal(higher.y, drawn.y)
    same = higher.spurious == drawn.spurious
    assert torch.equal(higher.x[same], drawn.x[same])


def test_images_have_the_annotated_types():
    for sample in (Equal().diagonal(4, 0), Equal().off_diagonal(78, 0), Correlated().draw(5, 0), Couple().draw(5, 0)):
        assert sample.x.dtype == torch.float32
        assert sample.x.shape[1:] == (3, 16, 16)
        assert sample.y.dtype == torch.int64
    assert checked(sprites.colour)(torch.rand(3)).dtype == torch.float32
    assert checked(Look().render)(free(3, 0), 0).shape == (3, 3, 16, 16)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equal().diagonal(2, 0), r"2 images for 3 cells: expected at least one each; draw 3 or more"),
        (lambda: Equal().off_diagonal(77, 0), r"77 images for 78 cells: .* or take fewer cues"),
        (lambda: Equal().off_diagonal(78, 0, cue="hue"), r"cue 'hue': expected one of this design's, colour, shape"),
        (lambda: Equal(("colour", "sacle")), r"no cue 'sacle': did you mean 'scale'\? there are colour"),
        (lambda: Equal(("colour", "colour")), "expected each once"),
        (lambda: Equal(("colour",)), "3 levels of 1 cues: expected at least 2 of either"),
        (lambda: Equal(levels=2), r"2 levels of shape, but the look has 3, \('ellipse', 'triangle', 'heart'\)"),
        (lambda: Equal(look=Look(saturation=0.0)), "colour as a cue with saturation 0: expected above 0"),
        (lambda: Equal(look=Look(shapes=("square", "heart", "ellipse"))), "orientation as a cue of 'square', which a quarter turn"),
        (lambda: Look(footprint=(0.1, 0.5)), r"a footprint of 0.5 .* expected at most 0.234, or triangle leaves it"),
        (lambda: Look(footprint=(0.2, 0.1)), r"0 < least <= greatest"),
        (lambda: Look(shapes=("circle",)), "no shape 'circle': expected one of square"),
        (lambda: Look(shapes="heart"), "expected tuples of at least one name"),
        (lambda: Look(background=("lawn",)), "background 'lawn': expected one of none, photos"),
        (lambda: Look(contrast=0.0), "contrast 0.0.*the contrast above 0"),
        (lambda: Look().render(torch.ones(2, 5), 0), r"coordinates of shape \(2, 5\): expected \(n, 6\) in \(0, 1\)"),
        (lambda: Correlated(correlations=(98,)), r"correlations \(98,\): expected at least one share in \[0, 1\].* not in percent"),
        (lambda: Correlated(correlations=()), "expected at least one share"),
        (lambda: Correlated(core="background", spurious="background"), "expected each once"),
        (lambda: Correlated(correlations=(0.9, 0.8)).draw(3, 0), "3 images for 2 environments of 2 labels: expected at least 4"),
        (lambda: Couple(footprint=(0.2, 0.05)), r"a footprint of 0.2 in a square of width 0.5: expected at most 0.098"),
        (lambda: Couple(contrast=(0.0, 1.0)), r"contrast \(0.0, 1.0\): expected two shares in \(0, 1\]"),
        (lambda: Couple(background="sky"), "backdrop 'sky' of contrast 1.0: expected one of none"),
        (lambda: Couple().embed(torch.zeros(3, 3), 0), r"latent cues of shape \(3, 3\): expected \(m, 2\)"),
        (lambda: Couple(Availability((0.5, 0.9))), "predictivity 0.5: expected a probability in"),
        (lambda: Couple(Availability(correlation=1.0)), "not positive definite"),
        (lambda: colour(torch.zeros(1), 2.0), "saturation 2.0: expected from 0, grey, to 1"),
        (lambda: one("heart", 25.0), r"footprints from 25 to 25 on a side of 32: .* not numbers of pixels"),
        (lambda: coverage(torch.tensor([4]), torch.tensor([0.1]), torch.zeros(1), torch.zeros(1, 2), 8), "expected 0 to 3"),
    ],
)
def test_what_is_no_design_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_shape_s_streams_are_its_own():
    u = free(5, 0)
    expected = torch.rand(5, generator=stream(0, "sprite", "train", "colour"), dtype=torch.float64)
    assert torch.equal(u[:, 0], expected)
    assert torch.equal(free(3, 0), u[:3])
