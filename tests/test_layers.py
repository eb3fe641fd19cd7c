"""Imports point down, and never in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    {"exceptions"},
    {"_support"},
    {"functional"},
    {"utils", "pages", "schedules", "students", "noise", "datasets", "losses", "preprocessing", "distributed"},
    {"curricula"},
    {"mentors"},
    {"callbacks"},
    {"nets"},
    {"issues"},
    {"estimators"},
    {"plots"},
    {"audit", "evaluation", "testing"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules(package):
    return {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path
        for path in (ROOT / package).rglob("*.py")
    }


def imports(path):
    """Modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def part(module):
    """The part of noisylabel that a module belongs to, such as ``nets``; None for the package itself."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[1] != "__init__" else None


def test_every_part_has_a_layer():
    assert {part(name) for name in modules("noisylabel")} - {None} <= LEVEL.keys()


def test_imports_inside_noisylabel_point_down():
    upward = [
        f"{name} imports {imported}"
        for name, path in modules("noisylabel").items()
        if part(name) is not None
        for imported in imports(path)
        if imported.split(".")[0] == "noisylabel"
        and part(imported) != part(name)
        and (part(imported) is None or LEVEL[part(imported)] >= LEVEL[part(name)])
    ]
    assert upward == []


def test_members_import_their_own_family_by_its_file():
    circular = [
        f"{name} imports {imported}"
        for name, path in modules("noisylabel").items()
        if not name.endswith("__init__")
        for imported in imports(path)
        if imported == name.rsplit(".", 1)[0]
    ]
    assert circular == []


@pytest.mark.parametrize(("package", "forbidden"), [("noisylabel", {"sweeps", "benchmarks", "tests"}),
                                                    ("sweeps", {"benchmarks", "tests"}),
                                                    ("benchmarks", {"tests"})])  # fmt: skip
def test_packages_keep_apart(package, forbidden):
    assert [
        f"{name} imports {imported}"
        for name, path in modules(package).items()
        for imported in imports(path)
        if imported.split(".")[0] in forbidden
    ] == []


SWEEP_LAYERS = ["spaces", "config", "trial", "report", "engine", "search", "problem", "__main__"]


def test_imports_inside_sweeps_point_down():
    level = {name: number for number, name in enumerate(SWEEP_LAYERS)}
    known = {name: path for name, path in modules("sweeps").items() if part(name) is not None}
    assert {part(name) for name in known} == level.keys()
    assert [
        f"{name} imports {imported}"
        for name, path in known.items()
        for imported in imports(path)
        if imported.split(".")[0] == "sweeps"
        and (part(imported) != part(name) or imported == name.rsplit(".", 1)[0])
        and (part(imported) is None or level[part(imported)] >= level[part(name)])
    ] == []


def names_imported(path):
    """What a file imports, with dots: modules and the names taken from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("package", ["sweeps", "benchmarks", "examples"])
def test_others_use_public_names_only(package):
    private = [
        f"{name} imports {imported}"
        for name, path in modules(package).items()
        for imported in names_imported(path)
        if imported.split(".")[0] == "noisylabel"
        and any(piece.startswith("_") and piece != "__version__" for piece in imported.split("."))
    ]
    assert private == []


def test_sweeps_use_no_private_part_of_other_packages():
    """Not of Ray, Optuna or skorch, nor of our own objects from outside."""
    private = []
    for name, path in modules("sweeps").items():
        others = [one for one in names_imported(path) if one.split(".")[0] not in ("sweeps", "noisylabel")]
        private += [f"{name} imports {one}" for one in others if any(part.startswith("_") for part in one.split("."))]
        private += [
            f"{name} uses .{node.attr}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.endswith("__")
            and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        ]
    assert private == ["sweeps.problem uses ._described"]


@pytest.mark.parametrize("package", ["noisylabel", "sweeps", "benchmarks"])
def test_no_import_goes_in_a_circle(package):
    known = {name.removesuffix(".__init__"): path for name, path in modules(package).items()}
    graph = {
        name: {part for one in names_imported(path) for part in (one, one.rpartition(".")[0]) if part in known}
        for name, path in known.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(known)  # raises CycleError


@pytest.mark.parametrize("package", ["noisylabel", "sweeps", "benchmarks"])
def test_a_folder_holds_about_a_dozen_files(package):
    folders = {path.parent for path in modules(package).values()}
    crowded = {str(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in crowded.items() if count > 14} == {}
