"""Which methods of the tables are of a kind."""

ABLATIONS = "ablations"
BOUNDS = "bounds"
OTHER = "other methods"
FAMILIES = {
    "plain & epochs": ("plain", "plain_tuned", "baseline", "early_stopping", "ema"),
    "robust losses": ("gce", "symmetric_ce", "bootstrapping", "forward", "elr"),
    "mixing": (
        "mixup",
        "mentormix",
        "mentormix_auto",
        "mentormix_cifar100",
        "mentormix_by_class",
        "mentormix_same_time",
    ),
    "curricula": (
        "self_paced",
        "self_paced_auto",
        "mentornet_pd",
        "mentornet_pd_known_rate",
        "mentornet_pd_auto",
        "mentornet_pd_by_class",
        "mentornet_dd",
        "default",
        "default_checked_100",
        *(f"spcl_{kind}" for kind in ("linear", "logarithmic", "mixture", "polynomial")),
        "hard_example_mining",
        "focal",
        "huber",
        "cauchy",
        "l1_l2",
        "welsch",
        "active_bias",
        "spld",
        "learning_to_teach",
        "learning_to_teach_100",
        "random_teaching",
        *(f"data_driven_{n}" for n in (50, 100, 300, 1000, 5000)),
        "data_driven_by_class_5000",
        *(f"learning_to_reweight_{n}" for n in (100, 300, 1000)),
        *(f"fidelity_weighted_{n}" for n in (100, 300, 1000)),
        *(f"self_paced_corrected_{n}" for n in (1000, 5000)),
    ),
    "distillation": ("filter_kd", "kd_last", "kd_early_stopped", "label_smoothing", "one_hot"),
    "co-training & pruning": ("co_teaching", "prune_and_refit"),
    BOUNDS: ("plain_right_rows",),
    ABLATIONS: (),
    OTHER: (),
}
RELEASED = "released_"  # before the name of a method with the settings of its released code
_ABLATED = ("mentormix_", "data_driven_", "mentornet_", "self_paced_")  # with one thing changed


def family_of(method: str) -> str:
    """Return the family of a method; what is not listed is an ablation by its name, or another method.

    Examples
    --------
    >>> family_of("gce"), family_of("mentormix_no_ema"), family_of("of_tomorrow")
    ('robust losses', 'ablations', 'other methods')
    """
    method = method.removeprefix(RELEASED)
    for family, methods in FAMILIES.items():
        if method in methods:
            return family
    return ABLATIONS if method.startswith(_ABLATED) else OTHER
