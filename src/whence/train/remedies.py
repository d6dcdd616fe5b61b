"""What each remedy against a shortcut is, and which labels it is given: for tables that compare them fairly.

A remedy is a feed, a loss or a head on the one loop of `train.loop`; `by` says where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["feed", "loss", "head"]
Budget = Literal["none", "validation groups", "training groups", "training environments", "translator"]


@dataclass(frozen=True)
class Remedy:
    """A remedy's name, which part of training it changes, the labels beyond y that it is fitted on, its paper and its code.

    A translator is a budget of its own kind: a function that moves the bias of any example, so all that group labels could say.
    Choosing its settings may cost labels too: that is the selection rule of a comparison, and a column of its own.
    """

    name: str
    kind: Kind
    labels: Budget
    source: str
    by: str


ERM = Remedy("ERM", "loss", "none", "sagawa2020dro", "train.supervised.cross_entropy")
REWEIGHTING = Remedy("group reweighting", "loss", "training groups", "sagawa2020dro", "train.groups.balancing")
GROUP_DRO = Remedy("Group DRO", "loss", "training groups", "sagawa2020dro", "train.groups.GroupDRO")
JTT = Remedy("JTT", "feed", "none", "liu2021jtt", "train.failure.error_set")
LFF = Remedy("LfF", "loss", "none", "nam2020lff", "train.failure.LearningFromFailure")
DFR = Remedy("DFR", "head", "validation groups", "kirichenko2023dfr", "train.lastlayer.refit")
IRM = Remedy("IRMv1", "loss", "training environments", "arjovsky2019irm", "train.invariance.irm")
VREX = Remedy("vREx", "loss", "training environments", "krueger2021vrex", "train.invariance.vrex")
RICH = Remedy("rich features", "loss", "none", "zhang2022rich", "train.rich.discover")
DROPOUT = Remedy("very large dropout", "feed", "none", "zhang2024dropout", "train.supervised.masks")
TRANSLATOR = Remedy("translator", "loss", "translator", "jung2023fire", "train.translator.translated")
REMEDIES = (ERM, REWEIGHTING, GROUP_DRO, JTT, LFF, DFR, IRM, VREX, RICH, DROPOUT, TRANSLATOR)
