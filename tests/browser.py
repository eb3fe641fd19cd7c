"""A real headless browser: what a page looks like after its scripts ran, and what they complained about."""

import base64
import hashlib
import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=2000",  # for charts, which are drawn in later turns
)
_SECONDS = 60


class Browser:
    """Open pages in a browser, each time with a new profile.

    Windows are at least 500 pixels wide, whatever is asked for. A message that a page writes to the console, as errors
    and refused requests do, fails the test.
    """

    def __init__(self, program, folder):
        self.program = program
        self.folder = Path(folder)
        self.n_runs = 0

    def dom(self, page, fragment="", script=None, size=(1280, 900)):
        """Return the document after its scripts ran, as HTML; ``script`` runs after the page's own."""
        page = Path(page) if script is None else self._with_script(Path(page), script)
        return self._run(page, fragment, "--dump-dom", f"--window-size={size[0]},{size[1]}")

    def screenshot(self, page, fragment="", *, size=(1280, 900), dark=False, path=None):
        """Return a picture of the window as an array (height, width, 3)."""
        path = path or self.folder / f"screenshot-{self.n_runs}.png"
        dark_mode = ["--blink-settings=preferredColorScheme=0"] if dark else []
        self._run(page, fragment, f"--screenshot={path}", f"--window-size={size[0]},{size[1]}", *dark_mode)
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))

    def _run(self, page, fragment, *options):
        self.n_runs += 1
        profile = self.folder / f"profile-{self.n_runs}"
        address = Path(page).resolve().as_uri() + (f"#{fragment}" if fragment else "")
        command = [self.program, *_OPTIONS, f"--user-data-dir={profile}", *options, address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        said = re.findall(r"CONSOLE.*", done.stderr)
        assert said == [], f"the page says: {said}"
        return done.stdout

    def _with_script(self, page, script):
        """Return a copy of a page with one more script, which its policy allows."""
        copy, text = self.folder / f"scripted-{self.n_runs}.html", page.read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
        assert allowed != text
        copy.write_text(f"{allowed}<script>{script}</script>", encoding="utf-8")
        return copy


def body(dom):
    """Return what a reader sees of a document: its body without scripts."""
    return re.sub("<script.*?</script>", "", dom.split("<body>", 1)[1], flags=re.DOTALL)


def charts(dom):
    """Return the drawings of a document's charts, as SVG."""
    return re.findall(r'<div class="chart[^"]*"[^>]*data-drawn[^>]*>.*?(<svg.*?</svg>)', dom, re.DOTALL)


def drawing(dom, label):
    """Return the drawing of the chart that is described so."""
    (found,) = re.findall(
        f'<div class="chart[^>]*aria-label="{re.escape(label)}"[^>]*>.*?(<svg.*?</svg>)', dom, re.DOTALL
    )
    return found


def n_marks(picture, kind):
    """Return how many marks of a kind ("point", "line mark", "bar") a drawing has."""
    return picture.count(f'aria-roledescription="{kind}"')


def table_rows(dom, name):
    """Return the rows that are shown of a table of the page, as lists of texts."""
    rows = re.search(f'<table[^>]*id="{name}".*?<tbody>(.*?)</tbody>', dom, re.DOTALL)[1].split("</tr>")[:-1]
    return [seen(row, "<t[hd](?: [^>]*)?>(.*?)</t[hd]>") for row in rows if not re.search("<tr[^>]* hidden", row)]


def seen(dom, pattern):
    """Return what a pattern finds in a document, without marks and entities."""
    return [html.unescape(re.sub("<[^>]*>", "", found)).strip() for found in re.findall(pattern, dom, re.DOTALL)]


def title(dom):
    """Return the page's title."""
    return html.unescape(re.search("<head>.*?<title>(.*?)</title>", dom, re.DOTALL)[1])


def n_colours(picture):
    """Return how many colours a picture (height, width, 3) has."""
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def program():
    """Return the browser's program; without one the test is skipped, but fails where CI=true."""
    found = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if found is None:
        why = f"no browser: none of {', '.join(_NAMES)} is installed (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


def open_browser(folder):
    """Return a browser that keeps its files in a folder."""
    return Browser(program(), folder)
