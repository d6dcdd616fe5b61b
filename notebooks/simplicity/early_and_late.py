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
# # What happens early, what late, and which early story does not show up here?
#
# **Late: a change of bias, for better or worse. Early: outliers make the loss sharp, and dropout does not help what it should.** The same
# kind of network, the same weight decay: on one data set it fits at step {glue:text}`fitted:.0f` and answers 95 % of unseen data from
# step {glue:text}`answered:,.0f` on; on another it answers {glue:text}`known:.0%` of them at once and {glue:text}`forgotten:.0%` in the end. The
# change comes at about the logarithm of the first scale over the decay. A share of {glue:text}`outlier_share:.0%` outliers with opposite labels makes the loss
# {glue:text}`sharper:.1f` times as sharp; remove them and the spikes of training are gone. Dropout in the first sixth of its training
# is reported to help a network that underfits; here the final training loss is {glue:text}`loss_early:.2f` with it and
# {glue:text}`loss_none:.2f` without.

# %% tags=["hide-input"]
from itertools import repeat
from math import log

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.halfspaces import dense, sparse
from whence.data.images import draw_labelled
from whence.data.opposing import Opposing
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.glue import glue
from whence.measures.direction import direction_variance
from whence.measures.sharpness import sharpness
from whence.nets.build import build
from whence.nets.diagonal import Diagonal
from whence.seeds import stream
from whence.stats import slope
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled, logistic, masks

# %% tags=["parameters"]
dataset: str = "digits"  # digits, mnist, fashion_mnist: images for dropout
seed: int = 0  # first seed; a seed chooses examples, first weights and order
n_seeds: int = 3  # how many seeds, counted up from the first
n_sparse: int = 80  # examples on either side of the sparse plane
sparse_dimension: int = 800  # their dimension
scales: list[float] = [4.0, 16.0, 64.0]  # norms of the first weights there
n_dense: int = 50  # examples on either side of the dense plane
dense_dimension: int = 2000  # their dimension
gap: float = 6.0  # between the two sides there
dense_scale: float = 8.0  # norm of the first weights there
rate: float = 0.02  # learning rate for both planes
decay: float = 0.05  # weight decay for both planes
n_steps: int = 6000  # steps for both planes
n_opposing: int = 1000  # examples among which outliers are
outliers: float = 0.02  # their share
slow: float = 0.02  # learning rate that follows the curvature there
fast: float = 0.2  # learning rate that does not
n_fast_steps: int = 40  # steps at the second; as much time at the first
n_images: int = 1000  # images to learn with dropout
width: int = 4  # hidden units of that network: few, so that it underfits
dropout: float = 0.1  # share of units that are dropped
n_dropout_steps: int = 1800  # steps; early dropout ends after a sixth of them
n_test: int = 1000  # unseen examples
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Late: two biases, one after the other
#
# The smallest network with a bias of its own is linear with weights $w = u^2 - v^2$, entry by entry. Start it at
# $u = v = \alpha / \sqrt{2d}$ with a large norm $\alpha$, on the logistic loss with weight decay $\lambda$. Two limits are known
# {cite}`lyu2024dichotomy`:
#
# $$
# \begin{aligned}
# \text{early:} \quad & \text{the kernel classifier, } \min \lVert w \rVert_2 , \\
# \text{late:} \quad & \text{the one of least norm, } \min \lVert w \rVert_1 ,
# \end{aligned}
# \qquad \text{with a sharp change at } t \approx \frac{\log \alpha}{\lambda} .
# $$ (late-two)
#
# *Why then:* as long as decay has not made the parameters small, $w$ changes by little of $u$ and $v$, so the model is linear in them.
# Under decay the parameters shrink as $\alpha e^{-\lambda t}$, which is about 1 at that time; from then on the large get larger.
#
# Which of the two answers unseen data better is up to the data. For a plane that depends on {glue:text}`relevant:.0f` of
# {glue:text}`sparse_dimension:,.0f` coordinates it is the late one: *grokking*. For a plane in general direction, with a wide gap, it is
# the early one: *misgrokking*. Both are fitted in the first steps.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
moments = sorted({round(1.06**k) for k in range(400) if 1.06**k <= n_steps})


def stacked(samples):
    """(S, n, ...) tensors of the samples of all seeds."""
    columns = zip(*samples, strict=True)
    return [torch.stack(list(column)).to(where) for column in columns]


def accuracies(draw, n, d, scales, *law):
    """(2, S, scales, moments): accuracy on training and on unseen data."""
    x, side = stacked([draw(n, d, *law, s) for s in seeds])
    new, truth = stacked([draw(n_test, d, *law, s, "test") for s in seeds])
    network = Diagonal(d, scales, n_seeds).to(where)

    def margins(x, side):
        return network(x).mT * side[:, None]

    def loss(_):
        return logistic(margins(x, side))

    weights, found = list(network.parameters()), []
    descent = torch.optim.SGD(weights, lr=rate, weight_decay=decay)
    for step in fit(weights, loss, repeat(None, n_steps), descent):
        if step.number in moments:
            with torch.no_grad():
                both = margins(x, side), margins(new, truth)
            found.append(torch.stack([(m > 0).double().mean(-1) for m in both]))
    return torch.stack(found, -1).cpu()


# %%
good = accuracies(sparse, n_sparse, sparse_dimension, scales, 3)
bad = accuracies(dense, n_dense, dense_dimension, [dense_scale], gap)
middle = len(scales) // 2
glue("relevant", 3)
glue("sparse_dimension", sparse_dimension)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Long after both planes are fitted the bias changes, for the better on the sparse plane and for the worse on the dense one. Accuracy on training data (both lie at the top) and on unseen data against training steps, for a sparse plane and for a dense one with a wide gap. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-early_and_late-grokking"}}
curves(
    moments,
    {
        "sparse, unseen": good[1, :, middle],
        "dense, unseen": bad[1, :, 0],
        "sparse, training": good[0, :, middle],
        "dense, training": bad[0, :, 0],
    },
    "step",
    "accuracy",
    alt="Accuracy against steps on a log axis. Training accuracy is one from the first steps on for both. On unseen data the sparse plane "
    "begins low and rises to one late; the dense plane begins high and falls late.",
    ylim=(0.45, 1.05),
)


# %%
def first(rows, level):
    """(...,): the moment at which each row reaches a level, 0 if it never does."""
    reached = rows >= level
    at = torch.tensor(moments)[reached.int().argmax(-1)]
    return torch.where(reached.any(-1), at, 0).double()


fitted, answered = first(good[0, :, middle], 1.0), first(good[1, :, middle], 0.95)
glue("fitted", fitted.mean())
glue("answered", answered.mean())
glue("before", good[1, :, middle, 0].mean())
report("simplicity/grokking-comes-late", answered / fitted.clamp(min=1))

# %%
changed = first(good[1], 0.8) * rate * decay
grows = [slope([log(a) for a in scales], row) for row in changed]
glue("grows", sum(grows) / n_seeds)
report("simplicity/grokking-waits-for-the-logarithm", grows)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The larger the norm of the first weights, the later unseen data are answered: the wait grows with its logarithm. Accuracy on unseen data for the sparse plane, for three norms α of the first weights. Marked: log(α) / λ of each. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-early_and_late-scales"}}
curves(
    moments,
    {f"α = {a:g}": good[1, :, i] for i, a in enumerate(scales)},
    "step",
    "accuracy",
    alt="Accuracy on unseen data against steps for three norms of the first weights: the larger the norm, the later it rises, near the "
    "marked times.",
    marks=[(log(a) / (rate * decay), f"{a:g}") for a in scales],
    logx=False,
    ylim=(0.45, 1.12),
)

# %%
at_fit = bad[0, :, 0].ge(1).int().argmax(-1, keepdim=True)
known = bad[1, :, 0].gather(1, at_fit)[:, 0]
glue("known", known.mean())
glue("forgotten", bad[1, :, 0, -1].mean())
report("simplicity/misgrokking", known - bad[1, :, 0, -1])

# %% [markdown]
# On the sparse plane unseen data are answered with {glue:text}`before:.0%` after the first step, little better than by chance,
# while every training example is. The time of the change grows by {glue:text}`grows:.2f` for each unit of $\log \alpha$, in units of
# $1 / \lambda$ (time being steps times rate), where the theory says 1. The change itself
# takes about as long for each ({numref}`fig-early_and_late-scales`), so it is sharp only beside the waiting time, for large $\alpha$: the theory is
# about that limit.
#
# ## Early: outliers that pull against each other
#
# Let {glue:text}`outlier_share:.0%` of the examples share one large feature, half of them with either label: on it the two groups'
# gradients are opposite and nearly cancel, but their curvatures add up. The loss is steep along a direction in which nothing can be
# won, and steeper as the network grows {cite}`rosenfeld2024opposing`. A linear network with one hidden layer, $f(x) = a^\top W x$, has it
# all: along the feature, of size $r$ and share $p$, the squared loss has curvature $2 p\, r^2 \lVert a \rVert^2$, and $\lVert a \rVert$
# grows while everything else is learnt. A step of size $\eta$ is stable as long as no curvature exceeds $2 / \eta$.
#
# The measure is one number, the largest eigenvalue of the Hessian; the control is to remove the outliers and nothing else.

# %%
law = Opposing(20, outliers, 20.0)
x, y, group = stacked([law.draw(n_opposing, s) for s in seeds])
usual = group[0] == 0


def followed(x, y, rate, steps, every):
    """Losses (S, 3, steps) of all and of two groups, and every few steps the
    sharpness (S, ...)."""
    plain = {"width": 20, "depth": 1, "activation": "linear", "bias": False}
    nets = [build("perceptron", (20,), s, outputs=1, **plain) for s in seeds]
    network = Stack.of([net.to(where) for net in nets])
    weights = list(network.parameters())

    def each():
        return (network(x)[..., 0] - y).square()

    def loss(_=None):
        return each().mean(-1)

    losses, sharp, descent = [], [], torch.optim.SGD(weights, lr=rate)
    for step in fit(weights, loss, repeat(None, steps), descent):
        with torch.no_grad():
            error, of = each(), group[0, : y.shape[1]]
        parts = error, error[:, of == 1], error[:, of == 2]
        losses.append(torch.stack([part.mean(-1) for part in parts], 1))
        if step.number % every == 0:
            generator = stream(seed, "sharpness", step.number)
            sharp.append(sharpness(loss, weights, generator, 1e-3))
    return torch.stack(losses, -1).cpu(), torch.stack(sharp, -1).cpu()


# %%
longer = round(fast / slow)
n_slow_steps, every = n_fast_steps * longer, max(1, n_fast_steps // 20)
calmed = x[:, usual], y[:, usual]
_, sharp = followed(x, y, slow, n_slow_steps, every * longer)
_, sharp_without = followed(*calmed, slow, n_slow_steps, every * longer)
spiky, sharp_fast = followed(x, y, fast, n_fast_steps, every)
calm, _ = followed(*calmed, fast, n_fast_steps, n_fast_steps)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Outliers make the loss sharper than the large rate can bear; at that rate itself sharpness settles at about the limit or below it. Largest eigenvalue of the Hessian while the network is trained, with the outliers and with them removed, at a small rate; and with them at the large one, at the same time (steps times rate). Marked: what the large rate can bear. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-early_and_late-sharpness"}}
curves(
    every * fast * torch.arange(1, sharp.shape[1] + 1),
    {"outliers": sharp, "none": sharp_without, "large rate": sharp_fast},
    "time, steps × rate",
    "largest eigenvalue",
    alt="The largest eigenvalue of the Hessian against time: with outliers it rises well above the marked level at the small rate, comes "
    "back to about it at the large rate, and is small without outliers.",
    logx=False,
    levels=[(2 / fast, "2 / rate")],
)

# %%
glue("outlier_share", outliers)
glue("sharp", sharp[:, -1].mean())
glue("sharp_without", sharp_without[:, -1].mean())
glue("sharper", (sharp[:, -1] / sharp_without[:, -1]).mean())
report("simplicity/outliers-sharpen-the-loss", sharp[:, -1] / sharp_without[:, -1])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The losses of the two groups of outliers take turns until they rise together in a spike; without the outliers there is none. Training loss at the large rate, one seed: of all examples and of the two groups of outliers, after each step.", "name": "fig-early_and_late-spikes"}}
curves(
    range(1, n_fast_steps + 1),
    {
        "all": spiky[0, 0],
        "outliers, label −": spiky[0, 1],
        "outliers, label +": spiky[0, 2],
        "all, none": calm[0, 0],
    },
    "step",
    "squared error",
    alt="Losses against steps: those of the two groups of outliers swap places from step to step, grow and rise together at a spike of the "
    "loss of all examples, then settle; without outliers the loss falls smoothly.",
    logx=False,
    logy=True,
)


# %%
def opposite(losses, later):
    """(S,): share of steps in which the groups part, of those in which one changes
    by more than 1 %, from the first rise of the loss on or before."""
    change = losses[:, 1:].diff() / losses[:, 1:, :-1]
    moving = change.abs().amax(1) > 0.01
    moving &= ((losses[:, 0].diff() > 0).cumsum(-1) > 0) == later
    apart = moving & (change.prod(1) < 0)
    return (apart.sum(-1) / moving.sum(-1).clamp(min=1)).tolist()


alternate = opposite(spiky, True)
glue("turns", sum(opposite(spiky, False)) / n_seeds)
glue("alternate", sum(alternate) / n_seeds)
report("simplicity/opposing-losses-alternate", alternate)

# %%
rise = [(run[:, 0, 1:] / run[:, 0, :-1]).amax(-1) for run in (spiky, calm)]
glue("rise", rise[0].mean())
glue("rise_without", rise[1].mean())
report("simplicity/spikes-need-the-outliers", rise[1])

# %% [markdown]
# Without the outliers the largest eigenvalue ends at {glue:text}`sharp_without:.1f`, with them at {glue:text}`sharp:.1f`, which is more than
# the large rate can bear. There the loss rises up to {glue:text}`rise:.1f`-fold in a step; without them it never does
# ({glue:text}`rise_without:.2f`). The spike flattens the loss: afterwards the network stays where steps are stable. *Before* the loss
# first rises the losses of the two groups change in opposite directions in {glue:text}`turns:.0%` of the steps, as reported; from
# there on in {glue:text}`alternate:.0%`. The exceptions are the spike itself: once the answer on the large feature is beyond both labels, the squared error of both groups
# grows with it, and they fall together when the spike is over.
#
# ## Early: dropout against underfitting
#
# Dropout that is switched off after the first sixth of the training is reported to *lower the training loss* of networks too small for
# their data, by making mini-batch gradients agree in direction while the network knows nothing {cite}`liu2023dropout`. Both halves of
# that can be measured: the mean cosine distance between gradients of different mini-batches, at the same weights with and without
# dropout, and the final training loss. The network has {glue:text}`width:.0f` hidden units for ten classes of images; arms of a
# seed share images, first weights, order and dropped units.

# %%
n_batch, early = 64, max(1, n_dropout_steps // 6)
plans = {
    "none": lambda k: 0.0,
    "early": lambda k: dropout * max(0.0, 1 - k / early),
    "throughout": lambda k: dropout,
}
arms = seeds * len(plans)
drawn = [draw_labelled(dataset, "train", n_images, s) for s in seeds]
pictures, digits = stacked(drawn)
pictures = pictures.flatten(2)


def dropped(these, k, share):
    """(..., batch, width): units that are kept in step k."""
    return masks(these, k, (n_batch, width), share)[0].to(where)


def disagreement(network, s, k, share, m=16):
    """Direction variance of the gradients of m mini-batches at one network."""
    own = slice(seeds.index(s), seeds.index(s) + 1)
    batches = labelled(pictures[own], digits[own], n_batch, [s], k)
    parts = [next(batches) for _ in range(m)]
    kept = torch.cat(
        [dropped([s], n_dropout_steps + k + i, share) for i in range(m)]
    )
    copies = Stack.of([network] * m)
    logits = copies(torch.cat([part.x for part in parts]), [kept])
    losses = cross_entropy(logits, torch.cat([part.y for part in parts]))
    slopes = torch.autograd.grad(losses.sum(), list(copies.parameters()))
    return direction_variance(torch.cat([g.flatten(1) for g in slopes], 1))


# %%
inputs = pictures.shape[-1:]
nets = [
    build("perceptron", inputs, s, outputs=10, width=width, depth=1) for s in arms
]
networks = Stack.of([net.to(where) for net in nets])
stops = sorted({1 + round(n_dropout_steps * (k / 16) ** 2) for k in range(16)})


def loss(numbered):
    k, batch = numbered
    parts = [dropped(seeds, k, plan(k)) for plan in plans.values()]
    return cross_entropy(networks(batch.x, [torch.cat(parts)]), batch.y)


repeated = [
    part.repeat(len(plans), *[1] * (part.ndim - 1)) for part in (pictures, digits)
]
feed = zip(range(n_dropout_steps), labelled(*repeated, n_batch, arms), strict=False)
optimizer = torch.optim.SGD(networks.parameters(), lr=0.05, momentum=0.9)
apart = []
for step in tqdm(fit(networks.parameters(), loss, feed, optimizer)):
    if step.number in stops:
        bare = [(networks.unstack(i), s, step.number) for i, s in enumerate(seeds)]
        apart.append(
            [[disagreement(*b, share) for b in bare] for share in (0.0, dropout)]
        )

variance = torch.tensor(apart).permute(1, 2, 0)  # (2, S, stops)
with torch.no_grad():
    final = cross_entropy(networks(repeated[0]), repeated[1])
final = final.unflatten(0, (-1, n_seeds)).cpu()

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Dropout is not seen to make the gradients agree more: with and without it the intervals overlap at every step. Mean cosine distance between the gradients of mini-batches, at the same weights without and with dropout, along training without it. Marked: where early dropout ends. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-early_and_late-directions"}}
curves(
    stops,
    {"no dropout": variance[0], "dropout": variance[1]},
    "step",
    "mean cosine distance",
    alt="Mean cosine distance between mini-batch gradients against training steps on a log axis, without and with dropout, and where early dropout ends.",
    marks=[(early, "early")],
)

# %%
soon = [k for k, stop in enumerate(stops) if stop <= early]
change = (variance[1] - variance[0])[:, soon].mean(-1)
glue("width", width)
glue("apart_none", variance[0][:, soon].mean())
glue("apart_dropout", variance[1][:, soon].mean())
report("simplicity/dropout-aligns-gradients-early", change)

# %%
gain = final[1] / final[0] - 1
for name, row in zip(plans, final, strict=True):
    glue(f"loss_{name}", row.mean())
glue("lower", (gain < 0).sum())
glue("n_seeds", n_seeds)
report("simplicity/early-dropout-lowers-the-training-loss", gain)

# %% [markdown]
# At the same weights, early in the training, two mini-batch gradients are {glue:text}`apart_none:.2f` apart without dropout and
# {glue:text}`apart_dropout:.2f` with it. The final training loss is {glue:text}`loss_none:.2f` without dropout, {glue:text}`loss_early:.2f`
# with early dropout, and {glue:text}`loss_throughout:.2f` with dropout throughout; early dropout has the lower one in
# {glue:text}`lower:.0f` of {glue:text}`n_seeds:.0f` seeds. The gain that should follow is not to be seen. With so few units much
# depends on the first weights: some networks fit nearly everything, which makes the relative change of a seed's loss a poor measure, but it
# is the one that was written down. Ten classes of small images are not a task in which disagreement between mini-batches is what holds a
# network back; nor are {glue:text}`width:.0f` hidden units what the paper trains. So this negative result
# says where the effect is *not*.
#
# **What stays open.** The diagonal network is the smallest one with two biases; the published experiments also have modular addition and
# matrix completion. Whether the spikes of large networks have their outliers is not shown by a model that was given them. And of early
# dropout the networks and data of the paper are the test, for which the profile `paper` is too small as well.
