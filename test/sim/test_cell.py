"""A cell is reproducible, goes back to snapshots, and keeps account of its objects."""

import numpy as np
import pytest
from helpers.sim_objects import place, top_of

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import approach_pose
from grasp_affordance.sim import AttemptTruth, Hardness, SimCell, SimConfig
from grasp_affordance.sim.cell import worn_cup
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import Material

DOWN = (0.0, 0.0, -1.0)


def pick_first_sealing(cell: SimCell) -> tuple[AttemptTruth, np.ndarray]:
    """Pick the first object, by id, that seals on top of its centre of mass; return the state."""
    for state in cell.oracle.objects():
        x, y = state.centre_of_mass[:2]
        seal = cell.oracle.seal_at(np.array([x, y, 0.3]), np.array(DOWN), reach=0.4)
        if seal.sealed and seal.object_id == state.object_id:
            point = np.array([x, y, 0.3 - seal.height])
            break
    else:
        raise AssertionError("no object of this stack seals")
    cell.arm.move_to(approach_pose(point + np.array([0, 0, 0.03]), DOWN))
    cell.gripper.grasp()
    if cell.arm.move_until_contact(approach_pose(point - np.array([0, 0, 0.01]), DOWN)):
        cell.gripper.holding()
        cell.arm.move_to(approach_pose((x, y, 0.3), DOWN), linear=True)
        cell.arm.move_to(cell.place_pose(0.12))
    cell.gripper.release()
    cell.arm.home()
    cell.resettle()
    return cell.truth(), cell.world.data.qpos.copy()


def test_the_same_seed_gives_the_same_images_and_picks() -> None:
    runs = []
    for _ in range(2):
        with SimCell(SimConfig(scene="standing", seed=7)) as cell:
            frame = cell.camera.read()
            truth, state = pick_first_sealing(cell)
            runs.append((frame.color, frame.depth, state, cell.gripper.trace().vacuum))
            assert truth.outcome is Outcome.SUCCESS
            assert cell.objects_left() == 19
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_reset_with_a_seed_forgets_what_was_before(realistic_cell: SimCell) -> None:
    realistic_cell.reset(11)
    first = realistic_cell.world.data.qpos.copy()
    realistic_cell.reset()
    assert not np.array_equal(first, realistic_cell.world.data.qpos[: len(first)])
    before = realistic_cell.time
    realistic_cell.reset(11)
    np.testing.assert_array_equal(first, realistic_cell.world.data.qpos)
    assert realistic_cell.time >= before  # the clock never goes back


def test_a_snapshot_brings_everything_back(realistic_cell: SimCell) -> None:
    realistic_cell.reset(5)
    state = realistic_cell.snapshot()
    first, moved = pick_first_sealing(realistic_cell)
    assert realistic_cell.objects_left() == 15
    realistic_cell.restore(state)
    assert realistic_cell.objects_left() == 16
    second, again = pick_first_sealing(realistic_cell)
    assert first == second
    np.testing.assert_array_equal(moved, again)
    realistic_cell.reset(6)
    with pytest.raises(ValueError, match="another stack"):
        realistic_cell.restore(state)


def test_the_oracle_knows_what_lies_on_what(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.10, 0.10, 0.03), (0, 0, 0.0155)),
            place(shapes.box(0.06, 0.06, 0.03), (0, 0, 0.047)),
            place(shapes.box(0.05, 0.05, 0.03), (0.12, 0, 0.016)),
        ]
    )
    assert shared_cell.oracle.lies_on() == {0: (1,), 1: (), 2: ()}
    assert [state.under for state in shared_cell.oracle.objects()] == [(1,), (), ()]


def test_the_masks_show_each_object_where_it_is(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.06, 0.06, 0.03), (-0.10, 0.05, 0.016)),
            place(shapes.cylinder(0.03, 0.10), (0.10, -0.05, 0.051)),
        ]
    )
    masks = shared_cell.oracle.true_masks()
    intrinsics = shared_cell.camera.intrinsics
    T = np.linalg.inv(shared_cell.oracle.T_base_camera)
    assert set(np.unique(masks)) == {-1, 0, 1}
    for object_id in (0, 1):
        x, y, z = top_of(shared_cell, object_id)
        u, v = intrinsics.project((T @ [x, y, z, 1.0])[:3]).round().astype(int)
        assert masks[v, u] == object_id


def test_an_attempt_that_touched_nothing_dragged_nothing(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.05, 0.05, 0.05), (0.1, 0.1, 0.03))])
    shared_cell.gripper.grasp()
    shared_cell.gripper.release()
    assert shared_cell.truth() == AttemptTruth(Outcome.FAILURE, Cause.NO_CONTACT)


def test_what_falls_beside_the_bin_is_taken_away_and_counted_as_lost(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.05, 0.05, 0.05), (0.1, 0.1, 0.03)),
            place(shapes.box(0.05, 0.05, 0.05), (-0.1, -0.1, 0.03)),
        ]
    )
    shared_cell.gripper.grasp()
    shared_cell.world.put(1, np.array([0.0, 0.45, 0.05]))
    shared_cell.resettle()
    assert shared_cell.truth().lost == (1,)
    assert shared_cell.objects_left() == 1


def test_porous_objects_cannot_be_picked_but_are_there(shared_cell: SimCell) -> None:
    box = shapes.box(0.05, 0.05, 0.05)
    shared_cell.lay_out(
        [
            place(box, (0.1, 0.1, 0.03)),
            place(box, (-0.1, -0.1, 0.03), material=Material.POROUS),
        ]
    )
    assert (shared_cell.objects_left(), shared_cell.pickable_left()) == (2, 1)


def test_a_worn_cup_holds_less_and_follows_less() -> None:
    new, realistic, adverse = (worn_cup(SimConfig().cup, hardness) for hardness in Hardness)
    assert new[0].force > realistic[0].force > adverse[0].force
    assert new[1].compliance > realistic[1].compliance > adverse[1].compliance


@pytest.mark.parametrize(
    "bad",
    [{"width": 0}, {"fovy": 200.0}, {"camera_height": 0.1}, {"seed": -1}, {"real_time_factor": -1}],
)
def test_senseless_configurations_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        SimConfig(**bad)  # type: ignore[arg-type]
