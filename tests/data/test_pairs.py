import itertools
import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.pairs import RULES, Pairs, cells

NATURAL = {"linear": 1 / 2, "and": 1 / 4, "xor": 1 / 2, "two_of_four": 6 / 16, "parity_of_four": 1 / 2}
N = 20_000


def noise(p, n=N, deviations=4):
    return deviations * math.sqrt(p * (1 - p) / n)


def spelled_out(name, bits):
    """The same rules, bit by bit."""
    ups = sum(bit > 0 for bit in bits)
    return {"linear": ups == 1, "and": ups == 2, "xor": ups == 1, "two_of_four": ups == 2, "parity_of_four": ups % 2 == 1}[name]


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_its_truth_table(name):
    values, present = cells(RULES[name])
    everything = list(itertools.product((-1, 1), repeat=RULES[name].bits))
    assert {tuple(map(int, row)) for row in values.tolist()} == set(everything)
    assert present.tolist() == [spelled_out(name, row) for row in values.tolist()]
    assert present.float().mean() == NATURAL[name]


@pytest.mark.parametrize("hard", RULES)
def test_labels_are_read_off_the_inputs_and_nothing_else(hard):
    easy, x_bits = "linear", RULES[hard].bits
    x, y = jaxtyping.jaxtyped(typechecker=beartype)(Pairs.draw)(Pairs(easy, hard, d=9), 300, 0)
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert y.tolist() == [[int(row[0] > 0), int(spelled_out(hard, row[1 : 1 + x_bits]))] for row in x.tolist()]


@pytest.mark.parametrize("hard", RULES)
def test_features_have_their_prevalence_and_are_independent(hard):
    for pairs, p, q in [
        (Pairs("linear", hard, 8), 0.5, NATURAL[hard]),
        (Pairs("linear", hard, 8, easy_prevalence=0.1, hard_prevalence=0.3), 0.1, 0.3),
    ]:
        y = pairs.draw(N, 1).y.double()
        assert abs(float(y[:, 0].mean()) - p) < noise(p)
        assert abs(float(y[:, 1].mean()) - q) < noise(q)
        assert abs(float(torch.corrcoef(y.T)[0, 1])) < 4 / math.sqrt(N)


def test_a_prevalence_leaves_the_bits_uniform_among_the_inputs_that_have_the_feature():
    x, y = Pairs("linear", "and", 4, hard_prevalence=0.5).draw(N, 2)
    without = x[y[:, 1] == 0, 1:3]
    for cell in ((-1, -1), (-1, 1), (1, -1)):
        share = (without == torch.tensor(cell, dtype=torch.float32)).all(1).double().mean()
        assert abs(float(share) - 1 / 3) < noise(1 / 3, len(without))


@pytest.mark.parametrize("hard", ["xor", "two_of_four", "parity_of_four"])
def test_no_single_bit_tells_a_hard_feature(hard):
    x, y = Pairs("linear", hard, 6).draw(N, 3)
    told = torch.corrcoef(torch.cat([x, y[:, 1:]], 1).double().T)[-1, :-1]
    assert told.abs().max() < 4.5 / math.sqrt(N)


def test_the_bits_do_not_depend_on_what_is_read_off_them():
    x, _ = Pairs("linear", "xor", 8).draw(50, 4)
    torch.testing.assert_close(Pairs("linear", "parity_of_four", 8).draw(50, 4).x, x)
    rare = Pairs("linear", "xor", 8, easy_prevalence=0.2).draw(50, 4).x
    torch.testing.assert_close(rare[:, 1:], x[:, 1:])
    assert not torch.equal(rare[:, 0], x[:, 0])


def test_seeds_and_splits_share_no_draw():
    pairs = Pairs(d=16)
    first = pairs.draw(30, 0).x
    assert torch.equal(first, pairs.draw(30, 0).x)
    assert not torch.equal(first, pairs.draw(30, 1).x)
    assert not torch.equal(first, pairs.draw(30, 0, "test").x)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"hard": "xorr"}, "did you mean 'xor'"),
        ({"easy": "convex"}, "there are linear"),
        ({"hard": "parity_of_four", "d": 4}, "expected d >= 5"),
        ({"hard_prevalence": 1.0}, "prevalence 1.0"),
        ({"easy_prevalence": -0.1}, "prevalence -0.1"),
        ({"easy_prevalence": math.nan}, "prevalence nan"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        Pairs(**options)
