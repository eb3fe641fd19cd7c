"""scikit-learn's own checks of the search, each with real sweeps of one trial."""

import warnings

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from noisylabel import MentorNetClassifier
from sweeps import CurriculumSearch
from sweeps.engine.session import prepare_ray, ray_session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
SEARCH = CurriculumSearch(
    MentorNetClassifier(),
    limits={"curriculum": "self_paced", "loss_percentile": [0.7, 0.8], "lr": [0.002]},
    n_trials=1,
    random_state=0,
    verbose=0,
)


@pytest.fixture(scope="module", autouse=True)
def _ray():
    prepare_ray()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ray_session(n_cpus=1):
            yield


@parametrize_with_checks([SEARCH])
def test_sklearn_checks(estimator, check):
    check(estimator)
