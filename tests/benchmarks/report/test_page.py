"""The page of all results, in a real browser."""

import json
import re

import numpy as np
import pytest

from benchmarks.cells.store import RESULTS
from benchmarks.methods import METHODS
from benchmarks.report.families import ABLATIONS, family_of
from benchmarks.report.page import write_report
from benchmarks.report.regimes import ONLY_MEMORISING, regimes
from benchmarks.report.summary import page_summary
from benchmarks.report.tables import load_results, result_table
from tests.browser import body, drawing, n_colours, n_marks, open_browser, seen, table_rows, title
from tests.made_results import make_result

NASTY = "</script><script>document.title='taken'</script>"
ACCURACY, GAPS = "Accuracy against noise", "Points behind the best epoch"
FAMILIES, LEGEND, METRICS = '[aria-label="Families of methods"]', ".legend", '[aria-label="Accuracy shown"]'
RATES = (0.2, 0.4, 0.6, 0.8)
OTHERS = [("asymmetric", 0.4), ("pair", 0.45), ("instance", 0.4), ("human_worst", None)]
CIFAR = {"profile": "cifar10-10k", "dataset": "cifar10"}


def many_results(methods, seeds=(0, 1, 2), **changes):
    """Made-up results of many methods under eight noises; the last accuracy is given by noise, method and seed."""
    rng, results = np.random.default_rng(0), []
    for at, method in enumerate(methods):
        for noise in [*(("symmetric", rate) for rate in RATES), *OTHERS]:
            height = 0.95 - 0.6 * (noise[1] or 0.4) ** 2 - 0.2 * at / len(methods)
            for seed in seeds:
                last = round(height + 0.01 * rng.normal(), 4)
                accuracies = (last, last + 0.01, last + 0.01 + 0.05 * at / len(methods))
                results.append(make_result(method, seed, accuracies, noise, detection_ap=last / 2, ece=0.1, **changes))
    return results


@pytest.fixture
def browser(tmp_path):
    return open_browser(tmp_path)


def written(results, path):
    write_report(results, regimes(result_table(results)), path)
    return path


@pytest.fixture(scope="module")
def results():
    """Three methods in two regimes: ``gce`` wins only where plain training memorises."""
    methods = ["plain", "gce", "mentormix_soft"]
    results = many_results(methods, **CIFAR)
    last = {"plain": 0.5, "gce": 0.6, "mentormix_soft": 0.7}
    for result in results:
        metrics = result["metrics"]
        shift = last[result["cell"]["method"]] - metrics["last"]
        metrics |= {name: round(metrics[name] + shift, 4) for name in ("last", "selected", "oracle")}
    short = {"profile": "cifar10-short", "dataset": "cifar10"}
    results += [make_result("plain", 0, (0.8, 0.8, 0.8), **short), make_result("gce", 0, (0.7, 0.7, 0.8), **short)]
    for result in results[:2]:
        result["environment"] |= {"device": "NVIDIA H100"}
    return [*results, make_result("gce", profile="of_tomorrow", dataset="new")]


def said(browser, page, script, fragment="", **options):
    """Return what a script leaves as the page's title."""
    dom = browser.dom(page, fragment, script=script, **options)
    return title(dom)


def click(text, within):
    found = f"[...document.querySelectorAll('{within} button')].find(b => b.textContent.trim().startsWith('{text}'))"
    return f"{found}.click();"


def points(dom):
    """Return how many points the plot of accuracies has."""
    return n_marks(drawing(dom, ACCURACY), "point")


def test_summary_has_the_numbers_of_the_table(results):
    summary = page_summary(results, regimes(result_table(results)))
    json.dumps(summary, allow_nan=False)
    assert [profile["name"] for profile in summary["profiles"]] == ["cifar10-10k", "cifar10-short", "of_tomorrow"]
    profile = summary["profiles"][0]
    assert [noise["label"] for noise in profile["noises"] if noise["is_axis"]] == [
        f"symmetric {rate} %" for rate in (20, 40, 60, 80)
    ]
    row = next(row for row in profile["rows"] if (row["method"], row["noise"]) == ("gce", "symmetric 40 %"))
    assert (row["n"], row["last"], row["last_std"], row["ece"]) == (3, 60, 0, 10)
    assert row["oracle_gap_last"] == pytest.approx(100 * (0.01 + 0.05 / 3), abs=0.01)
    assert row["verdict"] == [ONLY_MEMORISING, "+10.0 in cifar10-10k, -10.0 in cifar10-short"]
    assert [one["name"] for one in profile["methods"]] == ["plain", "gce", "mentormix_soft"]
    assert summary["machines"] == [["a", "AMD EPYC, 2 cores", 73], ["b", "AMD EPYC, 2 cores, NVIDIA H100", 2]]
    plain = next(row for row in profile["rows"] if (row["method"], row["noise"]) == ("plain", "symmetric 20 %"))
    assert (plain["seconds"], plain["machines"]) == (None, "a, b")


def test_header_says_where_the_results_come_from(results, tmp_path, browser):
    dom = browser.dom(written(results, tmp_path / "new" / "page.html"))
    facts = dict(zip(*(seen(dom.split("<details>")[0], f"<{tag}>(.*?)</{tag}>") for tag in ("dt", "dd")), strict=True))
    assert facts["Results"] == "75 runs in 27 groups; n, the seeds of a group, is 1 to 3"
    assert facts["Commits"] == "0123456 (75)"
    assert facts["Dates"].startswith("not known")
    assert facts["Machines"] == "a: AMD EPYC, 2 cores (73 runs); b: AMD EPYC, 2 cores, NVIDIA H100 (2 runs)"
    meanings = seen(dom.split("<details>")[1], "<dt>(.*?)</dt>")
    heads = " ".join(meanings).lower()
    assert all(word in heads for word in ("last", "selected", "oracle", "behind", "ece", "ap", "seconds", "plain"))


def test_plots_are_drawn_and_ablations_are_collapsed(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    dom = browser.dom(page)
    assert points(dom) == 2 * (len(RATES) + len(OTHERS))
    accuracy = drawing(dom, ACCURACY)
    assert n_marks(accuracy, "line mark") == 2
    assert n_marks(drawing(dom, GAPS), "point") == 2 * 2
    texts = re.findall(r"<tspan[^>]*>([^<]*)</tspan>|<text[^>]*>([^<]*)</text>", accuracy)
    assert {"20 %", "80 %", "asymmetric", "human worst", "45 %"} <= {one or other for one, other in texts}
    assert not re.search("NaN|undefined|Infinity", body(dom))
    assert family_of("mentormix_soft") == ABLATIONS
    more = browser.dom(page, script=click(ABLATIONS, FAMILIES))
    assert points(more) == 3 * (len(RATES) + len(OTHERS))
    assert len(table_rows(more, "numbers-1")) == 24
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", body(dom))


@pytest.mark.slow
def test_buttons_change_what_is_shown(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    before, oracle = browser.dom(page), browser.dom(page, script=click("best epoch", METRICS))
    assert drawing(before, ACCURACY) != drawing(oracle, ACCURACY)
    assert re.search(r'value="oracle"[^>]* aria-pressed="true"', oracle)
    assert re.search(r'value="last"[^>]* aria-pressed="true"', before)
    hidden = browser.dom(page, script=click("gce", LEGEND))
    assert points(hidden) == len(RATES) + len(OTHERS)
    assert {row[0] for row in table_rows(hidden, "numbers-1")} == {"plain"}
    assert points(browser.dom(page, script=2 * click("gce", LEGEND))) == points(before)
    family = browser.dom(page, script=click("robust losses", FAMILIES))
    assert {row[0] for row in table_rows(family, "numbers-1")} == {"plain"}
    assert re.findall(r'data-value="robust losses"( hidden="")', family)
    assert "hidden_method=gce" in said(browser, page, click("gce", LEGEND) + "document.title = location.hash")


@pytest.mark.slow
def test_sorting_and_choosing_a_noise(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    rows = table_rows(browser.dom(page, script=click("Last", "#numbers-1")), "numbers-1")
    assert [row[0] for row in rows] == ["gce"] * 8 + ["plain"] * 8  # the highest first
    up = browser.dom(page, script=2 * click("Last", "#numbers-1"))
    assert [row[0] for row in table_rows(up, "numbers-1")] == ["plain"] * 8 + ["gce"] * 8
    assert 'aria-sort="ascending"' in up
    seconds = [row[11] for row in table_rows(browser.dom(page, "sort=seconds"), "numbers-1")]
    assert seconds[0] == "60 (a)"
    assert [text for text in seconds if not text[0].isdigit()] == seconds[-1:]  # a dash: of two machines
    assert seconds[-1].endswith(" (a, b)")
    chosen = table_rows(browser.dom(page, "noise=pair 45 %25"), "numbers-1")
    assert [row[:3] for row in chosen] == [
        ["plain", "plain & epochs", "pair 45 %"],
        ["gce", "robust losses", "pair 45 %"],
    ]
    dom = browser.dom(page)
    verdicts = seen(dom, '<p class="verdicts">(.*?)</p>')[0]
    assert verdicts.split() == f"{ONLY_MEMORISING} gce (symmetric 40 %)".split()
    badges = {
        row[0]: row[12].replace("\n", "").split() for row in table_rows(dom, "numbers-1") if row[2] == "symmetric 40 %"
    }
    assert badges == {"plain": [], "gce": f"{ONLY_MEMORISING}+10.0 in cifar10-10k, -10.0 in cifar10-short".split()}


def test_a_method_is_marked_everywhere(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    point = """[...document.querySelectorAll('.legend button')].find(b => b.value === 'gce')
        .dispatchEvent(new PointerEvent('pointerenter'));"""
    dom = browser.dom(page, script=point)
    assert set(re.findall(r'data-mark="(\w+)"[^>]*class="hot"', dom)) == {"gce"}
    for label, n in ((ACCURACY, len(RATES) + len(OTHERS)), (GAPS, 2)):
        opacities = re.findall(r'aria-roledescription="point"[^>]* opacity="([^"]*)"', drawing(dom, label))
        assert sorted(opacities) == ["0.13"] * n + ["1"] * n


def test_published_numbers_stand_beside_ours(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    dom = browser.dom(page)
    assert "Not comparable with ours: other student, other budget." in seen(dom, '<p class="note">(.*?)</p>')[0]
    heads = seen(re.search('id="published-1">(.*?)</thead>', dom, re.DOTALL)[1], "<th[ >][^>]*>(.*?)</th>")
    assert heads[:4] == ["Method", "Protocol", "symmetric 20\xa0%", "symmetric 40\xa0%"]
    first = table_rows(dom, "published-1")[0]
    assert first[:3] == [
        "Cross-entropy",
        "epoch: best test epoch; backbone: PreActResNet-18; not known: network, symmetric definition",
        "86.8ours 50.0",
    ]
    assert any("second-hand" in row[-1] for row in table_rows(dom, "published-1"))
    sets = seen(dom.split('name="published"')[1].split("</select>")[0], "<option[^>]*>(.*?)</option>")
    at = sets.index("red mini imagenet") + 1
    other = browser.dom(page, "published=red_mini_imagenet")
    assert re.findall(r'data-case="red_mini_imagenet"( hidden="")?', other) == [""]
    rows = {row[0]: row for row in table_rows(other, f"of-{at}")}
    assert rows["PLS"][2:6] == ["63.1", "60.02", "54.41", "46.51"]
    assert "unverified" in rows["PropMix"][-1]
    assert "ours" not in "".join(rows["Cross-entropy"])
    assert "There are no published numbers for this data set." in dom.split('data-case="of_tomorrow"')[1]


def test_profiles_are_linked(results, tmp_path, browser):
    page = written(results, tmp_path / "page.html")
    shown = r'data-case="([^"]*)">'
    assert seen(browser.dom(page, "profile=cifar10-short"), shown)[0] == "cifar10-short"
    go = "[...document.querySelectorAll('nav a')][1].click();"
    dom = browser.dom(page, "sort=last&hidden_method=gce", script=go)
    assert seen(dom, shown)[0] == "cifar10-short"
    assert [row[0] for row in table_rows(dom, "numbers-2")] == ["plain", "gce"]


def test_accessible_names(results, tmp_path, browser):
    shown = body(browser.dom(written(results, tmp_path / "page.html")))
    assert all("scope=" in th for th in re.findall("<th[^e][^>]*>|<th>", shown))
    assert all("aria-label" in part for part in re.findall('<div[^>]*class="chart[^>]*data-drawn[^>]*>', shown))
    assert all("aria-hidden" in part for part in re.findall('<svg[^>]*class="swatch[^>]*>', shown))
    assert all("aria-label" in part for part in re.findall('<div[^>]*role="(?:region|group)"[^>]*>', shown))
    for select in ("gap", "noise", "published"):
        assert re.search(f'<label>[^<]+<select name="{select}"', shown)
    dashes = re.findall(r'class="swatch".*?stroke-dasharray="([^"]*)"', shown)
    assert len(set(dashes)) == 1  # a single method a family here
    assert len(set(re.findall(r'class="swatch".*?fill="([^"]*)"', shown))) == 3


def test_hostile_names_are_harmless(tmp_path, browser):
    hostile = make_result(NASTY, noise=(f"<b>{NASTY}", 0.4), profile=NASTY, dataset="<i>", environment={"cpu": NASTY})
    page = written([hostile, make_result("<img src=x onerror=alert(1)>")], tmp_path / "page.html")
    count = """const n = what => document.querySelectorAll(what).length;
        document.title += '|' + n('script:not([type])') + '|' + n('b, i, img')"""
    assert said(browser, page, count) == "Accuracy under label noise|3|0"  # the page's own scripts and this one


@pytest.mark.slow
def test_many_methods_fit_in_both_themes(tmp_path, browser):
    page = written(many_results(list(METHODS)[:45], seeds=(0, 1), **CIFAR), tmp_path / "page.html")
    width = "document.title = document.documentElement.scrollWidth <= innerWidth ? 'fits ' + innerWidth : 'too wide'"
    for size in [(500, 900), (1280, 900), (1900, 900)]:
        assert said(browser, page, width, size=size) == f"fits {size[0]}"
        picture = browser.screenshot(page, size=size)
        assert n_colours(picture) > 100
        assert picture[0, 0].min() > 200
    dark = browser.screenshot(page, dark=True)
    assert dark[0, 0].max() < 60
    assert n_colours(dark) > 100


def test_the_committed_results_have_a_page(tmp_path, browser):
    results = load_results(RESULTS)
    page = written(results, tmp_path / "page.html")
    summary = page_summary(results, regimes(result_table(results)))
    assert len(summary["profiles"]) > 5
    for number, profile in enumerate(summary["profiles"], start=1):
        dom = browser.dom(page, f"profile={profile['name']}")
        assert seen(dom, r'data-case="([^"]*)">')[0] == profile["name"]
        shown = {one["name"] for one in profile["methods"] if one["family"] != ABLATIONS}
        assert len(table_rows(dom, f"numbers-{number}")) == sum(row["method"] in shown for row in profile["rows"])
        assert points(dom) == len(table_rows(dom, f"numbers-{number}"))
    assert page.stat().st_size < 4e6
