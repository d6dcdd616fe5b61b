from __future__ import annotations

import itertools
import math

import pytest
import torch

from whence.data.boolean import (
    AGGREGATES,
    at_most,
    chain,
    cube,
    even,
    ladder,
    majority,
    monomial,
    parity,
    points,
    pvr,
    some_positive,
    staircase,
)
from whence.seeds import stream
from whence.walsh import coefficients, degrees, index

NAIVE = {"parity": math.prod, "majority": lambda w: (sum(w) > 0) - (sum(w) < 0), "min": min, "max": max}


def naive_pvr(row, pointer, window, aggregate, cyclic):
    """By the definition, with lists: bits of the pointer as binary digits, the window as a slice."""
    digits, others = row[:pointer], row[pointer:]
    p = int("".join("1" if bit > 0 else "0" for bit in digits), 2)
    shown = (others + others)[p : p + window] if cyclic else others[p : p + window]
    return float(NAIVE[aggregate](shown))


@pytest.mark.parametrize("d", [1, 4, 17])
def test_cube_holds_every_point_once_where_its_index_says(d):
    x = cube(d)
    assert (x.shape, x.dtype) == ((2**d, d), torch.float32)
    assert bool((x.abs() == 1).all())
    weights = 2 ** torch.arange(d)
    assert torch.equal(((x < 0).long() * weights).sum(1), torch.arange(2**d))


def test_cube_too_large_is_refused_with_the_memory_it_would_take():
    with pytest.raises(ValueError, match=r"cube of dimension 40: .* 163,840.0 GiB\. Draw points instead"):
        cube(40)


def test_cube_of_no_dimension_is_refused():
    with pytest.raises(ValueError, match="cube of dimension 0"):
        cube(0)


def test_rungs_of_a_ladder_differ_from_its_foot_in_as_many_bits_as_they_are_high():
    assert (ladder(5) != ladder(5)[0]).sum(1).tolist() == [0, 1, 2, 3, 4, 5]


def test_points_are_on_the_cube_balanced_and_of_their_stream():
    x = points(4000, 6, stream(0, "x"))
    assert bool((x.abs() == 1).all())
    assert float(x.mean(0).abs().max()) < 0.1
    assert torch.equal(x, points(4000, 6, stream(0, "x")))


def test_monomial_has_one_coefficient():
    assert coefficients(monomial(cube(5), (1, 4))).nonzero().flatten().tolist() == [index((1, 4))]
    assert torch.equal(monomial(cube(3), ()), torch.ones(8))


def test_parity_is_the_monomial_of_all_coordinates():
    assert coefficients(parity(cube(6)))[-1] == 1


def test_majority_of_three_is_half_of_the_coordinates_less_half_of_their_product():
    expected = torch.tensor([0, 0.5, 0.5, 0, 0.5, 0, 0, -0.5], dtype=torch.float64)
    torch.testing.assert_close(coefficients(majority(cube(3))), expected)


@pytest.mark.parametrize("d", [3, 5, 7, 9])
def test_majority_of_odd_d_has_the_closed_coefficient_of_degree_one(d):
    first = coefficients(majority(cube(d)))[index((0,))]
    assert float(first) == pytest.approx(math.comb(d - 1, (d - 1) // 2) / 2 ** (d - 1))


def test_majority_is_0_on_a_tie():
    assert majority(torch.tensor([[1.0, -1.0]])).tolist() == [0]


def test_staircase_has_one_monomial_of_each_degree():
    found = coefficients(staircase(cube(6)))
    assert found.nonzero().flatten().tolist() == [index(range(k)) for k in range(1, 7)]
    torch.testing.assert_close(found[found != 0], torch.ones(6, dtype=torch.float64))


def test_chain_has_the_pairs_of_neighbours_with_growing_weights():
    found = coefficients(chain(cube(5)))
    assert [float(found[index((i, i + 1))]) for i in range(4)] == [1, 2, 3, 4]
    assert float(found.square().sum()) == 30


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize(("pointer", "window"), [(1, 1), (2, 3), (3, 3), (2, 4)])
@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_pointer_value_retrieval_equals_the_loop_over_its_definition(aggregate, pointer, window, cyclic):
    rows = list(itertools.product([-1, 1], repeat=pointer + 2**pointer))
    twin = torch.tensor([naive_pvr(list(row), pointer, window, aggregate, cyclic) for row in rows])
    found = pvr(torch.tensor(rows, dtype=torch.float32), pointer, window, aggregate, cyclic)
    assert torch.equal(found, twin)


def test_pointer_with_window_one_reads_a_single_bit():
    x = torch.tensor([[-1.0, 1, 1, -1, 1, 1]])  # pointer 01: the second of the other four
    assert pvr(x, 2, 1, "parity").tolist() == [-1]


@pytest.mark.parametrize(("pointer", "window", "aggregate"), [(3, 1, "parity"), (2, 5, "max"), (0, 1, "min"), (2, 0, "parity")])
def test_a_pointer_beyond_the_places_or_a_window_of_no_bits_is_refused(pointer, window, aggregate):
    with pytest.raises(ValueError, match=r"pointer of .* bits and window of"):
        pvr(cube(6), pointer, window, aggregate)


def test_an_unknown_aggregate_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="aggregate 'median': expected one of parity, majority, min, max"):
        pvr(cube(6), 2, 1, "median")


def test_seen_parts_are_those_of_their_conditions():
    x = cube(4)
    assert torch.equal(some_positive(x, (0, 2)), (x[:, 0] == 1) | (x[:, 2] == 1))
    assert torch.equal(even(x, (0, 1, 3)), x[:, 0] * x[:, 1] * x[:, 3] == 1)
    counts = [int(at_most(x, r).sum()) for r in range(5)]
    assert counts == [1, 5, 11, 15, 16]


@pytest.mark.parametrize(
    "part", [lambda: at_most(cube(4), -1), lambda: some_positive(-torch.ones(3, 4), (1,)), lambda: some_positive(cube(3), ())]
)
def test_a_part_that_leaves_nothing_seen_is_refused(part):
    with pytest.raises(ValueError, match="nothing would be left to train on"):
        part()


@pytest.mark.parametrize("function", [parity, majority, staircase, chain, lambda x: monomial(x, (0,))])
def test_points_off_the_cube_are_refused_with_the_value_and_the_mend(function):
    with pytest.raises(ValueError, match=r"points with a value 0: expected .* 1 - 2 \* bits"):
        function(torch.tensor([[1.0, 0.0]]))


@pytest.mark.parametrize("members", [(0, 0), (4,), (-1,)])
def test_coordinates_that_are_not_there_or_twice_are_refused(members):
    with pytest.raises(ValueError, match="expected each once, between 0 and 3"):
        monomial(cube(4), members)


def test_majority_has_odd_degrees_only():
    found = coefficients(majority(cube(7)))
    assert float(found[degrees(128) % 2 == 0].abs().max()) < 1e-15
