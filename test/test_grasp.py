"""The vocabulary of a pick."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_affordance.errors import ConfigError
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.suction import Failures, Source, SuctionPoint


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_a_probability_is_between_0_and_1(probability: float) -> None:
    with pytest.raises(ConfigError, match="not in"):
        SuctionPoint(1, 2, np.zeros(3), np.array([0, 0, -1.0]), probability, Source.PRIOR)


@given(
    st.floats(0, 640),
    st.floats(0, 480),
    st.floats(0, np.pi, exclude_max=True),
    st.floats(1, 100),
    st.floats(1, 100),
)
def test_the_corners_span_the_rectangle(
    x: float, y: float, theta: float, w: float, h: float
) -> None:
    corners = GraspRectangle(x, y, theta, w, h).corners()
    np.testing.assert_allclose(corners.mean(axis=0), [x, y], atol=1e-9)
    plate, opening = corners[1] - corners[0], corners[2] - corners[1]
    np.testing.assert_allclose(plate, w * np.array([np.cos(theta), np.sin(theta)]), atol=1e-9)
    assert np.linalg.norm(opening) == pytest.approx(h)
    assert plate @ opening == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    "values", [(0, 0, np.pi, 1, 1), (0, 0, -0.1, 1, 1), (0, 0, 0, 0, 1), (0, np.nan, 0, 1, 1)]
)
def test_a_senseless_rectangle_is_refused(values: tuple) -> None:
    with pytest.raises(ConfigError):
        GraspRectangle(*values)


def test_failures_forbid_what_lies_within_the_radius_of_an_avoided_point_only() -> None:
    failures = Failures(np.array([[1.0, 0, 0]]), np.array([[0.0, 0, 0], [0.5, 0, 0]]), 0.1)
    points = np.array([[[0.1, 0, 0], [0.11, 0, 0]], [[0.45, 0, 0], [np.nan, 0, 0]]])
    np.testing.assert_array_equal(failures.forbids(points), [[True, False], [True, False]])
    assert not failures.forbids(np.array([1.0, 0, 0]))
