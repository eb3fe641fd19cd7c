"""Results of benchmark cells that nobody has run."""

EPYC = {"cpu": "AMD EPYC", "cores": 2, "commit": "0123456789"}


def make_result(method="plain", seed=0, accuracies=(0.5, 0.6, 0.7), noise=("symmetric", 0.4), **changes):
    """A made-up result; ``changes`` are of its metrics, but for profile, dataset and environment."""
    last, selected, oracle = accuracies
    profile, dataset = changes.pop("profile", "digits"), changes.pop("dataset", "digits")
    environment = EPYC | changes.pop("environment", {})
    metrics = {"last": last, "selected": selected, "oracle": oracle, "weight_right": 0.9, "weight_wrong": 0.2}
    return {
        "cell": {"profile": profile, "noise": noise[0], "rate": noise[1], "method": method, "seed": seed},
        "dataset": dataset,
        "metrics": {**metrics, "seconds": 60.0, **changes},
        "manifest": {"realised_rate": 0.36 if noise[1] is None else noise[1]},
        "environment": environment,
    }
