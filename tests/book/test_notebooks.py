"""Every notebook of the project, run at the smallest sizes, as the book was built from."""

from __future__ import annotations

import json

import pytest

from whence.claims.ledger import ledger
from whence.runs.params import notebooks

pytestmark = [pytest.mark.xdist_group("book"), pytest.mark.timeout(1800)]


@pytest.mark.parametrize("notebook", notebooks())
def test_every_notebook_runs_small_and_reports_every_claim_that_is_its_own(checkout, notebook):
    record = json.loads((checkout / "book" / "studies" / f"{notebook}.json").read_text())
    assert record["profile"] == "smoke"
    own = [name for name, claim in ledger().items() if claim.notebook == notebook]
    assert own
    assert [claim["id"] for claim in record["claims"]] == own
