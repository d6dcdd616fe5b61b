"""Does what is published still stand? The checks behind `whence claims --check`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from whence.runs import key, params
from whence.runs.record import Record, book_records, published_dir, read_record, root

if TYPE_CHECKING:
    from whence.claims.table import Row


def table() -> list[Row]:
    """The claims table: one row for each claim and each published or committed run that measured it."""
    from whence.claims.ledger import ledger
    from whence.claims.table import rows

    return rows(ledger(), book_records())


def problems() -> list[str]:
    """What is wrong with the published claims, one sentence each; an empty list when every one stands.

    Each claim has to be measured by a published or committed run and to cite a key of book/references.bib; each reported id has
    to be in the ledger; each published run has to be the one that today's code, data and environment would make.
    """
    from whence.claims.ledger import ledger

    claims, records = ledger(), book_records()
    measured = {claim["id"] for record in records for claim in record.claims}
    cited = _bibliography()
    return [
        *(f"{i}: no published run measured it (whence book)" for i in claims if i not in measured),
        *(f"{i}: reported by a published run, but not in the ledger" for i in sorted(measured.difference(claims))),
        *(f"{i}: source {c.source!r} is not in book/references.bib" for i, c in claims.items() if c.source not in cited),
        *_stale(read_record(path) for path in sorted(published_dir().glob("*/*.json"))),
    ]


def _stale(published: Iterable[Record]) -> Iterator[str]:
    known = params.notebooks()
    for record in published:
        if record.notebook not in known:
            yield f"{record.notebook}: published, but there is no such notebook any more"
            continue
        parts = key.parts(record.notebook, record.parameters)
        if key.key(parts) != record.key:
            what = " and ".join(key.changed(record.parts, parts)) or "its key"
            yield f"{record.notebook}: the published run {record.key} is stale, {what} changed since (whence book)"


def _bibliography() -> set[str]:
    path = root() / "book" / "references.bib"
    return set(re.findall(r"^@\w+\{\s*([^,\s]+)", path.read_text(), re.MULTILINE)) if path.exists() else set()
