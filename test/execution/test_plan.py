"""Where a pick goes, and what is refused before it begins."""

import numpy as np
import pytest
from execution.fakes import T_BASE_CAMERA, FakeCellState, fake_cell, flat_frame, point_at

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.checks import Refusal, plan_checked
from grasp_affordance.execution.heap import heap_top
from grasp_affordance.execution.plan import PickConfig, PickPlan, plan_pick
from grasp_affordance.geometry import check_rigid
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Rejection, SuctionPoint

BIN = BinGeometry()
TILTED = (np.sin(0.3), 0.0, np.cos(0.3))
STEEP = (1.0, 0.0, 0.2)


def plan(point: SuctionPoint, **config: object) -> PickPlan:
    return plan_pick(point, T_BASE_CAMERA, BIN, PickConfig(**config))  # type: ignore[arg-type]


def check(point: SuctionPoint, **config: object) -> PickPlan | Refusal:
    cell = fake_cell(FakeCellState())
    return plan_checked(cell, point, T_BASE_CAMERA, PickConfig(**config))  # type: ignore[arg-type]


def refused_for(result: PickPlan | Refusal) -> Rejection | None:
    return result.rejection if isinstance(result, Refusal) else None


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), TILTED, STEEP])
@pytest.mark.parametrize("along_normal", [False, True])
def test_every_pose_is_rigid_and_the_contact_is_at_the_point(
    normal: tuple[float, float, float], along_normal: bool
) -> None:
    poses = plan(point_at(0.45, 0.1, 0.07, normal), along_normal=along_normal)
    for name, T in poses.waypoints.items():
        check_rigid(T, name)
    assert poses.contact[:3, 3] == pytest.approx([0.45, 0.1, 0.07])


def test_picks_are_vertical_by_default_whatever_the_normal() -> None:
    assert plan(point_at(normal=TILTED)).contact[:3, 2] == pytest.approx([0, 0, -1])


def test_along_the_normal_the_approach_opposes_it() -> None:
    approach = plan(point_at(normal=TILTED), along_normal=True).contact[:3, 2]
    assert approach == pytest.approx(-np.array(TILTED))


def test_a_steeper_normal_is_followed_up_to_the_limit() -> None:
    approach = plan(point_at(normal=STEEP), along_normal=True, max_tilt=0.4).contact[:3, 2]
    assert np.arccos(-approach[2]) == pytest.approx(0.4)
    assert approach[0] < 0  # still towards the surface


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), TILTED])
def test_the_approach_is_one_straight_line_from_over_the_rim_to_under_the_surface(
    normal: tuple[float, float, float],
) -> None:
    poses = plan(point_at(normal=normal), along_normal=True)
    line = [poses.pre_grasp, poses.approach_start, poses.contact, poses.approach_limit]
    axis = poses.contact[:3, 2]
    along = [float((T[:3, 3] - poses.contact[:3, 3]) @ axis) for T in line]
    assert along == sorted(along)
    for T, distance in zip(line, along, strict=True):
        assert T[:3, 3] == pytest.approx(poses.contact[:3, 3] + distance * axis)
    assert poses.pre_grasp[2, 3] > BIN.rim


def test_the_approach_never_reaches_the_floor() -> None:
    config = PickConfig()
    for z in (0.003, 0.005, 0.01, 0.05):
        limit = plan(point_at(z=z)).approach_limit[2, 3]
        assert limit >= BIN.floor + config.floor_margin - 1e-12


def test_a_load_as_long_as_it_may_be_clears_the_rim_and_does_not_hit_the_place_area() -> None:
    config = PickConfig()
    for z in (0.02, 0.12, 0.2):
        poses = plan(point_at(z=z))
        hang = z - BIN.floor
        assert poses.lift[2, 3] - hang >= BIN.rim + config.clearance - 1e-12
        assert poses.above_place[2, 3] - hang >= config.place[2]
        assert poses.place[2, 3] - hang == pytest.approx(config.place[2] + config.place_clearance)
        assert poses.lowest_place[2, 3] <= poses.place[2, 3] <= poses.above_place[2, 3]


def test_the_lift_is_straight_up_and_never_down() -> None:
    for z in (0.02, 0.2, 0.26):
        poses = plan(point_at(z=z))
        assert poses.lift[:2, 3] == pytest.approx(poses.contact[:2, 3])
        assert poses.lift[2, 3] >= poses.contact[2, 3]


def test_points_beside_below_and_far_above_the_bin_are_refused() -> None:
    for x, y, z in [(0.8, 0, 0.05), (0.5, -0.3, 0.05), (0.5, 0, -0.02), (0.5, 0, 0.5)]:
        assert refused_for(check(point_at(x, y, z))) is Rejection.OUTSIDE_WORKSPACE


def test_deep_points_keep_the_tool_from_the_walls_and_high_ones_may_come_closer() -> None:
    config = PickConfig(wall_margin=0.002, tool_radius=0.03, cup_length=0.04)
    edge = 0.5 + 0.2

    def refused(gap: float, z: float) -> bool:
        cell = fake_cell(FakeCellState())
        result = plan_checked(cell, point_at(edge - gap, 0, z), T_BASE_CAMERA, config)
        return refused_for(result) is Rejection.NEAR_WALL

    cup, tool = 0.010 + 0.002, 0.03 + 0.002
    assert refused(tool - 0.001, z=0.03)  # the thick part is under the rim
    assert not refused(tool + 0.001, z=0.03)
    assert refused(cup - 0.001, z=0.10)  # only the cup is
    assert not refused(cup + 0.001, z=0.10)
    assert not refused(0.001, z=0.14)  # the point and the overshoot are over the rim


def test_a_tool_tilted_over_the_wall_is_refused_where_a_vertical_one_is_not() -> None:
    # The normal points away from the wall's inner side: the tool leans out over the wall.
    point = point_at(0.5 + 0.2 - 0.03, 0, 0.04, TILTED)
    assert refused_for(check(point)) is None
    assert refused_for(check(point, along_normal=True)) is Rejection.NEAR_WALL


def test_the_walls_turn_with_the_bin() -> None:
    state = FakeCellState()
    cell = fake_cell(state)
    turned = type(cell)(cell.arm, cell.gripper, cell.camera, BinGeometry(yaw=np.pi / 4), cell.cup)
    corner = point_at(0.5 + 0.25, 0.0, 0.05)
    assert refused_for(plan_checked(cell, corner, T_BASE_CAMERA, PickConfig())) is not None
    assert refused_for(plan_checked(turned, corner, T_BASE_CAMERA, PickConfig())) is None


def test_a_pose_out_of_reach_is_refused_by_its_name() -> None:
    result = check(point_at(), place=(3.0, 0.0, 0.0))
    assert isinstance(result, Refusal)
    assert result.rejection is Rejection.UNREACHABLE
    assert "above_place" in result.detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"clearance": -0.1},
        {"max_tilt": 2.0},
        {"clearance": 0.01, "approach_distance": 0.02},
        {"place": (0.0, float("nan"), 0.0)},
        {"idle_vacuum": 0.0},
    ],
)
def test_configurations_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        PickConfig(**wrong)


def view_with_a_heap(top: float, width: int) -> RgbdFrame:
    """A view of the bin's floor in which a square of some pixels stands up to a height, metres."""
    frame = flat_frame(int(FakeCellState().time * 1e9))
    frame.depth[20 : 20 + width, 30 : 30 + width] = 0.8 - top
    return frame


@pytest.mark.parametrize(("top", "higher"), [(0.05, 0.0), (0.18, 0.06), (0.5, 0.15)])
def test_tool_and_load_pass_over_contents_that_stand_out_of_the_bin_as_over_its_rim(
    top: float, higher: float
) -> None:
    cell, point = fake_cell(FakeCellState()), point_at()
    usual = plan_checked(cell, point, T_BASE_CAMERA, PickConfig(), view_with_a_heap(0.0, 8))
    over = plan_checked(cell, point, T_BASE_CAMERA, PickConfig(), view_with_a_heap(top, 8))
    assert isinstance(usual, PickPlan)
    assert isinstance(over, PickPlan)
    for name in ("pre_grasp", "lift", "above_place"):
        raised = getattr(over, name)[2, 3] - getattr(usual, name)[2, 3]
        assert raised == pytest.approx(higher, abs=1e-6), name
    for name in ("approach_start", "contact", "place"):
        np.testing.assert_array_equal(getattr(over, name), getattr(usual, name))


def test_a_view_without_contents_is_as_high_as_the_floor() -> None:
    assert heap_top(flat_frame(0), T_BASE_CAMERA, BIN) == BIN.floor
    outside = view_with_a_heap(0.2, 8)
    outside.depth[20:28, 30:38] = np.nan
    assert heap_top(outside, T_BASE_CAMERA, BIN) == BIN.floor
