import pytest
import torch

from whence.measures.rows import own_share, row_likeness
from whence.seeds import stream

PIXELS = torch.tensor([[0, 0], [2, 3], [4, 1]])


def rows(name):
    return torch.randn(3, 5, 4, generator=stream(5, name), dtype=torch.float64)


def without_itself(row, pixel):
    i = int(pixel[0] * row.shape[1] + pixel[1])
    flat = row.flatten()
    return torch.cat([flat[:i], flat[i + 1 :]])


def test_likeness_is_pearsons_r_of_what_is_left_without_the_pixel():
    found, wanted = rows("found"), rows("wanted")
    twin = [
        torch.corrcoef(torch.stack([without_itself(row, at) for row in pair]))[0, 1]
        for *pair, at in zip(found, wanted, PIXELS, strict=True)
    ]
    torch.testing.assert_close(row_likeness(found, wanted, PIXELS), torch.stack(twin))


def test_the_pixel_itself_makes_no_rows_alike():
    found, wanted = rows("found"), rows("wanted")
    before = row_likeness(found, wanted, PIXELS)
    for k, (i, j) in enumerate(PIXELS):
        found[k, i, j] = wanted[k, i, j] = 1e6
    torch.testing.assert_close(row_likeness(found, wanted, PIXELS), before)


def test_scale_and_level_do_not_count_but_the_sign_does():
    found = rows("found")
    torch.testing.assert_close(row_likeness(3 * found + 1, found, PIXELS), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(row_likeness(-found, found, PIXELS), -torch.ones(3, dtype=torch.float64))


def test_a_row_that_is_constant_but_for_the_pixel_itself_is_like_none():
    flat = torch.zeros(3, 5, 4, dtype=torch.float64)
    flat[torch.arange(3), PIXELS[:, 0], PIXELS[:, 1]] = 1
    assert row_likeness(flat, rows("wanted"), PIXELS).isnan().all()


def test_rows_in_single_precision_are_compared_in_double():
    found, wanted = 1000 + rows("found").float(), 1000 + rows("wanted").float()
    torch.testing.assert_close(row_likeness(found, wanted, PIXELS), row_likeness(found.double(), wanted.double(), PIXELS))


@pytest.mark.parametrize("wanted", [torch.zeros(3, 4, 5), torch.zeros(2, 5, 4)])
def test_unlike_rows_are_refused(wanted):
    with pytest.raises(ValueError, match="expected one row"):
        row_likeness(rows("found"), wanted, PIXELS)


def test_more_pixels_than_rows_are_refused():
    with pytest.raises(ValueError, match="of 3 pixels"):
        row_likeness(rows("found")[:2], rows("wanted")[:2], PIXELS)


def test_the_own_share_is_all_of_a_point_and_an_even_part_of_a_plain_field():
    point = torch.zeros(3, 5, 4)
    point[torch.arange(3), PIXELS[:, 0], PIXELS[:, 1]] = 7
    torch.testing.assert_close(own_share(point, PIXELS), torch.ones(3))
    torch.testing.assert_close(own_share(torch.ones(3, 5, 4), PIXELS), torch.full((3,), 1 / 20))
