"""The bin and the cup."""

import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points


def test_a_turned_bin_contains_what_its_own_frame_says() -> None:
    bin_ = BinGeometry(centre=(0.5, 0.2), size=(0.4, 0.2, 0.1), floor=0.03, yaw=0.7)
    local = np.random.default_rng(0).uniform(-0.3, 0.3, (500, 3))
    inside = (np.abs(local[:, 0]) <= 0.2) & (np.abs(local[:, 1]) <= 0.1) & (local[:, 2] > 0)
    points = transform_points(bin_.T_base_bin, local)
    np.testing.assert_array_equal(bin_.contains(points), inside)
    assert 0 < bin_.contains(points, margin=0.03).sum() < inside.sum()


def test_a_heap_above_the_rim_is_in_the_bin_and_the_unknown_is_not() -> None:
    bin_ = BinGeometry()
    points = np.array([[0.5, 0.0, bin_.rim + 0.3], [0.5, 0.0, -0.01], [0.5, 0.0, np.nan]])
    assert bin_.contains(points).tolist() == [True, False, False]


def test_a_full_seal_holds_area_times_vacuum() -> None:
    assert Cup(radius=0.010, vacuum=70.0).force == pytest.approx(21.99, abs=0.01)


@pytest.mark.parametrize(
    "changes", [{"radius": 0.0}, {"vacuum": 120.0}, {"radius": 0.2}, {"stroke": 0.0}, {"tilt": 2.0}]
)
def test_a_cup_that_cannot_be_is_refused(changes: dict) -> None:
    with pytest.raises(ConfigError):
        Cup(**changes)


def test_a_flat_bin_is_refused() -> None:
    with pytest.raises(ConfigError, match="bin size"):
        BinGeometry(size=(0.4, 0.4, 0.0))
