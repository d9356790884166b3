"""The arm moves where it is told, stops when it must, and refuses what it cannot do."""

import threading

import numpy as np
import pytest
from helpers.sim_objects import place, top_of

from grasp_affordance.cell import Arm, Camera, Gripper
from grasp_affordance.errors import CollisionError, StoppedError, UnreachableError
from grasp_affordance.geometry import approach_pose
from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.robot.kinematics import JOINT_LIMITS
from grasp_affordance.sim.robot.trajectory import SpeedProfile

DOWN = (0.0, 0.0, -1.0)


@pytest.fixture
def cell(shared_cell: SimCell) -> SimCell:
    shared_cell.lay_out([place(shapes.box(0.06, 0.06, 0.05), (0.05, 0.05, 0.026))])
    return shared_cell


def test_the_parts_are_those_of_a_cell(cell: SimCell) -> None:
    parts = cell.as_cell()
    arm: Arm = parts.arm
    gripper: Gripper = parts.gripper
    camera: Camera = parts.camera
    assert (arm, gripper, camera) == (cell.arm, cell.gripper, cell.camera)
    assert parts.cup.force == pytest.approx(22.0, abs=0.1)


def test_poses_are_reached_within_a_millimetre(cell: SimCell) -> None:
    for point, approach in [
        ((0.60, -0.15, 0.25), DOWN),
        ((0.35, 0.15, 0.30), DOWN),
        ((0.50, 0.00, 0.28), (0.3, 0.1, -1.0)),
    ]:
        T = approach_pose(point, approach)
        cell.arm.move_to(T)
        assert np.linalg.norm(cell.arm.tcp_pose()[:3, 3] - point) < 1.5e-3
        assert cell.arm.tcp_pose()[:3, 2] @ T[:3, 2] > 0.9999


def test_a_linear_move_stays_on_its_line(cell: SimCell) -> None:
    cell.arm.move_to(approach_pose((0.40, -0.15, 0.25), DOWN))
    start = cell.arm.tcp_pose()[:3, 3]
    end = np.array([0.60, 0.10, 0.32])
    path: list[np.ndarray] = []

    def watch() -> None:
        path.append(cell.arm.tcp_pose()[:3, 3])

    cell.world.listeners.append(watch)
    cell.arm.move_to(approach_pose(end, DOWN), linear=True)
    cell.world.listeners.remove(watch)
    direction = (end - start) / np.linalg.norm(end - start)
    offset = np.array(path) - start
    away = np.linalg.norm(offset - (offset @ direction)[:, None] * direction, axis=1)
    assert away.max() < 4e-3


def test_the_joints_stay_within_their_limits(cell: SimCell) -> None:
    rng = np.random.default_rng(0)
    for _ in range(4):
        point = (*rng.uniform((0.35, -0.15), (0.65, 0.15)), 0.3)
        cell.arm.move_to(approach_pose(point, DOWN, yaw=rng.uniform(-np.pi, np.pi)))
        assert (np.abs(cell.arm.joints) <= JOINT_LIMITS).all()


def test_the_arm_needs_no_more_speed_and_torque_than_a_ur5_has(cell: SimCell) -> None:
    arm, data = cell.arm, cell.world.data
    joints = arm._qvel
    speeds, torques = [np.zeros(6)], [np.zeros(6)]

    def watch() -> None:
        speeds.append(np.abs(data.qvel[joints]))
        drive = data.actuator_force[arm._actuators] + data.qfrc_gravcomp[joints]
        torques.append(np.abs(drive))

    cell.world.listeners.append(watch)
    for point in [(0.65, 0.15, 0.2), (0.35, -0.15, 0.2), (0.65, -0.15, 0.2)]:
        arm.move_to(approach_pose(point, DOWN))
        arm.move_to(approach_pose((*point[:2], 0.3), DOWN), linear=True)
        arm.home()
    cell.world.listeners.remove(watch)
    assert 2.5 < np.max(speeds) < np.pi
    assert (np.max(torques, axis=0) < [150, 150, 150, 28, 28, 28]).all()


def test_over_the_place_area_the_arm_hides_nothing_of_the_bin(cell: SimCell) -> None:
    x, y = cell.config.place
    for height in (0.15, 0.20, 0.30):  # below it, a load reaches down to the tote
        cell.arm.move_to(approach_pose((x, y, height), DOWN))
        seen = cell.camera.geom_ids()
        names = {cell.world.model.geom(geom).name for geom in np.unique(seen[seen >= 0])}
        assert "bin_floor" in names
        assert not [name for name in names if name.startswith(("arm/", "tool/"))]
    cell.arm.move_to(approach_pose((0.5, 0.1, 0.3), DOWN))
    seen = np.unique(cell.camera.geom_ids())
    assert [g for g in seen if g >= 0 and cell.world.model.geom(g).name.startswith("arm/")]
    cell.arm.home()


def test_contact_is_felt_at_the_surface(cell: SimCell) -> None:
    top = top_of(cell)
    cell.arm.move_to(approach_pose(top + np.array([0, 0, 0.04]), DOWN))
    assert cell.arm.move_until_contact(approach_pose(top - np.array([0, 0, 0.02]), DOWN))
    assert top[2] - 0.005 < cell.arm.tcp_pose()[2, 3] < top[2] + 1e-3
    cell.arm.home()


def test_without_a_surface_there_is_no_contact(cell: SimCell) -> None:
    cell.arm.move_to(approach_pose((0.40, -0.10, 0.20), DOWN))
    assert not cell.arm.move_until_contact(approach_pose((0.40, -0.10, 0.05), DOWN))
    cell.arm.home()


def test_stop_from_another_thread_stops_the_arm_at_once(cell: SimCell) -> None:
    cell.arm.home()
    periods = 0

    def after_a_while() -> None:
        nonlocal periods
        periods += 1
        if periods == 20:
            thread = threading.Thread(target=cell.arm.stop)
            thread.start()
            thread.join()

    cell.world.listeners.append(after_a_while)
    with pytest.raises(StoppedError):
        cell.arm.move_to(approach_pose((0.6, 0.1, 0.3), DOWN))
    cell.world.listeners.remove(after_a_while)
    assert periods < 20 + 0.26 / cell.world.period  # one control period and the braking
    standing = cell.arm.tcp_pose()
    cell.world.step(60)
    np.testing.assert_allclose(cell.arm.tcp_pose(), standing, atol=2e-3)
    cell.arm.home()  # and it moves again when it is told


def test_hitting_something_in_a_free_motion_is_a_collision(cell: SimCell) -> None:
    top = top_of(cell)
    cell.arm.move_to(approach_pose(top + np.array([0, 0, 0.08]), DOWN))
    with pytest.raises(CollisionError):
        cell.arm.move_to(approach_pose(top - np.array([0, 0, 0.03]), DOWN), linear=True)
    cell.arm.home()  # the arm can leave what it has hit


@pytest.mark.parametrize(
    ("point", "approach", "why"),
    [
        ((1.1, 0.0, 0.2), DOWN, "workspace"),
        ((0.5, 0.195, 0.02), DOWN, "wall"),
        ((0.5, 0.205, 0.06), DOWN, "wall"),
        ((0.5, 0.17, 0.02), (0.0, 0.5, -1.0), None),
        ((0.5, 0.17, 0.02), (0.0, -0.5, -1.0), "wall"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_moving(
    cell: SimCell, point: tuple[float, ...], approach: tuple[float, ...], why: str | None
) -> None:
    before = cell.time
    T = approach_pose(point, approach)
    if why is None:
        cell.arm.check_reachable(T)
    else:
        with pytest.raises(UnreachableError, match=why):
            cell.arm.check_reachable(T)
        with pytest.raises(UnreachableError, match=why):
            cell.arm.move_to(T)
    assert cell.time == before


@pytest.mark.parametrize("braking", [None, 1.0, 6.0])
@pytest.mark.parametrize("length", [0.001, 0.05, 2.0])
def test_a_profile_covers_its_length_smoothly_within_its_limits(
    length: float, braking: float | None
) -> None:
    profile = SpeedProfile.plan(length, speed=0.5, acceleration=2.0, braking=braking)
    times = np.linspace(0, profile.duration, 2001)
    distance = np.array([profile.distance(t) for t in times])
    speed = np.diff(distance) / np.diff(times)
    assert distance[0] == 0.0
    assert distance[-1] == pytest.approx(length)
    assert speed.min() >= -1e-9
    assert speed.max() <= 0.5 * 1.001
    # cosine ramps peak at pi/2 times their mean acceleration
    acceleration = np.diff(speed) / np.diff(times)[1:] / (np.pi / 2)
    assert acceleration.max() == pytest.approx(2.0, rel=0.02)
    assert -acceleration.min() == pytest.approx(braking or 2.0, rel=0.02)
