"""Self-contained HTML pages: a template, the data that it shows, and the script that all pages share."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from noisylabel._support.files import write_whole


def write_page(path: str | Path, template: Traversable, data: Any) -> Path:
    """Write one HTML page, without anything loaded from elsewhere.

    Parameters
    ----------
    path : str or Path
        Where to write.
    template : Traversable
        HTML file whose script has ``/*DATA*/null`` where the data go, and ``/*SHARED*/`` where ``page.js`` goes if it
        needs that.
    data : dict or list
        Plain values; numbers are finite.

    Returns
    -------
    Path
    """
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")  # so that no text can end the script
    shared = files("noisylabel.pages").joinpath("page.js").read_text(encoding="utf-8")
    page = template.read_text(encoding="utf-8").replace("/*SHARED*/", shared).replace("/*DATA*/null", text)
    path = Path(path)
    write_whole(path, page.encode())
    return path
