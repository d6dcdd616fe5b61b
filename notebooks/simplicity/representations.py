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
# # Two features are learnt equally well: are they represented equally?
#
# **No.** A network that answers a single bit of its input and an exclusive or of two others, each with a test accuracy of
# {glue:text}`gate:.2f` or more, keeps {glue:text}`easy_xor:.0%` of the variance of its last hidden layer for the one and
# {glue:text}`hard_xor:.0%` for the other. With the parity of four bits in its place it is {glue:text}`easy_parity:.0%` and
# {glue:text}`hard_parity:.0%`; for the networks of the paper {cite}`lampinen2024representations` its first author gives
# {glue:text}`published_easy:.0%` and {glue:text}`published_hard:.0%`. What is small is not what is unimportant. But whoever compares
# networks by their representations, or puts a classifier on top, sees the larger one: {glue:text}`followed:.0%` of the answers follow the
# easy feature where the two disagree.

# %% tags=["hide-input"]
from functools import partial
from itertools import islice
from typing import NamedTuple

import torch
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.pairs import RULES, Pairs, cells
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.variance import explained, rsa, total_variance
from whence.nets.build import build
from whence.seeds import stream
from whence.stats import bootstrap
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import labelled, logistic

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed draws inputs, first weights and their order
n_seeds: int = 3  # how many seeds, counted up from the first
d: int = 16  # bits of an input; 1 decides the easy feature, 1 to 4 the hard one
n_train: int = 4096  # training inputs
n_items: int = 1000  # validation inputs, and as many test inputs
n_similar: int = 200  # of the latter, how many are compared pair by pair
width: int = 64  # units of a hidden layer
depth: int = 2  # hidden layers, where depth is not the question
depths: list[int] = [1, 2, 4]  # hidden layers, where it is
steps: int = 2000  # updates of every network, at least 2
batch: int = 128  # training inputs for each update
rate_sgd: float = 0.1  # learning rate of SGD
rate_adam: float = 0.001  # learning rate of Adam
gate: float = 0.99  # networks below this test accuracy on a feature are not read
n_looks: int = 15  # looks at a training before its end, evenly on a log scale
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## What a feature explains
#
# The easy feature is a single bit of the input, the hard one needs several others: whether both of two bits are set (*and*), exactly one of
# them (*exclusive or*), exactly two of four, or an odd number of four. Each reads its own bits, so the features are independent. One
# network answers both, and is trained on both.
#
# Let $\phi$ be the activations of its last hidden layer less their mean, and $f$ the feature less its mean. The **share** that $f$ explains
# is that of the best linear map from the feature to the representation {cite}`lampinen2024representations`,
#
# $$
# R^2_f = 1 - \min_W \frac{\mathbb E \lVert W f - \phi \rVert^2}{\mathbb E \lVert \phi \rVert^2}
# = \frac{p\,(1 - p)\, \lVert \mu_1 - \mu_0 \rVert^2}{\mathbb E \lVert \phi \rVert^2} ,
# $$ (representations-share)
#
# where $p$ is the probability that an input has the feature and $\mu_1$, $\mu_0$ are the mean representations of those that have it and
# those that have not. $W$ is fitted on validation inputs, the share is taken on test inputs. Independent features share out at most 1.
# The output sees $\phi$ only through two directions, so nothing forces the shares to be equal, or not to be.
#
# One thing *is* forced: exclusive or of two bits $a$, $b$ never explains more than a third of a single hidden layer of rectified units,
# $u = \max(0, \alpha a + \beta b + \gamma)$. *Why:* of a unit's values on the four $(a, b)$, the product $a b$ holds the square of a quarter
# of the difference between the diagonals' sums, and under the maximum both diagonals sum to $2 \gamma$. Times 16, variance and its part
# along $a b$ are, by where the unit is on:
#
# | on at | values | variance | along $ab$ |
# |---|---|---|---|
# | one | $v$ | $3 v^2$ | $v^2$ |
# | two, on a side | $p, q$ | $3 (p - q)^2 + 4 p q$ | $(p - q)^2$ |
# | three | $p, q$ and $r \ge s = p + q$ across | at least $3 (r - s)^2 + 2 s (2 r - s)$ | $(r - s)^2$ |
# | all four | linear in $a$, $b$ | | $0$ |
#
# If $\gamma$ depends on other bits, average over them: the square of a mean is at most the mean square. The linear feature can fill such a
# layer alone; for each part of exclusive or there are at least two that say something of $a$ and $b$ which is not the answer. A second
# layer can drop them.

# %%
values, odd = cells(RULES["xor"])
weights = torch.randn(2, 20_000, generator=stream(seed, "weights"))
biases = torch.randn(20_000, generator=stream(seed, "biases"))
units = (values @ weights + biases).relu().T[..., None]  # 20,000 layers of one unit
odd = odd[:, None].expand(len(units), 4, 1)
most = explained(odd, units, odd, units).nan_to_num(0).max()
assert most < 1 / 3 + 1e-6
print(f"largest share in 20,000 units: {most:.6f}")

# %% [markdown]
# ## Training
#
# All networks of an optimiser and a depth are trained side by side, each as if alone: several seeds of every arm. The arms of a seed share
# inputs, first weights and order of training, and make the same number of updates.


# %%
class Arm(NamedTuple):
    """How a training differs from that on a linear feature and exclusive or."""

    hard: str = "xor"  # rule of the second feature
    first: str = "both"  # what is trained in the first half of the updates
    then: str = "both"  # and in the second
    prevalence: float | None = None  # of the second feature in training inputs
    measured: float | None = None  # and in those it is measured on
    init: int = 0  # another number, other first weights


FEATURES = {
    "linear": Arm("linear"),
    "and": Arm("and"),
    "and, half": Arm("and", prevalence=0.5, measured=0.5),
    "xor": Arm(),
    "two of four": Arm("two_of_four"),
    "parity of four": Arm("parity_of_four"),
}
ARMS = FEATURES | {
    "hard first": Arm(first="hard"),
    "easy first": Arm(first="easy"),
    "rare": Arm("linear", prevalence=0.1),
    "rare in both": Arm("linear", prevalence=0.1, measured=0.1),
    "again": Arm(init=1),
    "easy only": Arm(first="easy", then="easy"),
    "hard only": Arm(first="hard", then="hard"),
}
PARTS = {"both": (1.0, 1.0), "easy": (1.0, 0.0), "hard": (0.0, 1.0)}
MAKE = {
    "SGD": partial(torch.optim.SGD, lr=rate_sgd),
    "Adam": partial(torch.optim.Adam, lr=rate_adam),
}
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
looks = {round(steps ** (i / n_looks)) for i in range(n_looks)} | {steps}
looks = sorted(looks)


def drawn(arms, split, n):
    """x (A S, n, d) and y (A S, n, 2): every seed of every arm."""

    def pairs(arm):
        p = arm.prevalence if split == "train" else arm.measured
        return Pairs("linear", arm.hard, d, hard_prevalence=p)

    samples = [pairs(arm).draw(n, s, split) for arm in arms for s in seeds]
    return [torch.stack(part).to(where) for part in zip(*samples, strict=True)]


def held(arms):
    """The same, validation inputs and then as many test inputs."""
    parts = [drawn(arms, split, n_items) for split in ("validation", "test")]
    return [torch.cat(part, 1) for part in zip(*parts, strict=True)]


# %%
class Found(NamedTuple):
    """Networks of one arm, a row for each seed, at every look but for the last."""

    accuracy: torch.Tensor  # (S, T, 2) on test inputs
    amount: torch.Tensor  # (S, T, 2): variance that each feature explains
    total: torch.Tensor  # (S, T): and all there is
    hidden: torch.Tensor  # (S, 2 n, w): at the end, on validation and test inputs


def share(feature, hidden, total=None):
    """Share of the representation that a feature explains, fitted on the first half."""
    (f, new_f), (h, new_h) = feature.chunk(2, 1), hidden.chunk(2, 1)
    return explained(f, h, new_f, new_h, total)


@torch.no_grad()
def read(stack, x, y):
    """What is Found of all networks of a stack."""
    right = ((stack(x) > 0) == (y > 0)).chunk(2, 1)[1]
    hidden, one = stack.features(x), torch.ones(len(stack), device=where)
    amount = [share(y[..., i, None], hidden, one) for i in (0, 1)]
    total = total_variance(*hidden.chunk(2, 1))
    return right.double().mean(1), torch.stack(amount, -1), total, hidden


# %%
def loss(stack, counted, b):
    """Of every network, the logistic losses of the features that count."""
    signs = torch.stack([b.y & 1, b.y >> 1]) * 2 - 1
    return (counted * logistic(signs * stack(b.x).movedim(-1, 0))).sum(0)


def train(arms, optimizer="SGD", depth=depth, looks=(steps,)):
    """What is found of each arm."""
    first = [s + 1000 * arm.init for arm in arms.values() for s in seeds]
    options = {"width": width, "depth": depth}
    nets = [build("perceptron", (d,), s, **options).to(where) for s in first]
    stack, test = Stack.of(nets), held(arms.values())
    x, y = drawn(arms.values(), "train", n_train)
    code = y[..., 0] + 2 * y[..., 1]  # one label for the feed
    feed = labelled(x, code, batch, seeds * len(arms))
    rule, readings = MAKE[optimizer](stack.parameters()), []
    ends = (0, steps // 2, steps)
    for half in (0, 1):
        counted = torch.tensor([PARTS[arm[1 + half]] for arm in arms.values()])
        counted = counted.repeat_interleave(n_seeds, 0).T.to(where)
        half_loss, n = partial(loss, stack, counted), ends[half + 1] - ends[half]
        made = fit(
            stack.parameters(), half_loss, islice(feed, n), rule, start=ends[half]
        )
        for step in tqdm(made, f"{optimizer}, half {half + 1}", n):
            if step.number in looks:
                *numbers, hidden = read(stack, *test)
                readings.append(numbers)
    fields = [torch.stack(field, 1) for field in zip(*readings, strict=True)]
    parts = [field.cpu().split(n_seeds) for field in (*fields, hidden)]
    return {name: Found(*part) for name, *part in zip(arms, *parts, strict=True)}


# %%
found = {"SGD": train(ARMS, looks=looks)}
found["Adam"] = train(FEATURES, "Adam")
deep = {how: {depth: runs["xor"]} for how, runs in found.items()}
for how, runs in deep.items():
    for n in set(depths) - {depth}:
        runs[n] = train({"xor": ARMS["xor"]}, how, n)["xor"]


def passed(run, arm=None):
    """(S,): whether a network computes all that it was taught at last."""
    taught = torch.tensor(PARTS[arm.then if arm else "both"]) > 0
    return (run.accuracy[:, -1, taught] >= gate).all(1)


def shares(run):
    """(S, 2): of the easy and of the hard feature, nan where not both are computed."""
    found = run.amount[:, -1] / run.total[:, -1, None]
    return torch.where(passed(run)[:, None], found, torch.nan)


def gap(run):
    return shares(run)[:, 0] - shares(run)[:, 1]


def kept(values):
    """Those of the seeds that can be read."""
    some = values[values.isfinite()]
    if not len(some):
        raise ValueError(
            f"none of {n_seeds} seeds has test accuracies of {gate} or above: not trained "
            "to the end; raise steps, or lower gate"
        )
    return some


# %% [markdown]
# ## The shares


# %%
def row(name, run):
    found = shares(run)
    parts = (found[:, 0], found[:, 1], 1 - found.sum(1))
    missed = int((~passed(run)).sum())
    return name, missed, *(bootstrap(kept(part)) for part in parts)


table(
    ("second feature", "not read", "linear", "second", "neither"),
    [row(f"{name}, {how}", found[how][name]) for how in found for name in FEATURES],
    caption="Shares of the last hidden layer by second feature and optimiser, means and "
    f"95 % intervals over {n_seeds} seeds; networks with a test accuracy below {gate} on "
    "either feature are counted and not read.",
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Features of which no single bit tells anything take less room than the linear one, on average over seeds; a second linear feature takes as much. Share of the last hidden layer's variance that each of two features explains, SGD, networks that compute both; uppermost the published figures, from networks that are not these. *And, half*: half of all inputs have it instead of a quarter. Lines: 95 % bootstrap intervals over seeds, a tick for each.", "name": "fig-representations-shares"}}
sgd, adam = found["SGD"], found["Adam"]
PUBLISHED = {"linear": 0.55, "second": 0.05}


def series(run):
    return {key: kept(shares(run)[:, i]) for i, key in enumerate(PUBLISHED)}


dots(
    {"published": PUBLISHED} | {name: series(sgd[name]) for name in FEATURES},
    "share of the variance",
    alt="For the published networks and for six second features two dots each: the share of the linear feature and that of the second.",
    xlim=(0, 1),
)


# %%
def glue_shares(name, run):
    easy, hard = (kept(part).mean() for part in shares(run).T)
    glue(f"easy_{name}", easy)
    glue(f"hard_{name}", hard)
    glue(f"part_{name}", hard / (easy + hard))


glue_shares("half", sgd["and, half"])
for name, arm in {"xor": "xor", "parity": "parity of four"}.items():
    glue_shares(name, sgd[arm])
    x = held([ARMS[arm]])[0][..., 1 : 1 + RULES[ARMS[arm].hard].bits].cpu()
    glue(f"bits_{name}", share(x, sgd[arm].hidden)[passed(sgd[arm])].mean())
glue("published_easy", PUBLISHED["linear"])
glue("published_hard", PUBLISHED["second"])
report("simplicity/easy-outweighs-hard", kept(gap(sgd["xor"])))

# %%
report(
    "simplicity/hard-feature-is-hardly-visible",
    kept(shares(sgd["parity of four"])[:, 1]),
)

# %%
report("simplicity/easy-outweighs-hard-under-adam", kept(gap(adam["xor"])))

# %% [markdown]
# A second linear feature takes as much as the first, so nothing in the measurement favours either. *And* is no linear function, but each of
# its bits tells something of it: where half of all inputs have it, it takes {glue:text}`hard_half:.0%` beside {glue:text}`easy_half:.0%`
# (where a quarter have it there is less variance to explain, $p (1 - p)$ in {eq}`representations-share`). What takes little room
# are the features of which no single bit tells anything: exclusive or, two of four, parity. What belongs to neither feature is mostly
# the hard one's own material: its bits, one by one, take {glue:text}`bits_xor:.0%` in the networks of exclusive or and
# {glue:text}`bits_parity:.0%` in those of parity, no less than the answers that are made of them.
#
# ## How they grow
#
# Over the *final* total variance the amounts can grow. The linear feature is computed first, and what it takes goes on growing while
# exclusive or is being learnt, as published. But it would grow anyway: the logistic loss is never satisfied, and a network that is taught
# nothing else goes on, too.


# %%
def mastered(run, feature):
    """(S,): the first look at which a feature is computed."""
    return (run.accuracy[..., feature] >= gate).double().argmax(1)


run, alone = sgd["xor"], sgd["easy only"]
ok = passed(run)
grown = run.amount / run.total[:, -1:, None]
at = [mastered(run, i) for i in (0, 1)]


def between(amount):
    """(2, S): at the looks at which the two features are computed."""
    return torch.stack([amount[torch.arange(n_seeds), at[i]] for i in (0, 1)])[
        :, ok
    ]


# %% tags=["hide-input"] mystnb={"figure": {"caption": "The linear feature is learnt first, and the variance it explains keeps growing while exclusive or is learnt and after that. Variance that each feature explains during training, and all variance, over the final total variance; exclusive or, SGD. Vertical lines: the median look at which a feature is first computed. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-representations-growth"}}
curves(
    looks,
    {
        "linear": grown[ok, :, 0],
        "xor": grown[ok, :, 1],
        "all": (run.total / run.total[:, -1:])[ok],
    },
    "updates",
    "variance, over the final total",
    alt="Variance against updates for the linear feature, exclusive or and all variance, with the looks at which each feature is "
    "first computed.",
    marks=[
        (looks[int(at[i][ok].median())], word)
        for i, word in enumerate(("linear", "xor"))
    ],
)

# %%
first, second = between(grown[..., 0])
glue("grows", (second / first).mean())
taught = between(alone.amount[..., 0])
glue("grows_alone", (taught[1] / taught[0]).mean())
report("simplicity/easy-grows-after-it-is-mastered", second - first)

# %% [markdown]
# Between the two lines the linear feature's variance grows to {glue:text}`grows:.1f` times what it was; in a network with the same first
# weights, inputs and order that is taught the linear feature alone, to {glue:text}`grows_alone:.1f` times, between the same updates.
#
# ## Order, prevalence, depth
#
# Whatever is learnt first has a head start. A feature that few training inputs have could be at a disadvantage. And a second layer need not
# keep what the first one had to.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The linear feature takes more than exclusive or whichever is learnt first; with four layers under Adam no gap is clear. A rare feature takes less only where it is rare in the measurement, too. Share of the linear feature minus that of the second. Exclusive or trained together with it from the start, or one of them alone in the first half of the updates; networks of more or fewer hidden layers; and a linear second feature that a tenth of the training inputs have, measured on inputs of which half have it, or again a tenth. Lines: 95 % bootstrap intervals over seeds, a tick for each.", "name": "fig-representations-gap"}}
gaps = {
    "both at once": "xor",
    "hard first": "hard first",
    "easy first": "easy first",
}
rare = {"rare in training": "rare", "rare in both": "rare in both"}
layers = {
    f"{n} hidden layer" + "s" * (n > 1): {
        how: kept(gap(runs[n])) for how, runs in deep.items()
    }
    for n in depths
}
dots(
    {name: {"SGD": kept(gap(sgd[arm]))} for name, arm in gaps.items()}
    | layers
    | {name: {"SGD": kept(gap(sgd[arm]))} for name, arm in rare.items()},
    "share of the linear feature minus that of the second",
    alt="Gaps in share for three orders of learning, for networks of different depths under SGD and Adam, and for a rare second feature "
    "measured on two kinds of inputs.",
    reference=(0, "equal"),
)

# %%
narrowed = gap(sgd["xor"]) - gap(sgd["hard first"])
for arm in (gaps | rare).values():
    glue(f"gap_{arm.replace(' ', '_')}", kept(gap(sgd[arm])).mean())
report("simplicity/hard-first-narrows-the-gap", kept(narrowed))

# %%
report("simplicity/prevalent-feature-takes-more", kept(gap(sgd["rare"])))

# %%
deepest, flattest = (deep["SGD"][n] for n in (max(depths), min(depths)))
glue_shares("flat", flattest)
glue_shares("deep", deepest)
glue_shares("adam", deep["Adam"][max(depths)])
glue("deepest", max(depths))
glue("flattest", min(depths))
report("simplicity/depth-widens-the-gap", kept(gap(deepest) - gap(flattest)))

# %% [markdown]
# *Order* counts for little here: the gap is {glue:text}`gap_hard_first:.2f` where exclusive or was learnt first,
# {glue:text}`gap_easy_first:.2f` where the linear feature was, {glue:text}`gap_xor:.2f` where both were learnt at once. The easy feature
# dominates in each.
#
# *Prevalence* is a matter of what one measures on. A feature that a tenth of the training inputs have takes a little *more* than one that half
# of them have, as long as half of the inputs of the measurement have it (gap {glue:text}`gap_rare:+.2f`). On inputs like those of the
# training it hardly varies, and the gap is {glue:text}`gap_rare_in_both:+.2f`: that is the factor $p (1 - p)$, not the weights. We could not
# see which of the two the paper reports.
#
# *Depth* changes the gap, and does more than that. With {glue:text}`flattest:.0f` hidden layer the shares are {glue:text}`easy_flat:.0%` and
# {glue:text}`hard_flat:.0%` (at least twice the latter must go to the bits of exclusive or); with {glue:text}`deepest:.0f` they are
# {glue:text}`easy_deep:.0%` and {glue:text}`hard_deep:.0%`. Later layers drop what is no answer, and both features gain: of what the two have
# together, exclusive or has {glue:text}`part_flat:.0%` in the former and {glue:text}`part_deep:.0%` in the latter. Under Adam,
# {glue:text}`deepest:.0f` layers leave {glue:text}`easy_adam:.0%` and {glue:text}`hard_adam:.0%`. The preference for the easy feature is no
# law of features, but one of networks and their training.
#
# ## What a comparison of two networks sees
#
# Representational similarity compares two networks by how unlike any two inputs are in each: Spearman's correlation of the two lists of
# distances, $1 - r$ between the activations of two inputs. It is a common way to ask whether two networks do the same.


# %%
def alike(a, b, cosine=False):
    """(S,): similarity of two arms on the same test inputs, nan where not read."""
    some = slice(n_items, n_items + n_similar)
    pair = (sgd[name].hidden[:, some] for name in (a, b))
    read = passed(sgd[a], ARMS[a]) & passed(sgd[b], ARMS[b])
    return torch.where(read, rsa(*pair, cosine), torch.nan)


PAIRS = {
    "both; both, other first weights": ("xor", "again"),
    "both; linear only": ("xor", "easy only"),
    "both; xor only": ("xor", "hard only"),
    "linear only; xor only": ("easy only", "hard only"),
}
similar = {
    name: [bootstrap(kept(alike(*pair, cosine))) for cosine in (False, True)]
    for name, pair in PAIRS.items()
}
table(
    ("taught to the two networks", "by correlation", "by cosine"),
    [(name, *values) for name, values in similar.items()],
    caption=f"Similarity of the representations of {n_similar} test inputs in two networks, SGD, "
    f"means and 95 % intervals over {n_seeds} seeds.",
)

# %%
same, simpler, harder = (alike(*pair) for pair in list(PAIRS.values())[:3])
for name, values in {"same": same, "simpler": simpler, "harder": harder}.items():
    glue(f"alike_{name}", kept(values).mean())
report("simplicity/same-task-looks-less-alike", kept(same - simpler))

# %% [markdown]
# The published sentence says that two networks of the same task *can* look less alike than either looks to one of a simpler task. These do
# not: {glue:text}`alike_same:.2f` against {glue:text}`alike_simpler:.2f`. What it warns of is there all the same. A network of both features
# looks like one that knows nothing of exclusive or, and much less like one that knows nothing else ({glue:text}`alike_harder:.2f`), though it
# has one feature in common with each. A comparison of representations weighs by variance, not by what is computed.
#
# ## What a classifier on top makes of it
#
# Put a new classifier on the last hidden layer, and train it on inputs whose two labels agree: either feature would do. On inputs where
# they do not agree, it must choose.


# %%
def follows(h, y, new_h, new_y):
    """Share of conflicting inputs that are answered with the easy feature."""
    agree, conflict = y[:, 0] == y[:, 1], new_y[:, 0] != new_y[:, 1]
    model = LogisticRegression(max_iter=1000).fit(h[agree], y[agree, 0])
    return (model.predict(new_h[conflict]) == new_y[conflict, 0].numpy()).mean()


y, new_y = held([ARMS["xor"]])[1].cpu().chunk(2, 1)
h, new_h = run.hidden.chunk(2, 1)
followed = [follows(h[i], y[i], new_h[i], new_y[i]) for i in ok.nonzero().flatten()]
glue("d", d)
glue("gate", gate)
glue("followed", sum(followed) / len(followed))
report("simplicity/downstream-follows-the-easy-feature", followed)

# %% [markdown]
# It follows the linear feature in {glue:text}`followed:.0%` of such inputs. A small weight on a direction of large variance does what takes a
# large weight elsewhere, and logistic regression with its usual penalty pays for weights.
#
# **What stays open.** What we could read of the paper does not say which networks, inputs and hard feature gave
# {glue:text}`published_easy:.0%` and {glue:text}`published_hard:.0%`; ours are small perceptrons on {glue:text}`d:.0f` bits. The amounts still
# grow when training stops, so a share is one of a moment. Why depth evens the features out under Adam and hardly under SGD is not explained
# here; nor are dropout, convolutions and sequences, where other biases, of colour, shape and place, are reported.
