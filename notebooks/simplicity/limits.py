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
# **It is neither: what decides is how far a rule of two cuts gets.** Of two features that each tell everything, the network takes, on a
# scale from −.5 (the second alone) to .5 (the first alone), fewer pieces before the lower moment at {glue:text}`five_four_seven_two:.2f`;
# but at equally many pieces it takes the *higher* moment, at {glue:text}`five_two_five_four:.2f` for five slabs and
# {glue:text}`seven_four_seven_six:.2f` for seven. In a contest made so that both definitions favour the five slabs and two cuts the
# seven, the answer is {glue:text}`two_cuts_win:.2f` for the seven. The bias ends in two places. Training goes past what the
# simple feature can give once there are many examples on which it is noise: at {glue:text}`hard_few:,.0f` of them
# {glue:text}`way_few:.0%` of the way to full accuracy, at {glue:text}`hard_many:,.0f` {glue:text}`way_many:.0%`. And adversarial
# training withstands perturbations that no network of the linear coordinate alone can: {glue:text}`robust:.0%` right where
# that coordinate allows {glue:text}`allowed:.0%`.

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
    even_spread,
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
from whence.stats import bootstrap
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
gaps: list[float] = [0.0, 0.03, 0.06, 0.1]  # of the second moments; last: contests
n_steps: int = 1500  # updates of a contest, and at most to learn a feature alone
grid_k: int = 5  # slabs of the phase diagram
grid_d: int = 20  # its coordinates
counts: list[int] = [1000, 4000, 16000]  # its numbers of training points, ascending
noises: list[float] = [0.1, 0.4]  # its shares of noisy points, ascending
grid_steps: int = 1000  # its updates
lms_d: int = 50  # coordinates of LMS-5
lms_steps: int = 1300  # updates on it, of every network
radius: float = 0.3  # length of perturbations in adversarial training
lengths: list[float] = [0.0, 0.1, 0.3, 0.5, 0.7, 1.0]  # of universal ones
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two definitions that the published data do not tell apart
#
# A *k-slab* is a coordinate in which the classes alternate: $k$ slabs at the distances $0, c, 2c, \dots$ from the centre, even multiples
# for class 0, odd ones for class 1, so that $k - 1$ cuts tell everything. Of two such features the one that takes fewer linear pieces
# counts as the simpler {cite}`shah2020pitfalls`. By another definition it is the one whose classes part at the lower moment, as
# gradient descent from small weights hears low moments first. With probability $p_j$ for the pair of slabs at distance $jc$,
#
# $$
# \mathbb E[x^2 \mid 0] - \mathbb E[x^2 \mid 1] = c^2 \sum_j (-1)^j j^2 p_j .
# $$ (limits-moment)
#
# The published 5- and 7-slabs are *matched*: this is zero for both, and the fourth moment is the first to differ. So the published
# features are ordered alike by both definitions, or tied by one. But the probabilities are free: moving a share of class 0 outwards
# unmatches the second moment at the same number of pieces, and binomial probabilities match all moments but the last possible, the
# $(k-1)$th. Below, $5_4$ is five slabs whose classes part at the fourth moment, and so on; $5_2$ and $7_2$ part at the second by the
# same amount. The column *two cuts* is how many points the best interval gets right.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))


def slab(k, gap=0.0):
    """k slabs, the second moment of class 0 larger by `gap`; matched without."""
    spread = list(matched_spread(k))
    moved = gap / Slab(k).centres[2] ** 2
    spread[0], spread[2] = spread[0] - moved, spread[2] + moved
    return Slab(k, probabilities=tuple(spread))


kinds = {
    "3₂": Slab(3),
    "5₂": slab(5, gaps[-1]),
    "5₂ even": Slab(5, probabilities=even_spread(5)),
    "5₄": slab(5),
    "7₂": slab(7, gaps[-1]),
    "7₄": slab(7),
    "7₆": Slab(7, probabilities=binomial_spread(7)),
}


def two_cuts(feature):
    """The best accuracy of a rule that says one class on an interval only."""
    places = range(1 - len(feature.spread), len(feature.spread))
    lean = [(-1) ** j * feature.spread[abs(j)] / (1 + (j != 0)) for j in places]
    ends = range(len(lean) + 1)
    return (1 + max(abs(sum(lean[i:j])) for i in ends for j in ends)) / 2


# %%
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
    nets = [build("perceptron", (x.shape[-1],), s, width=wide) for s in own]
    stack = Stack.of([net.to(where) for net in nets])
    feed = islice(labelled(x, y, batch, own, chosen=chosen), steps)
    feed = attacked(feed, stack, move, own) if move else feed
    weights = list(stack.parameters())
    sgd = torch.optim.SGD(weights, rate, momentum=0.9)
    made = fit(weights, lambda b: cross_entropy(stack(b.x), b.y), feed, sgd)
    for step in tqdm(made, total=steps):
        if watch and step.number % 50 == 0 and watch(stack, step.number):
            break
    return stack


def among(*features):
    """Data of these features and Gaussian coordinates that say nothing."""
    return Slabs((*features, *[Gaussian(0.5)] * (d - len(features))))


# %% [markdown]
# First each feature alone, among coordinates that say nothing: how many updates until nine in ten points are right?


# %%
def updates(features):
    """(S, features): updates until 90 % are right, n_steps if that is never."""
    cases = [(among(f), s) for s in seeds for f in features]
    test, own = points(cases, 1000), [s for _, s in cases]
    first = torch.full((len(cases),), float(n_steps))

    def watch(stack, number):
        right = accuracy(stack, *test).cpu() > 0.9
        first[right] = first[right].clamp(max=number)
        return bool((first < number).all())

    learn(*points(cases, n_train, "train"), own, n_steps, watch=watch)
    return first.reshape(n_seeds, -1)


five = updates([slab(5, g) for g in gaps] + [kinds["3₂"], kinds["5₂ even"]])
seven = updates([slab(7, g) for g in gaps] + [kinds["7₆"]])
alone = {"5₄": five[:, 0], "5₂": five[:, -3], "3₂": five[:, -2]}
alone |= {"5₂ even": five[:, -1], "7₄": seven[:, 0], "7₂": seven[:, -2]}
alone |= {"7₆": seven[:, -1]}


# %%
def row(name, f):
    differs = f.moment(f.order(), 0) - f.moment(f.order(), 1)
    return name, f.k, f.order(), differs, two_cuts(f), bootstrap(alone[name])


table(
    ["feature", "slabs", "moment", "difference", "two cuts", "updates"],
    [row(name, f) for name, f in kinds.items()],
    "Features by three definitions of simple, and updates to learn each alone: number of slabs; first moment in which the classes "
    "differ, and by how much; accuracy of the best rule of two cuts.",
    ["", "", "", ".3f", ".3f", ".0f"],
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Updates until nine in ten test points are right, each feature alone, against the difference between the classes' second moments; at 0 it is the fourth moment that differs first. What is not learnt counts as the number of updates at which training stops. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-alone"}}
curves(
    gaps,
    {"5 slabs": five[:, : len(gaps)], "7 slabs": seven[:, : len(gaps)]},
    "difference of the second moments",
    "updates",
    alt="Updates until a feature is learnt against the difference of the second moments, a curve for five slabs and one for seven; "
    f"matched, {five[:, 0].mean():.0f} and {seven[:, 0].mean():.0f} updates.",
    logx=False,
)

# %% [markdown]
# Then two features at a time, one coordinate each. Each alone suffices for full accuracy, and the network may use either or both. Which
# it does is read off its AUC once one of them is redrawn for the test points, whatever the label: it falls to one half for a feature
# that is all it uses, and stays for one that it does not need.

# %%
pairs = [("5₄", "7₂"), ("5₂", "5₄"), ("5₂", "7₂"), ("7₂", "7₄"), ("5₄", "7₄")]
pairs += [("7₄", "7₆"), ("5₂ even", "7₆")]


def auc(score, test, blocks, rotations):
    """(3, S): as is, with the blocks redrawn, with all else redrawn."""

    def difference(x):
        return score(x)[..., 1] - score(x)[..., 0]

    generator = stream(seed, "redrawn")
    found = randomised(difference, *test, blocks, generator, rotations)
    return torch.stack([part.auc.cpu() for part in found])


def turned(cases):
    return torch.stack([data.rotation(s) for data, s in cases]).to(where)


cases = [(among(kinds[a], kinds[b]), s) for s in seeds for a, b in pairs]
own = [s for _, s in cases]
rivals = learn(*points(cases, n_train, "train"), own, n_steps)
redrawn = [auc(rivals, points(cases), [i], turned(cases)) for i in (0, 1)]
taken = (redrawn[1][1] - redrawn[0][1]).reshape(n_seeds, -1)
whole = redrawn[0][0].reshape(n_seeds, -1)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Which of two features a network takes: AUC with the second redrawn minus AUC with the first redrawn. At .5 it uses the first alone, at -.5 the second. Lines: 95 % bootstrap intervals over seeds, ticks: seeds.", "name": "fig-limits-contest"}}
dots(
    {f"{a} or {b}": taken[:, i] for i, (a, b) in enumerate(pairs)},
    "takes the second … takes the first",
    alt="A row for each of seven contests: how far to the right says how much the network uses the first of two features, how far to the "
    "left how much the second.",
    reference=(0, "both alike"),
    xlim=(-0.6, 0.6),
)


# %%
def says(a, b):
    return "either" if a == b else "first" if a < b else "second"


def contest(i, a, b):
    first, second = kinds[a], kinds[b]
    moment = says(first.order(), second.order())
    cuts = says(two_cuts(second), two_cuts(first))
    measured = bootstrap(taken[:, i]), float(whole[:, i].mean())
    return f"{a} or {b}", says(first.k, second.k), moment, cuts, *measured


table(
    ["contest", "pieces", "moment", "two cuts", "taken", "AUC"],
    [contest(i, a, b) for i, (a, b) in enumerate(pairs)],
    "What each definition of simple says of each contest, what the network takes, from -.5 (second) to .5 (first), and its AUC as is.",
)

# %%
for (a, b), values in zip(pairs, taken.unbind(1), strict=True):
    name = f"take {a} {b}".translate(str.maketrans("₂₄₆ ", "246_"))
    glue(name, values.mean())
gained = torch.tensor([two_cuts(kinds[a]) - two_cuts(kinds[b]) for a, b in pairs])
clear = gained.abs() > 0.01
glue("clear", clear.sum())
glue("clear_right", (taken.mean(0) * gained > 0)[clear].sum())
glue("two_cuts_win", -taken[:, -1].mean())
glue("two_cuts_alone", taken[:, 2].mean())
report("simplicity/pieces-decide-where-definitions-disagree", taken[:, 0])

# %%
report("simplicity/moments-decide-at-equal-pieces", taken[:, 1])

# %%
report("simplicity/pieces-decide-at-equal-moments", taken[:, 2])

# %%
report("simplicity/the-best-two-cuts-decide", -taken[:, -1])

# %% [markdown]
# PROSE1
#
# ## Where the ceiling breaks
#
# Make the simple feature say nothing on a share $p$ of the points: it then gives an accuracy of $1 - p/2$ at most, while the other
# coordinates, slabs, still tell everything. With 40,000 points in 50 dimensions, seven slabs and $p = .1$ training stops right there,
# at .949 {cite}`shah2020pitfalls`. Below, the distance from that ceiling to full accuracy is the unit:
#
# $$
# \text{way} = \frac{\text{accuracy} - (1 - p/2)}{p/2} .
# $$ (limits-way)
#
# Only the $n p$ points on which the simple feature fails ask for more, and they may be learnt by heart instead. So it is against their
# number that the way is drawn, networks of all cells trained as one stack.


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
hard = sorted({round(n * p) for n in counts for p in noises})


def against_hard(values, p):
    """(S, hard): values (S, counts) at their numbers of noisy points."""
    row = torch.full((n_seeds, len(hard)), torch.nan)
    row[:, [hard.index(round(n * p)) for n in counts]] = values.float()
    return row


rows = {p: against_hard(ways[..., j], p) for j, p in enumerate(noises)}

# %% tags=["hide-input"] mystnb={"figure": {"caption": "How far training gets beyond the simple feature, against the number of training points on which that feature is noise, for each share p of them: 0 is the accuracy 1 - p/2 that it gives, 1 is full accuracy. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-phase"}}
curves(
    hard,
    {f"p = {p:g}": row for p, row in rows.items()},
    "noisy training points n p",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of noisy training points, a curve for each share of noise: "
    f"{ways[:, 0, 0].mean():.2f} for the fewest and {ways[:, -1, -1].mean():.2f} for the most.",
    levels=[(0, "ceiling"), (1, "all right")],
)

# %%
by_number = torch.stack(list(rows.values())).nanmean((0, 1))
for word, i in {"few": 1, "many": -1}.items():
    glue(f"hard_{word}", hard[i])
    glue(f"way_{word}", by_number[i])
glue("as_many_rare", ways[:, 1, 0].mean())
glue("as_many_frequent", ways[:, 0, -1].mean())
glue("count_rare", counts[1])
glue("count_frequent", counts[0])
glue("p_rare", noises[0])
glue("p_frequent", noises[-1])
report("simplicity/ceiling-breaks-with-many-hard-examples", ways[:, -1, -1])

# %%
between = ((ways > 0.25) & (ways < 0.75)).double()
glue("between", between.mean())
report("simplicity/the-ceiling-snaps", between.mean((1, 2)))

# %%
half, most = grid_d // 2, noises[-1:]
variants = {
    "as above": ways[..., -1:],
    f"width {width // 4}": phase(grid_k, grid_d, width // 4, most),
    f"d {half}": phase(grid_k, half, width, most),
    f"d {half}, {grid_k + 2} slabs": phase(grid_k + 2, half, width, most),
}
for name, key in zip(variants, ("base", "narrow", "low", "slabs"), strict=True):
    glue(f"way_{key}", variants[name][:, 0].mean())

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The way to full accuracy at the largest share of noise against the number of training points: as above, with a quarter of the width, with half the coordinates, and with half the coordinates and two slabs more. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-variants"}}
curves(
    counts,
    {name: values[..., 0] for name, values in variants.items()},
    "training points n",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of training points, for the grid above and three changes to it.",
    levels=[(0, "ceiling"), (1, "all right")],
)

# %% [markdown]
# PROSE2
#
# ## Margins, and what widens them
#
# LMS-5 has one linear coordinate, $s(\gamma + (B - \gamma) u)$ with $s$ the sign of the class, $u$ uniform in $[0, 1]$, $\gamma = .1$
# and $B = 1$, and {glue:text}`others:.0f` of five slabs. A network that uses the linear one alone is misled by any shift that is longer
# than $|x|$ there, so a perturbation of length $\epsilon$ along it leaves an accuracy of
#
# $$
# \frac{B - \epsilon}{B - \gamma} , \qquad \gamma \le \epsilon \le B .
# $$ (limits-margin)
#
# All $d$ coordinates have the margin $\gamma$, so the two classes are $2 \gamma \sqrt d$ apart, and a network that used all of them could
# withstand $\epsilon = \gamma \sqrt d =$ {glue:text}`all_margin:.2f`. Does anything bring it there? Five ways, with as many updates each: one network;
# three of them, their logits averaged; one trained on points that projected gradient descent {cite}`madry2018robust` has moved by
# {glue:text}`radius:.1f`; one whose inputs lack the direction that the first uses, which is the leading singular vector of its input
# gradients {cite}`morwani2023simplicity`; and the mean of the first and that one.

# %%
cases = [(lms(5, lms_d), s) for s in seeds]
train, test = points(cases, n_train, "train"), points(cases)
fitted = tuple(t[:, :n_test] for t in train)  # what perturbations are fitted on
turn = turned(cases)
members = [s + 1000 * m for s in seeds for m in range(3)]
trio = learn(*(t.repeat_interleave(3, 0) for t in train), members, lms_steps)


def three(x):
    """Logits (S, 3, n, 2) of the three networks of every seed."""
    return trio(x.repeat_interleave(3, 0)).unflatten(0, (-1, 3))


def one(x):
    return three(x)[:, 0]


def upwards(score):
    """(S, 1, d): the direction along which class 1 grows, on training points."""
    slopes = gradients(score, fitted[0], torch.ones_like(fitted[1]))
    return singular_directions(slopes)


def guard(score, x, y, begin):
    return pgd(score, x, y, radius, steps=7, start=begin)


# %%
used, others = upwards(one), [s + 3000 for s in seeds]
second = learn(without(train[0], used), train[1], others, lms_steps)
denied = deprived(second, used)
hardened = learn(*train, seeds, lms_steps, move=guard)
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
        delta = label_free(score, *fitted, v, length)
    else:
        delta = signed(v, test[1], length)
    return accuracy(score, test[0] + delta, test[1]).cpu()


def reading(score):
    """(7, S): AUCs, accuracies under perturbations, and where PGD's norm lies."""
    delta = pgd(score, *test, radius)
    share = block_shares(delta, [[0]], turn)[..., 0].sqrt().nanmean(-1).cpu()
    moved = accuracy(score, test[0] + delta, test[1]).cpu()
    rest = moved, share, under(score, 1.0), under(score, 1.0, free=True)
    return torch.stack([*auc(score, test, [0], turn), *rest])


read = {name: reading(score) for name, score in scores.items()}
table(
    ["", "AUC", "no linear", "no slabs", "PGD", "share", "direction", "label-free"],
    [[name, *map(float, values.mean(1))] for name, values in read.items()],
    "AUC on test points as they are, with the linear coordinate redrawn, and with all others redrawn; accuracy under projected "
    "gradient descent, and the share of its length in the linear coordinate; accuracy under one direction of length 1, signed by "
    "the label, and without it.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Accuracy on test points under one direction for all, found on training points, against its length: signed by the label, and for one network also the same for all points. Dashed: what a network that uses the linear coordinate alone is left with. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-universal"}}
shown = {"one": "one network", "pair": "the pair"}
shown["adversarial"] = "adversarially trained"
lost = {
    short: torch.stack([under(scores[name], e) for e in lengths], 1)
    for short, name in shown.items()
}
lost["label-free"] = torch.stack([under(one, e, free=True) for e in lengths], 1)
curves(
    lengths,
    lost,
    "length of the perturbation",
    "accuracy",
    alt="Accuracy against the length of one direction for all points: of one network, of an orthogonal pair, of an adversarially trained "
    "one, and of one network under the same shift for all points.",
    logx=False,
    dashed=[((1 - torch.tensor(lengths)) / 0.9).clamp(0, 1)],
)

# %%
glue("others", lms_d - 1)
glue("all_margin", 0.1 * lms_d**0.5)
glue("radius", radius)
glue("robust", read["adversarially trained"][3].mean())
glue("allowed", min(1, (1 - radius) / 0.9))
glue("share", read["one network"][4].mean())
glue("fooled", read["one network"][5].mean())
glue("free", read["one network"][6].mean())
glue("hard_auc", read["adversarially trained"][1].mean())
glue("hard_fooled", read["adversarially trained"][5].mean())
glue("three_robust", read["three together"][3].mean())
glue("second_whole", read["second of a pair"][0].mean())
glue("pair_robust", read["the pair"][3].mean())
glue("pair_auc", read["the pair"][1].mean())
glue("second_auc", read["second of a pair"][1].mean())
report("simplicity/one-direction-fools-every-point", read["one network"][5])

# %%
reached = read["adversarially trained"][1]
report("simplicity/adversarial-training-keeps-to-the-simple-feature", reached)

# %%
report("simplicity/three-networks-use-what-one-uses", read["three together"][1])

# %%
report("simplicity/what-is-projected-out-is-replaced", read["second of a pair"][1])

# %% [markdown]
# PROSE3
#
# ## What stays open
#
# PROSE4
