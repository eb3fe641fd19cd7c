"""What all pages share: policy, charts, controls; in a real browser."""

import base64
import hashlib
import re
from pathlib import Path

import altair as alt
import pytest

from noisylabel.pages import chart, dataset, percent, write_page
from tests.browser import charts, n_colours, open_browser, seen, table_rows, title

HOSTILE = [
    "</script><script>document.title='taken'</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "\"'><b>",
    "a\0b\u202egnp.\u2066c",
    "=1+1",
    "<!--<script>",
]
TEMPLATE = """
{% extends "base.html.jinja" %}
{% from "components.html.jinja" import headings, numbers, scroll, select, terms %}
{% block body %}
{{ rows }}
<nav>{% for name in ("one", "two") %}
<a href="#part={{ name }}" data-link="part" data-value="{{ name }}">{{ name }}</a>
{% endfor %}</nav>
<div data-switch="part">
<section data-case="one">
{% for text in texts %}{{ numbers([[text, text, text]]) }}{{ terms([[text, text]]) }}{% endfor %}
{{ select("kind", "Kind", [["", "all"], ["a", "of a"], [texts[0], texts[0]]]) }}
<button type="button" data-toggle="hidden" value="b" data-off>b</button>
<button type="button" data-toggle="hidden" value="a">a</button>
{% call scroll("Things", "tall") %}
<table id="things" data-rows="" data-filter="kind" data-hide="hidden">
{{ headings([{"text": "Name", "key": "name"}, {"text": "Size", "key": "size", "down": true, "count": true}]) }}
<tbody>{% for name, kind, size in things %}
<tr data-kind="{{ kind }}" data-hidden="{{ kind }}" data-mark="{{ name }}">
<td>{{ name }}</td><td class="count">{{ size }}</td></tr>
{% endfor %}</tbody></table>
{% endcall %}
{{ picture }}
</section>
<section data-case="two"><h2>{{ texts[0] }}</h2>{{ picture }}</section>
</div>
{% endblock %}
"""
THINGS = [("x", "a", 9), ("y", "b", 10), ("z", "a", 100), ("w", "a", None)]


@pytest.fixture
def browser(tmp_path):
    return open_browser(tmp_path)


def drawing():
    hidden, marked = alt.param(name="hidden", value=["b"]), alt.param(name="marked", value=None)
    pointed = alt.selection_point(name="pointed", fields=["name"], on="pointerover", clear="pointerout", empty=False)
    return (
        alt.Chart(alt.NamedData("things"), width="container", height=100)
        .mark_point(filled=True)
        .add_params(hidden, marked, pointed)
        .transform_filter("indexof(hidden, datum.kind) < 0")
        .encode(
            x="size:Q",
            y="name:N",
            opacity=alt.condition("marked === datum.name", alt.value(1), alt.value(0.25)),
            color=alt.value("var(--best)"),
            tooltip=["name:N", "size:Q"],
        )
    )


@pytest.fixture
def page(tmp_path):
    return written(tmp_path)


def written(folder, texts=("text",), title="A page"):
    template = Path(folder) / "some.html.jinja"
    template.write_text(TEMPLATE, encoding="utf-8")
    rows = [*THINGS, *((text, "a", 5) for text in texts)]
    return write_page(
        Path(folder) / "new" / "page.html",
        template,
        title=title,
        texts=texts,
        things=THINGS,
        rows=dataset("things", [dict(zip(("name", "kind", "size"), row, strict=True)) for row in rows]),
        picture=chart(drawing(), f"Things, {texts[0]}"),
    )


def n_points(dom):
    return [picture.count('aria-roledescription="point"') for picture in charts(dom)]


def names(dom):
    return [row[0] for row in table_rows(dom, "things")]


def test_policy_allows_the_scripts_and_styles_of_the_page_by_hash_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#39;", "'").split(";"))
    assert set(rules) == {"default-src", "img-src", "style-src", "script-src"}
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")

    def hashes(tag):
        found = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        return [f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in found]

    assert rules["script-src"].split() == hashes("script")
    assert rules["style-src"].split() == hashes("style")
    assert text.count("vegaEmbed=") == 1  # the library is there once


def test_a_script_that_is_not_of_the_page_does_not_run(page, browser):
    page.write_text(page.read_text(encoding="utf-8") + "<script>document.title = 'taken'</script>", encoding="utf-8")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        browser.dom(page)


def test_texts_stay_texts(tmp_path, browser):
    page = written(tmp_path, texts=HOSTILE, title="".join(HOSTILE))
    count = "document.title += '|' + document.querySelectorAll('script:not([type]), img, b').length"
    dom = browser.dom(page, script=count)
    shown = [re.sub("[\0\u202e\u2066]", "\ufffd", text) for text in HOSTILE]
    assert title(dom) == f"{''.join(shown)}|3"  # the two scripts of the page and this test's
    assert seen(dom, "<dd>(.*?)</dd>") == shown
    assert n_points(dom) == [2 + len(HOSTILE)]
    assert "&lt;img src=x onerror=alert(1)&gt;" in charts(dom)[0]
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page.read_text(encoding="utf-8"))
    assert len(data) >= 2
    assert not re.search(r"\\u(0000|202e|2066)", "".join(data))  # in what charts are drawn of neither


def test_a_text_that_has_no_code_is_shown_as_a_question_mark(tmp_path):
    assert "<dd>a?b</dd>" in written(tmp_path, texts=["a\ud800b"]).read_text(encoding="utf-8")


def test_a_chart_is_drawn_when_it_is_shown(page, browser):
    assert n_points(browser.dom(page)) == [3]
    other = browser.dom(page, "part=two")
    assert n_points(other) == [3]
    assert re.findall(r'data-case="(\w+)"( hidden)?', other) == [("one", " hidden"), ("two", "")]
    assert re.findall(r'data-value="(\w+)" aria-current="(\w+)"', other) == [("one", "false"), ("two", "true")]
    both = browser.dom(page, script="document.querySelectorAll('nav a')[1].click();")
    assert len(n_points(both)) == 2


def test_controls_rule_tables_and_charts(page, browser):
    assert names(browser.dom(page)) == ["x", "z", "w"]
    click = "document.querySelector('button[value={}]').click();"
    shown = browser.dom(page, script=click.format("b"))
    assert names(shown) == ["x", "y", "z", "w"]
    assert n_points(shown) == [4]
    none = browser.dom(page, script=click.format("a"))
    assert names(none) == []
    assert n_points(none) == [0]
    assert names(browser.dom(page, "hidden=&kind=b")) == ["y"]
    choose = """const kind = document.querySelector('select'); kind.value = 'a';
        for (const name of ['input', 'change']) kind.dispatchEvent(new Event(name, { bubbles: true }));
        document.title = location.hash;"""
    dom = browser.dom(page, "hidden=", script=choose)
    assert names(dom) == ["x", "z", "w"]
    assert title(dom) == "#hidden=&kind=a"


def test_tables_are_sorted_by_number_and_by_name_with_empty_cells_last(page, browser):
    click = "[...document.querySelectorAll('th button')].find(b => b.textContent === '{}').click();"
    down = browser.dom(page, "hidden=", script=click.format("Size"))
    assert names(down) == ["z", "y", "x", "w"]
    assert 'data-key="size" aria-sort="descending"' in down
    assert names(browser.dom(page, "hidden=", script=2 * click.format("Size"))) == ["x", "y", "z", "w"]
    assert names(browser.dom(page, "hidden=", script=click.format("Name"))) == ["w", "x", "y", "z"]


def test_pointing_marks_in_charts_and_tables(page, browser):
    point = """const wait = setInterval(() => {
        const mark = document.querySelectorAll('[aria-roledescription=point]')[1];
        if (!mark) return;
        clearInterval(wait);
        const box = mark.getBoundingClientRect(), at = { clientX: box.x + 2, clientY: box.y + 2, bubbles: true };
        for (const kind of ['pointermove', 'mousemove', 'pointerover', 'mouseover'])
            mark.dispatchEvent(new PointerEvent(kind, at));
    }, 10);"""
    dom = browser.dom(page, script=point)
    assert re.findall(r'data-mark="(\w)" class="hot"', dom) == ["z"]
    opacities = re.findall(r'aria-roledescription="point"[^>]* opacity="([^"]*)"', charts(dom)[0])
    assert opacities == ["0.25", "1", "0.25"]
    assert "z" in seen(dom, 'id="vg-tooltip-element"[^>]*class="[^"]*visible[^"]*"[^>]*>(.*?)</div>')[0]
    pinned = browser.dom(page, "marked=x")
    assert re.findall(r'data-mark="(\w)" class="hot"', pinned) == ["x"]


def test_light_dark_and_narrow(page, browser):
    light, dark = browser.screenshot(page, "marked=x"), browser.screenshot(page, "marked=x", dark=True)
    assert light[0, 0].min() > 200
    assert dark[0, 0].max() < 60
    assert min(n_colours(light), n_colours(dark)) > 50
    for picture, colour in ((light, (0, 114, 178)), (dark, (86, 180, 233))):
        assert (abs(picture.astype(int) - colour).sum(-1) < 40).any()  # the marks of the chart follow
    width = "document.title = document.documentElement.scrollWidth <= innerWidth"
    assert title(browser.dom(page, script=width, size=(500, 900))) == "true"


def test_a_name_that_a_template_uses_and_nobody_gives_is_an_error(tmp_path):
    (tmp_path / "t.html.jinja").write_text("{{ missing }}")
    with pytest.raises(Exception, match="missing"):
        write_page(tmp_path / "page.html", tmp_path / "t.html.jinja")
    assert not (tmp_path / "page.html").exists()


def test_percent():
    assert [percent(share) for share in (0, 0.012, 0.4, 1)] == ["0.0 %", "1.2 %", "40 %", "100 %"]
