import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whence.seeds import derive, stream

NAME = st.one_of(st.integers(), st.text("abc é,.0", max_size=5))


def draw(*path, n=4):
    return torch.randn(n, generator=stream(*path))


def test_a_derived_seed_never_changes():
    """Pinned: every record depends on it."""
    assert derive(0, "noise") == 5127903134280592399
    assert derive(7, "init", 3) == 890724407223728996


def test_the_same_names_give_the_same_numbers():
    assert torch.equal(draw(0, "noise", 3), draw(0, "noise", 3))


@given(st.integers(), st.lists(NAME, min_size=1, max_size=4))
def test_every_path_gives_a_seed_of_63_bits(seed, names):
    assert 0 <= derive(seed, *names) < 2**63


def test_no_two_of_many_paths_share_a_seed():
    paths = [
        (s, name, *more) for s in range(40) for name in ("init", "order", "noise") for more in [(), *((k,) for k in range(20))]
    ]
    assert len({derive(*path) for path in paths}) == len(paths)


def test_where_one_name_ends_and_the_next_begins_matters():
    assert len({derive(1, "2", "3"), derive(12, "3"), derive(1, "23"), derive(123, "")}) == 4


def test_streams_of_different_names_are_uncorrelated():
    drawn = torch.stack([draw(0, name, n=20_000) for name in ("init", "order", "noise", "Noise")] + [draw(1, "noise", n=20_000)])
    apart = torch.corrcoef(drawn)[*torch.triu_indices(5, 5, 1)]
    assert apart.abs().max() < 4 / 20_000**0.5  # four standard errors


def test_adding_a_consumer_moves_no_other():
    def run(consumers):
        return {name: draw(0, name) for name in consumers}

    few, more = run(["init", "noise"]), run(["augment", "init", "dropout", "noise"])
    assert all(torch.equal(few[name], more[name]) for name in few)


def test_order_of_use_moves_nothing():
    names = ("init", "order", "noise")
    answers = []
    for order in itertools.permutations(names):
        open_streams = {name: stream(0, name) for name in names}
        drawn = {name: torch.randn(3, generator=open_streams[name]) for name in order}
        answers.append(torch.cat([drawn[name] for name in names]))
    assert all(torch.equal(answer, answers[0]) for answer in answers)


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    draw(0, "noise")
    assert torch.equal(before, torch.get_rng_state())


def test_streams_live_on_the_cpu_so_that_every_device_gets_the_same_numbers():
    assert stream(0, "noise").device == torch.device("cpu")


@pytest.mark.parametrize("seed", [True, 1.0, "1", None, np.int64(1)])
def test_a_seed_that_is_no_int_is_refused(seed):
    with pytest.raises(TypeError, match="expected an int, such as 0"):
        derive(seed, "noise")


def test_a_stream_without_a_name_is_refused_with_an_example():
    with pytest.raises(ValueError, match=r"stream\(3\) has no name: say what it is for, as in stream\(3, 'noise'\)"):
        stream(3)


def test_a_name_that_holds_the_separator_is_refused():
    with pytest.raises(ValueError, match="'noise/3' holds a '/'"):
        derive(0, "fit", "noise/3")
