"""Records and ledger joined: one row for each claim and each run that measured it. The book and `whence claims` print these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from whence.claims.ledger import NOT_RUN, Claim


class Run(Protocol):
    """What a table needs of a run record."""

    @property
    def notebook(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def claims(self) -> list[dict]: ...


@dataclass(frozen=True)
class Row:
    """One line of the claims table; a claim that no run has measured has verdict "not run" and no numbers.

    `published` is given only when the figure was seen in its source and is for this row's data set; a recalled one is never shown.
    """

    id: str
    statement: str
    source: str
    where: str
    measure: str
    test: str
    published: float | None
    published_label: str | None
    value: float | None
    low: float | None
    high: float | None
    n_seeds: int | None
    verdict: str
    profile: str | None
    device: str | None
    dataset: str | None
    notebook: str
    key: str | None


def rows(claims: dict[str, Claim], runs: Iterable[Run]) -> list[Row]:
    """One row for each claim and each run that reported it, in the ledger's order.

    Runs of the same notebook, data set and profile are one experiment: of those the last given counts.
    """
    latest = {(run.notebook, run.dataset, run.profile): run for run in runs}
    table = []
    for claim in claims.values():
        found = [(run, c) for run in latest.values() if run.notebook == claim.notebook for c in run.claims if c["id"] == claim.id]
        if claim.deterministic or claim.data:  # the run's data set does not move it: the run with most seeds says it all
            found = sorted(found, key=lambda pair: pair[1]["n_seeds"])[-1:]
        table += [_row(claim, run, measured) for run, measured in found] or [_row(claim, None, {})]
    return table


def quoted(table: Iterable[Row], claim: str, dataset: str) -> Row | None:
    """What a page quotes for a claim on a data set: the run with most seeds, of equal ones the last; None without one."""
    found = [row for row in table if (row.id, row.dataset) == (claim, dataset) and row.value is not None]
    return max(reversed(found), key=lambda row: row.n_seeds or 0, default=None)


def _row(claim: Claim, run: Run | None, measured: dict) -> Row:
    figure, dataset = claim.published, (claim.data or run.dataset) if run else None
    shown = figure if figure and figure.label == "seen" and (run is None or dataset == figure.dataset) else None
    return Row(
        id=claim.id,
        statement=claim.statement,
        source=claim.source,
        where=claim.where,
        measure=claim.measure,
        test=claim.test.words,
        published=shown.value if shown else None,
        published_label=shown.label if shown else None,
        value=measured.get("value"),
        low=measured.get("low"),
        high=measured.get("high"),
        n_seeds=measured.get("n_seeds"),
        verdict=measured.get("verdict", NOT_RUN),
        profile=run.profile if run else None,
        device=run.device if run else None,
        dataset=dataset,
        notebook=claim.notebook,
        key=run.key if run else None,
    )


def score(table: Iterable[Row]) -> Counter[str]:
    """How many rows have each verdict: the book's score."""
    return Counter(row.verdict for row in table)
