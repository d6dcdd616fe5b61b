"""Rich feature construction: each part is its formula, and a second round finds what the first one left."""

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train.loop import fit
from whence.train.rich import agreement, discover, synthesis, worst_part
from whence.train.stack import Stack
from whence.train.supervised import example_losses, labelled

SEEDS = [3, 1]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed, "test"), dtype=torch.float64)


def test_a_round_minimises_the_largest_mean_over_the_parts_of_all_divisions_before_it():
    losses, index = noise(2, 6).square(), torch.arange(6).expand(2, 6)
    wrong = [noise(2, 6, seed=1) > 0, noise(2, 6, seed=2) > 0.5]
    by_hand = [max(float(row[part].mean()) for w in wrong for part in (w[s], ~w[s])) for s, row in enumerate(losses)]
    torch.testing.assert_close(worst_part(losses, index, wrong), torch.tensor(by_hand).double())
    torch.testing.assert_close(worst_part(losses, index, []), losses.mean(1))


def test_parts_are_those_of_the_examples_in_the_batch():
    losses, wrong = torch.tensor([[1.0, 5.0, 9.0]]), torch.tensor([[True, False, False, True]])
    assert worst_part(losses, torch.tensor([[3, 1, 0]]), [wrong]).tolist() == [5.0]  # wrong: 1 and 9, right: 5


def test_examples_on_which_rounds_agree_weigh_as_much_together_as_those_on_which_they_do_not():
    pseudo = torch.tensor([[[0, 1, 1, 0, 0], [1, 1, 1, 1, 1]], [[0, 1, 1, 1, 0], [1, 1, 1, 1, 1]]])
    weights = agreement(pseudo)
    torch.testing.assert_close(weights[0], torch.tensor([5 / 8] * 3 + [5 / 2] + [5 / 8]))
    assert weights[1].tolist() == [1.0] * 5
    assert torch.allclose(weights.mean(1), torch.ones(2))


def test_synthesis_is_the_weighted_cross_entropy_of_every_head_to_its_own_round():
    logits, index = noise(2, 3, 4), torch.tensor([[4, 0, 2], [1, 1, 3]])
    pseudo, weights = (noise(2, 2, 5, seed=3) > 0).long(), noise(2, 5, seed=4).abs()
    found = synthesis(logits, pseudo, weights, index)
    for s in range(2):
        terms = [
            weights[s, i] * -logits[s, b, 2 * r : 2 * r + 2].log_softmax(-1)[pseudo[r, s, i]]
            for r in range(2)
            for b, i in enumerate(index[s])
        ]
        torch.testing.assert_close(found[s], torch.stack(terms).mean())


def two_features(n=400):
    """Two coordinates that tell the label: an easy one in 90 % of examples, a faint one in all."""
    y = torch.arange(n) % 2
    easy = torch.rand(n, generator=stream(0, "easy")) < 0.9
    x = torch.stack([torch.where(easy, 2.0 * y - 1, 1 - 2.0 * y), 0.1 * (2 * y - 1)], 1)
    return x + 0.01 * torch.randn(n, 2, generator=stream(0, "noise")), y, easy


def test_a_second_round_finds_the_feature_that_the_first_one_left_and_synthesis_keeps_both():
    x, y, easy = two_features()

    def train(r, rule):
        stack = Stack.of([build("perceptron", (2,), s + 100 * r, width=16, depth=1) for s in SEEDS])
        feed, adam = islice(labelled(x, y, None, SEEDS), 200 if r else 20), torch.optim.Adam(stack.parameters(), 0.02)
        list(fit(stack.parameters(), lambda b: rule(example_losses(stack(b.x), b.y), b.index), feed, adam))
        return stack(x)

    pseudo = discover(train, y, 2)
    assert torch.equal(pseudo[0] == y, easy.expand(2, -1))
    assert float((pseudo[1] == y)[:, ~easy].double().mean()) > 0.95
    stack = Stack.of([build("perceptron", (2,), s + 200, width=16, depth=1, outputs=4) for s in SEEDS])
    weights, adam = agreement(pseudo), torch.optim.Adam(stack.parameters(), 0.02)
    feed = islice(labelled(x, y, None, SEEDS), 300)
    list(fit(stack.parameters(), lambda b: synthesis(stack(b.x), pseudo, weights, b.index), feed, adam))
    heads = stack(x).unflatten(-1, (2, 2)).argmax(-1)
    assert float((heads == pseudo.movedim(0, -1)).double().mean()) > 0.95


INDEX = torch.arange(4)[None]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: worst_part(noise(1, 4), INDEX, [torch.zeros(1, 4).bool()]), "round 0 gets a share 0 to 0 of 4 examples wrong"),
        (lambda: worst_part(noise(1, 4), INDEX, [torch.ones(1, 4).bool()]), "share 1 to 1 of 4 examples wrong, expected more"),
        (lambda: discover(lambda r, rule: noise(1, 4, 2), torch.zeros(4).long(), 1), "1 rounds: expected at least 2"),
        (
            lambda: synthesis(noise(1, 4, 5), torch.zeros(2, 1, 4).long(), torch.ones(1, 4), INDEX),
            "5 outputs for 2 rounds: expected as many heads",
        ),
    ],
)
def test_what_rich_features_cannot_be_made_of_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
