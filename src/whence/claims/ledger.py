"""The claims ledger: one sentence that can fail, the test it must pass, and the verdict over seeds.

A test is an acceptance interval. ``above = t`` accepts (t, inf), ``below = t`` accepts (-inf, t), ``equals = v, tolerance = e``
accepts [v - e, v + e]. With the interval of the measured mean over seeds the verdict is *holds* when all of it is accepted,
*fails* when none of it is, *undecided* when it straddles or when there are too few seeds to say.
"""

from __future__ import annotations

import json
import math
import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whence.resources import resource
from whence.stats import array, bootstrap

STUDIES = ("locality", "simplicity", "shortcut", "atlas")
MIN_SEEDS = 3
LABELS = ("seen", "recalled")
HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "fails", "undecided", "not run"


@dataclass(frozen=True)
class Test:
    """An open acceptance interval (low, high) for the mean over seeds, and how the ledger words it."""

    __test__ = False  # not a pytest class

    low: float
    high: float
    words: str

    @classmethod
    def parse(cls, table: dict[str, float]) -> Test:
        """The test of a ``test = {...}`` table. Raises ValueError when it is none of the three forms, with finite numbers."""
        finite = all(type(value) in (int, float) and math.isfinite(value) for value in table.values())
        keys = set(table) if finite and table.get("tolerance", 0) >= 0 else None
        if keys == {"above"}:
            return cls(table["above"], math.inf, f"> {table['above']:g}")
        if keys == {"below"}:
            return cls(-math.inf, table["below"], f"< {table['below']:g}")
        if keys == {"equals", "tolerance"}:
            v, e = table["equals"], table["tolerance"]
            # Its ends are accepted, those of the other two are not: one float further out makes an open interval of it.
            return cls(math.nextafter(v - e, -math.inf), math.nextafter(v + e, math.inf), f"= {v:.4g} ± {e:g}")
        raise ValueError(f"test {table!r}: expected {{above = t}}, {{below = t}} or {{equals = v, tolerance = e}}")

    def verdict(self, low: float, high: float) -> str:
        """The verdict on a measured interval [low, high]."""
        if self.low < low and high < self.high:
            return HOLDS
        return FAILS if high <= self.low or low >= self.high else UNDECIDED


@dataclass(frozen=True)
class Published:
    """A figure a paper gives for the claim, on its data set. `label` says how we know it: "seen" in the source, or "recalled"."""

    value: float
    label: str
    dataset: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"published figure with label {self.label!r}: expected one of {', '.join(LABELS)}")


@dataclass(frozen=True)
class Claim:
    """One sentence that can fail: `source` is a key of references.bib, `where` its place there, `measure` what we compute.

    `data` names what the measure is taken on where that is not the data set of the run: generated images, exact fields.
    """

    id: str
    statement: str
    source: str
    where: str
    measure: str
    notebook: str
    test: Test
    written: str
    published: Published | None = None
    deterministic: bool = False
    data: str | None = None
    amended: tuple[dict[str, Any], ...] = ()

    @classmethod
    def parse(cls, table: dict[str, Any], notebook_prefix: str) -> Claim:
        """A claim of a ``[[claim]]`` table of notebooks/<study>/claims.toml. Raises ValueError naming a malformed one."""
        fields = dict(table)
        published = fields.pop("published", None)
        try:
            claim = cls(
                test=Test.parse(fields.pop("test", {})),
                published=Published(**published) if published else None,
                amended=tuple(fields.pop("amended", ())),
                **fields,
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"claim {table.get('id', table)!r}: {error}; see CONTRIBUTING.md for the fields of a claim") from error
        if not claim.id.startswith(notebook_prefix) or not claim.notebook.startswith(notebook_prefix):
            raise ValueError(f"claim {claim.id!r}, notebook {claim.notebook!r}: both must start with {notebook_prefix!r}")
        return claim


@dataclass(frozen=True)
class Verdict:
    """What a run says of a claim: the mean over `n_seeds` with its interval, and the verdict. Shown in words in a notebook."""

    id: str
    value: float
    low: float
    high: float
    n_seeds: int
    verdict: str
    test: str
    statement: str

    def __str__(self) -> str:
        return (
            f"{self.id}: {self.verdict}. {self.value:.3g} [{self.low:.3g}, {self.high:.3g}], n = {self.n_seeds}, test {self.test}"
        )

    def _repr_markdown_(self) -> str:
        spread = f" [{self.low:.3g}, {self.high:.3g}]" if self.n_seeds > 1 else ""
        seeds = f", n = {self.n_seeds} seeds" if self.n_seeds > 1 else ", exact"
        return (
            f"**{self.verdict}** · {self.statement}  \nmeasured {self.value:.3g}{spread}{seeds} · test: {self.test} · `{self.id}`"
        )


def ledger() -> dict[str, Claim]:
    """All claims by id, in the order of the studies' files. Raises ValueError for a malformed or a repeated claim."""
    claims: dict[str, Claim] = {}
    for study in STUDIES:
        try:
            path = resource(f"notebooks/{study}/claims.toml")
        except FileNotFoundError:
            continue  # a study whose notebooks are still to come
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
        except ValueError as error:
            raise ValueError(f"{path}: not readable as TOML ({error})") from error
        for table in tables:
            claim = Claim.parse(table, f"{study}/")
            if claim.id in claims:
                raise ValueError(f"claim {claim.id!r} stands twice in {path}")
            claims[claim.id] = claim
    return claims


def judge(claim_id: str, values: Any) -> Verdict:
    """The verdict on a claim from its values over seeds, shape (S,).

    A claim marked deterministic has no seeds: its one value is its interval. Any other with fewer than three seeds is undecided.
    Raises KeyError for an id the ledger does not hold, ValueError for values that are not finite.
    """
    claims = ledger()
    if claim_id not in claims:
        import difflib

        near = difflib.get_close_matches(claim_id, claims, 1)
        hint = f"did you mean {near[0]!r}?" if near else "write it into claims.toml before the first run"
        raise KeyError(f"no claim {claim_id!r} in the ledger: {hint}")
    claim, sample = claims[claim_id], array(values).reshape(-1)
    if claim.deterministic and sample.size != 1:
        raise ValueError(f"claim {claim_id!r} is deterministic, so it takes one value, not {sample.size}")
    interval = bootstrap(sample)
    verdict = claim.test.verdict(interval.low, interval.high)
    if not claim.deterministic and interval.n < MIN_SEEDS:
        verdict = UNDECIDED
    return Verdict(claim.id, interval.value, interval.low, interval.high, interval.n, verdict, claim.test.words, claim.statement)


def report(claim_id: str, values: Any) -> Verdict:
    """Judge a claim as `judge` does, and write verdict and values to the run's record when there is one."""
    result = judge(claim_id, values)
    if folder := os.environ.get("WHENCE_RUN_DIR"):
        line = json.dumps({**asdict(result), "values": array(values).reshape(-1).tolist()})
        with (Path(folder) / "claims.jsonl").open("a") as file:
            file.write(line + "\n")
    return result
