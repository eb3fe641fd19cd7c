"""The docs are built without a warning, and the API reference shows docstrings as people should read them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import noisylabel
from noisylabel import curricula, estimators, functional, losses, noise, students

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """Text of each page of the API reference."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return {path.parent.name: path.read_text(encoding="utf-8") for path in (site / "api").rglob("index.html")}


def test_no_page_shows_raw_roles_or_placeholders(api):
    raw = re.compile(r":(?:attr|class|data|exc|func|meth|mod):|\{parameters\}|\{attributes\}")
    assert {name: raw.findall(text) for name, text in api.items() if raw.search(text)} == {}


@pytest.mark.parametrize(
    ("page", "package"),
    [("estimators", estimators), ("estimators", losses), ("curricula", curricula), ("data", noise),
     ("training", students), ("training", functional)],
)  # fmt: skip
def test_public_classes_and_functions_have_an_entry(api, page, package):
    public = [name for name in package.__all__ if callable(getattr(package, name))]
    assert [name for name in public if f'id="{package.__name__}.{name}"' not in api[page]] == []


def test_a_role_became_a_link(api):
    assert re.search(r'<a [^>]*href="#noisylabel.noise.corrupt"[^>]*><code>corrupt</code>', api["data"])


def test_estimators_show_the_parameters_that_they_share(api):
    shown = set(re.findall(r"<code>(\w+)</code>", api["estimators"]))
    assert noisylabel.MentorNetClassifier().get_params(deep=False).keys() <= shown
