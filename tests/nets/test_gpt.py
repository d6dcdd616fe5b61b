import math

import pytest
import torch

from whence.nets.gpt import GPT, greedy, untrained
from whence.seeds import stream
from whence.train.stack import Stack

TINY = {"vocabulary": 12, "width": 8, "depth": 2, "heads": 2}


def tiny(seed=0, **options):
    return untrained((10,), seed, **(TINY | options)).double()


def tokens(b=3, n=10):
    return torch.randint(12, (b, n), generator=stream(0, "tokens"))


def test_first_weights_are_a_function_of_the_seed_alone():
    before = torch.random.get_rng_state()
    one, again, other = tiny(3), tiny(3), tiny(4)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.tokens.weight, again.tokens.weight)
    assert not torch.equal(one.tokens.weight, other.tokens.weight)
    assert one.seed == 3
    assert one.options["depth"] == 2


def test_they_are_those_of_gpt2():
    net = untrained((50,), 0, width=128, depth=8, vocabulary=500, gain=3.0)
    block = net.blocks[5]
    for weight, std in ((net.tokens.weight, 0.02), (block.qkv.weight, 0.02), (block.wide.weight, 0.02)):
        assert float(weight.detach().std()) == pytest.approx(std, rel=0.05)
    for layer in (block.attended, block.narrow):
        assert float(layer.weight.detach().std()) == pytest.approx(0.02 / 4, rel=0.05)
    assert all(not bool(p.any()) for name, p in net.named_parameters() if name.endswith("bias"))
    assert block.norms[1].weight.unique().tolist() == net.norm.weight.unique().tolist() == [3.0]


def naive(net, sequence):
    """The logits after the last token, one token, one head, one number at a time."""
    width, heads = net.options["width"], net.options["heads"]
    h = [net.tokens.weight[t] + net.places.weight[i] for i, t in enumerate(sequence)]
    for block in net.blocks:
        parts = [block.qkv(block.norms[0](row)).split(width) for row in h]
        added = []
        for i in range(len(h)):
            heard = []
            for a in range(0, width, width // heads):
                own = slice(a, a + width // heads)
                scores = [math.exp(float(parts[i][0][own] @ parts[j][1][own]) / math.sqrt(width // heads)) for j in range(i + 1)]
                heard.append(sum(s * parts[j][2][own] for j, s in enumerate(scores)) / sum(scores))
            added.append(h[i] + block.attended(torch.cat(heard)))
        h = [row + block.narrow(torch.tanh(block.wide(block.norms[1](row)))) for row in added]
    return net.tokens.weight @ net.norm(h[-1])


def test_logits_equal_those_of_a_naive_twin():
    net = tiny(activation="tanh", gain=20.0)
    sequence = tokens(1, 6)
    with torch.no_grad():
        twin = naive(net, sequence[0].tolist())
    torch.testing.assert_close(net(sequence)[0, -1].detach(), twin, rtol=1e-9, atol=1e-12)


def test_a_token_is_not_heard_by_those_before_it():
    net, said = tiny(gain=8.0), tokens()
    changed = said.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 12
    assert torch.equal(net(changed)[:, :6], net(said)[:, :6])
    assert not torch.allclose(net(changed)[:, 6:], net(said)[:, 6:])


def test_greedy_says_the_likeliest_token_each_time_and_keeps_the_prompt():
    net, prompt = tiny(gain=30.0), tokens(4, 1)
    said = greedy(net, prompt, 8)
    assert torch.equal(said[:, :1], prompt)
    assert torch.equal(net(said)[:, :-1].argmax(-1), said[:, 1:]), "the whole sequence at once gives the same"


def test_in_a_stack_each_says_what_it_says_alone():
    nets = [tiny(s, gain=30.0) for s in range(3)]
    prompt = torch.stack([tokens(2, 1) + s for s in range(3)]) % 12
    together = greedy(Stack.of(nets), prompt, 7)
    for net, own, said in zip(nets, prompt, together, strict=True):
        assert torch.equal(greedy(net, own, 7), said)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 8, 8), {}, r"shape is \(1, 8, 8\), expected \(n,\), the longest sequence"),
        ((8,), {"activation": "cosine"}, "activation is 'cosine', expected one of relu"),
        ((8,), {"width": 10, "heads": 4}, r"width is 10, expected a multiple of heads \(4\)"),
        ((8,), {"gain": 0.0}, "gain is 0.0, expected > 0"),
        ((8,), {"depth": 0}, "depth is 0, expected a whole number >= 1"),
    ],
)
def test_what_is_no_decoder_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        GPT(shape, **(TINY | options))


def test_a_sequence_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"tokens of shape \(3, 11\), expected \(b, n\) with n from 1 to 10"):
        tiny()(tokens(3, 11))
