"""What data/registry.toml says, and what is refused when it says it wrongly."""

import re
import subprocess
import sys
from collections import Counter
from itertools import combinations

import pytest

from whence.data.entries import parse
from whence.data.registry import arrays, dataset, fetch, fingerprint, registry, verify
from whence.resources import resource

GOOD = {
    "title": "a",
    "kind": "download",
    "format": "idx",
    "shape": [28, 28, 1],
    "white": 255,
    "licence": "none",
    "citation": "nobody2026",
    "note": "",
    "mirrors": ["http://127.0.0.1/"],
    "source": [{"file": "a.gz", "bytes": 1, "sha256": "0" * 64}],
    "array": {"train": {"files": ["a.gz"], "count": 10, "sha256": "0" * 64, "labels_sha256": "0" * 64}},
    "split": {"train": {"array": "train", "start": 0, "stop": 8}, "test": {"array": "train", "start": 8, "stop": 10}},
}


def test_every_set_has_train_validation_and_test():
    assert {name: tuple(entry.splits) for name, entry in registry().items()} == dict.fromkeys(
        ("photos", "textures", "digits", "fields", "mnist", "fashion_mnist", "cifar10"), ("train", "validation", "test")
    )


@pytest.mark.parametrize("name", ["digits", "mnist", "fashion_mnist", "cifar10"])
def test_the_splits_cover_every_stored_image_once(name):
    entry = dataset(name)
    rows = Counter((split.array, row) for split in entry.splits.values() for row in range(split.start, split.stop))
    assert set(rows.values()) == {1}
    assert len(rows) == sum(array.count for array in entry.arrays.values())


def test_what_the_last_5000_training_images_are_held_out_for():
    for name in ("mnist", "fashion_mnist", "cifar10"):
        entry = dataset(name)
        held_out = entry.splits["validation"]
        assert (held_out.count, held_out.stop) == (5000, entry.arrays["train"].count)


def test_every_citation_is_in_the_bibliography():
    keys = set(re.findall(r"@\w+\{([^,\s]+),", resource("book/references.bib").read_text()))
    assert {entry.citation for entry in registry().values()} <= keys


def test_every_entry_says_whose_it_is_and_how_much():
    for entry in registry().values():
        assert entry.licence
        assert entry.title
        assert entry.note
        assert entry.kind == "procedural" or entry.bytes > 1000


def test_no_two_files_share_a_checksum():
    sums = [source.sha256 for entry in registry().values() for source in entry.sources]
    sums += [array.sha256 for entry in registry().values() for array in entry.arrays.values()]
    assert [pair for pair in combinations(sums, 2) if pair[0] == pair[1]] == []


def test_an_unknown_set_is_refused_with_the_nearest_and_all_names():
    with pytest.raises(ValueError, match=r"no data set 'cifar': did you mean 'cifar10'\? There are photos, .*fashion_mnist"):
        dataset("cifar")


def test_an_unknown_split_is_refused_with_all_names():
    with pytest.raises(ValueError, match="'digits' has no split 'val'; it has train, validation, test"):
        arrays("digits", "val")


@pytest.mark.parametrize("name", ["photos", "textures", "fields"])
def test_sets_that_are_made_when_asked_for_have_no_arrays(name):
    with pytest.raises(ValueError, match=r"images\.draw"):
        arrays(name, "train")


def test_a_good_entry_is_read():
    assert parse("a", GOOD).splits["test"].count == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "magic"}, "kind 'magic': expected one of bundled"),
        ({"format": "pickle"}, "format 'pickle': expected one of photographs"),
        ({"shape": [28, 28]}, "shape"),
        ({"shape": [28, 28, 4]}, "1 or 3 channels"),
        ({"mirrors": []}, "needs mirrors"),
        ({"colour": "red"}, "colour"),
        ({"source": [{"file": "a.gz", "bytes": 1, "sha256": "0" * 63}]}, "64 lower-case hexadecimal digits"),
        ({"source": []}, "which is no source"),
        ({"kind": "bundled"}, "in which package"),
        ({"source": [{"file": "a.gz", "bytes": 1, "sha256": 0}]}, "an entry has the fields"),
        ({"split": {"train": {"array": "train", "start": "0", "stop": 8}}}, "an entry has the fields"),
        ({"split": {"train": {"array": "train", "start": 0, "stop": 11}}}, r"takes 0\.\.11"),
        ({"split": {"train": {"array": "tarin", "start": 0, "stop": 1}}}, "'tarin'"),
        ({"split": {"a": {"array": "train", "stop": 6}, "b": {"array": "train", "start": 5, "stop": 9}}}, "'a' and 'b' overlap"),
    ],
)
def test_a_malformed_entry_is_refused_by_name(change, words):
    with pytest.raises(ValueError, match=rf"\[a\].*{words}"):
        parse("a", GOOD | change)


@pytest.mark.parametrize("missing", ["title", "kind", "shape", "licence", "citation", "note", "split"])
def test_an_entry_without_a_field_is_refused_with_the_fields_there_are(missing):
    with pytest.raises(ValueError, match=rf"\[a\].*{missing}.*an entry has the fields"):
        parse("a", {key: value for key, value in GOOD.items() if key != missing})


def test_a_registry_that_is_not_toml_is_refused_by_path(project):
    project.registry.write_text("[mnist\n")
    with pytest.raises(ValueError, match=r"registry\.toml: not valid TOML"):
        registry()


def test_any_change_to_an_entry_changes_its_fingerprint_and_no_other(project):
    before = {name: fingerprint(name) for name in registry()}
    assert before == {name: fingerprint(name) for name in registry()}
    text = project.registry.read_text()
    for old, new in (('title = "clothes"', 'title = "dress"'), ("stop = 25 }", "stop = 24 }"), ("bytes = ", "bytes = 1")):
        assert old in text
        project.registry.write_text(text.replace(old, new, 1))
        assert fingerprint("clothes") != before["clothes"], old
        assert fingerprint("tiny") == before["tiny"], old


def test_the_fingerprint_of_two_sets_changes_with_either(project):
    before, text = fingerprint("tiny+clothes"), project.registry.read_text()
    assert before != fingerprint("tiny")
    assert before != fingerprint("clothes")
    assert before != fingerprint("clothes+tiny")
    for name in ("tiny", "clothes"):
        project.registry.write_text(text.replace(f'title = "{name}"', 'title = "another"', 1))
        assert project.registry.read_text() != text
        assert fingerprint("tiny+clothes") != before, name
    with pytest.raises(ValueError, match="no data set 'tyni': There are clothes, tiny"):
        fingerprint("clothes+tyni")


def test_a_name_with_a_plus_is_refused():
    with pytest.raises(ValueError, match=r"\[a\+b\].*a name without \+"):
        parse("a+b", GOOD)


def test_a_comment_or_the_order_of_fields_leaves_the_fingerprint(project):
    before = fingerprint("clothes")
    text = project.registry.read_text().replace(
        'title = "clothes"\nkind = "download"', '# why\nkind = "download"\ntitle = "clothes"'
    )
    project.registry.write_text(text)
    assert fingerprint("clothes") == before


def test_verify_of_all_passes_sets_that_were_never_fetched_and_says_so(project):
    assert [(check.name, check.ok, check.message) for check in verify()] == [
        (name, True, f"not fetched: whence data fetch {name}") for name in ("clothes", "tiny")
    ]


def test_verify_of_a_named_set_that_is_missing_fails(project):
    assert [check.ok for check in verify(["tiny"])] == [False, False]


def test_verify_finds_the_one_damaged_file(project):
    fetch("clothes")
    path = project.cache / "clothes" / "test.npz"
    path.write_bytes(path.read_bytes()[:-50])
    assert [(check.file, check.ok) for check in verify()] == [("train.npz", True), ("test.npz", False), ("-", True)]
    assert "whence data fetch clothes" in verify()[1].message


def test_verify_finds_an_array_that_is_missing_beside_another(project):
    project.put(project.cache, "clothes", "train")
    assert [(check.file, check.ok) for check in verify()][:2] == [("train.npz", True), ("test.npz", False)]


def test_the_bundled_files_are_as_registered(capsys):
    checks = verify(["photos", "digits", "fields"])
    assert len(checks) == 7 + 2 + 1
    assert all(check.ok for check in checks)
    for name in ("photos", "digits", "fields"):
        assert fetch(name).is_dir()
        assert f"{name}: " in capsys.readouterr().out


def test_a_bundled_file_of_another_version_is_refused_with_the_mend(project):
    content = resource("data/registry.toml")
    assert content == project.registry
    project.registry.write_text(
        '[photos]\ntitle = "p"\nkind = "bundled"\nformat = "photographs"\nshape = [32, 32, 3]\nwhite = 255\nlicence = "l"\n'
        'citation = "c"\nnote = "n"\nsplit.train = { start = 0, stop = 100 }\n'
        f'[[photos.source]]\nfile = "data/coffee.png"\npackage = "skimage"\nbytes = 1\nsha256 = "{"0" * 64}"\n'
    )
    (check,) = verify()
    assert not check.ok
    assert re.search(r"coffee\.png: expected sha256 0000.*found cc02.*pip install .*scikit-image", check.message)


def test_the_registry_and_the_bundled_files_are_read_without_torch_and_without_their_packages():
    code = (
        "import sys; from whence.data import registry as r; assert all(c.ok for c in r.verify(['photos', 'digits', 'fields']));"
        "loaded = {'torch', 'sklearn', 'skimage', 'pooch', 'matplotlib'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
