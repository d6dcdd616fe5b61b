"""Who may import whom, and what no module may do: read from the source, so that no import has to fail first.

ground (src/whence/*.py) <- rooms (src/whence/<folder>/) <- roof (cli.py and runs/) and, outdoors, the notebooks.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from whence.claims.ledger import STUDIES
from whence.resources import project_root

ROOT = project_root()
PACKAGE = ROOT / "src" / "whence"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/*.py"))
EXTENSIONS = sorted((ROOT / "book" / "_ext").glob("*.py"))
ROOF = {"cli", "runs"}
HEAVY = {
    "torch",
    "matplotlib",
    "seaborn",
    "sklearn",
    "skimage",
    "papermill",
    "nbclient",
    "jupyter_client",
    "jupyter_book",
    "sphinx",
}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".cff", ".css", ".js", ".bib", ".lock"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a tree, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported: not those in functions, nor those only a type checker sees."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from at_import(node.orelse)
            continue
        yield node
        blocks = [node, *getattr(node, "handlers", [])]
        for field in ("body", "orelse", "finalbody"):
            yield from (inner for block in blocks for inner in at_import(getattr(block, field, [])))


def place(module: str) -> str:
    """The room, roof or ground module that whence.<...> belongs to; "" for the package itself."""
    name = module.split(".")[1] if "." in module else ""
    return name if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file() else ""


def is_room(name: str) -> bool:
    return name not in ROOF and (PACKAGE / name).is_dir()


def breaches_of_floors(home: str, source: str) -> list[str]:
    """What a module at home (its folder, or its own name for a ground module) imports and may not."""
    found = []
    for module in imported(ast.parse(source)):
        if module.startswith("."):
            found.append(f"{module}: relative")
        target = place(module) if module.split(".")[0] == "whence" else ""
        if not target or home in ROOF or target == home:
            continue
        if target in ROOF or is_room(target):
            found.append(module)
    return found


def forbidden(source: str) -> list[str]:
    """What runs code out of data or text: pickles in any dress, eval, exec, a shell."""
    tree, found = ast.parse(source), []
    found += [
        m for m in imported(tree) if m.split(".")[0] in {"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
    ]
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        name = ast.unparse(node.func)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if name in {"eval", "exec", "__import__", "torch.load", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}:
            found.append(name)
        if name in {"np.load", "numpy.load"} and options.get("allow_pickle") != "False":
            found.append(f"{name} without allow_pickle=False")
        if options.get("shell") == "True":
            found.append(f"{name} with a shell")
    return found


def studies_named(source: str) -> list[str]:
    """Strings of code (not of documentation) that are a study's name or a path below it."""
    tree = ast.parse(source)
    prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    strings = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in prose)
    return [n.value for n in strings if re.search(rf"(^|\s)({'|'.join(STUDIES)})(/|$)", n.value)]


def absolute_paths(text: str) -> list[str]:
    """Places that exist on one machine only."""
    return re.findall(r"(?<![\w.:/~}>-])/(?:home|root|Users|work|tmp|mnt|private|scratch)/[\w.-]*", text)


def place_of(path: Path) -> str:
    """The room, roof or ground module that a file is, or lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_import_the_ground_and_their_own_room_only(path):
    assert breaches_of_floors(place_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("home", "source"),
    [
        ("data", "from whence.measures.sensitivity import radius"),
        ("data", "from whence import measures"),
        ("data", "def f():\n    import whence.runs.record"),
        ("data", "import whence.cli"),
        ("data", "from . import registry"),
        ("seeds", "from whence.data.registry import registry"),
        ("seeds", "from whence.runs import record"),
    ],
)
def test_a_breach_of_floors_is_seen(home, source):
    assert len(breaches_of_floors(home, source)) == 1


@pytest.mark.parametrize(
    ("home", "source"),
    [
        ("data", "from whence.seeds import stream\nfrom whence.data.entries import parse\nfrom whence import __version__"),
        ("runs", "def f():\n    from whence.data.registry import registry"),
        ("cli", "from whence.runs import record"),
    ],
)
def test_what_the_floors_allow_is_let_pass(home, source):
    assert breaches_of_floors(home, source) == []


@pytest.mark.parametrize("path", [p for p in MODULES if place_of(p) in ROOF], ids=relative)
def test_the_roof_imports_nothing_heavy_at_module_level(path):
    statements = at_import(ast.parse(path.read_text()).body)
    tops = [n for n in statements if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [m for n in tops for m in imported(n) if m.split(".")[0] in HEAVY] == []


def test_what_runs_at_import_leaves_out_functions_and_type_checking_only():
    guarded = "if TYPE_CHECKING:\n    import b\nelse:\n    import c\n"
    tried = "try:\n    import d\nexcept ImportError:\n    import e\nfinally:\n    import f\n"
    source = f"import a\n{guarded}{tried}def later():\n    import g\n"
    seen = [n.names[0].name for n in at_import(ast.parse(source).body) if isinstance(n, ast.Import)]
    assert sorted(seen) == ["a", "c", "d", "e", "f"]


def test_the_whole_roof_is_imported_without_anything_heavy():
    names = [
        ".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts)
        for p in MODULES
        if place_of(p) in ROOF and p.stem != "__init__"
    ]
    code = (
        f"import importlib, sys\nfor name in {names}:\n    importlib.import_module(name)\n"
        f"heavy = sorted({HEAVY} & set(sys.modules))\nassert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "whence.cli" in names


def test_there_are_notebooks_to_check():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebooks_never_import_the_roof(path):
    assert [m for m in imported(ast.parse(path.read_text())) if m.startswith("whence") and place(m) in ROOF] == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_names_a_study_but_the_ledgers_list(path):
    found = studies_named(path.read_text())
    assert found == (list(STUDIES) if path == PACKAGE / "claims" / "ledger.py" else [])


def test_a_study_is_seen_as_a_name_and_as_a_path_and_not_in_prose():
    study = STUDIES[0]
    assert len(studies_named(f"x = '{study}'\ny = f'run {study}/' + name")) == 2
    assert studies_named(f"'''On {study}.'''\nx = '{study} of fields'") == []


@pytest.mark.parametrize("path", [*MODULES, *NOTEBOOKS, *EXTENSIONS], ids=relative)
def test_no_module_can_run_code_out_of_data(path):
    assert forbidden(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "exec(text)",
        "model = torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_code_out_of_data_is_seen(source):
    assert len(forbidden(source)) == 1


def test_a_model_may_be_put_into_evaluation_and_plain_arrays_may_be_loaded():
    assert forbidden("model.eval()\nnp.load(path, allow_pickle=False)\nsubprocess.run([sys.executable])") == []


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py" and p.parent != PACKAGE], ids=relative)
def test_rooms_have_empty_init_files(path):
    assert path.read_text() == ""


def test_no_file_holds_an_absolute_path():
    folders = ("src", "notebooks", "tests", "book", "data", ".github")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in TEXT and "studies" not in p.parts]
    files += [p for p in ROOT.iterdir() if p.is_file() and (p.suffix in TEXT or p.name == "Makefile")]
    found = {relative(p): hits for p in files if "cache" not in p.parts and (hits := absolute_paths(p.read_text()))}
    assert found == {}


def test_an_absolute_path_is_seen_and_addresses_are_not():
    folder = "ho" + "me"
    assert absolute_paths(f"open('/{folder}/ada/x')") == [f"/{folder}/ada"]
    assert absolute_paths(f"see https://example.org/{folder}/x and src/{folder}/y and /path/to/python") == []
