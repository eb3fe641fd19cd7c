"""Imports point down, and never in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    {"exceptions"},
    {"_support"},
    {"functional"},
    {"utils", "pages", "schedules", "students", "noise", "datasets", "losses"},
    {"curricula"},
    {"mentors"},
    {"callbacks"},
    {"nets"},
    {"issues"},
    {"estimators"},
    {"plots"},
    {"audit", "evaluation", "testing"},
    {"commands"},
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
