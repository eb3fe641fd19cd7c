"""Examples, README and docs run as they stand, and show what they are there to show."""

import copy
import doctest
import re
import runpy
import shlex
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from torch.nn.functional import cross_entropy

from benchmarks import __main__ as benchmarks_command
from examples.gallery import ntk
from examples.gallery.ntk import empirical_ntk, predicted_step, softmax_jacobian
from noisylabel import cli
from noisylabel.commands import HAND_OVER
from sweeps import __main__ as sweeps_command

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Of what an example prints, a worse and a better accuracy, and how far apart they are at least.
POINTS = {
    "checked_rows": (
        r"confused: data_driven, 100 checked: (\d+\.\d)",
        r"confused: learning_to_reweight, 100 checked: (\d+\.\d)",
        3,
    ),
    "choose_a_curriculum": (r"uniform +0\.6 +(0\.\d+)", r"self_paced +0\.6 +(0\.\d+)", 0.05),
    "fine_tune": (r"scratch, plain training: (0\.\d+)", r"frozen, plain training: (0\.\d+)", 0.1),
    "rare_class": (r"\n0%.* MentorNet, class_weight=None: (\d+\.\d)", r"\n0%.* MentorNet, .*balanced: (\d+\.\d)", 20),
    "rare_group": (
        r"1 in 20, 40% noise, self_paced .* (\d+\.\d) %; common",
        r"1 in 20, 40% noise, SPLD, by camera .* (\d+\.\d) %; common",
        8,
    ),
    "small_tables": (r"wine.* 30%.* plain network (\d+\.\d)", r"wine.* 30%.* MentorNet (\d+\.\d)", 5),
    "stop_early": (r"plain training to the end.* (0\.\d+)", r"MentorNet-PD to the end.* (0\.\d+)", 0.1),
    "table_with_strings": (r"plain training: .* (0\.\d+)", r"self-paced: .* (0\.\d+)", 0.1),
    "tune_with_ray": (0.7, r"Accuracy on clean labels: (0\.\d+)", 0.05),  # plain training has 0.69, see stop_early
}
SLOW = {
    "checked_rows",
    "rare_class",
    "rare_group",
    "small_tables",
    "tune_with_ray",
}  # docs/sweeps.md has a sweep that is not slow

# Blocks that hold one of these words are compiled and not run.
NOT_RUN = {
    "fetch_webvision": "needs the images of WebVision",
    "resnet18": "needs weights that somebody downloaded",
    "webdataset": "needs a package and shards of one's own",
    "/shared/table": "needs files of one's own",
    "n_workers=4": "needs four GPUs",
}


def test_every_example_has_its_point():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == POINTS.keys()


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in POINTS])
def test_example(name, capsys):
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    worse, better, margin = POINTS[name]
    if isinstance(worse, str):
        worse = float(re.search(worse, printed)[1])
    assert float(re.search(better, printed)[1]) > worse + margin, printed


GALLERY = [
    pytest.param("one_step_ntk", ["to the power 2.0"], 1),
    pytest.param("zig_zag", ["zig-zag score: ", "visit the right class"], 2, marks=pytest.mark.slow),
    pytest.param("cifar10_paths", ["epoch 6: "], 2, marks=[pytest.mark.slow, pytest.mark.data]),
]


def run_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples" / "gallery")  # as Python does for a script
    monkeypatch.setattr("sys.argv", [name, "--quick", "--out", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "gallery" / f"{name}.py"), run_name="__main__")
    plt.close("all")
    printed = capsys.readouterr().out
    assert all(words in printed for words in said)
    assert len(list(tmp_path.glob("*.png"))) == n_figures
    return printed


@pytest.mark.parametrize(("name", "said", "n_figures"), GALLERY)
def test_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch):
    run_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch)


@pytest.mark.slow
def test_nearer_targets_are_better_in_the_gallery(tmp_path, capsys, monkeypatch):
    printed = run_gallery("hypothesis_1", ["networks"], 1, tmp_path, capsys, monkeypatch)
    ranks = re.findall(r", (accuracy|calibration error): .* with the distance ([+-]0\.\d+)", printed)
    assert len(ranks) == 4
    for measure, rank in ranks:  # quick; the page in docs has the full run
        assert float(rank) < -0.5 if measure == "accuracy" else float(rank) > 0.5


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_python_of_a_page_runs_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(page):
        code = compile(block, page.name, "exec")
        if not any(word in block for word in NOT_RUN):
            exec(code, names)
    plt.close("all")


def test_every_word_that_keeps_a_block_from_running_is_needed():
    written = "".join(block for page in PAGES for block in blocks(page))
    assert [word for word in NOT_RUN if word not in written] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_python_is_hidden_from_these_tests(page):
    indented = re.findall(r"^    (?:from \w.* import |import |clf[. ]|[a-z]\w* = ).*", page.read_text(), re.MULTILINE)
    fenced = "".join(blocks(page))
    assert [line for line in indented if line not in fenced] == []


def test_the_first_example_of_the_readme_prints_what_it_says(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    exec(compile(blocks(ROOT / "README.md")[0], "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = [line.strip() for line in re.search(r"```\n\n((?:    .*\n)+)", text)[1].splitlines()]
    number = r"\d+\.\d+"
    assert [re.sub(number, "#", line) for line in printed] == [re.sub(number, "#", line) for line in promised]
    for line, promise in zip(printed, promised, strict=True):
        for actual, expected in zip(re.findall(number, line), re.findall(number, promise), strict=True):
            assert float(actual) == pytest.approx(float(expected), abs=0.06)  # other processors round differently


def commands(page):
    """Command lines of a page, indented or between backticks, without comments; not what only names a command."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^    ((?:noisylabel|python|make) .*)$", text, re.MULTILINE)
    lines += re.findall(r"`((?:noisylabel|python|make) [^`]*)`", text)
    return [shlex.split(line.replace("...", ""), comments=True) for line in lines if " NAME" not in line]


def parse_command(words):
    """Let the parser of a command read its words."""
    program, words = " ".join(words[:3] if words[1:2] == ["-m"] else words[:1]), words[1:]
    words = words[2:] if words[:1] == ["-m"] else words
    if words[0] in HAND_OVER and program.endswith("noisylabel"):
        program, words = {"sweep": "python -m sweeps", "bench": "python -m benchmarks"}[words[0]], words[1:]
    if program == "make":
        assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    elif len(words) < 2 and program != "python":
        return  # the name of a command, not a command line
    elif program.endswith("noisylabel"):
        cli._parser().parse_args(words)
    elif program == "python -m sweeps":
        sweeps_command._parser().parse_args(words)
    elif program == "python -m benchmarks":
        benchmarks_command._parser().parse_known_args(words)  # a study reads its own options
    else:
        assert (ROOT / words[0]).exists()


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_right_28_commands_of_a_page_can_be_read(page):
    for words in commands(page):
        parse_command(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_an_empty_table(page):
    text = page.read_text(encoding="utf-8")
    tables = re.findall(r"<!-- table: (.*?) -->(.*?)<!-- end of table -->", text, re.DOTALL)
    assert len(tables) == text.count("<!-- table:") == text.count("<!-- end of table -->")
    for command, table in tables:
        assert table.count("\n| ") > 2, command


X_O, X_U = torch.tensor([1.0, 1.0]).double(), torch.tensor([1.0, -0.5]).double()


def network(seed=0, n_classes=3):
    torch_stream = torch.random.get_rng_state()
    torch.random.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, n_classes)).double()
    torch.random.set_rng_state(torch_stream)
    return module


def real_step(module, target, lr):
    """Change of the probabilities of x_o by one step of SGD on x_u."""
    module = copy.deepcopy(module)
    before = module(X_O[None])[0].softmax(0)
    cross_entropy(module(X_U[None]), target[None]).backward()
    torch.optim.SGD(module.parameters(), lr=lr).step()
    return (module(X_O[None])[0].softmax(0) - before).detach()


def test_jacobian_of_the_softmax():
    A = softmax_jacobian(torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64))
    values = torch.linalg.eigvalsh(A)
    assert values.tolist() == pytest.approx([0, 0.125597, 0.334403], abs=1e-6)
    assert float(A.trace()) == pytest.approx(0.46, abs=1e-12)
    z = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    derivative = torch.autograd.functional.jacobian(lambda logits: logits.softmax(0), z)
    torch.testing.assert_close(softmax_jacobian(z.softmax(0)), derivative)
    assert float(torch.linalg.eigvalsh(softmax_jacobian(z.softmax(0))).min()) >= -1e-7


def test_linear_model_of_zeros():
    module = torch.nn.Linear(2, 3, bias=False).double()
    torch.nn.init.zeros_(module.weight)
    label = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    expected = [-0.005556, 0.011111, -0.005556]
    assert predicted_step(module, X_O, X_U, label, 0.1).tolist() == pytest.approx(expected, abs=1e-6)
    assert real_step(module, label, 0.1).tolist() == pytest.approx([-0.005601, 0.011202, -0.005601], abs=1e-6)


def test_kernel_by_finite_differences():
    module, eps = network(), 1e-6
    found = empirical_ntk(module, X_O, X_U)
    columns = []
    for x in (X_O, X_U):
        derivative = []
        for parameter in module.parameters():
            flat = parameter.data.view(-1)
            for i in range(len(flat)):
                flat[i] += eps
                above = module(x[None])[0].detach()
                flat[i] -= 2 * eps
                below = module(x[None])[0].detach()
                flat[i] += eps
                derivative.append((above - below) / (2 * eps))
        columns.append(torch.stack(derivative, dim=1))
    torch.testing.assert_close(found, columns[0] @ columns[1].T, rtol=1e-6, atol=1e-7)
    with_itself = empirical_ntk(module, X_O, X_O)
    torch.testing.assert_close(with_itself, with_itself.T)
    assert float(torch.linalg.eigvalsh(with_itself).min()) >= -1e-7


def test_frozen_parameters_do_not_count():
    module = network()
    module[0].requires_grad_(False)
    hidden_o, hidden_u = (module[:2](x[None])[0] for x in (X_O, X_U))
    expected = (hidden_o @ hidden_u + 1) * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(empirical_ntk(module, X_O, X_U), expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_error_of_the_prediction_falls_as_the_square_of_the_rate(seed):
    module, label = network(seed), torch.tensor([0.1, 0.7, 0.2], dtype=torch.float64)
    errors = []
    for lr in (1e-2, 1e-3, 1e-4):
        step = real_step(module, label, lr)
        predicted = predicted_step(module, X_O, X_U, label, lr)
        errors.append(float((step - predicted).norm()))
        assert errors[-1] < 0.2 * float(step.norm())
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)


def test_nothing_is_left_behind():
    module = network()
    before = copy.deepcopy(module.state_dict())
    predicted_step(module, X_O, X_U, torch.tensor([0.0, 1.0, 0.0]).double(), 0.1)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_examples_in_the_docstrings():
    tried = doctest.testmod(ntk)
    assert tried.attempted > 0
    assert tried.failed == 0
