"""The transformers that classify: what their attention is in closed form, what an order of patches means to them, and refusals."""

import math

import pytest
import torch
from small import awake

from whence.nets.attention import Content, Gated, convolution, relative
from whence.nets.build import build
from whence.seeds import stream

SMALL = {"width": 8, "depth": 2, "patch": 4, "heads": 4, "outputs": 3}
KINDS = [
    ("vit", {}),
    ("vit", {"pool": "token"}),
    ("vit", {"positions": False}),
    ("gated_vit", {}),
    ("gated_vit", {"plain": 1, "pool": "token"}),
    ("gated_vit", {"convolutional": False, "depth": 1}),
]


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, name), dtype=torch.float64)


def small(name="vit", shape=(2, 12, 8), **options):
    return awake(build(name, shape, 0, **(SMALL | options)))


def gated(heads=9, grid=(5, 4), alpha=1.0, gate=1.0, convolutional=True):
    return Gated(18, heads, grid, alpha, gate, convolutional).double()


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_every_weight_counts_and_samples_do_not_mix(name, options):
    network, x = small(name, **options), normal(5, 2, 12, 8)
    answers = network(x)
    assert answers.shape == (5, 3)
    torch.testing.assert_close(answers, network.last(network.features(x)))
    torch.testing.assert_close(answers, torch.cat([network(x[i : i + 1]) for i in range(5)]), rtol=1e-10, atol=1e-12)
    answers.square().sum().backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 1e-12)] == []


def test_the_network_is_its_formula_one_token_and_one_head_at_a_time():
    network, x = small(width=4, depth=1, heads=2), normal(1, 2, 12, 8)
    trunk, block, e = network.trunk, network.trunk.blocks[0], 2
    squares = [x[0, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].flatten() for i in range(3) for j in range(2)]
    h = [trunk.first(pixels) + trunk.places[i] for i, pixels in enumerate(squares)]
    normed = [block.norms[0](row) for row in h]
    qk, v = [block.attention.qk(row) for row in normed], [block.attention.v(row) for row in normed]
    for i in range(6):
        heard = []
        for a in (0, e):
            scores = [(qk[i][a : a + e] @ qk[j][4 + a : 4 + a + e]).item() / math.sqrt(e) for j in range(6)]
            heard.append(sum(math.exp(s) * v[j][a : a + e] for j, s in enumerate(scores)) / sum(map(math.exp, scores)))
        h[i] = h[i] + block.attention.out(torch.cat(heard))
    h = [row + block.narrow(torch.nn.functional.gelu(block.wide(block.norms[1](row)))) for row in h]
    torch.testing.assert_close(network(x)[0], network.last(sum(trunk.norm(row) for row in h) / 6), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_without_positions_no_order_of_patches_is_another_and_with_them_it_is(pool):
    x, order = normal(3, 2, 12, 8), torch.randperm(6, generator=stream(0, "order"))
    cut = x.unflatten(3, (2, 4)).unflatten(2, (3, 4)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)[:, order]
    moved = cut.unflatten(1, (3, 2)).permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
    blind, seeing = small(pool=pool, positions=False), small(pool=pool)
    torch.testing.assert_close(blind(moved), blind(x), rtol=1e-10, atol=1e-12)
    assert float((seeing(moved) - seeing(x)).detach().abs().max()) > 1e-3


def test_of_gated_heads_every_row_sums_to_one():
    weights = awake(gated()).weights(normal(2, 20, 18))
    assert weights.shape == (2, 9, 20, 20)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 9, 20, dtype=torch.float64))
    assert bool((weights >= 0).all())


def test_with_the_gate_open_attention_is_by_content_alone():
    attention, tokens = gated(gate=-800.0), normal(2, 20, 18)
    plain = Content(18, 9).double()
    plain.load_state_dict({k: t for k, t in attention.state_dict().items() if k in plain.state_dict()})
    torch.testing.assert_close(attention.weights(tokens), plain.weights(tokens))
    torch.testing.assert_close(attention(tokens), plain(tokens))


def test_with_the_gate_shut_and_a_large_alpha_each_head_attends_to_its_own_offset():
    weights = gated(gate=800.0, alpha=60.0).weights(normal(1, 20, 18))[0]
    for head, (down, right) in enumerate((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)):
        for i in range(20):
            row, column = divmod(i, 4)
            nearest = min(max(row + down, 0), 4) * 4 + min(max(column + right, 0), 3)
            assert float(weights[head, i, nearest].detach()) > 0.999


def test_in_between_attention_is_the_share_of_either():
    attention, tokens = gated(gate=0.7), normal(1, 20, 18)
    share = 1 / (1 + math.exp(-0.7))
    by_place = gated(gate=800.0).weights(tokens)
    with torch.no_grad():
        attention.gate.fill_(-800.0)
        by_content = attention.weights(tokens)
        attention.gate.fill_(0.7)
    torch.testing.assert_close(attention.weights(tokens), (1 - share) * by_content + share * by_place, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("heads", "alpha"), [(4, 0.5), (9, 2.0)])
def test_first_scores_of_place_are_a_bump_around_the_offset(heads, alpha):
    """v_pos . r = -alpha (|delta - D|^2 - |D|^2)."""
    table, start = relative(4, 3).double(), convolution(heads, alpha).double()
    offset = start[:, 1:] / (2 * alpha)
    apart = (table[..., None, 1:] - offset).square().sum(-1) - offset.square().sum(-1)
    torch.testing.assert_close(table @ start.T, -alpha * apart)
    side = math.isqrt(heads)
    assert sorted({round(float(x), 6) for x in offset.flatten()}) == [i - (side - 1) / 2 for i in range(side)]


def test_a_head_of_strength_zero_looks_everywhere_alike():
    torch.testing.assert_close(gated(alpha=0.0).places(), torch.full((9, 20, 20), 1 / 20, dtype=torch.float64))


def test_relative_places_lead_from_the_row_to_the_column():
    table = relative(3, 2)
    assert table.shape == (6, 6, 3)
    assert table[0, 5].tolist() == [5.0, 2.0, 1.0]
    assert table[5, 0].tolist() == [5.0, -2.0, -1.0]


def test_a_convolutional_start_hands_on_the_tokens_themselves():
    attention = gated()
    assert torch.equal(attention.v.weight, torch.eye(18, dtype=torch.float64))
    assert not torch.equal(gated(convolutional=False).v.weight, torch.eye(18, dtype=torch.float64))


@pytest.mark.parametrize("name", ["vit", "gated_vit"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 3}, "patch is 3, expected a divisor of both sides of an image of 8 x 8 pixels"),
        ({"width": 18}, r"width is 18, expected a multiple of heads \(4\)"),
        ({"heads": 0}, "heads is 0, expected a whole number >= 1"),
        ({"pool": "max"}, "pool is 'max', expected one of mean, token"),
    ],
)
def test_a_transformer_is_refused_where_it_cannot_be(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, (1, 8, 8), 0, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 2}, "heads is 2, expected a square number"),
        ({"alpha": -1.0}, "alpha is -1.0, expected a number >= 0"),
        ({"alpha": math.nan}, "alpha is nan, expected a number >= 0"),
        ({"plain": 3}, "plain is 3, expected how many of the 2 blocks"),
        ({"pool": "token"}, "pool is 'token' and plain 0"),
    ],
)
def test_gates_are_refused_where_they_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        build("gated_vit", (1, 8, 8), 0, **options)


@pytest.mark.parametrize("name", ["vit", "gated_vit", "local"])
def test_images_of_another_shape_are_refused(name):
    with pytest.raises(ValueError, match=r"x has shape \(3, 1, 8, 8\), this network was made for \(b, 2, 8, 8\)"):
        build(name, (2, 8, 8), 0)(torch.zeros(3, 1, 8, 8))
