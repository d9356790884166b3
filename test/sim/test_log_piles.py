"""Log piles are heaps of nearly parallel, mixed logs, and look like wood."""

import colorsys
from itertools import combinations

import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import from_quaternion
from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles.log_piles import COUNT, LENGTH, RADIUS, log_pile
from grasp_affordance.sim.piles.objects import Material, Placement, lying

GEOMETRY = BinGeometry()


def pile(seed: int) -> list[Placement]:
    return log_pile(GEOMETRY, np.random.default_rng(seed))


def axis(wxyz: np.ndarray) -> np.ndarray:
    w, x, y, z = wxyz
    return from_quaternion((0, 0, 0), (x, y, z, w))[:3, 2]


@pytest.mark.parametrize("roll", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.0])
def test_a_lying_body_points_where_it_is_told_however_it_is_rolled(yaw: float, roll: float) -> None:
    np.testing.assert_allclose(axis(lying(yaw, roll)), [np.cos(yaw), np.sin(yaw), 0], atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_pile_holds_mixed_logs_that_point_nearly_one_way_and_start_inside_the_bin(
    seed: int,
) -> None:
    placements = pile(seed)
    assert 6 < len(placements) <= COUNT
    axes = np.array([axis(p.wxyz) for p in placements])
    assert np.abs(axes @ axes[0]).min() > np.cos(np.radians(3.1))
    radii = np.array([p.spec.shape.size[0] / 2 for p in placements])
    lengths = np.array([p.spec.shape.size[2] for p in placements])
    assert RADIUS[0] <= radii.min() < 0.9 * radii.max() < RADIUS[1]
    assert LENGTH[0] <= lengths.min() < lengths.max() <= LENGTH[1]
    ends = np.array([p.position for p in placements])[:, None] + axes[:, None] * (
        lengths[:, None, None] / 2 * np.array([[-1.0], [1.0]])
    )
    assert np.abs(ends[..., :2]).max() < 0.2


@pytest.mark.parametrize("seed", range(10))
def test_logs_of_a_pile_start_clear_of_each_other(seed: int) -> None:
    placements = pile(seed)
    for first, second in combinations(placements, 2):
        # straight logs: their middles' distance across the pile tells, but for a small skew
        along = axis(first.wxyz)
        apart = second.position - first.position
        across = float(np.linalg.norm(apart - (apart @ along) * along))
        touch = (first.spec.shape.size[0] + second.spec.shape.size[0]) / 2
        assert across > touch - 0.003


def test_piles_differ_in_heading_and_the_same_seed_gives_the_same_pile() -> None:
    headings = {
        round(float(np.degrees(np.arctan2(*axis(pile(s)[0].wxyz)[1::-1])))) for s in range(12)
    }
    assert len(headings) > 6
    np.testing.assert_array_equal([p.position for p in pile(3)], [p.position for p in pile(3)])


def test_bark_is_brown_to_grey_and_textured(shared_cell: SimCell) -> None:
    for placement in pile(0):
        hue, saturation, _ = colorsys.rgb_to_hsv(*placement.spec.rgba[:3])
        assert saturation < 0.15 or 0.02 < hue < 0.16
        assert placement.spec.material is Material.BARK
        assert placement.spec.porous  # no cup seals on it
    shared_cell.lay_out(pile(0))
    frame, ids = shared_cell.camera.read(), shared_cell.oracle.true_masks()
    grey = frame.color.mean(axis=2)
    roughness = [grey[ids == i].std() for i in np.unique(ids[ids >= 0])]
    assert np.median(roughness) > 10


@pytest.mark.parametrize("seed", range(4))
def test_a_settled_pile_stays_as_it_was_built_and_is_a_heap(
    shared_cell: SimCell, seed: int
) -> None:
    placements = pile(seed)
    shared_cell.lay_out(placements)
    start = np.array([p.position for p in placements])
    end = shared_cell.world.positions() - [*shared_cell.bin.centre, shared_cell.bin.floor]
    assert np.median(np.linalg.norm(end - start, axis=1)) < 0.004
    assert end[:, 2].max() > 0.05
    assert any(state.under for state in shared_cell.oracle.objects())
