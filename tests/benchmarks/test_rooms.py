"""The rooms of the benchmarks import in one direction, and their files in no circle."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ["methods", "cells", "report", "studies", "__main__"]
FILES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for path in (ROOT / "benchmarks").rglob("*.py")
}


def imported(name):
    """The files of the benchmarks that one of them imports."""
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in FILES:
            yield node.module


def height(name):
    return ROOMS.index(name.split(".")[1])


def test_rooms_import_what_stands_before_them():
    edges = [(name, other) for name in FILES if name != "benchmarks" for other in imported(name)]
    assert len(edges) > 50
    assert [f"{name} imports {other}" for name, other in edges if height(other) > height(name)] == []


def test_no_file_imports_itself_by_way_of_others():
    reached = {name: set(imported(name)) for name in FILES}
    for middle in FILES:
        for found in reached.values():
            if middle in found:
                found |= reached[middle]
    assert [name for name, found in reached.items() if name in found] == []


def test_a_room_has_at_most_some_twelve_files():
    sizes = {room: len(list((ROOT / "benchmarks" / room).glob("*.py"))) for room in ROOMS[:-1]}
    assert min(sizes.values()) > 1
    assert {room: size for room, size in sizes.items() if size > 13} == {}
