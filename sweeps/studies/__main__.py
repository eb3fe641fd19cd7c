"""``python -m sweeps.studies``: run the measurements that the docs quote, or print their tables."""

import argparse
import sys

from sweeps._ray import prepare_ray


def main() -> int:
    """Run a study, or print what it found."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.studies", description=__doc__)
    parser.add_argument("study", choices=["asha", "tuned", "tuned-cifar10", "overhead", "memory"])
    parser.add_argument("--report", action="store_true", help="print the table of the results that are there")
    parser.add_argument("--seeds", type=int, nargs="+", help="(all of the study)")
    options = parser.parse_args()
    prepare_ray()
    from sweeps.studies import _asha, _overhead, _tuned

    seeds = {} if options.seeds is None else {"seeds": tuple(options.seeds)}
    module = {"asha": _asha, "tuned": _tuned, "tuned-cifar10": _tuned}.get(options.study, _overhead)
    if options.report:
        print(module.report())
        return 0
    if options.study == "asha":
        _asha.run(**seeds)
    elif options.study.startswith("tuned"):
        _tuned.run("cifar10" if options.study == "tuned-cifar10" else "digits", **seeds)
    elif options.study == "overhead":
        _overhead.run_overhead()
    else:
        _overhead.run_memory()
    return 0


if __name__ == "__main__":
    sys.exit(main())
