"""Self-contained HTML pages, made from templates that extend a common one."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from noisylabel._support.files import local_path, write_whole
from noisylabel.pages._charts import CONFIG, chart_library, printable

_HERE = Path(__file__).parent


class _Inline(NamedTuple):
    """A script or style sheet and what the content security policy says to allow it and no other."""

    text: Markup
    source: str


def write_page(path: str | Path, template: Path, scripts: Sequence[str] = (), **context: Any) -> Path:
    """Write one HTML page, without anything loaded from elsewhere.

    Parameters
    ----------
    path : str or Path
        Where to write.
    template : Path
        Jinja2 template that extends ``base.html.jinja``; templates of its own folder can be included too. What it
        shows is escaped, so that no value can be markup.
    scripts : sequence of str, default=()
        Names of files beside the template: scripts that run after those of all pages.
    **context
        What the template shows. A chart is given as :func:`noisylabel.pages.chart` makes it.

    Returns
    -------
    Path
    """
    own = [_inline((template.parent / name).read_text(encoding="utf-8")) for name in scripts]
    page = _environment(template.parent).get_template(template.name).render(own_scripts=own, **context)
    path = local_path("path", path)
    write_whole(path, page.encode(errors="replace"))
    return path


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "" if value is None else printable(value) if isinstance(value, str) else value,
    )
    environment.globals |= {
        "style": _inline((_HERE / "page.css").read_text(encoding="utf-8")),
        "script": _inline((_HERE / "page.js").read_text(encoding="utf-8")),
        "library": _inline(chart_library()),
        "chart_config": CONFIG,
    }
    environment.filters["percent"] = percent
    environment.filters["twice"] = lambda value: (value, value)
    return environment


def _inline(text: str) -> _Inline:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Inline(Markup(text), f"'sha256-{digest}'")


def percent(share: float) -> str:
    """Return a share in [0, 1] in percent, as text: ``0.25`` as "25 %", a small one with a decimal."""
    return f"{100 * share:.{1 if share < 0.1 else 0}f} %"
