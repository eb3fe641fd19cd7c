"""What the API reference shows of docstrings: roles such as ``:class:`Name``` become links to where the name stands."""

import inspect
import re
from collections.abc import Iterator
from functools import partial
from importlib import import_module

import griffe

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")


class DocstringLinks(griffe.Extension):
    """Make links of roles, and leave out methods that say no more than "see the base class"."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: object) -> None:
        """Change the docstrings of a package that has been read."""
        objects = list(_objects(pkg))
        public = {
            name: module[name].target_path if module[name].is_alias else module[name].path
            for module in objects
            if module.is_module
            for name in module.exports or ()
            if name in module.members
        }
        for found in objects:
            if found.docstring is not None and "{parameters}" in found.docstring.value and found.is_class:
                found.docstring.value = _as_help_shows_it(found)
            if found.docstring is not None:
                found.docstring.value = ROLE.sub(partial(_link, found, public), found.docstring.value)
        for found in objects:
            if found.is_class:
                for name in [name for name, member in found.members.items() if _only_refers(member)]:
                    found.del_member(name)


def _objects(top: griffe.Object) -> Iterator[griffe.Object]:
    """Yield an object and all that it defines itself."""
    yield top
    for member in top.members.values():
        if not member.is_alias:
            yield from _objects(member)


def _as_help_shows_it(found: griffe.Object) -> str:
    """Return the docstring of a class whose placeholders are filled in when it is imported."""
    return inspect.getdoc(getattr(import_module(found.module.path), found.name)) or ""


def _only_refers(member: griffe.Object | griffe.Alias) -> bool:
    """Whether the whole docstring of a method is a link to another one."""
    text = "" if member.is_alias or member.docstring is None else member.docstring.value
    return re.fullmatch(r"See <autoref.*</autoref>\.\s*", text) is not None


def _link(found: griffe.Object, public: dict[str, str], role: re.Match[str]) -> str:
    """Return a link to the object that a role names; mere code where the reference has no such object."""
    shortened, name = role.groups()
    first, _, rest = name.partition(".")
    if first in public:
        path = ".".join(filter(None, [public[first], rest]))
    else:
        try:
            path = found.resolve(name)
        except griffe.NameResolutionError:
            path = name
    shown = (name.rpartition(".")[2] if shortened else name).replace("_", "&#95;")  # no Markdown inside
    return f'<autoref identifier="{path}" optional><code>{shown}</code></autoref>'
