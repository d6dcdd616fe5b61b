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
# **Pieces rather than moments, though neither is the whole of it; and it ends where the hard examples are many.** We let networks choose
# between two features that each tell everything. The one of fewer pieces is taken in {glue:text}`pieces_right:.0f` of the
# {glue:text}`pieces_says:.0f` contests in which pieces differ, the one whose classes part at the lower moment in
# {glue:text}`moment_right:.0f` of the {glue:text}`moment_says:.0f` in which moments do, the one that is learnt sooner when alone in
# {glue:text}`sooner_right:.0f` of {glue:text}`contests:.0f`. Where the simple feature is noise on some of the training points, a network goes
# past what that feature can give once they are many: {glue:text}`way_few:.0%` of the way to full accuracy with
# {glue:text}`hard_few:,.0f` of them, {glue:text}`way_many:.0%` with {glue:text}`hard_many:,.0f`. And of the remedies, three networks instead
# of one do nothing, adversarial training does something ({glue:text}`robust:.0%` right under perturbations of which the simple feature alone
# withstands {glue:text}`allowed:.0%`), and a second network that is denied what the first one uses learns all the rest.

# %% tags=["hide-input"]
from functools import lru_cache
from itertools import islice

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep
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
# unmatches the second moment at the same number of pieces, and binomial probabilities match all moments below the $(k-1)$th, as many
# as can be. Below, $5_4$ is five slabs whose classes part at the fourth moment, and so on; $5_2$ and $7_2$ part at the second by the
# same amount. The column *two cuts* is the share of points that the best interval gets right.

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
        if watch and step.number % 25 == 0 and watch(stack, step.number):
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

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Seven slabs are learnt much sooner where the classes' second moments differ; for five slabs it makes no clear difference. Updates until nine in ten test points are right, each feature alone, against the difference between the classes' second moments; at 0 it is the fourth moment that differs first. What is not learnt counts as the number of updates at which training stops. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-alone"}}
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

# %% tags=["hide-input"] mystnb={"figure": {"caption": "On average over seeds a network takes the feature of fewer pieces in every contest where pieces differ; the lower moment wins some contests and loses others. Which of two features a network takes: AUC with the second redrawn minus AUC with the first redrawn. At .5 it uses the first alone, at -.5 the second. Lines: 95 % bootstrap intervals over seeds, ticks: seeds.", "name": "fig-limits-contest"}}
dots(
    {f"{a} or {b}": taken[:, i] for i, (a, b) in enumerate(pairs)},
    "takes the second … takes the first",
    alt="A row for each of seven contests: how far to the right says how much the network uses the first of two features, how far to the "
    "left how much the second.",
    reference=(0, "both alike"),
    xlim=(-0.7, 0.7),
)


# %%
rules = {
    "pieces": {name: -f.k for name, f in kinds.items()},
    "moment": {name: -f.order() for name, f in kinds.items()},
    "two cuts": {name: two_cuts(f) for name, f in kinds.items()},
    "sooner": {name: -steps.mean().item() for name, steps in alone.items()},
}


def says(rule, a, b):
    gain = rules[rule][a] - rules[rule][b]
    return "first" if gain > 0 else "second" if gain < 0 else "either"


def contest(i, a, b):
    said = [says(rule, a, b) for rule in rules]
    return f"{a} or {b}", *said, bootstrap(taken[:, i]), whole[:, i].mean().item()


table(
    ["contest", *rules, "taken", "AUC"],
    [contest(i, a, b) for i, (a, b) in enumerate(pairs)],
    "What each rule says of each contest: fewer slabs, the lower moment, the better two cuts, fewer updates when alone; what the network "
    "takes, from -.5 (second) to .5 (first), and its AUC as is.",
)

# %%
fact = ["first" if mean > 0 else "second" for mean in taken.mean(0)]
for rule in rules:
    said = [says(rule, a, b) for a, b in pairs]
    glue(f"{rule.split()[0]}_says", len(said) - said.count("either"))
    right = sum(says == found for says, found in zip(said, fact, strict=True))
    glue(f"{rule.split()[0]}_right", right)
for (a, b), values in zip(pairs, taken.unbind(1), strict=True):
    name = f"take {a} {b}".translate(str.maketrans("₂₄₆ ", "246_"))
    glue(name, values.mean())
for key, name in {
    "54": "5₄",
    "52": "5₂",
    "72": "7₂",
    "74": "7₄",
    "76": "7₆",
}.items():
    glue(f"alone_{key}", alone[name].mean())
glue("contests", len(pairs))
glue("least_gap", gaps[1])
glue("alone_7_least", seven[:, 1].mean())
report("simplicity/pieces-decide-where-definitions-disagree", taken[:, 0])

# %%
report("simplicity/moments-decide-at-equal-pieces", taken[:, 1])

# %%
report("simplicity/pieces-decide-at-equal-moments", taken[:, 2])

# %%
report("simplicity/the-best-two-cuts-decide", -taken[:, -1])

# %%
sooner = torch.stack([alone[b] - alone[a] for a, b in pairs], 1).sign()
agrees = (1 + sooner * taken.sign()) / 2  # 1/2 where both take as long
report("simplicity/sooner-alone-is-taken", agrees.mean(1))

# %% [markdown]
# **Pieces** are right wherever they say something, in {glue:text}`pieces_right:.0f` of {glue:text}`pieces_says:.0f` contests, if not
# wholly where the moment is against them ({glue:text}`take_54_72:.2f` for $5_4$ against $7_2$). The **moment** is right in
# {glue:text}`moment_right:.0f` of {glue:text}`moment_says:.0f`. It is no small thing: unmatching the second moment of seven slabs by
# {glue:text}`least_gap:.2f` takes the updates from {glue:text}`alone_74:,.0f` or more to {glue:text}`alone_7_least:,.0f`, and $7_2$ is taken
# before $7_4$. But with five slabs it changes little, and its *order* misleads: nothing below the sixth moment tells the classes of $7_6$
# apart, and yet it is learnt in {glue:text}`alone_76:,.0f` updates on average and taken before $7_4$, at {glue:text}`take_74_76:.2f`. $5_2$ against $5_4$
# ({glue:text}`take_52_54:.2f` here) is open: over the ten seeds of the claims table one network takes the one, the next the other.
#
# After a first run of the other six contests *two cuts* were our guess: that a network takes the feature of which the best interval
# already gets most right. The seventh contest was made to refute it, the claim written before it was run, and it did: two cuts get
# more of $7_6$ right than of the even $5_2$, and the network takes $5_2$ at {glue:text}`take_52_even_76:.2f`. What agrees with
# {glue:text}`sooner_right:.0f` of the {glue:text}`contests:.0f` is plainer: what is learnt sooner **alone** is taken, wholly where one
# takes several times as long as the other, in part where they take nearly as long. Written down after three seeds, it does a little worse
# on the seven that came later, and stays short of holding. Nor is it a definition of simple, for it can only be measured; but it says what
# a definition has to get right, which is a rate.
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

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With the fewest noisy points training falls short of the simple feature's ceiling; with the most it goes past it, to nearly full accuracy. How far training gets beyond the simple feature, against the number of training points on which that feature is noise, for each share p of them: 0 is the accuracy 1 - p/2 that it gives, 1 is full accuracy. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-phase"}}
curves(
    hard,
    {f"p = {p:g}": row for p, row in rows.items()},
    "noisy training points n p",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of noisy training points, a curve for each share of noise: "
    f"{ways[:, 0, 0].mean():.2f} for the fewest and {ways[:, -1, -1].mean():.2f} for the most.",
    levels=[(0, "ceiling"), (1, "all right")],
    ylim=(-0.3, 1.15),
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
settings = {f"d {grid_d}, {grid_k} slabs, width {width}": ways, **variants}
settings.pop("as above")
columns = {name: [] for name in ("seed", "setting", "points", "noise", "way")}
for name, values in settings.items():
    shares = noises[-values.shape[-1] :]
    cells = [(s, name, n, p) for s in seeds for n in counts for p in shares]
    for cell, way in zip(cells, values.flatten().tolist(), strict=True):
        for column, value in zip(columns.values(), (*cell, way), strict=True):
            column.append(value)
_ = keep("phase", columns)
for name, key in zip(variants, ("base", "narrow", "low", "slabs"), strict=True):
    glue(f"way_{key}", variants[name][:, 0].mean())

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With half the coordinates even the fewest points bring nearly full accuracy; a quarter of the width makes no clear difference, and with two slabs more seeds differ widely. The way to full accuracy at the largest share of noise against the number of training points: as above, with a quarter of the width, with half the coordinates, and with half the coordinates and two slabs more. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-variants"}}
curves(
    counts,
    {name: values[..., 0] for name, values in variants.items()},
    "training points n",
    "way to full accuracy",
    alt="Way from the ceiling to full accuracy against the number of training points, for the grid above and three changes to it.",
    levels=[(0, "ceiling"), (1, "all right")],
    ylim=(-0.3, 1.15),
)

# %% [markdown]
# The ceiling is not a property of the network. {glue:text}`count_rare:,.0f` points with $p =$ {glue:text}`p_rare:.1f` hold as many noisy ones as
# {glue:text}`count_frequent:,.0f` with $p =$ {glue:text}`p_frequent:.1f`; they come {glue:text}`as_many_rare:.0%` and
# {glue:text}`as_many_frequent:.0%` of the way. Nor is it all or nothing: {glue:text}`between:.0%` of the networks end between one quarter
# and three quarters of the way. Below zero a network is worse than the simple feature alone would be: it has learnt training points by
# heart, which costs it elsewhere.
#
# With the fewest points and the most noise, the way is {glue:text}`way_base:.2f`; with a quarter of the width {glue:text}`way_narrow:.2f`,
# with half of the coordinates {glue:text}`way_low:.2f`, and with half of the coordinates and two slabs more
# {glue:text}`way_slabs:.2f`.
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


one = Stack.of([trio.unstack(3 * i) for i in range(n_seeds)])


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
directions = {name: upwards(score)[:, 0] for name, score in scores.items()}


# %%
def under(name, length, free=False):
    """(S,): test accuracy under a universal perturbation fitted in training."""
    score, v = scores[name], directions[name]
    if free:
        delta = label_free(score, *fitted, v, length)
    else:
        delta = signed(v, test[1], length)
    return accuracy(score, test[0] + delta, test[1]).cpu()


def reading(name):
    """(7, S): AUCs, accuracies under perturbations, and where PGD's norm lies."""
    score, (x, y) = scores[name], (t[:, :1000] for t in test)
    delta = pgd(score, x, y, radius)
    share = block_shares(delta, [[0]], turn)[..., 0].sqrt().nanmean(-1).cpu()
    moved = accuracy(score, x + delta, y).cpu()
    rest = moved, share, under(name, 1.0), under(name, 1.0, free=True)
    return torch.stack([*auc(score, test, [0], turn), *rest])


read = {name: reading(name) for name in scores}
table(
    ["", "AUC", "no linear", "no slabs", "PGD", "share", "direction", "label-free"],
    [[name, *map(float, values.mean(1))] for name, values in read.items()],
    "AUC on test points as they are, with the linear coordinate redrawn, and with all others redrawn; accuracy under projected "
    "gradient descent, and the share of its length in the linear coordinate; accuracy under one direction of length 1, signed by "
    "the label, and without it.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "At length 1 one direction, signed by the label, misleads one network on nearly every point, an adversarially trained one on most, a pair on less than half. Accuracy on test points under one direction for all, found on training points, against its length: signed by the label, and for one network also the same for all points. Dashed: what a network that uses the linear coordinate alone is left with. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-limits-universal"}}
shown = {"one": "one network", "pair": "the pair"}
shown["adversarial"] = "adversarially trained"
lost = {
    short: torch.stack([under(name, e) for e in lengths], 1)
    for short, name in shown.items()
}
lost["label-free"] = torch.stack(
    [under("one network", e, free=True) for e in lengths], 1
)
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
glue("second_robust", read["second of a pair"][3].mean())
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
# The perturbations of one network lie in the linear coordinate ({glue:text}`share:.1%` of their length), and one direction that was
# found on training points leaves {glue:text}`fooled:.1%` of the test points right, so the published figure was no effect of fitting on the
# test points. But it needs the label. The same shift for all leaves {glue:text}`free:.0%`: what carries one class across the border
# carries the other away from it, so that half of the points is the most it can take. Three networks together withstand
# {glue:text}`three_robust:.1%` under projected gradient descent, as much as the linear coordinate alone allows.
#
# Adversarial training does change what is used. It gets {glue:text}`robust:.1%` right under its own kind of perturbation, where a network
# of the linear coordinate alone cannot exceed {glue:text}`allowed:.1%`. Its AUC with that coordinate redrawn, {glue:text}`hard_auc:.2f`, hardly
# shows it: the slabs decide where the linear coordinate is small, which is seldom. It remains far from what all coordinates would
# allow: one direction of length 1 leaves {glue:text}`hard_fooled:.0%`.
#
# The second network of a pair has an AUC of {glue:text}`second_auc:.2f` with the linear coordinate redrawn, which it cannot see. Alone it is the
# least robust of all and withstands {glue:text}`second_robust:.0%`. With the first one its AUC is {glue:text}`pair_auc:.2f`, and
# {glue:text}`pair_robust:.0%` of the points withstand projected gradient descent. How much the pair gains depends on how large the logits of the two are.
#
# ## What stays open
#
# What makes a feature be learnt sooner. The contests are few, of single coordinates among Gaussian ones, with one architecture and one
# learning rate; a definition of simple that predicts the rates would have to say why $7_6$ comes before $7_4$. The phase diagram is one of five slabs and short training: the
# paper's seven slabs in 50 dimensions are a matter of the profile `paper`, and with more updates more of its cells may be solved. Adversarial training was
# tried at one radius only, and the gain of a pair is that of a plain mean of logits.
