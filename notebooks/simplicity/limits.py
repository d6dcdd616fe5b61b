# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is it the number of pieces or the order of the moment, and where does simplicity bias end?
#
# PROSE

# %% tags=["hide-input"]
from functools import lru_cache
from itertools import islice

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.slabs import (
    Gaussian,
    Slab,
    Slabs,
    binomial_spread,
    lms,
    matched_spread,
    noisy_lms,
)
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.perturbation import (
    accuracy,
    block_shares,
    gradients,
    label_free,
    pgd,
    signed,
    singular_directions,
)
from whence.measures.randomised import randomised
from whence.nets.build import build
from whence.seeds import stream
from whence.train.adversarial import attacked
from whence.train.loop import fit
from whence.train.orthogonal import deprived, together, without
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed chooses data, first weights and order
n_seeds: int = 3  # how many seeds, counted up from the first
n_train: int = 20000  # training points, where the question is not how many
n_test: int = 4000  # test points
width: int = 100  # units of each of the two hidden layers
batch: int = 128  # points of an update
rate: float = 0.1  # learning rate, with momentum .9
d: int = 10  # coordinates of the contests
gaps: list[float] = [0.0, 0.03, 0.06, 0.1, 0.15]  # between the second moments
gap: float = 0.1  # the one in the contests
n_steps: int = 1500  # updates of a contest, and at most to learn a feature alone
grid_k: int = 5  # slabs of the phase diagram
grid_d: int = 20  # its coordinates
counts: list[int] = [1000, 4000, 16000]  # its numbers of training points, ascending
noises: list[float] = [0.1, 0.4]  # its shares of noisy points, ascending
grid_steps: int = 1000  # its updates
lms_d: int = 50  # coordinates of LMS-5
lms_steps: int = 600  # updates on it
hard_steps: int = 1200  # updates of adversarial training
radius: float = 0.3  # length of its perturbations
lengths: list[float] = [
    0.0,
    0.1,
    0.25,
    0.4,
    0.55,
    0.7,
    0.85,
    1.0,
]  # of universal ones
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two definitions that the published data do not tell apart

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))


@lru_cache(None)
def draw(data, n, s, split):
    return data.draw(n, s, split)


def points(cases, n=n_test, split="test"):
    """(S, n, d) and (S, n): the points of every case, data with a seed."""
    found = [draw(data, n, s, split) for data, s in cases]
    x, y = (torch.stack([f[i] for f in found]).to(where) for i in (0, 1))
    return x, y


def learn(x, y, own, steps, wide=width, chosen=None, move=None, watch=None):
    """A stack of perceptrons, one for each row of x, seeded by `own`."""
    shape = (x.shape[-1],)
    stack = Stack.of(
        [build("perceptron", shape, s, width=wide).to(where) for s in own]
    )
    feed = islice(labelled(x, y, batch, own, chosen=chosen), steps)
    feed = attacked(feed, stack, move, own) if move else feed
    sgd = torch.optim.SGD(list(stack.parameters()), rate, momentum=0.9)
    made = fit(
        stack.parameters(), lambda b: cross_entropy(stack(b.x), b.y), feed, sgd
    )
    for step in tqdm(made, total=steps):
        if watch and step.number % 25 == 0 and watch(stack, step.number):
            break
    return stack


# %%
def slab(k, gap=0.0):
    """k slabs whose class 0 has the larger second moment by `gap`; 0: matched."""
    spread = list(matched_spread(k))
    moved = gap / Slab(k).centres[2] ** 2
    return Slab(
        k,
        probabilities=(
            spread[0] - moved,
            spread[1],
            spread[2] + moved,
            *spread[3:],
        ),
    )


kinds = {
    "3 slabs, 2nd moment": Slab(3),
    "5 slabs, 2nd moment": slab(5, gap),
    "5 slabs, 4th moment": slab(5),
    "7 slabs, 2nd moment": slab(7, gap),
    "7 slabs, 4th moment": slab(7),
    "7 slabs, 6th moment": Slab(7, probabilities=binomial_spread(7)),
}
table(
    ["feature", "slabs", "first moment that differs", "by"],
    [
        [
            f"{i + 1}",
            f.k,
            f.order(),
            f.moment(f.order(), 0) - f.moment(f.order(), 1),
        ]
        for i, f in enumerate(kinds.values())
    ],
    "Features by both definitions: number of slabs, and the first moment in which the classes differ, class 0 minus class 1.",
    ".4f",
)


# %%
def among(*features):
    return Slabs((*features, *[Gaussian(0.5)] * (d - len(features))))


def updates_to_learn(features):
    """(S, features): updates until 90 % of the test points are right, each
    feature alone; n_steps where that is not reached."""
    cases = [(among(f), s) for s in seeds for f in features]
    test = points(cases)
    first = torch.full((len(cases),), float(n_steps))

    def watch(stack, number):
        right = accuracy(stack, *test).cpu() > 0.9
        first[right] = first[right].clamp(max=number)
        return bool((first < number).all())

    own = [s for _, s in cases]
    learn(*points(cases, n_train, "train"), own, n_steps, watch=watch)
    return first.reshape(n_seeds, -1)


five, seven = (updates_to_learn([slab(k, g) for g in gaps]) for k in (5, 7))
others = updates_to_learn([Slab(3), kinds["7 slabs, 6th moment"]])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Updates until nine in ten test points are right, each feature alone among Gaussian coordinates, against the difference between the classes' second moments. At 0 the fourth moment is the first to differ. Training stops at the upper end of the axis. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-alone"}}
curves(
    gaps,
    {"5 slabs": five, "7 slabs": seven},
    "difference of the second moments",
    "updates",
    alt="Updates until a feature is learnt against the difference of the second moments, one curve for five slabs and one for seven.",
    logx=False,
)

# %%
pairs = {
    "5 slabs, 4th or 7, 2nd": ("5 slabs, 4th moment", "7 slabs, 2nd moment"),
    "5 slabs, 2nd or 5, 4th": ("5 slabs, 2nd moment", "5 slabs, 4th moment"),
    "7 slabs, 2nd or 7, 4th": ("7 slabs, 2nd moment", "7 slabs, 4th moment"),
    "5 slabs, 2nd or 7, 2nd": ("5 slabs, 2nd moment", "7 slabs, 2nd moment"),
    "5 slabs, 4th or 7, 4th": ("5 slabs, 4th moment", "7 slabs, 4th moment"),
    "7 slabs, 4th or 7, 6th": ("7 slabs, 4th moment", "7 slabs, 6th moment"),
}


def auc(score, test, blocks, rotations):
    """(3, S): as is, with the blocks redrawn, with all else redrawn."""
    found = randomised(
        lambda x: score(x)[..., 1] - score(x)[..., 0],
        *test, blocks, stream(seed, "redrawn"), rotations,
    )  # fmt: skip
    return torch.stack([part.auc.cpu() for part in found])


def turned(cases):
    return torch.stack([data.rotation(s) for data, s in cases]).to(where)


cases = [(among(kinds[a], kinds[b]), s) for s in seeds for a, b in pairs.values()]
rivals = learn(*points(cases, n_train, "train"), [s for _, s in cases], n_steps)
rested = [auc(rivals, points(cases), [i], turned(cases)) for i in (0, 1)]
taken = (rested[1][1] - rested[0][1]).reshape(n_seeds, -1)
known = rested[0][0].reshape(n_seeds, -1)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Which of two features a network takes: AUC with the second redrawn minus AUC with the first redrawn. At .5 it uses the first alone, at -.5 the second. Lines: 95 % bootstrap intervals over seeds, ticks: seeds.", "name": "fig-limits-contest"}}
dots(
    {name: taken[:, i] for i, name in enumerate(pairs)},
    "takes the second ... takes the first",
    alt="Six rows, a pair of features each: how far to the right says how much the network uses the first of the two, how far to the left the second.",
    reference=(0, "both alike"),
    xlim=(-0.55, 0.55),
)

# %%
report("simplicity/pieces-decide-where-definitions-disagree", taken[:, 0])

# %%
report("simplicity/moments-decide-at-equal-pieces", taken[:, 1])

# %%
report("simplicity/pieces-decide-at-equal-moments", taken[:, 3])


# %% [markdown]
# ## Where the ceiling breaks


# %%
def phase(k, d, wide, noises):
    """(S, counts, noises): how far networks are from the ceiling to the top."""
    cells = [(s, n, p) for s in seeds for n in counts for p in noises]
    cases = [(noisy_lms(k, d, p), s) for s, _, p in cells]
    chosen = [torch.arange(n) for _, n, _ in cells]
    own = [s for _, s in cases]
    x, y = points(cases, counts[-1], "train")
    stack = learn(x, y, own, grid_steps, wide, chosen)
    share = torch.tensor([p for *_, p in cells]) / 2
    way = (accuracy(stack, *points(cases)).cpu() - (1 - share)) / share
    return way.reshape(n_seeds, len(counts), len(noises))


ways = phase(grid_k, grid_d, width, noises)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "How far training gets beyond the simple feature, against the number of examples on which that feature is noise, for each share p of them: 0 is the accuracy 1 - p/2 that it gives, 1 is full accuracy. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-phase"}}
hard = sorted({round(n * p) for n in counts for p in noises})


def against_hard(values, p):
    """(S, hard): values (S, counts) at their numbers of noisy examples."""
    row = torch.full((n_seeds, len(hard)), torch.nan)
    row[:, [hard.index(round(n * p)) for n in counts]] = values.float()
    return row


curves(
    hard,
    {f"p = {p:g}": against_hard(ways[..., j], p) for j, p in enumerate(noises)},
    "noisy training points n p",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of noisy training points, one curve for each share of noise.",
    levels=[(0, "ceiling"), (1, "all right")],
)

# %%
report("simplicity/ceiling-breaks-with-many-hard-examples", ways[:, -1, -1])

# %%
between = (ways > 0.25) & (ways < 0.75)
report("simplicity/the-ceiling-snaps", between.double().mean((1, 2)))

# %%
variants = {
    f"d {grid_d // 2}": phase(grid_k, grid_d // 2, width, noises[-1:]),
    f"width {width // 4}": phase(grid_k, grid_d, width // 4, noises[-1:]),
    f"{grid_k + 2} slabs": phase(grid_k + 2, grid_d, width, noises[-1:]),
}

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The same at the largest share of noise with one thing changed at a time: half the coordinates, a quarter of the width, two slabs more. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-variants"}}
curves(
    counts,
    {"as above": ways[..., -1]} | {name: v[..., 0] for name, v in variants.items()},
    "training points n",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of training points, for the grid above and three changes to it.",
    levels=[(0, "ceiling"), (1, "all right")],
)

# %% [markdown]
# ## Margins, and what widens them

# %%
cases = [(lms(5, lms_d), s) for s in seeds]
train, test = points(cases, n_train, "train"), points(cases)
turn = turned(cases)
members = [s + 1000 * m for s in seeds for m in range(3)]
trio = learn(*(t.repeat_interleave(3, 0) for t in train), members, lms_steps)


def three(x):
    """Logits (S, 3, n, 2) of the three networks of every seed."""
    return trio(x.repeat_interleave(3, 0)).unflatten(0, (-1, 3))


def one(x):
    return three(x)[:, 0]


def upwards(score):
    """(S, d): the direction along which class 1 grows, on training points."""
    x = train[0][:, :n_test]
    slopes = gradients(score, x, torch.ones_like(train[1][:, :n_test]))
    return singular_directions(slopes)


used = upwards(one)
second = learn(
    without(train[0], used), train[1], [s + 3000 for s in seeds], lms_steps
)
denied = deprived(second, used)
guard = lambda f, x, y, begin: pgd(f, x, y, radius, steps=7)  # noqa: E731
hardened = learn(*train, seeds, hard_steps, move=guard)
scores = {
    "one network": one,
    "three together": lambda x: three(x).mean(1),
    "adversarially trained": hardened,
    "second of a pair": denied,
    "the pair": together(one, denied),
}


# %%
def under(score, length, free=False):
    """(S,): test accuracy under a universal perturbation fitted in training."""
    v = upwards(score)[:, 0]
    if free:
        delta = label_free(score, *(t[:, :n_test] for t in train), v, length)
    else:
        delta = signed(v, test[1], length)
    return accuracy(score, test[0] + delta, test[1]).cpu()


def reading(score):
    """(7, S): AUCs, accuracies under perturbations, and where PGD's norm lies."""
    delta = pgd(score, *test, radius)
    share = block_shares(delta, [[0]], turn)[..., 0].sqrt().nanmean(-1).cpu()
    fooled = accuracy(score, test[0] + delta, test[1]).cpu()
    rest = fooled, under(score, 1.0), under(score, 1.0, free=True), share
    return torch.stack([*auc(score, test, [0], turn), *rest])


read = {name: reading(score) for name, score in scores.items()}
table(
    ["", "as is", "linear redrawn", "slabs redrawn", f"PGD {radius:g}", "one direction", "label-free", "share"],
    [[name, *map(float, values.mean(1))] for name, values in read.items()],
    "Three AUCs, three accuracies and the share of PGD's norm in the linear coordinate.",
)  # fmt: skip

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Accuracy on unseen points under a universal perturbation, fitted on training points, against its length: signed by the label, and for one network also without the label. Dashed: what a network that uses the linear coordinate alone must suffer. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-universal"}}
shown = ("one network", "adversarially trained", "the pair")
lost = {n: torch.stack([under(scores[n], e) for e in lengths], 1) for n in shown}
free = torch.stack([under(one, e, free=True) for e in lengths], 1)
curves(
    lengths,
    {
        "one": lost["one network"],
        "adversarial": lost["adversarially trained"],
        "pair": lost["the pair"],
        "label-free": free,
    },
    "length",
    "accuracy",
    alt="Accuracy against the length of a universal perturbation: one network, an adversarially trained one, an orthogonal pair, and one network under a perturbation that does not know the label.",
    logx=False,
    dashed=[((1 - torch.tensor(lengths)) / 0.9).clamp(0, 1)],
)

# %%
report("simplicity/one-direction-fools-every-point", read["one network"][4])

# %%
report(
    "simplicity/adversarial-training-keeps-to-the-simple-feature",
    read["adversarially trained"][1],
)

# %%
report("simplicity/three-networks-use-what-one-uses", read["three together"][1])

# %%
report("simplicity/what-is-projected-out-is-replaced", read["second of a pair"][1])

# %% [markdown]
# ## What stays open
