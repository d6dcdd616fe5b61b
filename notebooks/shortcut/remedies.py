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
# # Which remedies against shortcuts earn their labels?
#
# **Those that are told what the shortcut is; and how well a remedy looks depends as much on who chose its settings.** On digits whose colour goes
# with the label in all but 2 % of the training images, plain training (ERM) is right in {glue:text}`erm_rare:.0%` of the worst group, Group
# DRO with the groups of all training images in {glue:text}`dro_rare:.0%`, a last layer retrained on {glue:text}`validation_groups:.0f` balanced validation images
# (DFR) in {glue:text}`dfr_rare:.0%`. Where colour goes with the label *without exception*, the best of three remedies without group labels is right in
# {glue:text}`helped_never:.0%`, and twins in the other colour, from a known translator, bring {glue:text}`contrast_never:.0%`. IRM, on
# noisy labels, is right in {glue:text}`irm_inside:.0%` of a new environment if its settings are chosen on the training environments, no more
# than ERM's {glue:text}`erm_inside:.0%`; the *same runs* chosen in the new environment give {glue:text}`irm_oracle:.0%`.

# %% tags=["hide-input"]
from itertools import islice, product

import torch
from tqdm import tqdm

from whence.claims.ledger import report
from whence.claims.numbers import keep
from whence.data.coloured import Coloured
from whence.data.designs import Correlated
from whence.data.looks import Look
from whence.device import device as choose
from whence.figures.curves import curves
from whence.figures.dots import dots
from whence.figures.glue import glue
from whence.figures.tables import table
from whence.measures.groups import averages
from whence.nets.build import build
from whence.seeds import stream
from whence.stats import bootstrap
from whence.train.failure import LearningFromFailure
from whence.train.groups import GroupDRO, balancing, resampled, weighted
from whence.train.invariance import irm_penalty, penalised, risks
from whence.train.lastlayer import refit
from whence.train.loop import fit
from whence.train.remedies import REMEDIES
from whence.train.rich import agreement, discover, synthesis
from whence.train.stack import Stack
from whence.train.supervised import example_losses, labelled, masks
from whence.train.translator import translated, twins
from whence.train.upsample import copied

# %% tags=["parameters"]
dataset: str = "digits"  # digits that are coloured: digits, mnist, fashion_mnist
size: int = 0  # their side, whole blocks of pixels averaged; 0 is their own
seed: int = 0  # first seed; a seed draws data, first weights and order
n_seeds: int = 2  # how many seeds, counted up from the first
correlations: list[float] = [0.98, 0.995, 1.0]  # of shortcut and label
n_train: int = 800  # training images at each of them
n_validation: int = 200  # validation images
n_test: int = 400  # test images, each shown with either cue
width: int = 32  # units of the two hidden layers
rate: float = 0.002  # learning rate of Adam
n_updates: int = 240  # of every network at a correlation
batch: int = 100  # images in one of them
n_early: int = 30  # updates of the first network of JTT and of rich features
etas: list[float] = [0.01, 0.1]  # rates of Group DRO's weights
factors: list[int] = [5, 50]  # how often JTT shows what its first network fails
powers: list[float] = [0.3, 0.7]  # q of LfF
drops: list[float] = [0.5, 0.9]  # dropout of the last hidden layer, ascending
contrasts: list[float] = [0.01, 0.1]  # weights of the contrast of views
n_pooled: int = 1196  # training images of both environments together
noise: float = 0.25  # share of wrong labels there
penalties: list[float] = [1000.0, 10000.0]  # weights of IRM and vREx
main: float = 1000.0  # the one of them that is looked at alone
starts: list[int] = [0, 30, 100]  # updates of ERM before the penalty
warm: int = 100  # the one of them that is looked at alone
head_rate: float = 0.01  # learning rate of a head on frozen features
l2: float = (
    0.0011  # times the sum of squared weights, added to the loss there; published
)
n_steps: int = 300  # updates there, pre-training included, all images in each
n_looks: int = 6  # how often networks are looked at while they train
device: str = "auto"  # auto, cpu or cuda

# %% [markdown]
# ## Two designs, exact numbers of exceptions
#
# A label of two classes shows in a core cue and in a shortcut: digits below 5 or not, in one of two colours; sprites of two shapes, before
# one of two textures. Every image is made twice, with the shortcut that goes with its label and with the other one, all else equal. A
# training set of correlation $c$ has the other version of exactly $n (1 - c) / 2$ images a label: at 100 % of none. The four groups are
# label × whether the shortcut goes with it.

# %%
where = choose(device)
seeds = list(range(seed, seed + n_seeds))
sprites = Look(
    side=12,
    shapes=("ellipse", "triangle"),
    background=("brick", "grass"),
    footprint=(0.08, 0.15),
)


def coloured(c):
    return Coloured(dataset, (c,), 0.0, size or None)


def before(c):
    return Correlated("shape", "background", (c,), sprites)


DESIGNS = {"colour": coloured, "background": before}
COUNTS = {"train": n_train, "validation": n_validation, "test": n_test}


def versions(design, s, split):
    """Images (2, n, ...) with the shortcut as the label and against it; labels."""
    draws = [DESIGNS[design](c).draw(COUNTS[split], s, split) for c in (1.0, 0.0)]
    return torch.stack([d.x for d in draws]).to(where), draws[0].y.to(where)


def odd(y, c):
    """The first n (1 - c) / 2 images of each label, which go against it."""
    k = round(len(y) * (1 - c) / 2)
    return torch.stack([(y == t) & ((y == t).cumsum(0) <= k) for t in (0, 1)]).any(0)  # fmt: skip


def take(both, against):
    """Of each image the version that goes with its label, or the other one."""
    return both[against.long(), torch.arange(len(against), device=where)]


splits = list(product(DESIGNS, seeds, COUNTS))
drawn = {key: versions(*key) for key in tqdm(splits, "images")}
shapes = {d: tuple(drawn[d, seed, "test"][0].shape[2:]) for d in DESIGNS}

# %% [markdown]
# Every remedy trains the same small network from the same first weights for the same number of updates and is looked at after each quarter
# of them. It is right or wrong on three sets: validation images *of the training distribution*, validation images half of whose shortcuts
# go against the label, and test images, each in both versions.


# %%
def examined(design, rows):
    """Images (R, m, ...) of the three sets, one row after another."""
    found = []
    for s, c, _ in rows:
        both, y = drawn[design, s, "validation"]
        test = drawn[design, s, "test"][0]
        found.append(
            torch.cat([take(both, odd(y, c)), take(both, odd(y, 0.5)), *test])
        )
    return torch.stack(found)


def scored(design, rows, logits):
    """(R, 6): by which the rules choose, and the test accuracy of each group."""
    found = []
    for (s, _, _), answer in zip(rows, logits.argmax(-1), strict=True):
        y, t = (drawn[design, s, split][1] for split in ("validation", "test"))
        label = torch.cat([y, y, t, t])
        right = (answer == label).double().cpu()
        group = 2 * label.cpu()
        group[len(y) : 2 * len(y)] += odd(y, 0.5).cpu()
        group[-len(t) :] += 1
        a, b, c = right.split([len(y), len(y), 2 * len(t)])
        every = torch.ones(4)
        inside = averages(b, group[len(y) : 2 * len(y)], every).worst_group
        test = averages(c, group[2 * len(y) :], every).by_group
        found.append(torch.stack([a.mean(), inside, *test]))
    return torch.stack(found)


def training(design, rows):
    """Images, their twins, labels and groups of each row, (R, n, ...)."""
    parts = []
    for s, c, _ in rows:
        both, y = drawn[design, s, "train"]
        against = odd(y, c)
        moved = twins(take(both, against), lambda _, b=both, a=against: take(b, ~a))
        parts.append((take(both, against), moved, y, 2 * y + against))
    return [torch.stack(part) for part in zip(*parts, strict=True)]


def fresh(shape, rows, other=0, outputs=2):
    kind = {"width": width, "outputs": outputs}
    nets = [build("perceptron", shape, row[0] + other, **kind) for row in rows]
    return Stack.of([net.to(where) for net in nets])


# %% [markdown]
# An arm is a rule, a loss a row, and sometimes a choice of examples; the loop is one.


# %%
class Arm:
    """A remedy at all its settings, correlations and seeds: one stack."""

    def __init__(self, design, settings, at=correlations):
        self.design, self.at = design, at
        self.rows = [(s, c, k) for s, k, c in product(seeds, settings, at)]
        self.x, self.twin, self.y, self.group = training(design, self.rows)
        self.net, self.more = fresh(shapes[design], self.rows), []
        self.last = torch.ones(len(self.rows), batch, width, device=where)

    def losses(self, b):
        """Those of examples, (R, b), with masks on the last hidden layer."""
        plain = torch.ones_like(self.last)
        return example_losses(self.net(b.x, [plain, self.last]), b.y)

    def train(self, loss, updates=n_updates, chosen=None, every=None):
        """The rows of `scored` after each quarter, (R, 4, 6)."""
        exam, looks = examined(self.design, self.rows), []
        weights = list(self.net.parameters()) + self.more
        feed = labelled(self.x, self.y, batch, [r[0] for r in self.rows], chosen=chosen)  # fmt: skip
        adam = torch.optim.Adam(weights, rate, fused=True)
        for step in fit(weights, loss, islice(feed, updates), adam):
            if every:
                every(step.number)
            if step.number % max(1, updates // 4) == 0:
                with torch.no_grad():
                    looks.append(scored(self.design, self.rows, self.net(exam)))
        return torch.stack(looks, 1)


def last_layer(net, features):
    matrix, bias = (net.weights[f"last.{k}"] for k in ("weight", "bias"))
    return torch.baddbmm(bias[:, None], features, matrix.mT)


def mean_of(arm):
    return lambda b: arm.losses(b).mean(-1)


def per_row(arm, made):
    """A loss with a memory of its own in each row."""
    return lambda b: torch.cat([
        one(losses[None], index[None])
        for one, losses, index in zip(made, arm.losses(b), b.index, strict=True)
    ])  # fmt: skip


# %%
def erm(design):
    arm = Arm(design, [0])
    return arm.train(mean_of(arm)), arm


def reweighting(design):
    arm = Arm(design, [0], [c for c in correlations if c < 1])
    each = torch.stack([balancing(g, 4) for g in arm.group])
    return arm.train(lambda b: weighted(arm.losses(b), each.gather(1, b.index))), arm  # fmt: skip


def group_dro(design):
    arm = Arm(design, etas, [c for c in correlations if c < 1])
    pairs = list(zip(arm.group, arm.rows, strict=True))
    made = [GroupDRO(g, 4, 1, eta) for g, (_, _, eta) in pairs]
    return arm.train(per_row(arm, made), chosen=[resampled(g, 4, r[0]) for g, r in pairs]), arm  # fmt: skip


def jtt(design):
    arm = Arm(design, factors)
    arm.train(mean_of(arm), n_early)
    with torch.no_grad():
        wrong = arm.net(arm.x).argmax(-1) != arm.y
    arm.failed = wrong.double().mean(1).cpu()
    arm.net = fresh(shapes[design], arm.rows)
    chosen = [copied(w, k) for w, (_, _, k) in zip(wrong, arm.rows, strict=True)]
    return arm.train(mean_of(arm), chosen=chosen), arm


def lff(design):
    arm = Arm(design, powers)
    biased = fresh(shapes[design], arm.rows, other=1000)
    arm.more = list(biased.parameters())
    c = len(arm.at)  # neighbours that share labels and q
    made = [LearningFromFailure(y, c, r[2]) for y, r in zip(arm.y[::c], arm.rows[::c], strict=True)]  # fmt: skip

    def loss(b):
        parts = [t.split(c) for t in (biased(b.x), arm.net(b.x), b.index)]
        return torch.cat([one(*part) for one, *part in zip(made, *parts, strict=True)])  # fmt: skip

    return arm.train(loss), arm


def dropout(design):
    """Half of the updates by ERM, then fine-tuned with large dropout."""
    arm = Arm(design, drops)

    def mask(number):
        if number >= n_updates // 2:
            each = [
                masks([s], number, (batch, width), p)[0] for s, _, p in arm.rows
            ]
            arm.last = torch.cat(each).to(where)

    return arm.train(mean_of(arm), every=mask), arm


def translator(design, settings, mirror=False):
    arm = Arm(design, settings)
    moved = twins(arm.x, lambda x: x.flip(-1)) if mirror else arm.twin
    weight = torch.tensor([float(r[2]) for r in arm.rows], device=where)

    def loss(b):
        rows = torch.arange(len(b.x), device=where)[:, None]
        inner = arm.net.features(torch.cat([b.x, moved[rows, b.index]], 1))
        logits = last_layer(arm.net, inner)
        return translated(logits.chunk(2, 1), inner.chunk(2, 1), b.y, weight)

    return arm.train(loss), arm


def dfr(design, arm):
    """A new last layer on the features of ERM, from the balanced validation images."""
    exam = examined(design, arm.rows)
    with torch.no_grad():
        inside = arm.net.features(exam).cpu()
    logits = []
    for (s, _, _), f in zip(arm.rows, inside, strict=True):
        y = drawn[design, s, "validation"][1].cpu()
        n, group = len(y), 2 * y + odd(y, 0.5)
        head = refit(f[n : 2 * n], y, group, 4, s)
        logits.append(torch.stack([-head(f), head(f)], -1))
    return scored(design, arm.rows, torch.stack(logits))[:, None], arm


# %%
def everything(design, bar):
    """By remedy: its correlations, and what each seed's settings and looks score."""
    base, net = erm(design)
    made = {
        "ERM": (base, net),
        "group reweighting": reweighting(design),
        "Group DRO": group_dro(design),
        "JTT": jtt(design),
        "LfF": lff(design),
        "very large dropout": dropout(design),
        "mirrored twins": translator(design, [0.0], mirror=True),
        "twins": translator(design, [0.0]),
        "twins, contrast": translator(design, contrasts),
        "DFR": dfr(design, net),
    }
    bar.update()
    found = {}
    for name, (scores, arm) in made.items():
        parts = scores.reshape(n_seeds, -1, len(arm.at), *scores.shape[1:])
        for i, c in enumerate(arm.at):
            found[design, c, name] = parts[:, :, i].flatten(1, 2)
    return found, made["JTT"][1].failed.reshape(-1, len(correlations)).mean(0)


bar = tqdm(total=len(DESIGNS), desc="remedies")
measured = [everything(design, bar) for design in DESIGNS]
scores = measured[0][0] | measured[1][0]

# %% [markdown]
# Settings and stopping are chosen by one rule for all: *training domain*, accuracy on validation images like the training images, which needs
# no group label; or *test domain*, worst-group accuracy on validation images half of whose shortcuts go against the label. The second is
# what is called choosing on validation groups here, and an oracle where domains are concerned. Looks that are equally good count as their
# mean. The same predictions have three averages.

# %%
RULES = {"training domain": 0, "test domain": 1}


def best(values, score):
    """Of (S, M, 4) the one with the best score (S, M); of equals their mean."""
    first = score == score.amax(1, keepdim=True)
    return (values * first[..., None]).sum(1) / first.sum(1)[:, None]


def chosen(key, rule="training domain"):
    """Test accuracy by group (S, 4)."""
    return best(scores[key][..., 2:], scores[key][..., RULES[rule]])


def worst(design, c, name, rule="training domain"):
    return chosen((design, c, name), rule).amin(1)


def three(by_group, c):
    """Worst-group, group-balanced and training-weighted, (S,) each."""
    usual = torch.tensor([c, 1 - c, c, 1 - c]).double() / 2
    return by_group.amin(1), by_group.mean(1), by_group @ usual


rare, rarer, never = correlations
NEED = ["JTT", "LfF", "very large dropout"]
plain = worst("colour", never, "ERM")
helped = torch.stack([worst("colour", never, name) for name in NEED]).amax(0)
contrast, label, mirror = (
    worst("colour", never, name)
    for name in ("twins, contrast", "twins", "mirrored twins")
)
print(report("shortcut/without-a-conflict-nothing-helps", helped - plain))
print(report("shortcut/a-translator-needs-no-conflict", contrast - plain))
print(report("shortcut/contrast-adds-to-twins", contrast - label))
report("shortcut/any-other-move-does-not", mirror - plain)

# %%
few, last, robust, failure = (
    worst("colour", rare, name) for name in ("ERM", "DFR", "Group DRO", "LfF")
)
told = [worst("colour", rare, name, "test domain") for name in ("JTT", "ERM")]
print(report("shortcut/last-layer-retraining-is-enough", last - few))
print(report("shortcut/group-dro-helps-the-worst-group", robust - few))
print(report("shortcut/train-twice-helps-without-group-labels", told[0] - told[1]))
report("shortcut/learning-from-failure-helps", failure - few)

# %%
lowest, _, usual = three(chosen(("colour", rarer, "ERM")), rarer)
pair = [worst("background", rarer, name) for name in ("DFR", "Group DRO")]
print(report("shortcut/the-weighted-average-hides-it", usual - lowest))
report("shortcut/backgrounds-tell-the-same", pair[0] - pair[1])

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Coloured digits: worst-group accuracy by remedy and by correlation of colour and label, settings chosen on the training domain. Group reweighting and Group DRO refuse the training set in which two groups have no members. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-remedies-colour"}}
ORDER = list(dict.fromkeys(name for _, _, name in scores))


def by_correlation(design):
    """Rows of a figure: by remedy and correlation, where there is one."""
    return {
        name: {
            f"{c:.1%}": worst(design, c, name)
            for c in correlations
            if (design, c, name) in scores
        }
        for name in ORDER
    }


dots(
    by_correlation("colour"),
    "worst-group accuracy",
    alt="Worst-group accuracy on coloured digits of ten remedies at three correlations of colour and label.",
    reference=(0.5, "guessing"),
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Sprites on textures: the same for two shapes before two backgrounds. The translator renders each sprite before the other texture.", "name": "fig-remedies-background"}}
dots(
    by_correlation("background"),
    "worst-group accuracy",
    alt="Worst-group accuracy on sprites before textures of ten remedies at three correlations of background and label.",
    reference=(0.5, "guessing"),
)

# %%
glue("erm_rare", few.mean())
glue("dfr_rare", last.mean())
glue("dro_rare", robust.mean())
glue("lff_rare", failure.mean())
glue("jtt_rare", worst("colour", rare, "JTT").mean())
glue("jtt_told", told[0].mean())
glue("erm_never", plain.mean())
glue("twins_never", label.mean())
glue("contrast_never", contrast.mean())
glue("mirror_never", mirror.mean())
glue("dfr_never", worst("colour", never, "DFR").mean())
glue("helped_never", helped.mean())
glue("rarer_usual", usual.mean())
glue("rarer_lowest", lowest.mean())
glue("jtt_missed", measured[0][1][correlations.index(never)])
glue("validation_groups", n_validation)
glue("sprites_dfr", pair[0].mean())
glue("sprites_dro", pair[1].mean())
glue("sprites_erm", worst("background", rarer, "ERM").mean())

# %% [markdown]
# Three things stand out. *The labels decide*: what is told the group of every training image, or of {glue:text}`validation_groups:.0f` balanced ones,
# is better off than what has to guess it. *So does the rule*: JTT has {glue:text}`jtt_rare:.0%` in its worst group on coloured digits at 98 % when the training domain
# chooses its settings, {glue:text}`jtt_told:.0%` when validation groups do, which the remedy itself does not count as labels. The training domain
# cannot see what it should: among images like the training images the shortcut is nearly always right. LfF comes to
# {glue:text}`lff_rare:.0%`; what its weights do to the gradient is tested on its own, so this is the remedy at this size and not a slip. *And the weighted average hides
# it all*: at 99.5 % ERM has {glue:text}`rarer_usual:.1%` training-weighted and {glue:text}`rarer_lowest:.1%` in its worst group.
#
# At 100 % the first network of JTT fails {glue:text}`jtt_missed:.1%` of the training images, so there is next to nothing to show more often; Group DRO
# and reweighting refuse. Twins that differ in colour bring {glue:text}`twins_never:.0%` by their labels alone, mirrored twins
# {glue:text}`mirror_never:.0%`: it is what the translator moves that counts. DFR is the exception to the rule of the design, since its balanced images come from elsewhere, and
# still has {glue:text}`dfr_never:.0%` there: the features of a network that never needed the shape do not hold enough of it.
#
# Sprites before textures tell a milder story. A perceptron finds a texture about as hard to read as a shape, so that at 99.5 % ERM has
# {glue:text}`sprites_erm:.0%` in its worst group, DFR {glue:text}`sprites_dfr:.0%`, Group DRO {glue:text}`sprites_dro:.0%`: a shortcut that is not
# [available](availability) is hardly one, whatever its correlation.
#
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
METHODS = [("ERM", 0.0, 0), *product(KINDS, penalties, starts)]
side = shapes["colour"]


def pooled(s, split, *at):
    n = n_pooled if split == "train" else COUNTS[split]
    return Coloured(dataset, at, noise, size or None).draw(n, s, split)


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
def optimizer(net, speed=rate):
    """Adam; the gradient of l2 |w|^2 is 2 l2 w."""
    return torch.optim.Adam(
        net.parameters(), speed, weight_decay=2 * l2, fused=True
    )


def descend(net, rows, data, ask, updates=n_steps, dropped=None, speed=rate):
    """Train rows (seed, (kind, weight, updates before it)); `answered` at each look."""
    x, y, environment = data
    irm, strength, first = (
        torch.tensor([kind(r[1]) for r in rows], device=where)
        for kind in (lambda m: m[0] == "IRM", lambda m: m[1], lambda m: m[2])
    )
    looks, moments = (
        [],
        {round(updates * (i + 1) / n_looks) for i in range(n_looks)},
    )

    def loss(number):
        logits = net(x) if dropped is None else net(x, dropped(number))
        found = risks(example_losses(logits, y), environment, 2)
        slope = irm_penalty(logits, y, environment, 2)
        penalty = torch.where(irm, slope, found.var(-1, correction=0))
        return penalised(found.mean(-1), penalty, strength * (number >= first))

    adam = optimizer(net, speed)
    for step in fit(net.parameters(), loss, range(updates), adam):
        if step.number in moments:
            with torch.no_grad():
                looks.append(answered(rows, net(ask)))
    return torch.stack(looks, 1)


def question(rows):
    return torch.stack([questions[r[0]] for r in rows])


rows = list(product(seeds, METHODS))
jobs = tqdm((None, 0, 1), "invariance")
runs = [
    descend(fresh(side, rows), rows, gathered(rows, left), question(rows))
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
ideal = fresh(side, alone)
reference = descend(ideal, alone, gathered(alone, at=BLIND), question(alone))


def onwards(source, rows, outputs=2):
    """Networks of some rows with the hidden layers of the seeds' networks, and their last one if it fits."""
    stack = fresh(side, rows, 400, outputs)
    index = torch.tensor([seeds.index(r[0]) for r in rows], device=where)
    with torch.no_grad():
        for name, leaf in stack.weights.items():
            if leaf.shape[1:] == source.weights[name].shape[1:]:
                leaf.copy_(source.weights[name][index])
    return stack


long = list(product(seeds, [("IRM", w, 0) for w in penalties]))
decay = descend(
    onwards(ideal, long), long, gathered(long), question(long), 2 * n_steps
)
decay = decay.unflatten(0, (n_seeds, len(penalties)))

# %%
x, y, environment = gathered(alone)
every = torch.arange(y.shape[1], device=where).expand_as(y)


def round_of(r, rule):
    """A fresh network trained by the rule of a round: its logits."""
    stack = fresh(side, alone, 100 * (r + 1))

    def loss(_):
        return rule(example_losses(stack(x), y), every)

    updates = range(n_steps if r else n_early)
    list(fit(stack.parameters(), loss, updates, optimizer(stack)))
    return stack(x)


pseudo = discover(round_of, y, 2)
balance = agreement(pseudo)
rich = fresh(side, alone, 300, outputs=4)
list(
    fit(
        rich.parameters(),
        lambda _: synthesis(rich(x), pseudo, balance, every),
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


def drop(number):
    shape = (n_pooled, width)
    last = [masks([s], number, shape, drops[-1])[0] for s in seeds]
    last = torch.cat(last).to(where)
    return [torch.ones_like(last), last]


dropped = {
    name: descend(onwards(source, alone), alone, (x, y, environment), question(alone), dropped=drop)
    for name, source in {"rich": rich, "fresh": fresh(side, alone)}.items()
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
    return {rule: best(flat[..., 3:], value) for rule, value in score.items()}


def outside(by_group, c=OUTSIDE):
    """Accuracy where colour is the label in a share c."""
    return by_group @ torch.tensor([c, 1 - c, c, 1 - c]).double() / 2


def of_kind(kind, methods):
    return [i for i, m in enumerate(methods) if m[0] == kind]


invariant = {
    (kind, 0.0): by_rule(full[:, of], [run[:, of] for run in without])
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
print(report("shortcut/a-perfect-start-decays", perfect - outside(decay[:, -1, -1, 3:])))  # fmt: skip
report("shortcut/frozen-rich-features-do-not-decay", on_rich.amax(1) - on_rich[:, -1])  # fmt: skip

# %%
told = {
    (kind, rule): outside(invariant[kind, 0.0][rule])
    for kind in ("ERM", *KINDS)
    for rule in ("training domain", "leave one out", "test domain")
}
inside_, oracle = (told["IRM", rule] for rule in ("training domain", "test domain"))
print(report("shortcut/irm-chosen-on-training-domains-is-erm", inside_ - told["ERM", "training domain"]))  # fmt: skip
print(report("shortcut/irm-chosen-on-the-test-domain-appears-to-work", oracle - inside_))  # fmt: skip
tune = outside(tuned[:, 0, -1, 3:])
thinned = outside(dropped["rich"][:, -1, 3:])
report("shortcut/large-dropout-keeps-rich-features", thinned - tune)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Accuracy in the test environment after the last update, against how many of the updates were ERM before the penalty of IRM came in; one curve a weight. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-remedies-pretraining"}}
curves(
    starts,
    {
        f"λ = {w:,.0f}": torch.stack([ends["IRM", w, k] for k in starts], 1)
        for w in penalties
    },
    "updates of ERM before the penalty",
    "accuracy, test environment",
    alt="Accuracy of IRM in the test environment against pre-training updates, for three penalty weights.",
    logx=False,
    levels=[(0.75, "shape alone"), (0.5, "guessing")],
)

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The same runs under three rules: accuracy in the test environment, weight, pre-training and stopping chosen by validation images of the training domains, of a training domain left out, or of the test environment itself. Ticks: seeds; lines: 95 % bootstrap intervals.", "name": "fig-remedies-rules"}}
dots(
    {
        kind: {rule: told[kind, rule] for rule in ("training domain", "leave one out", "test domain")}
        for kind in ("ERM", *KINDS)
    },
    "accuracy, test environment",
    alt="Accuracy in the test environment of ERM, IRM and vREx under three selection rules.",
    reference=(0.75, "shape alone"),
)  # fmt: skip

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Along training by IRM: from random weights, from a perfect start (a network trained where colour says nothing, twice as long), and a linear head on frozen rich features. Bands: 95 % bootstrap intervals over seeds.", "name": "fig-remedies-decay"}}
shares = [(i + 1) / n_looks for i in range(n_looks)]
at = METHODS.index(("IRM", main, 0))
curves(
    shares,
    {
        "random start": outside(full[:, at, :, 3:]),
        "frozen rich": on_rich,
        "perfect start": outside(decay[:, -1, :, 3:]),
    },
    "share of the updates",
    "accuracy, test environment",
    alt="Accuracy in the test environment along training by IRM from three starts.",
    logx=False,
    levels=[(0.75, "shape alone"), (0.5, "guessing")],
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
glue("decayed", outside(decay[:, -1, -1, 3:]).mean())
glue("tune", tune.mean())
glue("thinned", thinned.mean())
glue("thinned_fresh", outside(dropped["fresh"][:, -1, 3:]).mean())
glue(
    "rich_irm_inside",
    outside(invariant["IRM", "rich, frozen"]["training domain"]).mean(),
)
glue("warm", warm)
glue("main", main)
glue("n_pooled", n_pooled)
glue("n_validation", n_validation)

# %% [markdown]
# ## One table
#
# Each row is a remedy on data, with what it is told and what it costs: *labels* beyond those of classes for fitting; choosing on the test
# domain costs labels of its own. Updates are those of all networks that come one after another; *passes* counts batches that go through
# a network, so twins and pairs of networks count twice.

# %% tags=["hide-input"]
TOLD = {r.name: r.labels for r in REMEDIES}
TOLD |= {
    "IRM": "training environments",
    "twins": "translator",
    "twins, contrast": "translator",
}
TOLD |= {"mirrored twins": "a mirror", "colour says nothing": "other data"}


def row(data, c, name, labels, updates, passes, found, usual):
    """Worst-group accuracy by rule, and the three averages by the training domain's."""
    by = [
        bootstrap(found[r].amin(1)) if r in found else None
        for r in ("training domain", "leave one out", "test domain")
    ]
    _, balanced, weight = three(found["training domain"], usual)
    return [
        data,
        c,
        name,
        labels,
        updates,
        passes,
        *by,
        bootstrap(balanced),
        bootstrap(weight),
    ]


lines = []
for design, c, name in sorted(
    scores, key=lambda k: (k[0] != "colour", k[1], ORDER.index(k[2]))
):
    updates = n_updates + n_early * (name == "JTT")
    passes = updates + n_updates * ("twins" in name or name == "LfF")
    found = {rule: chosen((design, c, name), rule) for rule in RULES}
    lines.append(
        row(design, f"{c:.1%}", name, TOLD[name], updates, passes, found, c)
    )
    if name == "ERM" and c == never:
        empty = ["refused: two groups have no members", *[None] * 6]
        lines += [
            [design, f"{c:.1%}", k, TOLD[k], *empty]
            for k in ("group reweighting", "Group DRO")
        ]
for (name, way), found in invariant.items():
    method = f"{name}, {way}" if way else name
    updates = n_steps + (2 * n_steps + n_early) * ("rich" in str(way))
    labels = "training environments" if name in KINDS else TOLD.get(name, "none")
    lines.append(
        row(
            "colour, two environments",
            "80, 90 %",
            method,
            labels,
            updates,
            updates,
            found,
            0.85,
        )
    )
table(
    ["data", "correlation", "remedy", "labels", "updates", "passes", "worst group: training domain", "leave one out", "test domain", "group-balanced", "training-weighted"],
    lines,
    "Remedies, the labels they are told and what they cost: worst-group accuracy by selection rule, and the group-balanced and training-weighted accuracy of what the training domain chose.",
)  # fmt: skip

# %% [markdown]
# Of {glue:text}`warm:.0f` updates by ERM before a penalty of {glue:text}`main:,.0f` IRM makes {glue:text}`warmed:.0%` of the test environment, without
# them {glue:text}`from_random:.0%` (guessing: 50 %); a linear head on frozen rich features {glue:text}`on_rich:.0%`, with no such number to choose. The network that was trained where colour
# says nothing has {glue:text}`perfect:.0%`, less than the 75 % that shape could give, since {glue:text}`n_pooled:,.0f` images with wrong labels among them are learnt by heart in part.
# Trained on by IRM it comes down to {glue:text}`decayed:.0%`. Very large dropout while rich features are fine-tuned by ERM ends at
# {glue:text}`thinned:.0%` of the test environment, without dropout {glue:text}`tune:.0%`, from fresh weights {glue:text}`thinned_fresh:.0%`: dropout spreads a decision over
# all features it finds, and where colour is *more* predictive than shape spreading keeps the colour.
#
# The leave-one-out rule is between the two others: IRM {glue:text}`irm_left:.0%`, vREx {glue:text}`vrex_left:.0%`. It needs no image of the
# test environment, and it sees that what goes from 80 to 90 % may go on.
#
# ## Published beside ours
#
# Accuracy in the test environment, in percent. The published ones are of MNIST at 14 × 14; IRM's own were chosen by a search that saw the test
# environment.

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
columns = {
    c: [] for c in ("seed", "design", "correlation", "remedy", "rule", "worst")
}
for (design, c, name), rule in product(scores, RULES):
    for s, value in zip(seeds, worst(design, c, name, rule).tolist(), strict=True):
        cell = s, design, c, name, rule, round(value, 3)
        for column, entry in zip(columns.values(), cell, strict=True):
            column.append(entry)
_ = keep("remedies", columns)

# %% [markdown]
# The figures from the literature are of other data and of networks twelve times as wide, so what can be compared is the order: by rule, and of random weights, pre-training and
# rich features.
#
# **What stays open.** Numbers of {glue:text}`n_validation:.0f` validation images make every choice noisy, as they do in practice. The known translator
# is the largest of all budgets, and what a learned one would move is the question that its authors ask {cite}`jung2023fire`. Remedies that are told nothing may do
# better with larger networks, more data and the published recipes; where JTT and LfF are known to work, images are natural and networks pre-trained. And
# leave-one-out with two environments halves what is left, so that it judges a method by half of its data.
