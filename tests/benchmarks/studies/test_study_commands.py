"""Every study has one interface, and is a command that needs nothing else."""

from importlib import import_module

import pytest

import benchmarks.__main__ as command
from benchmarks.studies import STUDIES, help_of, run_study

KEEPING = sorted(set(STUDIES) - {"audits"})


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["benchmarks", *arguments])
    return command.main()


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_the_functions_that_a_command_needs(name):
    study = import_module(STUDIES[name])
    assert callable(study.add_arguments)
    assert callable(study.run)
    assert hasattr(study, "report") is (name in KEEPING)
    assert study.__doc__.splitlines()[0] == help_of(name)


@pytest.mark.parametrize("name", KEEPING)
def test_the_committed_results_of_a_study_have_a_table(name, monkeypatch, capsys):
    def measures(options):
        raise AssertionError("--report measures nothing")

    monkeypatch.setattr(import_module(STUDIES[name]), "run", measures)
    assert run(monkeypatch, "studies", name, "--report") == 0
    assert capsys.readouterr().out.count("\n| ") > 2


def test_options_go_to_the_study(monkeypatch):
    seen = []
    monkeypatch.setattr("benchmarks.studies.speed.run", seen.append)
    assert run(monkeypatch, "studies", "speed", "--json", "--only", "record_vs_none_mlp") == 0
    assert run(monkeypatch, "speed", "--only", "record_vs_none_mlp", "--json") == 0  # the same, shorter
    assert seen[0] == seen[1]
    assert (seen[0].json, seen[0].only, seen[0].device) == (True, ["record_vs_none_mlp"], "cpu")


@pytest.mark.parametrize("arguments", [("studies", "scale"), ("scale",)])
def test_help_is_that_of_the_study(arguments, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, *arguments, "--help")
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "{table,images,mapped,workers}" in printed
    assert "usage: python -m benchmarks studies scale" in printed


def test_what_is_no_option_is_said(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "report", "--fused")
    assert "unrecognized arguments: --fused" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_study("speed", ["--markdown"])
    assert "unrecognized arguments: --markdown" in capsys.readouterr().err
