"""CONTRIBUTING.md names the fields there are."""

import re
from dataclasses import fields

from whence.claims.ledger import Claim, Published
from whence.data.entries import Array, Dataset, Source
from whence.resources import project_root


def section(title):
    text = (project_root() / "CONTRIBUTING.md").read_text()
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def test_the_fields_of_a_claim_are_those_of_the_ledger():
    rows = re.findall(r"^\| (`.+?) \|", section("A claim"), re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {field.name for field in fields(Claim)}
    assert all(field.name in section("A claim") for field in fields(Published))


def test_the_fields_of_a_data_set_are_those_of_the_registry():
    words = set(re.findall(r"\w+", section("A data set")))
    optional = {"md5", "package", "members"}
    plural = {"sources": "source", "arrays": "array", "splits": "split"}
    for kind in (Dataset, Source, Array):
        assert {plural.get(field.name, field.name) for field in fields(kind)} - optional <= words
