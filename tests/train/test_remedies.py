"""Remedies against shortcuts: each is its formula, and a seed trains alike under it alone or in a stack."""

from importlib import import_module
from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train.failure import LearningFromFailure, error_set, generalised_cross_entropy
from whence.train.groups import GroupDRO, balancing, counts, group_means, resampled, weighted
from whence.train.invariance import irm, irm_penalty, penalised, risks, vrex
from whence.train.lastlayer import refit
from whence.train.loop import fit
from whence.train.remedies import REMEDIES
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, example_losses, labelled
from whence.train.upsample import copied

GROUP = torch.tensor([0] * 9 + [1] * 2 + [2] * 4 + [3])


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed, "test"), dtype=torch.float64)


def labels(*shape):
    return torch.randint(2, shape, generator=stream(0, "labels"))


def gradient(value, leaf):
    return torch.autograd.grad(value.sum(), leaf)[0]


def test_example_losses_are_those_of_torch_before_their_mean():
    logits, y = noise(3, 8, 2), labels(3, 8)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
    torch.testing.assert_close(example_losses(logits, y).flatten(), expected)


def test_balancing_weights_give_the_mean_of_group_means_and_that_of_a_balanced_resample():
    losses, weights = noise(16), balancing(GROUP, 4)
    by_hand = torch.stack([losses[g == GROUP].mean() for g in range(4)]).mean()
    torch.testing.assert_close(weighted(losses, weights), by_hand)
    draws = torch.stack([losses[resampled(GROUP, 4, s)].mean() for s in range(400)])
    assert abs(draws.mean() - by_hand) < 4 * draws.std() / 20
    assert torch.bincount(GROUP[resampled(GROUP, 4, 0)]).tolist() == [9] * 4


def test_a_group_that_a_batch_lacks_has_loss_0():
    losses, group = torch.tensor([[1.0, 3.0, 5.0]]), torch.tensor([[0, 0, 2]])
    assert group_means(losses, group, 3).tolist() == [[2.0, 0.0, 5.0]]


def test_group_dro_weights_follow_the_formula_and_stay_on_the_simplex():
    dro, q, index = GroupDRO(GROUP, 4, 2, eta=0.5), torch.full((2, 4), 0.25).double(), torch.arange(16).expand(2, 16)
    for step in range(20):
        losses = noise(2, 16, seed=step).square()
        means = torch.stack([losses[:, g == GROUP].mean(1) for g in range(4)], 1)
        q = q * (0.5 * means).exp()
        q = q / q.sum(1, keepdim=True)
        torch.testing.assert_close(dro(losses, index), (q * means).sum(1))
        torch.testing.assert_close(dro.q.sum(1), torch.ones(2).double())
    before = dro.q
    dro(losses * 1e6, index)
    assert bool(dro.q.isfinite().all())
    assert dro.q is not before


def test_group_dro_without_a_rate_is_the_group_balanced_mean():
    losses, index = noise(2, 16), torch.arange(16).expand(2, 16)
    dro = GroupDRO(GROUP, 4, 2, eta=0.0)
    for _ in range(3):
        torch.testing.assert_close(dro(losses, index), weighted(losses, balancing(GROUP, 4)).double(), rtol=1e-6, atol=1e-6)


def test_group_dro_differentiates_the_losses_and_not_the_weights():
    losses = noise(1, 16).square().requires_grad_()
    dro = GroupDRO(GROUP, 4, 1, eta=1.0)
    found = gradient(dro(losses, torch.arange(16)[None]), losses)
    torch.testing.assert_close(found[0], dro.q[0, GROUP] / counts(GROUP, 4)[GROUP])


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
def test_the_gradient_of_generalised_cross_entropy_is_p_to_the_q_times_that_of_cross_entropy(q):
    logits, y = noise(1, 2, 3).squeeze(0).requires_grad_(), torch.tensor([0, 2])
    p = logits.softmax(-1)[range(2), y].detach()
    plain = gradient(cross_entropy(logits, y), logits)
    torch.testing.assert_close(gradient(generalised_cross_entropy(logits, y, q), logits), p[:, None] ** q * plain)


def test_learning_from_failure_weighs_by_moving_averages_over_their_largest_of_a_class():
    y = torch.tensor([0, 0, 1])
    remedy, index = LearningFromFailure(y, 1), torch.tensor([[0, 1, 2]])
    first = remedy.weigh(torch.tensor([[2.0, 1.0, 5.0]]), torch.tensor([[4.0, 1.0, 3.0]]), index)
    torch.testing.assert_close(first, torch.tensor([[1 / 2, 0.5 / 0.75, 1 / 2]]))
    again = remedy.weigh(torch.tensor([[0.0]]), torch.tensor([[4.0]]), torch.tensor([[0]]))  # biased .7 * 2 + .3 * 0
    torch.testing.assert_close(again, torch.tensor([[1 / 2]]))  # 1.4 is still the largest of its class, and so is 4
    third = remedy.weigh(torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[1]]))  # .7 / 1.4 against 1 / 4
    torch.testing.assert_close(third, torch.tensor([[0.5 / 0.75]]))


def test_learning_from_failure_weighs_most_what_only_the_biased_network_fails_and_passes_no_gradient_across():
    y, fails = torch.tensor([[0, 1, 0, 1, 0, 1]]), torch.tensor([[False, False, True, True, False, False]])
    margin = (2 * y - 1) * torch.where(fails, -3.0, 3.0)
    biased, debiased = torch.stack([-margin, margin], -1).requires_grad_(), torch.zeros(1, 6, 2, requires_grad=True)
    index = torch.arange(6)[None]
    losses = example_losses(biased, y), example_losses(debiased, y)
    weight = LearningFromFailure(y[0], 1).weigh(losses[0].detach(), losses[1].detach(), index)
    assert torch.equal(weight > 0.4, fails)
    found = LearningFromFailure(y[0], 1)(biased, debiased, index)
    by_biased, by_debiased = torch.autograd.grad(found.sum(), (biased, debiased))
    torch.testing.assert_close(by_biased, gradient(generalised_cross_entropy(biased, y), biased))
    torch.testing.assert_close(by_debiased, weight[..., None] * gradient(losses[1], debiased) / 6)


def test_the_error_set_is_what_a_network_gets_wrong():
    logits = torch.tensor([[[1.0, 0], [0, 1], [1, 0]], [[0, 1.0], [0, 1], [0, 1]]])
    assert error_set(logits, torch.tensor([0, 1, 1])).tolist() == [[False, False, True], [True, False, False]]
    with pytest.raises(ValueError, match="a network makes 0 errors in 3 examples"):
        error_set(logits, torch.tensor([0, 1, 0]))


def test_the_penalty_of_irm_is_the_squared_slope_of_a_dummy_scale_by_autograd():
    logits, y, environment = noise(2, 12, 3), labels(2, 12), torch.arange(12).expand(2, 12) % 3
    expected = torch.zeros(2).double()
    for s in range(2):
        for e in range(3):
            w = torch.ones((), dtype=torch.float64, requires_grad=True)
            here = environment[s] == e
            expected[s] += gradient(cross_entropy(w * logits[s, here], y[s, here]), w).square() / 3
    torch.testing.assert_close(irm_penalty(logits, y, environment, 3), expected)


def test_an_invariant_predictor_has_no_penalty_and_one_that_follows_the_colour_has():
    """Shape right in 3 of 4 in both environments, colour in 8 and 9 of 10: every cell as often as it should be."""
    cells = [(e, a, c) for e in (0, 1) for a in (0, 1) for c in (0, 1)]  # label always 1; a, c: shape, colour say so
    kept = (0.8, 0.9)
    times = [round(40 * (0.75 if a else 0.25) * (kept[e] if c else 1 - kept[e])) for e, a, c in cells]
    environment, shape, colour = torch.tensor(cells).repeat_interleave(torch.tensor(times), 0).T
    y = torch.ones_like(shape)

    def logits(cue, p):
        margin = (2 * cue - 1).double() * torch.tensor(p / (1 - p)).double().log()
        return torch.stack([-margin, margin], -1) / 2

    assert irm_penalty(logits(shape, 0.75), y, environment, 2) < 1e-15
    assert irm_penalty(logits(colour, 0.85), y, environment, 2) > 1e-3
    torch.testing.assert_close(
        vrex(logits(shape, 0.75), y, environment, 2, 1.0), cross_entropy(logits(shape, 0.75), y), rtol=1e-12, atol=1e-12
    )


def test_vrex_is_the_mean_and_the_variance_of_the_risks_and_the_loss_is_divided_by_a_weight_above_one():
    logits, y, environment = noise(2, 12, 2), labels(2, 12), torch.arange(12).expand(2, 12) % 3
    found = risks(example_losses(logits, y), environment, 3)
    variance = (found - found.mean(1, keepdim=True)).square().mean(1)
    torch.testing.assert_close(vrex(logits, y, environment, 3, 0.5), found.mean(1) + 0.5 * variance)
    torch.testing.assert_close(vrex(logits, y, environment, 3, 50.0), found.mean(1) / 50 + variance)
    torch.testing.assert_close(irm(logits, y, environment, 3, 0.0), found.mean(1))


def test_a_weight_for_each_network_is_that_weight_alone():
    risk, penalty, weights = noise(3).square(), noise(3, seed=1).square(), torch.tensor([0.0, 0.5, 40.0]).double()
    alone = [penalised(r, p, float(w)) for r, p, w in zip(risk, penalty, weights, strict=True)]
    torch.testing.assert_close(penalised(risk, penalty, weights), torch.stack(alone))


def features(n=400):
    """A core that separates, and a shortcut of larger scale that goes with it in 9 of 10; label x shortcut are the groups."""
    y = torch.arange(n) % 2
    shortcut = torch.where(torch.arange(n) // 2 % 10 == 0, 1 - y, y)
    means = torch.stack([2 * y - 1, 4 * (2 * shortcut - 1), 0 * y], 1)
    return means + 0.1 * noise(n, 3) * torch.tensor([1.0, 1.0, 0.0]), y, 2 * y + shortcut


def test_a_new_last_layer_finds_the_balanced_optimum_of_separable_features():
    x, y, group = features()
    head = refit(x, y, group, 4, 0, rounds=4)
    right = (head(x) > 0) == (y == 1)
    assert bool(right.all()), "in every group"
    assert head.weight[0] > 10 * head.weight[1:].abs().max()
    assert torch.equal(head.weight, refit(x, y, group, 4, 0, rounds=4).weight)
    assert not torch.equal(head.weight, refit(x, y, group, 4, 1, rounds=4).weight)


def test_a_new_last_layer_standardises_so_that_scale_and_place_of_features_do_not_matter():
    x, y, group = features(120)
    one, other = refit(x, y, group, 4, 0, rounds=2), refit(x * 50 + 7, y, group, 4, 0, rounds=2)
    torch.testing.assert_close(one(x), other(x * 50 + 7), rtol=1e-5, atol=1e-5)


def trained(name, seeds):
    """Logits after a few steps of each remedy on the one loop, for these seeds as one stack."""
    x = torch.randn(40, 5, generator=stream(0, "x"))
    y, group, shape = (x[:, 0] > 0).long(), torch.arange(40) % 4, (5,)
    stacks = [Stack.of([build("perceptron", shape, s + k, width=6) for s in seeds]) for k in (0, 100)]
    one, other = stacks
    dro, lff, weights = GroupDRO(group, 4, len(seeds), 0.5), LearningFromFailure(y, len(seeds)), balancing(group, 4)
    losses = {
        "reweighting": lambda b: weighted(example_losses(one(b.x), b.y), weights[b.index]),
        "dro": lambda b: dro(example_losses(one(b.x), b.y), b.index),
        "jtt": lambda b: cross_entropy(one(b.x), b.y),
        "lff": lambda b: lff(other(b.x), one(b.x), b.index),
        "irm": lambda b: irm(one(b.x), b.y, group[b.index] // 2, 2, 10.0),
        "vrex": lambda b: vrex(one(b.x), b.y, group[b.index] // 2, 2, 10.0),
    }
    chosen = [copied(wrong, 5) for wrong in error_set(one(x), y)] if name == "jtt" else None
    parameters = [p for stack in stacks[: 1 + (name == "lff")] for p in stack.parameters()]
    feed = islice(labelled(x, y, 16, seeds, chosen=chosen), 12)
    start = one(x).detach()
    list(fit(parameters, losses[name], feed, torch.optim.Adam(parameters, 0.02)))
    assert not torch.allclose(start, one(x), atol=1e-2)
    return one(x).detach()


@pytest.mark.parametrize("name", ["reweighting", "dro", "jtt", "lff", "irm", "vrex"])
def test_a_seed_trains_alike_under_a_remedy_alone_or_in_a_stack(name):
    torch.testing.assert_close(trained(name, [3, 1])[1:], trained(name, [1]), rtol=1e-4, atol=1e-4)


def test_every_remedy_names_its_label_budget_and_code_that_there_is():
    assert len({r.name for r in REMEDIES}) == len(REMEDIES)
    for r in REMEDIES:
        module, _, name = r.by.rpartition(".")
        assert callable(getattr(import_module(f"whence.{module}"), name))
    assert {r.name: r.labels for r in REMEDIES}["DFR"] == "validation groups"
    assert [r.name for r in REMEDIES if r.labels == "translator"] == ["translator"]


ENVIRONMENT = torch.zeros(4).long()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: balancing(None, 4), "group labels None: this remedy needs the group of every example"),
        (lambda: GroupDRO(None, 4, 1), "group labels None"),
        (lambda: resampled(None, 4, 0), "group labels None"),
        (lambda: refit(noise(4, 2), labels(4), None, 4, 0), "group labels None"),
        (lambda: balancing(GROUP, 5), r"group 4 has no members \(counts \[9, 2, 4, 1, 0\]\)"),
        (lambda: balancing(GROUP, 3), r"expected \(n,\) whole numbers 0 to 2"),
        (lambda: GroupDRO(GROUP, 4, 1, eta=-1.0), "eta is -1.0, expected a rate >= 0"),
        (lambda: GroupDRO(GROUP, 4, 3)(noise(2, 5), torch.zeros(2, 5).long()), "losses of 2 networks, weights of 3"),
        (lambda: risks(noise(4), ENVIRONMENT, 1), "1 environments: expected at least 2"),
        (lambda: risks(noise(4), ENVIRONMENT, 2), "lacks one of 2 environments"),
        (lambda: penalised(noise(2), noise(2), -1.0), "penalty weight -1.0: expected a finite number >= 0"),
        (lambda: generalised_cross_entropy(noise(2, 2), labels(2), 0.0), r"q is 0.0, expected a number in \(0, 1\]"),
        (lambda: LearningFromFailure(labels(3), 1, decay=1.0), r"decay 1.0: expected a share in \[0, 1\)"),
        (lambda: LearningFromFailure(noise(3), 1), r"expected \(n,\) whole numbers, shared by all seeds"),
        (lambda: refit(noise(16, 2), GROUP % 2, GROUP, 4, 0), "groups of .* examples: expected at least 2 each"),
        (lambda: refit(noise(8, 2), torch.zeros(8).long(), labels(8), 2, 0), "values .0. for 8 group labels: expected"),
        (lambda: refit(*features(80), 4, 0, strengths=()), r"strengths \(\) in 20 rounds"),
    ],
)
def test_what_a_remedy_cannot_work_with_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
