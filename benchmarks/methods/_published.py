"""The rows of MentorNet's released tables, each with the flags of its command."""

from typing import Any

from benchmarks.methods._method import Method
from noisylabel import MentorMixClassifier

# The commands misspell the flag of the percentile, so that all runs had its default.
_RELEASED: dict[str, Any] = {
    "loss_percentile": 0.7,
    "percentile_decay": 0.5,
    "percentile_by_class": False,
    "burn_in": 18,
}
PUBLISHED = {
    "released_baseline": Method({"curriculum": "uniform"}),
    "released_self_paced": Method(_RELEASED | {"curriculum": "self_paced"}),
    "released_focal": Method({"curriculum": "focal"}),
    "released_mentornet_pd": Method(_RELEASED | {"curriculum": "mentornet_pd", "example_dropout": "0.5,17,0.05,83"}),
    "released_mentornet_dd": Method(
        _RELEASED
        | {
            "curriculum": "mentornet_dd",
            "example_dropout": "0.5,17,0.05,78,0.9,5",
            "fixed_epoch_after_burn_in": True,
        }
    ),
    # all of it is in the profile, as a preset by noise rate
    "released_mentormix": Method({}, estimator=MentorMixClassifier),
}
