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
# # Does invariance survive an honest choice of its settings?
#
# **Not by images of the training environments; those of a left-out environment help, those of the new one decide.** With labels a quarter of which are wrong, and a
# colour that says more of them than the shape does, ERM is right in {glue:text}`erm_inside:.0%` of an environment where colour goes the other way. IRM is right in
# {glue:text}`irm_inside:.0%` if its settings are chosen on the training environments, in {glue:text}`irm_left:.0%` if on an environment left out of
# training, and the *same runs* in {glue:text}`irm_oracle:.0%` if in the new environment itself. From random weights it ends at {glue:text}`from_random:.0%`, after
# {glue:text}`warm:.0f` updates of ERM at {glue:text}`warmed:.0%`, as a linear head on frozen rich features at {glue:text}`on_rich:.0%`; guessing gives half.

# %% tags=["hide-input"]
from itertools import product

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep
from whence.data.coloured import Coloured
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.selection import selected
from whence.nets.build import build
from whence.seeds import stream
from whence.stats import bootstrap
from whence.train.invariance import irm_penalty, penalised, risks
from whence.train.loop import fit
from whence.train.rich import agreement, discover, synthesis
from whence.train.stack import Stack
from whence.train.supervised import example_losses, masks

# %% tags=["parameters"]
dataset: str = "digits"  # what is coloured: digits, mnist, fashion_mnist
size: int = 0  # its side, whole blocks of pixels averaged; 0 is its own
seed: int = 0  # first seed; a seed draws data and first weights
n_seeds: int = 3  # how many seeds, counted up from the first
n_train: int = 1196  # training images of both environments together
n_validation: int = 200  # validation images, inside and outside
n_test: int = 400  # test images, each shown in either colour
noise: float = 0.25  # share of wrong labels
width: int = 32  # units of the two hidden layers
rate: float = 0.002  # learning rate of Adam
l2: float = 0.0011  # times the sum of squared weights, added to the loss; published
penalties: list[float] = [1000.0, 10000.0]  # weights of IRM and vREx, ascending
main: float = 1000.0  # the one of them that is looked at alone
starts: list[int] = [0, 30, 100]  # updates of ERM before the penalty
warm: int = 100  # the one of them that is looked at alone
n_steps: int = 300  # updates, pre-training included, all images in each
n_early: int = 30  # updates of the first round of rich features
head_rate: float = 0.01  # learning rate of a head on frozen features
drop: float = 0.9  # very large dropout of the last hidden layer
n_looks: int = 6  # how often networks are looked at while they train
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Noisy labels, two environments
#
# The published design for invariance {cite}`arjovsky2019irm`: a quarter of the labels is wrong, and colour is the (noisy) label in 80 % and 90 % of the images of
# two training environments, in 10 % of the test environment's. So colour alone is right in 85 % of the training images, shape alone in 75 %
# of all, anywhere. IRM adds to the mean risk the squared slope of each environment's risk in a scale of the output, vREx
# {cite}`krueger2021vrex` the variance of the risks:
#
# $$
# \frac{1}{\max(1, \lambda)} \Bigl[ \operatorname{mean}_e R_e + \lambda\, \operatorname{mean}_e \bigl(\partial_w R_e(w f)\bigr)^2_{w = 1} \Bigr],
# \qquad
# \frac{1}{\max(1, \lambda)} \bigl[ \operatorname{mean}_e R_e + \lambda\, \operatorname{var}_e R_e \bigr] .
# $$ (invariance)
#
# Before the penalty come some updates of ERM. Weight, number of these and when to stop are settings, and there are three ways to choose
# them: by validation images of the *training domains*; of each training domain by networks that did not see it (*leave one out*; the domain
# that is left is halved, since one has nothing to be invariant to); or of the *test domain*. The number of updates is the same for all.

# %%
INSIDE, OUTSIDE, BLIND = (0.8, 0.9), 0.1, (0.5, 0.5)  # correlations of colour
KINDS = ("IRM", "vREx")
RULES = ("training domain", "leave one out", "test domain")
METHODS = [("ERM", 0.0, 0), *product(KINDS, penalties, starts)]
COUNTS = {"train": n_train, "validation": n_validation, "test": n_test}
where = choose(device)
seeds = list(range(seed, seed + n_seeds))


def pooled(s, split, *at):
    law = Coloured(dataset, at, noise, size or None)
    return law.draw(COUNTS[split], s, split)


def asked(s):
    """The draws that networks of a seed are asked: validation inside and outside, test images in either colour."""
    inside, outside = (
        pooled(s, "validation", *INSIDE),
        pooled(s, "validation", OUTSIDE),
    )
    return inside, outside, pooled(s, "test", 1.0), pooled(s, "test", 0.0)


exams = {s: asked(s) for s in seeds}
questions = {s: torch.cat([d.x for d in exams[s]]).to(where) for s in seeds}


def answered(rows, logits):
    """(R, 7): accuracy in either environment, outside, and in each group of the test."""
    found = []
    for row, answer in zip(rows, logits.argmax(-1).cpu(), strict=True):
        first, _, own, _ = exams[row[0]]
        right = (answer == torch.cat([d.y for d in exams[row[0]]])).double()
        a, b, c, d = right.split([len(e.y) for e in exams[row[0]]])
        inside = [a[first.environment == e].mean() for e in (0, 1)]
        groups = [r[own.y == t].mean() for t in (0, 1) for r in (c, d)]
        found.append(torch.stack([*inside, b.mean(), *groups]))
    return torch.stack(found)


def gathered(rows, left=None, at=INSIDE):
    """Images, labels, environments (R, n, ...); one domain left out, the other halved."""
    draws = {s: pooled(s, "train", *at) for s in seeds}
    kept = {
        s: d.environment != (-1 if left is None else left) for s, d in draws.items()
    }
    x, y, e = [
        torch.stack([getattr(draws[r[0]], k)[kept[r[0]]] for r in rows]).to(where)
        for k in ("x", "y", "environment")
    ]
    return x, y, e if left is None else torch.arange(y.shape[1], device=where).expand_as(y) % 2  # fmt: skip


# %%
side = tuple(questions[seed].shape[1:])
moments = [round(n_steps * (i + 1) / n_looks) for i in range(n_looks)]


def fresh(rows, other=0, outputs=2):
    """Fresh networks, one a row, by its seed."""
    kind = {"width": width, "outputs": outputs}
    nets = [build("perceptron", side, row[0] + other, **kind) for row in rows]
    return Stack.of([net.to(where) for net in nets])


def optimizer(net, speed=rate):
    return torch.optim.Adam(net.parameters(), speed, fused=True)


def decay(net):
    """l2 |w|^2 of each network: part of the risk, so divided with it."""
    return l2 * sum(p.square().flatten(1).sum(1) for p in net.parameters())


def descend(net, rows, data, ask, updates=n_steps, dropped=None, speed=rate):
    """Train rows (seed, (kind, weight, updates before it)); `answered` at each look."""
    x, y, environment = data
    irm, strength, first = (
        torch.tensor([kind(r[1]) for r in rows], device=where)
        for kind in (lambda m: m[0] == "IRM", lambda m: m[1], lambda m: m[2])
    )
    looks, often = [], [updates * m // n_steps for m in moments]

    def loss(number):
        logits = net(x) if dropped is None else net(x, dropped(number))
        found = risks(example_losses(logits, y), environment, 2)
        slope = irm_penalty(logits, y, environment, 2)
        penalty = torch.where(irm, slope, found.var(-1, correction=0))
        risk = found.mean(-1) + decay(net)
        return penalised(risk, penalty, strength * (number >= first))

    adam = optimizer(net, speed)
    for step in fit(net.parameters(), loss, range(updates), adam):
        if step.number in often:
            with torch.no_grad():
                looks.append(answered(rows, net(ask)))
    return torch.stack(looks, 1)


def question(rows):
    return torch.stack([questions[r[0]] for r in rows])


rows = list(product(seeds, METHODS))
jobs = tqdm((None, 0, 1), "invariance")
runs = [
    descend(fresh(rows), rows, gathered(rows, left), question(rows))
    for left in jobs
]
full, *without = [run.unflatten(0, (n_seeds, len(METHODS))) for run in runs]

# %% [markdown]
# The reference is the same network where colour says nothing (it is kept with probability 1/2). That is a *perfect start*, too: from it the
# penalties go on for twice as many updates. And rich features {cite}`zhang2022rich`: ERM for a few updates, a second network for the worst of what the first gets
# right and wrong, a third that learns what both predict, one head each. Its features are frozen and a linear head is trained by each
# method (*cf*), or all of it goes on training.

# %%
alone = [(s, ("ERM", 0.0, 0)) for s in seeds]
ideal = fresh(alone)
reference = descend(ideal, alone, gathered(alone, at=BLIND), question(alone))


def onwards(source, rows, outputs=2):
    """Networks of some rows with the hidden layers of the seeds' networks, and their last one if it fits."""
    stack = fresh(rows, 400, outputs)
    index = torch.tensor([seeds.index(r[0]) for r in rows], device=where)
    with torch.no_grad():
        for name, leaf in stack.weights.items():
            if leaf.shape[1:] == source.weights[name].shape[1:]:
                leaf.copy_(source.weights[name][index])
    return stack


long = list(product(seeds, [("IRM", w, 0) for w in penalties]))
spoilt = descend(
    onwards(ideal, long), long, gathered(long), question(long), 2 * n_steps
)
spoilt = spoilt.unflatten(0, (n_seeds, len(penalties)))

# %%
x, y, environment = gathered(alone)
every = torch.arange(y.shape[1], device=where).expand_as(y)


def round_of(r, rule):
    """A fresh network trained by the rule of a round: its logits."""
    stack = fresh(alone, 100 * (r + 1))

    def loss(_):
        return rule(example_losses(stack(x), y), every) + decay(stack)

    updates = range(n_steps if r else n_early)
    list(fit(stack.parameters(), loss, updates, optimizer(stack)))
    return stack(x)


pseudo = discover(round_of, y, 2)
balance = agreement(pseudo)
rich = fresh(alone, 300, outputs=4)
list(
    fit(
        rich.parameters(),
        lambda _: synthesis(rich(x), pseudo, balance, every) + decay(rich),
        range(n_steps),
        optimizer(rich),
    )
)


# %%
class Heads:
    """Linear heads of two classes, one a row, on features (R, n, width)."""

    def __init__(self, rows):
        draw = [torch.randn(width, 2, generator=stream(r[0], "head")) for r in rows]
        self.weight = (torch.stack(draw) / width**0.5).to(where).requires_grad_()
        self.bias = torch.zeros(len(rows), 1, 2, device=where, requires_grad=True)

    def parameters(self):
        return [self.weight, self.bias]

    def __call__(self, features):
        return torch.baddbmm(self.bias, features, self.weight)


SOON = [("ERM", 0.0, 0), *[(kind, w, 0) for kind in KINDS for w in penalties]]
NEXT = [m for m in SOON if m[1] in (0.0, main)]
over = list(product(seeds, SOON))
index = torch.tensor([seeds.index(r[0]) for r in over], device=where)
with torch.no_grad():
    frozen, inside = (rich.features(v)[index] for v in (x, question(alone)))
_, labels, sources = gathered(over)
heads = descend(
    Heads(over), over, (frozen, labels, sources), inside, speed=head_rate
)
heads = heads.unflatten(0, (n_seeds, len(SOON)))
again = list(product(seeds, NEXT))
tuned = descend(onwards(rich, again), again, gathered(again), question(again))
tuned = tuned.unflatten(0, (n_seeds, len(NEXT)))


def dropping(number):
    shape = (n_train, width)
    last = [masks([s], number, shape, drop)[0] for s in seeds]
    last = torch.cat(last).to(where)
    return [torch.ones_like(last), last]


dropped = {
    name: descend(onwards(source, alone), alone, (x, y, environment), question(alone), dropped=dropping)
    for name, source in {"rich": rich, "fresh": fresh(alone)}.items()
}  # fmt: skip


# %%
def by_rule(found, left=None):
    """By rule the test accuracy of each group (S, 4), of runs (S, K, L, 7)."""
    flat = found.flatten(1, 2)
    score = {"training domain": flat[..., :2].mean(-1)}
    if left is not None:
        outside = [run.flatten(1, 2)[..., e] for e, run in enumerate(left)]
        score["leave one out"] = torch.stack(outside).mean(0)
    score["test domain"] = flat[..., 2]
    return {rule: selected(flat[..., 3:], value) for rule, value in score.items()}


def outside(by_group, c=OUTSIDE):
    """Accuracy where colour is the label in a share c."""
    return by_group @ torch.tensor([c, 1 - c, c, 1 - c]).double() / 2


def of_kind(kind, methods):
    return [i for i, m in enumerate(methods) if m[0] == kind]


invariant = {
    (kind, ""): by_rule(full[:, of], [run[:, of] for run in without])
    for kind in ("ERM", *KINDS)
    for of in [of_kind(kind, METHODS)]
}
for way, runs, methods in (("rich, frozen", heads, SOON), ("rich", tuned, NEXT)):
    for kind in ("ERM", *KINDS):
        invariant[kind, way] = by_rule(runs[:, of_kind(kind, methods)])
for way, runs in dropped.items():
    invariant["very large dropout", way] = by_rule(runs[:, None])
invariant["colour says nothing", ""] = by_rule(reference[:, None])

ends = {
    (kind, w, k): outside(full[:, METHODS.index((kind, w, k)), -1, 3:])
    for kind, w, k in METHODS
}
from_random, warmed = (ends["IRM", main, k] for k in (0, warm))
on_rich = outside(heads[:, SOON.index(("IRM", main, 0)), :, 3:])  # (S, looks)
perfect = outside(reference[:, -1, 3:])
print(report("shortcut/erm-follows-the-colour", ends["ERM", 0.0, 0]))
print(report("shortcut/irm-needs-pretraining", warmed - from_random))
print(report("shortcut/rich-features-replace-pretraining", on_rich[:, -1] - from_random))  # fmt: skip
print(report("shortcut/a-perfect-start-decays", perfect - outside(spoilt[:, -1, -1, 3:])))  # fmt: skip
report("shortcut/frozen-rich-features-do-not-decay", on_rich.amax(1) - on_rich[:, -1])  # fmt: skip

# %%
told = {
    (kind, rule): outside(invariant[kind, ""][rule])
    for kind in ("ERM", *KINDS)
    for rule in RULES
}
inside_, oracle = (told["IRM", rule] for rule in ("training domain", "test domain"))
print(report("shortcut/irm-chosen-on-training-domains-is-erm", inside_ - told["ERM", "training domain"]))  # fmt: skip
print(report("shortcut/irm-chosen-on-the-test-domain-appears-to-work", oracle - inside_))  # fmt: skip
tune = outside(tuned[:, 0, -1, 3:])
thinned = outside(dropped["rich"][:, -1, 3:])
report("shortcut/large-dropout-keeps-rich-features", thinned - tune)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "ERM before the penalty makes no certain difference here; however long it is, IRM stays below what shape alone would give. Accuracy in the test environment after the last update, against how many of the updates were ERM before the penalty of IRM came in; one curve a weight. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-invariance-pretraining"}}
curves(
    starts,
    {
        f"λ = {w:,.0f}": torch.stack([ends["IRM", w, k] for k in starts], 1)
        for w in penalties
    },
    "updates of ERM before the penalty",
    "accuracy, test environment",
    alt="Accuracy of IRM in the test environment against pre-training updates, one curve for each penalty weight.",
    logx=False,
    levels=[(0.75, "shape alone"), (0.5, "guessing")],
    ylim=(0, 1),
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Chosen by training images IRM and vREx are no better than ERM; the same runs look far better once the test environment chooses. The same runs under three rules: accuracy in the test environment, weight, pre-training and stopping chosen by validation images of the training domains, of a training domain left out, or of the test environment itself. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-invariance-rules"}}
dots(
    {
        kind: {rule: told[kind, rule] for rule in RULES}
        for kind in ("ERM", *KINDS)
    },
    "accuracy, test environment",
    alt="Accuracy in the test environment of ERM, IRM and vREx under three selection rules.",
    reference=(0.75, "shape alone"),
)  # fmt: skip

# %% tags=["hide-input"] mystnb={"figure": {"caption": "None of the three starts ends certainly above guessing; on average the frozen rich features gain along the way and the others lose. Along training by IRM: from random weights and as a linear head on frozen rich features at one weight of the penalty, and from a perfect start (a network trained where colour says nothing) at the largest weight for twice as many updates. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-invariance-decay"}}
shares = [(i + 1) / n_looks for i in range(n_looks)]
at = METHODS.index(("IRM", main, 0))
curves(
    shares,
    {
        "random start": outside(full[:, at, :, 3:]),
        "frozen rich": on_rich,
        "perfect start": outside(spoilt[:, -1, :, 3:]),
    },
    "share of the updates",
    "accuracy, test environment",
    alt="Accuracy in the test environment along training by IRM from three starts.",
    logx=False,
    levels=[(0.75, "shape alone"), (0.5, "guessing")],
    ylim=(0, 1),
)

# %%
for rule, word in (
    ("training domain", "inside"),
    ("leave one out", "left"),
    ("test domain", "oracle"),
):
    for kind in ("ERM", *KINDS):
        glue(f"{kind.lower()}_{word}", told[kind, rule].mean())
glue("from_random", from_random.mean())
glue("warmed", warmed.mean())
glue("on_rich", on_rich[:, -1].mean())
glue("perfect", perfect.mean())
glue("decayed", outside(spoilt[:, -1, -1, 3:]).mean())
glue("soon", outside(spoilt[:, -1, 0, 3:]).mean())
glue("tune", tune.mean())
glue("thinned", thinned.mean())
glue("thinned_fresh", outside(dropped["fresh"][:, -1, 3:]).mean())
glue(
    "rich_irm_inside",
    outside(invariant["IRM", "rich, frozen"]["training domain"]).mean(),
)
glue("warm", warm)
glue("main", main)
glue("n_train", n_train)
glue("n_validation", n_validation)

# %% [markdown]
# ## Who chose, and from where
#
# Of {glue:text}`warm:.0f` updates by ERM before a penalty of {glue:text}`main:,.0f` IRM makes {glue:text}`warmed:.0%` of the test environment, without
# them {glue:text}`from_random:.0%` (guessing: 50 %); a linear head on frozen rich features {glue:text}`on_rich:.0%`, with no such number to choose. The network that was trained where colour
# says nothing has {glue:text}`perfect:.0%`, less than the 75 % that shape could give, since {glue:text}`n_train:,.0f` images with wrong labels among them are learnt by heart in part.
# Trained on by IRM it has {glue:text}`soon:.0%` by the first point of {numref}`fig-invariance-decay` and {glue:text}`decayed:.0%` at the end. Very large dropout while rich features are fine-tuned by ERM ends at
# {glue:text}`thinned:.0%` of the test environment, without dropout {glue:text}`tune:.0%`, from fresh weights {glue:text}`thinned_fresh:.0%`. Dropout spreads a decision over
# the features there are; that is no help to a shape that says less of the training labels than the colour does.
#
# By leaving one out IRM comes to {glue:text}`irm_left:.0%`, vREx to {glue:text}`vrex_left:.0%`: that rule needs no image of the
# test environment, and it sees that what goes from 80 to 90 % may go on. In the table *labels* are those of training beyond the classes'; the
# test-domain rule costs labelled images of the test domain and is never the headline.


# %% tags=["hide-input"]
def line(name, way, found):
    """Accuracy in the test environment by rule; averages of what the training domain chose."""
    rich = way.startswith("rich")
    updates = n_steps + (2 * n_steps + n_early) * rich
    labels = (
        "environments"
        if name in KINDS
        else "other data"
        if "says" in name
        else "none"
    )
    by = [
        bootstrap(outside(found[rule])) if rule in found else None for rule in RULES
    ]
    chosen = found["training domain"]
    kinds = chosen.amin(1), chosen.mean(1), outside(chosen, 0.85)
    return [
        f"{name}, {way}" if way else name,
        labels,
        updates,
        *by,
        *map(bootstrap, kinds),
    ]


table(
    ["method", "labels", "updates", "test environment, training domain", "leave one out", "test domain", "worst group", "group-balanced", "training-weighted"],
    [line(*key, found) for key, found in invariant.items()],
    "Accuracy in the test environment by who chose weight, pre-training and stopping; and three averages over groups of what the training domain chose.",
)  # fmt: skip

# %% [markdown]
# ## Published beside ours
#
# Accuracy in the test environment, in percent. The published ones are of MNIST at 14 × 14, of which every second pixel was kept (ours averages blocks of two by two where
# it is run on MNIST); IRM's own settings were chosen by a search that saw the test environment.
# Each of our rules chooses when to stop, too, so the test domain has more to choose from than an oracle that is shown last updates alone.

# %% tags=["hide-input"]
PUBLISHED = {
    ("ERM", "training domain"): "10.0",
    ("ERM", "test domain"): "28.7; 17.1 ± .7 in IRM's paper",
    ("IRM", "training domain"): "10.2",
    ("IRM", "leave one out"): "23.1 ± 10.7",
    ("IRM", "test domain"): "58.5 ± 3.3; 66.9 ± 2.5 in IRM's paper",
    ("vREx", "training domain"): "10.2",
    ("vREx", "test domain"): "55.2 ± 4.0",
}
TABLE1 = {
    ("IRM", "random weights"): "54.0 ± 2.4",
    ("IRM", "after ERM"): "68.9 ± 1.1",
    ("IRM", "rich, all trained"): "66.5 ± 1.5",
    ("IRM", "rich, frozen"): "69.9 ± 0.6",
    ("vREx", "random weights"): "53.1",
    ("vREx", "after ERM"): "69.3",
    ("vREx", "rich, all trained"): "70.3",
    ("vREx", "rich, frozen"): "69.9",
}
last = {
    (k, way): outside(runs[:, methods.index((k, main, 0)), -1, 3:])
    for k in KINDS
    for way, runs, methods in (
        ("rich, frozen", heads, SOON),
        ("rich, all trained", tuned, NEXT),
    )
}
last |= {
    (k, way): ends[k, main, n]
    for k in KINDS
    for way, n in (("random weights", 0), ("after ERM", warm))
}
beside = [
    [k, f"chosen by {rule}", bootstrap(100 * v), PUBLISHED.get((k, rule), "–")]
    for (k, rule), v in told.items()
]
beside += [
    [
        k,
        f"from {way}" if "random" in way else way,
        bootstrap(100 * last[k, way]),
        said,
    ]
    for (k, way), said in TABLE1.items()
]
beside.append(
    [
        "oracle",
        "colour says nothing",
        bootstrap(100 * perfect),
        "72.1 ± 0.2; 73.0 ± .5 in IRM's paper, grey",
    ]
)
table(
    ["method", "how", f"{dataset}, here", "MNIST, published"],
    beside,
    "Accuracy in the test environment, percent: by selection rule beside DomainBed's -90 % column, and at one weight after the last update beside table 1 of rich feature construction.",
    digits=".1f",
)  # fmt: skip

# %% tags=["hide-input"]
names = ("seed", "method", "weight", "start", "updates", "outside")
columns = {name: [] for name in names}
cells = product(enumerate(METHODS), enumerate(seeds), range(n_looks))
for (j, (kind, weight, start)), (i, s), look in cells:
    value = round(float(outside(full[i, j, look, 3:])), 3)
    row = s, kind, weight, start, moments[look], value
    for column, entry in zip(columns.values(), row, strict=True):
        column.append(entry)
_ = keep("runs", columns)

# %% [markdown]
# The published figures are of other data and of networks twelve times as wide, so what can be compared is the order: by rule, and of random weights,
# pre-training and rich features. On record, with as many images, widths and updates, are digits of MNIST as well (28 × 28). ERM ends there at
# {measured}`shortcut/erm-follows-the-colour mnist` of the test environment, and IRM gains
# {measured}`shortcut/irm-chosen-on-the-test-domain-appears-to-work mnist` by the choice on the test domain: as published. Pre-training adds
# {measured}`shortcut/irm-needs-pretraining mnist` and frozen rich features {measured}`shortcut/rich-features-replace-pretraining mnist` to IRM from random
# weights, where the published table gains by both: from random weights the penalty keeps networks of this size near guessing, which in this test
# environment is more than what is left of a network that has learnt the colour.
#
# **What stays open.** Two environments are the least there can be: leaving one out halves the other, so that the rule judges a method by
# half of its data, and vREx by environments that do not differ. Rich features were made by two rounds, of which the first has a length that somebody chose. And
# with labels as noisy as these all networks learn some of them by heart: more images, not more penalty, is what the reference lacks.
