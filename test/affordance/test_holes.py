"""Holes, pinholes and edges of a depth image."""

import numpy as np
import pytest
from helpers.rendered_scene import Block, camera_at, floor, render

from grasp_affordance.affordance.surface.holes import depth_edges, distance_to, fill_pinholes


@pytest.mark.parametrize("elevation", [90, 60, 35])
def test_a_pinhole_in_a_plane_is_filled_with_the_plane(elevation: float) -> None:
    T = camera_at(elevation)
    whole = render([floor()], T).depth
    pricked = render([floor()], T, holes=0.01, seed=3).depth
    filled, invented = fill_pinholes(pricked)
    lost = np.isnan(pricked) & np.isfinite(whole)
    assert invented[lost].mean() > 0.95
    np.testing.assert_allclose(filled[invented], whole[invented], atol=1e-3)


def test_every_invented_pixel_is_reported_and_no_other_changes() -> None:
    depth = render([floor()], camera_at(60), noise=0.001, holes=0.02).depth
    filled, invented = fill_pinholes(depth)
    np.testing.assert_array_equal(filled[~invented], depth[~invented])
    assert np.isnan(depth[invented]).all()
    assert np.isfinite(filled[invented]).all()


@pytest.mark.parametrize("size", [4, 9, 40])
def test_a_hole_stays_a_hole(size: int) -> None:
    depth = render([floor()], camera_at(90)).depth
    depth[100 : 100 + size, 150 : 150 + size] = np.nan
    filled, _ = fill_pinholes(depth)
    assert np.isnan(filled[102 : 98 + size, 152 : 148 + size]).all()


def test_nothing_is_invented_across_a_step() -> None:
    depth = np.full((40, 40), 0.60, np.float32)
    depth[:, 20:] = 0.55
    depth[:, 19:21] = np.nan  # the shadow of the edge
    filled, invented = fill_pinholes(depth)
    assert not invented.any()
    assert np.isnan(filled[:, 19:21]).all()


@pytest.mark.parametrize("known", [0.0, 1.0])
def test_nothing_known_and_nothing_missing_stay_as_they_are(known: float) -> None:
    depth = np.full((20, 30), 0.5 if known else np.nan, np.float32)
    filled, invented = fill_pinholes(depth)
    assert not invented.any()
    np.testing.assert_array_equal(filled, depth)


@pytest.mark.parametrize("elevation", [90, 45, 25])
def test_a_plane_has_no_edges_however_steep(elevation: float) -> None:
    depth = render([floor()], camera_at(elevation), noise=0.0005).depth
    assert not depth_edges((1 / depth).astype(np.float32), jump=0.005).any()


def test_a_step_is_an_edge_where_it_is() -> None:
    depth = render([floor(), Block((-0.1, -0.1, 0.0), (0.1, 0.1, 0.03))], camera_at(90)).depth
    edges = depth_edges((1 / depth).astype(np.float32), jump=0.005)
    top = depth < 0.585
    rows, columns = np.nonzero(top)
    assert edges[rows.min() - 1 : rows.min() + 2, 160].any()
    assert edges[120, columns.max() - 1 : columns.max() + 2].any()
    assert not edges[rows.min() + 4 : rows.max() - 4, columns.min() + 4 : columns.max() - 4].any()


def test_distances_count_from_the_nearest_pixel_and_the_border() -> None:
    mask = np.zeros((21, 41), np.bool_)
    assert np.isinf(distance_to(mask)).all()
    mask[10, 20] = True
    assert distance_to(mask)[10, 25] == pytest.approx(5, abs=0.1)
    assert distance_to(mask, border=True)[10, 38] == pytest.approx(3, abs=0.1)
