from __future__ import annotations

from itertools import product

import pytest

from whence.runs import grid
from whence.runs.job import plan
from whence.runs.params import UsageError

CELL = """# %% tags=["parameters"]
dataset: str = "photos"  # data
seed: int = 0  # first
n_seeds: int = 5  # how many
scale: float = 1.0  # a factor
flag: bool = False  # a switch
note: str = ""  # a text
sizes: list[int] = [1, 2]  # widths
words: list[str] = ["a"]  # texts

"""


@pytest.fixture
def written(notebook, project):
    """Write a grid file; returns its path."""
    notebook("a", parameters=CELL)

    def write(text):
        path = project / "grid.toml"
        path.write_text(text)
        return path

    return write


def axes(*given):
    return grid.read("locality/a", None, given).axes


def test_cells_are_every_combination_each_once(notebook):
    notebook("a", parameters=CELL)
    read = grid.read("locality/a", "laptop", ["dataset=photos,digits", "seed=0..2", "scale=0.5"])
    found = [tuple(cell.values()) for cell in read.cells()]
    assert found == list(product(["photos", "digits"], ["0", "1", "2"], ["0.5"]))
    assert (read.notebook, read.profile) == ("locality/a", "laptop")


def test_without_values_there_is_one_cell(notebook):
    notebook("a", parameters=CELL)
    assert grid.read("locality/a").cells() == [{}]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("seed=0..9", list(range(10))),
        ("seed=3..3", [3]),
        ("seed= 0 .. 2 , 7", [0, 1, 2, 7]),
        ("seed=4,1", [4, 1]),
        ("scale=1,2.5", [1.0, 2.5]),
        ("flag=true,false", [True, False]),
        ("note=a..c,b c", ["a..c", "b c"]),  # a range is of whole numbers only
        ("note=", [""]),
        ("sizes=1,2,3", [[1, 2, 3]]),  # one value, as `whence run` reads it
    ],
)
def test_values_are_read_by_the_type_of_the_parameter(notebook, given, values):
    notebook("a", parameters=CELL)
    assert axes(given) == {given.partition("=")[0]: values}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["sede=0..9"], "locality/a has no parameter 'sede': did you mean 'seed'?"),
        (["seed"], "-p seed: expected name=values, for example -p seed=0..9"),
        (["seed=9..0"], "9..0 holds no number, expected the lower end first: 0..9"),
        (["seed=0..x"], "-p seed=0..x: expected int >= 0"),
        (["seed=-3..2"], "-p seed=-3: expected int >= 0"),
        (["n_seeds=0..2"], "-p n_seeds=0: expected int >= 1"),
        (["seed=0..0.5"], "expected int >= 0"),
        (["scale=0..3"], "-p scale=0..3: expected float"),
        (["seed=1,,2"], "nothing between two commas"),
        (["seed=1,"], "nothing between two commas, or after the last"),
        (["seed=1,2,1"], "the value 1 stands twice"),
        (["scale=1,1.0"], "the value 1.0 stands twice"),
        (["seed=1", "seed=2"], "-p seed is given twice: list all its values in one"),
        (["seed=0..100000"], "100,001 values, expected at most 10,000"),
        (["seed=0..999", "n_seeds=1..20"], "a grid of 20,000 cells, expected at most 10,000"),
    ],
)
def test_what_is_mistyped_is_refused_with_the_mend(notebook, given, complaint):
    notebook("a", parameters=CELL)
    with pytest.raises(UsageError) as caught:
        axes(*given)
    assert complaint in str(caught.value)


def test_a_file_is_the_same_grid_as_what_is_typed(written):
    path = written(
        'notebook = "locality/a"\nprofile = "smoke"\n[parameters]\ndataset = ["photos", "digits"]\nseed = "0..2"\nscale = 2\n'
    )
    typed = grid.read("locality/a", "smoke", ["dataset=photos,digits", "seed=0..2", "scale=2"])
    assert grid.read(file=path) == typed


def test_a_text_of_a_file_may_hold_commas_and_dots_and_lists_may_vary(written):
    path = written('[parameters]\nnote = ["a,b..c", "0..9"]\nsizes = [[1, 2], [3]]\nwords = ["x,y", "z"]\nseed = [1, "4..5"]\n')
    read = grid.read("locality/a", file=path)
    assert read.axes == {"note": ["a,b..c", "0..9"], "sizes": [[1, 2], [3]], "words": [["x,y", "z"]], "seed": [1, 4, 5]}
    (first, *_), last = read.cells()[:1], read.cells()[-1]
    values = plan("locality/a", "laptop", [f"{name}={text}" for name, text in first.items()]).parameters
    assert (values["note"], values["sizes"], values["words"], values["seed"]) == ("a,b..c", [1, 2], ["x,y", "z"], 1)
    assert (last["note"], last["sizes"], last["seed"]) == ("0..9", "[3]", "5")


def test_what_is_typed_counts_over_the_file(written):
    path = written('notebook = "locality/a"\n[parameters]\nseed = "0..9"\nscale = 2\n')
    read = grid.read(None, "smoke", ["seed=4"], path)
    assert (read.profile, read.axes) == ("smoke", {"seed": [4], "scale": [2.0]})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("notebook = ", "not TOML"),
        ('notebok = "locality/a"', "'notebok' at the top: did you mean 'notebook'? (expected notebook, profile, parameters)"),
        ('notebook = "locality/a"\nseed = "0..9"', "'seed' at the top under [parameters]?"),
        ("notebook = 3", "notebook = 3, expected a text in quotes"),
        ('parameters = "seed"', "parameters = 'seed', expected a table"),
        ('notebook = "locality/aa"', "no notebook 'locality/aa': did you mean 'locality/a'?"),
        ('notebook = "locality/a"\nprofile = "smok"', "did you mean 'smoke'?"),
        ('notebook = "locality/a"\n[parameters]\nsede = 1', "did you mean 'seed'?"),
        ('notebook = "locality/a"\n[parameters]\nseed = "many"', "seed = 'many': expected int >= 0"),
        ('notebook = "locality/a"\n[parameters]\nseed = []', "seed: no value"),
        ('notebook = "locality/a"\n[parameters]\nseed = [1, 1]', "the value 1 stands twice"),
        ('notebook = "locality/a"\n[parameters]\nflag = 1', "flag = 1: expected bool"),
        ("[parameters]\nseed = 1", "no notebook: name one, or give a grid file that does"),
    ],
)
def test_a_file_that_is_mistyped_is_refused_by_its_name(written, text, complaint):
    path = written(text)
    with pytest.raises(UsageError) as caught:
        grid.read(file=path)
    assert complaint in str(caught.value)


def test_a_file_of_another_notebook_or_none_is_refused(written, notebook, project):
    path = written('notebook = "locality/a"')
    notebook("b")
    with pytest.raises(UsageError, match="is a grid of locality/a, not of locality/b"):
        grid.read("locality/b", file=path)
    with pytest.raises(UsageError, match="cannot be read"):
        grid.read(file=project / "absent.toml")
