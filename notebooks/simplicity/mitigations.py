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
# # Which remedies break the ceiling of a simple feature?
#
# **On data where the simple feature is wrong at times, what shows less of the input, and on average what shows the hard examples more often;
# what changes the optimiser or the units does not, and attacks in training hardly.** A perceptron on the noisy seven-slab data of the
# [pitfalls](pitfalls) is right in {glue:text}`plain:.1%` of new cases, as the simple feature alone allows ({glue:text}`ceiling:.1%`). With sharpness-aware
# minimisation it is {glue:text}`slab_sam:.1%`, with dropout at most {glue:text}`slab_dropout:.1%`, with adversarial training
# {glue:text}`slab_attacked:.1%`, with as many random points copied {glue:text}`slab_random:.1%`. Copying the points that are found slow early
# on gives {glue:text}`slab_cluster_few:.1%` at the factor of the method, 2, and {glue:text}`slab_cluster_many:.1%` at
# {glue:text}`most_copies:.0f`; copying those of high loss {glue:text}`slab_high:.1%`; a second network that is not shown what the first one
# listens to {glue:text}`slab_pair:.1%`. Copies need something to copy: from {glue:text}`few_hard:.0f` hard points they teach a network to
# answer {glue:text}`seen_hard:.0%` of those and {glue:text}`new_hard:.0%` of new ones, where guessing gives half.

# %% tags=["hide-input"]
from copy import deepcopy
from functools import partial
from itertools import islice, product

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.data.patches import Patched, Patches
from whence.data.slabs import Linear, Sample, noisy_lms
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.perturbation import (
    accuracy,
    gradients,
    pgd,
    singular_directions,
)
from whence.nets.build import build
from whence.stats import bootstrap, paired
from whence.train import cells
from whence.train.adversarial import attacked
from whence.train.loop import fit
from whence.train.many import each
from whence.train.optim import SAM
from whence.train.orthogonal import deprived, together, without
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, example_losses, labelled
from whence.train.upsample import above, copied, random, slow

# %% tags=["parameters"]
seed: int = 0  # first seed; a seed draws data, first weights and order
n_seeds: int = 3  # how many seeds, counted up from the first
n_patched: int = 300  # training inputs of the patch model
patch_size: int = 20  # entries of a patch
slow_size: float = 0.4  # strength of the slow feature; the fast one has 1
patch_steps: int = 1000  # updates on the patch model, all inputs in each
patch_early: int = 100  # after how many of them outputs are clustered
patch_rate: float = 0.1  # learning rate there
patch_scale: float = 0.1  # deviation of the filters' first entries
patch_radii: list[float] = [0.02, 0.1]  # radii of SAM to choose from there
patch_copies: list[int] = [2, 5]  # how often the slow cluster may be shown there
d: int = 14  # coordinates of the slab data: one linear, the others of seven slabs
noise: float = 0.1  # share of points whose linear coordinate says nothing
n_train: int = 40000  # training points
sizes: list[int] = [2500, 10000]  # smaller training sets, ascending
n_heldout: int = 10000  # validation points, and as many test points
width: int = 100  # units of the two hidden layers
steps: int = 2000  # updates of every network
early: int = 200  # after how many of them clusters and losses are looked at
batch: int = 128  # points in an update
rate: float = 0.1  # learning rate, momentum 0.9, weight decay 5e-4
radii: list[float] = [0.05, 0.2]  # radii of SAM to choose from
attack_radii: list[float] = [0.05, 0.2]  # lengths of attacks to choose from
attack_steps: int = 3  # gradients by which an attack in training is found
copies: list[int] = [2, 8]  # how often a set may be shown, ascending
threshold: float = 0.3  # a loss above it is high
early_rates: list[float] = [0.1]  # early dropout, falling to 0 halfway
large_rates: list[float] = [0.5, 0.9]  # dropout of the last hidden layer
how: str = "auto"  # seeds as processes or in turn: auto, processes or stack
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two features and a theory
#
# Each input of the patch model {cite}`nguyen2024useful` is a few vectors, with $s = \pm 1$ its class: one is $\beta_d\, s\, v_d$ in every
# input, one $\beta_e\, s\, v_e$ in 90 % of them and 0 in the others, and one is noise orthogonal to both; $\beta_e = 1 > \beta_d$. The
# network cubes: $f(x) = \sum_{j,p} \langle w_j, x_p \rangle^3$, logistic loss, all inputs in each update, from small normal weights. Along a
# feature of strength $\beta$ in a share $\alpha$ of inputs that are not yet answered a filter grows as
#
# $$
# \frac{d}{dt} \langle w_j, v \rangle = \tfrac{3}{2}\, \alpha\, \beta^3 \langle w_j, v \rangle^2 ,
# $$ (growth)
#
# so the one with the larger $\alpha \beta^3$ is **fast**: it takes off first, the loss of all inputs that have it goes to 0, and the **slow**
# one is left to the remaining tenth. Nothing forces a network to learn it *well*: on new inputs of the same distribution the fast feature
# alone is right in nine cases out of ten.
#
# Sharpness-aware minimisation {cite}`foret2021sam` takes the gradient at $w + \rho\, g / |g|$ instead of at $w$. USEFUL
# {cite}`nguyen2024useful` trains for a short while, divides each class in two by k-means on the network's outputs, and trains anew with the
# cluster of higher loss shown twice. As a control, as many inputs at random are shown as often. Whatever has a setting gets the one with
# the highest validation accuracy, averaged over the seeds; test draws are looked at once.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
model = Patches(slow=slow_size, d=patch_size)


def patched(split, n):
    """The draws of all seeds, stacked."""
    columns = zip(*[model.draw(n, s, split) for s in seeds], strict=True)
    return Patched(*[torch.stack(column).to(where) for column in columns])


def share(right, among):
    """Of the points among which, how many are right."""
    return ((right & among).sum(-1) / among.sum(-1)).cpu()


def descend(looks, weights=None, rho=None, arms=1):
    """(stacks, trace): `arms` networks a seed after each number of updates in
    `looks`; and loss, largest slow and largest fast alignment, (n, 3, arms, S)."""
    options = {"scale": patch_scale}
    networks = [build("cubic", model.shape, s, **options) for s in seeds * arms]
    stack = Stack.of([network.to(where) for network in networks])
    x, y = train.x.repeat(arms, 1, 1, 1, 1), train.y.repeat(arms, 1)

    def loss(b):
        each_own = example_losses(stack(b.x), b.y)
        return (
            each_own.mean(-1) if weights is None else (weights * each_own).sum(-1)
        )

    rule = loss if rho is None else SAM(loss, stack, rho)
    sgd = torch.optim.SGD(stack.parameters(), patch_rate)
    feed, trace = islice(labelled(x, y, None, seeds * arms), looks[-1]), []
    found = []
    for step in fit(stack.parameters(), rule, feed, sgd):
        slow_and_fast = stack.weights["filters"].detach()[..., :2].amax(1).T
        trace.append(torch.stack([step.loss, *slow_and_fast]))
        if step.number in looks:
            found.append(deepcopy(stack))
    return found, torch.stack(trace).unflatten(-1, (arms, n_seeds)).cpu()


train, heldout = patched("train", n_patched), patched("validation", 2000)


# %%
def answers(stack, draw):
    """(arms, S) accuracies: on all inputs, and on those without the fast feature."""
    arms = len(stack) // n_seeds
    x, y, fast = (t.repeat(arms, *[1] * (t.ndim - 1)) for t in draw)
    with torch.no_grad():
        right = stack(x).argmax(-1) == y
    masks_ = torch.ones_like(fast), ~fast
    return [share(right, m).reshape(arms, n_seeds) for m in masks_]


looks = [patch_early, patch_steps, 2 * patch_steps]
(first, plain, longer), trace = descend(looks)
trace = trace[:patch_steps]
rho = torch.tensor(patch_radii, device=where).repeat_interleave(n_seeds)
(sam,), sam_trace = descend([patch_steps], rho=rho, arms=len(patch_radii))

# %% [markdown]
# In an update of all inputs, showing one twice is giving it twice the weight. The early cluster is compared with the truth, which the
# method does not see.


# %%
def losses_of(network, x, y):
    """(outputs, losses) of all points, without gradient."""
    with torch.no_grad():
        outputs = network(x)
    return outputs, example_losses(outputs, y)


outputs, losses = losses_of(first, train.x, train.y)
early_looks = zip(outputs, train.y, losses, seeds, strict=True)
clusters = torch.stack([slow(*look) for look in early_looks])
counts = clusters.sum(1).tolist()
pairs = zip(counts, seeds, strict=True)
control = torch.stack([random(n_patched, *pair) for pair in pairs])
chosen = [control.to(where)] + [clusters] * len(patch_copies)
factors = [patch_copies[-1], *patch_copies]
weights = torch.cat(
    [1.0 + (k - 1) * c for c, k in zip(chosen, factors, strict=True)]
)
weights = weights / weights.sum(1, keepdim=True)
(shown,), _ = descend([patch_steps], weights=weights, arms=len(factors))

truth = ~train.fast
agree = (clusters & truth).sum(1)
precision, recall = agree / clusters.sum(1), agree / truth.sum(1)
separated = torch.minimum(precision, recall).cpu()
report("simplicity/early-output-shows-what-is-slow", separated)

# %% [markdown]
# One rule for all settings, here and below: the highest validation accuracy averaged over seeds.


# %%
def best(remedies, remedy):
    """The setting of a remedy with the highest validation accuracy."""
    keys = [key for key in remedies if key[0] == remedy]
    return max(keys, key=lambda key: remedies[key][0].mean())


def tried(stack, names):
    """Names to (validation, test, test without the fast feature), each (S,)."""
    columns = (answers(stack, heldout)[0], *answers(stack, tested))
    return {name: [column[i] for column in columns] for i, name in enumerate(names)}


tested = patched("test", 2000)
patches = tried(plain, [("none", "")]) | tried(longer, [("twice the updates", "")])
patches |= tried(sam, [("SAM", f"ρ = {r:g}") for r in patch_radii])
names = ["random copies"] + ["early cluster"] * len(patch_copies)
named = [(name, f"× {k}") for name, k in zip(names, factors, strict=True)]
patches |= tried(shown, named)
taken = best(patches, "SAM")
i_sam = [f"ρ = {r:g}" for r in patch_radii].index(taken[1])

# %%
glue("patch_plain", patches["none", ""][2].mean())
glue("patch_longer", patches["twice the updates", ""][2].mean())
glue("patch_sam", patches[taken][2].mean())
more = patches[taken][2] - patches["none", ""][2]
report("simplicity/sam-learns-the-slow-feature", more)

# %%
twice = patches["early cluster", f"× {patch_copies[0]}"][1] - patches["none", ""][1]
report("simplicity/useful-generalises-better-on-patches", twice)

# %% [markdown]
# Without the fast feature the network of gradient descent is right in {glue:text}`patch_plain:.1%` of cases, with twice the updates in
# {glue:text}`patch_longer:.1%`; with SAM, which takes as many gradients, in {glue:text}`patch_sam:.1%`.
#
# Is SAM's learning *more even*, or only *later*? At the same iteration its gap between the two features is smaller because it has learned
# less of either. So the gap is read where the training loss has come down to half of $\log 2$: after {glue:text}`when_plain:.0f` updates of
# gradient descent on average, and {glue:text}`when_sam:.0f` of SAM.


# %%
def gap(trace):
    """Fast minus slow alignment where the loss first is below half of log 2, and
    the update at which it is; nan where it never is."""
    below = trace[:, 0] < torch.tensor(2.0).log() / 2
    at = below.float().argmax(0)
    apart = (trace[:, 2] - trace[:, 1]).gather(0, at[None])[0]
    return torch.where(below.any(0), apart, torch.nan), at + 1.0


gap_plain, when_plain = gap(trace[:, :, 0])
gap_sam, when_sam = gap(sam_trace[:, :, i_sam])
narrower = (gap_plain - gap_sam) / gap_plain
glue("when_plain", when_plain.mean())
glue("when_sam", when_sam.mean())
verdict = "a loss never came down to half of log 2: not judged"
if narrower.isfinite().all():
    verdict = report("simplicity/sam-narrows-the-early-gap", narrower)
verdict

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Under gradient descent and SAM alike filters grow along the fast feature and hardly along the slow one; no difference between the two is clear. The patch model: largest alignment of a filter with the fast and with the slow feature, over the updates of gradient descent and of SAM at its chosen radius. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-mitigations-features"}}
times = torch.arange(1, patch_steps + 1, max(1, patch_steps // 50))
lines = {"gradient descent": trace[:, :, 0], "SAM": sam_trace[:, :, i_sam]}
curves(
    times,
    {
        f"{feature}, {name}": line[times - 1, row].T
        for row, feature in ((2, "fast"), (1, "slow"))
        for name, line in lines.items()
    },
    "update",
    "largest alignment of a filter",
    alt="Largest alignment of a filter with the fast and the slow feature against updates, for gradient descent and for SAM: the fast one "
    "takes off in both, the slow one hardly grows.",
)

# %% [markdown]
# ## Seven slabs behind a line that is wrong at times
#
# Now a real network, on the data that showed simplicity bias to cost accuracy {cite}`shah2020pitfalls`, in fewer dimensions than there:
# coordinate 1 of a point tells its class by its sign, except for a tenth of the points, of which it says nothing; each of the others tells
# it *always*, but by which of seven slabs it lies in. All are turned by a rotation. From the linear coordinate alone no more than $1 - p/2$
# is right, with $p$ the share of points of which it says nothing. From any other alone everything is.
#
# Remedies, each from the same first weights, with the same number of updates of the same size: SAM; the early cluster, and the points of
# high early loss, shown more often {cite}`nguyen2024useful`, beside random ones; dropout that ends early {cite}`liu2023dropout`, and very
# large dropout of the last hidden layer {cite}`zhang2024dropout`; adversarial training {cite}`madry2018robust`, on points that a few steps
# of projected gradient descent have moved by at most $\epsilon$; and a second network that is not shown what the first one listens to
# {cite}`morwani2023simplicity`, the two of them answering by the mean of their logits.

# %%
data = noisy_lms(7, d, noise)
ceiling = Linear(noise=noise).accuracy()


def drawn(seeds, n, split="train"):
    """(S, n, ...) each: points, labels, and whether the linear coordinate speaks."""
    draws = [data.draw(n, s, split) for s in seeds]
    columns = zip(*draws, strict=True)
    return Sample(*[torch.stack(column).to(where) for column in columns])


def fitted(x, y, seeds, chosen, n, rule=None, move=None, dropped=None):
    """A stack after n updates: of each seed a network for each of its index lists."""
    own = cells.owners(seeds, len(chosen[0]))
    nets = [build("perceptron", (d,), s, width=width).to(where) for s in own]
    stack, feed = Stack.of(nets), cells.batches(x, y, batch, seeds, chosen)
    feed = attacked(feed, stack, move, own) if move else feed

    def loss(step):
        kept = [[m.to(where) for m in dropped(step[0])]] if dropped else []
        return cross_entropy(stack(step[1].x, *kept), step[1].y)

    sgd = torch.optim.SGD(stack.parameters(), rate, momentum=0.9, weight_decay=5e-4)
    rule = rule(loss, stack) if rule else loss
    for _ in fit(stack.parameters(), rule, enumerate(islice(feed, n)), sgd):
        pass
    return stack


# %%
UPSAMPLED = [("none", ""), ("random copies", f"× {copies[-1]}")]
UPSAMPLED += [("early cluster", f"× {k}") for k in copies]
UPSAMPLED += [("high early loss", f"× {k}") for k in copies]
SHARPNESS = [("SAM", f"ρ = {r:g}") for r in radii]
ATTACKED = [("adversarial training", f"ε = {r:g}") for r in attack_radii]
DROPPED = [("early dropout", f"{r:g}") for r in early_rates]
DROPPED += [("very large dropout", f"{r:g}") for r in large_rates]
PAIR = [("orthogonal pair", "")]
FIRST = (n_train, *sizes)  # how many of the points: all, then fewer


def chosen_sets(x, y, seeds):
    """Of each seed the early cluster, and the points of high early loss among the
    first n, for each n of FIRST."""
    firsts = [[torch.arange(n) for n in FIRST] for _ in seeds]
    looks, found = fitted(x, y, seeds, firsts, early), []
    for i, j in product(range(len(seeds)), range(len(FIRST))):
        seen = x[i, : FIRST[j]], y[i, : FIRST[j]]
        outputs, losses = losses_of(looks.unstack(i * len(FIRST) + j), *seen)
        if j == 0:
            found.append([slow(outputs, y[i], losses, seeds[i])])
        found[i].append(above(losses, threshold))
    return found


def indices(cluster, high, *few, s):
    """What the networks of a seed are shown: all points, then the first n only."""
    some = random(n_train, int(cluster.sum()), s).to(where)
    shown = [copied(some, k) for k in (1, copies[-1])]
    shown += [copied(chosen, k) for chosen in (cluster, high) for k in copies]
    return shown + [copied(chosen, k) for chosen in few for k in (1, copies[-1])]


# %% [markdown]
# The remedies that change the update: masks, an attack, and what the second network of a pair is denied.


# %%
def drops(seeds, number):
    """Masks of an update for all dropout cells: both layers early, or the last."""
    left = max(0.0, 1 - 2 * number / steps)
    rates = [(r * left, r * left) for r in early_rates]
    rates += [(0.0, r) for r in large_rates]
    return cells.masks(seeds, number, (batch, width), rates)


def attack(score, x, y, begin, epsilon):
    return pgd(score, x, y, epsilon, steps=attack_steps, start=begin)


def second(plain, x, y, seeds, every):
    """The pair: a network, and one without the direction the first listens to."""
    away = singular_directions(gradients(plain, x[:, :2000], y[:, :2000]))
    other = fitted(without(x, away), y, seeds, every, steps)
    return together(plain, deprived(other, away)), away[:, 0]


# %%
def judged(score, seeds, seen, limits):
    """(S, cells, 4): right on validation, on test, on its silent points, and on
    the silent points among the first `limits` of training, a limit for each cell."""

    def right(x, y, among):
        x, y = (t.repeat_interleave(len(limits), 0) for t in (x, y))
        with torch.no_grad():
            found = (score(x).argmax(-1) == y).unflatten(0, (-1, len(limits)))
        return share(found, among.expand_as(found))

    checked, test = (drawn(seeds, n_heldout, s) for s in ("validation", "test"))
    silent = (~seen.clean).nonzero()[:, 1].reshape(len(seeds), -1)
    at = torch.arange(len(seeds), device=where)[:, None], silent
    known = silent[:, None] < torch.tensor(limits, device=where)[:, None]
    found = [right(checked.x, checked.y, torch.ones_like(known[:, :1, :1]))]
    found += [right(test.x, test.y, torch.ones_like(known[:, :1, :1]))]
    found += [right(test.x, test.y, ~test.clean[:, None])]
    return torch.stack([*found, right(seen.x[at], seen.y[at], known)], -1)


def withstood(score, seeds, epsilon):
    """(S, radii): right on test points that were attacked, by radius."""
    x, y, _ = (t[:, :1000] for t in drawn(seeds, n_heldout, "test"))
    x, y = (t.repeat_interleave(len(ATTACKED), 0) for t in (x, y))
    moved = x + pgd(score, x, y, epsilon)
    return accuracy(score, moved, y).cpu().reshape(-1, len(ATTACKED))


# %%
def all_of(seeds):
    """Everything on the data of these seeds, networks side by side."""
    seen, bar = drawn(seeds, n_train), tqdm(total=4)
    x, y, own = seen.x, seen.y, range(len(seeds))

    def trained(arms, **how):
        every = [[torch.arange(n_train)] * len(arms) for _ in seeds]
        bar.update()
        return fitted(x, y, seeds, every, steps, **how), [n_train] * len(arms)

    def settings(values):
        return torch.tensor(values, device=where).repeat(len(seeds))

    sets = chosen_sets(x, y, seeds)
    index = [indices(*of, s=s) for of, s in zip(sets, seeds, strict=True)]
    limits = [n_train] * len(UPSAMPLED) + [n for n in sizes for _ in (0, 1)]
    shown = fitted(x, y, seeds, index, steps)
    plain = shown.take([i * len(limits) for i in own])
    bar.update()
    pair, away = second(
        plain, x, y, seeds, [[torch.arange(n_train)] for _ in seeds]
    )
    sharp = trained(SHARPNESS, rule=partial(SAM, rho=settings(radii)))
    epsilon = settings(attack_radii)
    hardened = trained(ATTACKED, move=partial(attack, epsilon=epsilon))
    dropped = trained(DROPPED, dropped=partial(drops, seeds))
    stacks = (shown, limits), sharp, hardened, dropped, (pair, [n_train])
    arms = torch.cat([judged(f, seeds, seen, first) for f, first in stacks], 1)
    guarded = plain.take([i for i in own for _ in ATTACKED]), hardened[0]
    axes = torch.stack([data.rotation(s)[0] for s in seeds])
    found = torch.stack([torch.stack(of_seed[:2]) for of_seed in sets])
    caught = share(found, ~seen.clean[:, None].expand_as(found))
    n, few = len(UPSAMPLED), (len(sizes), 2)
    return {
        "arms": torch.cat([arms[:, :n], arms[:, len(limits) :]], 1),
        "few": arms[:, n : len(limits)].unflatten(1, few),
        "sets": torch.cat([caught, found.float().mean(-1).cpu()], 1),
        "cosine": (away * axes.to(away)).sum(-1).abs().cpu(),
        "attacked": torch.stack([withstood(f, seeds, epsilon) for f in guarded], 1),
    }


def short(seeds):
    """A fiftieth of one arm, to see whether processes are faster here."""
    x, y, _ = drawn(seeds, n_train)
    every = [[torch.arange(n_train)] * len(UPSAMPLED) for _ in seeds]
    fitted(x, y, seeds, every, max(1, steps // 50))
    return {"seed": torch.tensor(seeds)}


measured = each(all_of, seeds, how, short)
names = UPSAMPLED + SHARPNESS + ATTACKED + DROPPED + PAIR
arms = measured["arms"].unbind(1)
slabs = {name: list(arm.T) for name, arm in zip(names, arms, strict=True)}

# %%
glue("ceiling", ceiling)
glue("plain", slabs["none", ""][1].mean())
glue("slab_random", slabs[UPSAMPLED[1]][1].mean())
glue("slab_pair", slabs[PAIR[0]][1].mean())
glue("slab_high", slabs[best(slabs, "high early loss")][1].mean())
hardest = best(slabs, "adversarial training")
glue("slab_attacked", slabs[hardest][1].mean())
glue("slab_dropout", max(float(slabs[key][1].mean()) for key in DROPPED))
glue("direction", measured["cosine"].mean())
for i, name in enumerate(
    ("cluster_recall", "high_recall", "cluster_share", "high_share")
):
    glue(name, measured["sets"][:, i].mean())
sharpest = best(slabs, "SAM")
glue("slab_sam", slabs[sharpest][1].mean())
report("simplicity/sam-breaks-the-ceiling", slabs[sharpest][1] - ceiling)

# %%
gained = slabs[hardest][1] - ceiling
report("simplicity/adversarial-training-keeps-the-ceiling", gained)

# %%
at = [f"ε = {r:g}" for r in attack_radii].index(hardest[1])
unguarded, guarded = measured["attacked"][..., at].unbind(1)
glue("epsilon", attack_radii[at])
for name, i in {"shortest": 0, "longest": -1}.items():
    glue(name, attack_radii[i])
    glue(f"{name}_without", measured["attacked"][:, 0, i].mean())
    glue(f"{name}_with", measured["attacked"][:, 1, i].mean())
report("simplicity/adversarial-training-withstands-attacks", guarded - unguarded)

# %% [markdown]
# Validation chose the radius {glue:text}`epsilon:g`. Of test points moved by {glue:text}`shortest:g` in the direction that costs most the
# network trained on such points answers {glue:text}`shortest_with:.1%` and the other {glue:text}`shortest_without:.1%`; of those moved by
# {glue:text}`longest:g`, {glue:text}`longest_with:.1%` and {glue:text}`longest_without:.1%`. The slabs have the margin of the line, 0.1: what blurs the one feature blurs the others, so that an
# attack within the margin is no reason to turn to them, and one beyond it leaves nothing to turn to but many coordinates at once. A rare
# network does: over the ten seeds of the claims table most stay at the ceiling, one passes it by more than a percentage point, and with
# that the claim is undecided. It is also the one that gains most against attacks.

# %%
few_times, many_times = (
    slabs["early cluster", f"× {k}"] for k in copies[:: len(copies) - 1]
)
glue("slab_cluster_few", few_times[1].mean())
glue("slab_cluster_many", many_times[1].mean())
glue("most_copies", copies[-1])
report("simplicity/useful-breaks-the-ceiling", few_times[1] - ceiling)

# %%
report("simplicity/twice-is-the-best-factor", many_times[1] - few_times[1])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Only the orthogonal pair clearly passes the ceiling; copies of points found hard early do so on average over seeds, and no other remedy does. Test accuracy on the slab data by remedy, each at the setting its validation accuracy chose. Dotted: the best that the linear coordinate alone allows. Dots: means, lines: 95 % bootstrap intervals, ticks: seeds.", "name": "fig-mitigations-slabs"}}
kinds = list(dict.fromkeys(remedy for remedy, _ in slabs))
dots(
    {" ".join(best(slabs, kind)): slabs[best(slabs, kind)][1] for kind in kinds},
    "test accuracy",
    alt="Test accuracy of each remedy on the slab data with its interval over seeds, beside a vertical line at the ceiling of the linear "
    "coordinate.",
    reference=(ceiling, "ceiling"),
)

# %% [markdown]
# The early cluster holds {glue:text}`cluster_share:.0%` of the points and {glue:text}`cluster_recall:.0%` of those that matter, the points of
# high early loss are {glue:text}`high_share:.1%` of all and {glue:text}`high_recall:.0%` of those: the same copies reach the hard points
# sooner in a smaller set. The direction that the first network of the pair listens to has a cosine of {glue:text}`direction:.3f` with the
# linear coordinate, which it was never told.
#
# All arms, settings that were not chosen included. *Gradients* are those of a batch, by the weights or by the inputs; both counts include
# the early look.
# What to copy is found with training labels, a setting is chosen with validation labels, and the pair needs neither.

# %% tags=["hide-input"]
UPDATES = {"twice the updates": 2, "orthogonal pair": 2}
GRADIENTS = UPDATES | {"SAM": 2, "adversarial training": 1 + attack_steps}
LOOKED = ("random copies", "early cluster", "high early loss")


def rows(where, arms, n, look):
    """The lines of the table for one testbed."""
    for key, (_, test, hard, *_) in arms.items():
        looked = look * (key[0] in LOOKED)
        settings = [other for other in arms if other[0] == key[0]]
        chosen = "yes" if key == best(arms, key[0]) else "no"
        more = None if key[0] == "none" else paired(test, arms["none", ""][1])
        scores = bootstrap(test), more, float(hard.mean())
        costs = (
            n * count.get(key[0], 1) + looked for count in (UPDATES, GRADIENTS)
        )
        yield [where, *key, *scores, *costs, chosen if len(settings) > 1 else "–"]


COLUMNS = "data, remedy, setting, test accuracy, minus none, hard ones, updates"
lines = rows("patches", patches, patch_steps, patch_early)
table(
    [*COLUMNS.split(", "), "gradients", "validation's choice"],
    [*lines, *rows("slabs", slabs, steps, early)],
    "All arms on both data: test accuracy, paired difference from no remedy, and accuracy on the inputs where the simple feature is silent.",
    digits=".3f",
)

# %% [markdown]
# ## Where copies are no remedy
#
# Copies add no information. With few points there are few of which the linear coordinate is silent, and a network that is shown each of
# them many times can learn them by heart.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "With the fewest silent points copies gain nothing; with more they pass the ceiling on average, though seeds differ widely. Test accuracy against the number of training points of which the linear coordinate says nothing, shown as they are, or those of high early loss more often. Dotted: the ceiling of the linear coordinate. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-mitigations-few"}}
full = [slabs["none", ""], slabs["high early loss", f"× {copies[-1]}"]]
full = torch.stack([torch.stack(arm, -1) for arm in full], 1)
by_size = torch.cat([measured["few"], full[:, None]], 1)  # (S, sizes, 2, 4)
curves(
    [noise * n for n in (*sizes, n_train)],
    {
        name: by_size[:, :, i, 1]
        for i, name in enumerate(("as they are", "high loss copied"))
    },
    "silent training points",
    "test accuracy",
    alt="Test accuracy against the number of silent training points shown as they are and with the points of high loss copied; a dotted line marks the ceiling.",
    levels=[(ceiling, "ceiling")],
)

# %%
seen_hard, new_hard = (by_size[:, 0, 1, i] for i in (3, 2))
glue("few_hard", noise * sizes[0])
glue("seen_hard", seen_hard.mean())
glue("new_hard", new_hard.mean())
report("simplicity/copies-of-few-are-memorised", seen_hard - new_hard)

# %% [markdown]
# Of the {glue:text}`few_hard:.0f` the network so trained answers {glue:text}`seen_hard:.0%`, and {glue:text}`new_hard:.0%` of new ones: what
# the copies taught it is which points they were. What is more than memory here is a matter of numbers, of hard points against coordinates,
# not of the remedy.
#
# **What stays open.** Every number of updates is a choice: with more of them the factor of 2 may do what the larger one does here, and a
# network without any remedy leaves the ceiling by itself when there are fewer coordinates, more points, or more noise in the simple one
# (see the phase diagram of the [pitfalls](pitfalls)). The hard cluster is hard for a reason that does one good here; where labels are wrong
# it holds the mislabelled {cite}`nguyen2024useful`. Attacks in training were found by three gradients at two radii. And very large dropout was meant for fine-tuning a network that has rich features
# {cite}`zhang2024dropout`, which a fresh one has not.
