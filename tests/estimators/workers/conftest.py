"""The pair of processes that all tests of this folder share."""

import pytest

from tests.estimators.workers.pair import Pair


@pytest.fixture(scope="package")
def pair(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.close()
