"""The picture of a prediction."""

import numpy as np
import pytest

from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.suction import Source, SuctionPoint

COLOR = np.full((120, 160, 3), 100, np.uint8)


def at(u: int, v: int, probability: float = 0.5) -> SuctionPoint:
    return SuctionPoint(
        u, v, np.array([0, 0, 0.5]), np.array([0, 0, -1.0]), probability, Source.PRIOR
    )


def test_affordance_is_warm_and_the_rest_is_dimmed() -> None:
    affordance = np.zeros((120, 160), np.float32)
    affordance[:, 80:] = 0.8
    picture = draw_overlay(COLOR, affordance)
    assert picture.shape == COLOR.shape
    assert picture.dtype == np.uint8
    red, blue = picture[60, 120, 0].astype(int), picture[60, 120, 2].astype(int)
    assert red > blue + 50
    assert (picture[:, :79] < 100).all()
    assert (picture[:, :79] == picture[0, 0]).all()


def test_points_are_marked_where_they_are_and_the_input_is_kept() -> None:
    affordance = np.zeros((120, 160), np.float32)
    color = COLOR.copy()
    plain = draw_overlay(color, affordance)
    marked = draw_overlay(color, affordance, [at(40, 60), at(120, 30)], 0.01, 600.0)
    changed = np.argwhere((plain != marked).any(axis=-1))
    assert (marked[60, 40] != plain[60, 40]).any()
    assert (marked[60, 40 - 12] != plain[60, 40 - 12]).any()  # 0.01 m * 600 px / 0.5 m
    assert len(changed) < 0.2 * 120 * 160
    np.testing.assert_array_equal(color, COLOR)


@pytest.mark.parametrize("corner", [(0, 0), (159, 119), (159, 0), (0, 119)])
def test_points_at_the_border_are_drawn(corner: tuple[int, int]) -> None:
    affordance = np.full((120, 160), np.nan, np.float32)
    picture = draw_overlay(COLOR, affordance, [at(*corner)])
    assert (picture[corner[1], corner[0]] > 200).all()
