"""scikit-learn's own checks of the search as it comes, but for the number of trials.

They fit it some 70 times. Forty trials each time, as by default, would take an hour or more; two are the estimator as
it is, and a configuration that is drawn.
"""

import warnings

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sweeps import CurriculumSearch
from sweeps.engine.session import prepare_ray, ray_session
from tests.estimators.test_sklearn_contract import ROUNDING

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
SEARCH = CurriculumSearch(n_trials=2)


@pytest.fixture(scope="module", autouse=True)
def _ray():
    prepare_ray()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ray_session(n_cpus=1):
            yield


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few rows, with nothing to learn
@parametrize_with_checks([SEARCH], expected_failed_checks=lambda _: ROUNDING, xfail_strict=False)
def test_sklearn_checks(estimator, check):
    check(estimator)
