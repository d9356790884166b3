"""Suction points, and where not to try again."""

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.suction import Failures, Source, SuctionPoint


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_a_probability_is_between_0_and_1(probability: float) -> None:
    with pytest.raises(ConfigError, match="not in"):
        SuctionPoint(1, 2, np.zeros(3), np.array([0, 0, -1.0]), probability, Source.PRIOR)


def test_failures_forbid_what_lies_within_the_radius_of_an_avoided_point_only() -> None:
    failures = Failures(np.array([[1.0, 0, 0]]), np.array([[0.0, 0, 0], [0.5, 0, 0]]), 0.1)
    points = np.array([[[0.1, 0, 0], [0.11, 0, 0]], [[0.45, 0, 0], [np.nan, 0, 0]]])
    np.testing.assert_array_equal(failures.forbids(points), [[True, False], [True, False]])
    assert not failures.forbids(np.array([1.0, 0, 0]))
