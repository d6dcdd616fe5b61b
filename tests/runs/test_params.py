from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.runs import params
from whence.runs.literals import EXAMPLES, parse
from whence.runs.params import NotebookError, Parameter, UsageError, parameters, resolve

CELL = """# %% tags=["parameters"]
# a heading of one's own
n_seeds: int = 5  # how many seeds
seed: int = 0  # the first
first: int = 1
sigma: float = 1  # noise level
sizes: list[int] = [8, 16]
levels: list[float] = [
    0.1,
    2,
]  # over two decades
grey: bool = False  # one channel
name: str = "x # y"  # any text

"""


def test_the_cell_gives_names_types_defaults_and_help(notebook):
    assert parameters(notebook("a", parameters=CELL)) == [
        Parameter("n_seeds", "int", 5, "how many seeds"),
        Parameter("seed", "int", 0, "the first"),
        Parameter("first", "int", 1, ""),
        Parameter("sigma", "float", 1.0, "noise level"),
        Parameter("sizes", "list[int]", [8, 16], ""),
        Parameter("levels", "list[float]", [0.1, 2.0], "over two decades"),
        Parameter("grey", "bool", False, "one channel"),
        Parameter("name", "str", "x # y", "any text"),
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("seed = 0", "expected name: type = literal"),
        ("import os", "expected name: type = literal"),
        ("seed: int", "expected name: type = literal"),
        ("seed: int = 1 + open('x')", "is not a literal"),
        ("seed: int = 3.0", "3.0 is not an int"),
        ("seed: int = True", "True is not an int"),
        ("seed: int = -1", "-1 is not int >= 0"),
        ("n_seeds: int = 0", "0 is not int >= 1"),
        ("sigma: float = False", "False is not a finite float"),
        ("sigma: float = 1e999", "inf is not a finite float"),
        ("sizes: list[int] = [1, 2.5]", "2.5 is not an int"),
        ("sizes: dict = {}", "has type dict"),
        ("seed: int = (", "was never closed"),
    ],
)
def test_anything_else_in_the_cell_is_refused_with_file_and_line(notebook, line, complaint):
    path = notebook("a", parameters=f'# %% tags=["parameters"]\nfirst: int = 0\n{line}\n\n')
    with pytest.raises(NotebookError) as caught:
        parameters(path)
    number = path.read_text().split("\n").index(line) + 1
    assert f"{path}, line {number}" in str(caught.value)
    assert complaint in str(caught.value)


def test_a_notebook_has_exactly_one_parameters_cell(notebook):
    for cells in ("", CELL + CELL.replace("n_seeds", "m_seeds")):
        with pytest.raises(NotebookError, match="expected one"):
            parameters(notebook("a", "x = 1", parameters=cells))


def test_a_parameter_given_twice_in_the_cell_is_refused(notebook):
    with pytest.raises(NotebookError, match="'seed' stands twice"):
        parameters(notebook("a", parameters='# %% tags=["parameters"]\nseed: int = 0\nseed: int = 1\n'))


def test_reading_parameters_runs_nothing(notebook, project):
    text = f'# %% tags=["parameters"]\nseed: int = open("{project}/ran", "w").write("x")\n'
    with pytest.raises(NotebookError):
        parameters(notebook("a", parameters=text))
    assert not (project / "ran").exists()


def test_the_command_line_wins_over_the_profile_and_the_profile_over_the_cell(notebook, project):
    notebook("a", parameters=CELL)
    (project / "notebooks" / "profiles.toml").write_text('[smoke."locality/a"]\nn_seeds = 2\nsigma = 3\n')
    assert resolve("locality/a", "laptop")["n_seeds"] == 5
    values = resolve("locality/a", "smoke", ["n_seeds=1"])
    assert (values["n_seeds"], values["sigma"], values["grey"]) == (1, 3.0, False)
    assert isinstance(values["sigma"], float)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("n_seeds=1", 1),
        ("first=-3", -3),
        ("sigma=3", 3.0),
        ("sigma=1e-3", 0.001),
        ("sizes=1,2, 3", [1, 2, 3]),
        ("sizes=7", [7]),
        ("sizes=[]", []),
        ("levels=[1, 0.5]", [1.0, 0.5]),
        ("grey=true", True),
        ("grey=False", False),
        ("name=a=b, c", "a=b, c"),
        ("name=", ""),
    ],
)
def test_an_override_is_read_as_the_declared_type(notebook, override, value):
    notebook("a", parameters=CELL)
    assert resolve("locality/a", "laptop", [override])[override.split("=")[0]] == value


@pytest.mark.parametrize(
    "override",
    [
        *("n_seeds=3.0", "n_seeds=1e3", "n_seeds=true", "n_seeds=", "sigma=small", "sigma=nan", "sigma=inf"),
        *("grey=1", "grey=yes", "sizes=1,2.5", "sizes=", "sizes=[1", "sizes=[true]", "levels=a,b"),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(notebook, override):
    notebook("a", parameters=CELL)
    name, _, text = override.partition("=")
    kind = next(p.type for p in parameters(params.source("locality/a")) if p.name == name)
    with pytest.raises(UsageError) as caught:
        resolve("locality/a", "laptop", [override])
    wanted = "int >= 1" if name == "n_seeds" else kind
    assert str(caught.value) == f"-p {name}={text}: expected {wanted}, for example -p {name}={EXAMPLES[kind]}"


@pytest.mark.parametrize(("override", "least"), [("n_seeds=0", 1), ("n_seeds=-3", 1), ("seed=-1", 0)])
def test_a_count_below_one_or_a_seed_below_zero_is_refused_with_an_example(notebook, override, least):
    notebook("a", parameters=CELL)
    name = override.split("=")[0]
    with pytest.raises(UsageError) as caught:
        resolve("locality/a", "laptop", [override])
    assert str(caught.value) == f"-p {override}: expected int >= {least}, for example -p {name}=5"


def test_only_whole_numbers_are_counts(notebook):
    """A list or a factor may be named n_... and hold a zero."""
    cell = '# %% tags=["parameters"]\nn_range: list[int] = [0, 5]\nn_share: float = 0.0\nnow: int = 0\n'
    notebook("a", parameters=cell)
    assert resolve("locality/a", "laptop", ["now=-1"]) == {"n_range": [0, 5], "n_share": 0.0, "now": -1}


def test_the_examples_of_the_messages_are_themselves_accepted(notebook):
    defaults = {"int": "0", "float": "0.0", "bool": "False", "str": "''"}
    cell = "".join(f"p{i}: {kind} = {defaults.get(kind, '[]')}\n" for i, kind in enumerate(EXAMPLES))
    notebook("a", parameters=f'# %% tags=["parameters"]\n{cell}\n')
    resolve("locality/a", "laptop", [f"p{i}={example}" for i, example in enumerate(EXAMPLES.values())])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(), st.booleans())
def test_a_value_typed_as_it_is_shown_is_the_same_value(levels, count, flag):
    shown = ",".join(map(str, levels))
    assert parse("list[float]", shown) == levels
    assert parse("int", str(count)) == count
    assert parse("bool", str(flag)) is flag


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("n_sedes=3", "locality/a has no parameter 'n_sedes': did you mean 'n_seeds'? (parameters: n_seeds, seed, first, sigma, "),
        ("zzz=3", "locality/a has no parameter 'zzz' (parameters: "),
        ("n_seeds", "expected name=value"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(notebook, override, complaint):
    notebook("a", parameters=CELL)
    with pytest.raises(UsageError) as caught:
        resolve("locality/a", "laptop", [override])
    assert complaint in str(caught.value)


def test_a_parameter_given_twice_is_refused(notebook):
    notebook("a", parameters=CELL)
    with pytest.raises(UsageError, match="given twice"):
        resolve("locality/a", "laptop", ["sigma=1", "sigma=2"])


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('[smoke."locality/a"]\nn_sedes = 2', "did you mean 'n_seeds'?"),
        ('[smoke."locality/a"]\nn_seeds = 2.0', "2.0 is not an int"),
        ('[smoke."locality/a"]\nn_seeds = true', "True is not an int"),
        ('[smoke."locality/a"]\nn_seeds = 0', "0 is not int >= 1"),
        ('[smoke."locality/b"]\nn_seeds = 2', "no such notebook: did you mean 'locality/a'?"),
        ('[smoky."locality/a"]\nn_seeds = 2', "no profile 'smoky': did you mean 'smoke'?"),
        ("[smoke", "not TOML"),
    ],
)
def test_a_profile_that_says_what_cannot_be_is_refused_with_its_file(notebook, project, table, complaint):
    notebook("a", parameters=CELL)
    path = project / "notebooks" / "profiles.toml"
    path.write_text(table)
    with pytest.raises(NotebookError) as caught:
        resolve("locality/a", "smoke")
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_data_set_has_to_be_in_the_registry_and_a_device_to_be_one(notebook):
    notebook("a", parameters='# %% tags=["parameters"]\ndataset: str = "photos"\ndevice: str = "auto"\n')
    with pytest.raises(UsageError, match=r"no data set 'cifar': did you mean 'cifar10'\? .*photos"):
        resolve("locality/a", "laptop", ["dataset=cifar"])
    with pytest.raises(UsageError, match=r"no data set 'cifar': did you mean 'cifar10'\?"):
        resolve("locality/a", "laptop", ["dataset=mnist+cifar"])
    assert resolve("locality/a", "laptop", ["dataset=mnist+cifar10"])["dataset"] == "mnist+cifar10"
    with pytest.raises(UsageError, match="expected auto, cpu, cuda or cuda:0"):
        resolve("locality/a", "laptop", ["device=gpu"])
    assert resolve("locality/a", "paper", ["dataset=digits", "device=cuda:1"]) == {"dataset": "digits", "device": "cuda:1"}


def test_a_notebook_is_found_by_name_or_path_and_an_unknown_one_refused_with_the_nearest(notebook):
    notebook("sensitivity")
    notebook("_draft")
    assert params.notebooks() == ["locality/sensitivity"]
    for name in ("locality/sensitivity", "notebooks/locality/sensitivity.py", "./notebooks/locality/sensitivity.py"):
        assert params.find(name) == "locality/sensitivity"
    with pytest.raises(UsageError, match="no notebook 'locality/sensitvity': did you mean 'locality/sensitivity'"):
        params.find("locality/sensitvity")
