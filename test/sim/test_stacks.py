"""Stacks settle, stay, are reproducible and are what their names say."""

import mujoco
import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError
from grasp_affordance.sim import Hardness, SimCell, SimConfig, scene
from grasp_affordance.sim.piles import stacks
from grasp_affordance.sim.piles.appearance import theme
from grasp_affordance.sim.piles.objects import Material
from grasp_affordance.sim.vision.camera import true_camera_pose
from grasp_affordance.sim.world import World

GEOMETRY = BinGeometry()


def settled(stack: str, seed: int) -> World:
    """A stack at rest, without its guides, as `SimCell` makes it."""
    config = SimConfig(scene=stack)
    placements = stacks.build(stack, config.bin, np.random.default_rng(seed), Hardness.IDEAL)
    model = scene.build(config, theme(stack), placements, true_camera_pose(config), 0.01)
    world = World(model, [p.spec for p in placements])
    world.settle(4.0)
    world.set_guides(False)
    world.settle(2.0)
    return world


@pytest.mark.parametrize("stack", [*stacks.SCENES, stacks.LOGS])
def test_every_stack_comes_to_rest_inside_the_bin(stack: str) -> None:
    world = settled(stack, seed=1)
    assert world.asleep()
    assert GEOMETRY.contains(world.positions(), margin=-0.02).all()
    assert world.time < 4.0


@pytest.mark.parametrize("stack", ["random", "rows", "crossed", "standing"])
def test_settled_stacks_stay_even_where_nothing_may_sleep(stack: str) -> None:
    world = settled(stack, seed=2)
    before = world.positions()
    model = world.model
    model.opt.enableflags = int(mujoco.mjtEnableBit.mjENBL_ENERGY)
    awake = mujoco.MjData(model)
    awake.qpos[:] = world.data.qpos
    mujoco.mj_forward(model, awake)
    energy = awake.energy.sum()
    mujoco.mj_step(model, awake, nstep=125)  # 0.5 s
    bodies = [world.body(i) for i in world.present]
    drift = np.linalg.norm(awake.xpos[bodies] - before, axis=1)
    assert np.median(drift) < 5e-4
    assert drift.max() < 5e-3
    assert awake.energy.sum() - energy < 0.02  # joules; no stack gains energy
    assert awake.contact.dist.min() > -2.5e-3  # metres of penetration


def test_objects_of_a_settled_stack_overlap_by_less_than_their_contacts_softness() -> None:
    world = settled("test2", seed=0)
    assert world.contacts().dist.min() > -2.5e-3
    lowest = [world.lowest(i) for i in world.present]
    assert min(lowest) > -3e-3  # nothing has sunk into the floor


@pytest.mark.parametrize("stack", ["irregular", "domed", "lids", "tubes", "holes", "boxes"])
def test_settled_objects_of_every_shape_lie_on_the_floor_and_not_in_it(stack: str) -> None:
    world = settled(stack, seed=0)
    lowest = np.array([world.lowest(i) for i in world.present])
    assert lowest.min() > -3e-3
    assert lowest.min() < 1e-3  # something does lie on it, to the millimetre


def test_the_same_seed_gives_the_same_physics_bit_for_bit() -> None:
    first, second, other = settled("random", 3), settled("random", 3), settled("random", 4)
    np.testing.assert_array_equal(first.data.qpos, second.data.qpos)
    assert not np.array_equal(first.data.qpos, other.data.qpos)


def test_training_draws_all_four_types() -> None:
    rng = np.random.default_rng(0)
    assert {stacks.choose("train", rng) for _ in range(60)} == set(stacks.TRAINING)


@pytest.mark.parametrize(("stack", "count"), [("test1", 20), ("test2", 40), ("test3", 40)])
def test_the_papers_test_scenes_have_their_counts(stack: str, count: int) -> None:
    placements = stacks.build(stack, GEOMETRY, np.random.default_rng(0), Hardness.IDEAL)
    assert len(placements) == count
    colors = {p.spec.rgba for p in placements}
    assert len(colors) == (1 if stack == "test3" else count)
    assert all(p.spec.shape.cylinder for p in placements)


def test_standing_stacks_have_upright_cylinders() -> None:
    world = settled("standing", seed=0)
    upright = np.abs(world.rotations()[:, 2, 2]) > 0.99
    assert upright.sum() >= 8


def test_adverse_stacks_hold_every_material_and_others_none() -> None:
    rng = np.random.default_rng(0)
    specs = [
        p.spec for _ in range(5) for p in stacks.build("random", GEOMETRY, rng, Hardness.ADVERSE)
    ]
    assert {s.material for s in specs} == set(Material) - {Material.BARK}
    assert 0.15 < np.mean([s.porous for s in specs]) < 0.35
    assert all(s.depth_return < 0.2 for s in specs if s.material in (Material.DARK, Material.SHINY))
    assert all(s.mass_shift != 0 for s in specs if s.material is Material.WEIGHTED)
    plain = stacks.build("random", GEOMETRY, rng, Hardness.REALISTIC)
    assert {p.spec.material for p in plain} == {Material.PLAIN}


def test_an_unknown_scene_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'heap' is unknown"):
        SimCell(SimConfig(scene="heap"))


def test_weighted_objects_have_their_mass_at_the_marked_end(shared_cell: SimCell) -> None:
    rng = np.random.default_rng(0)
    placements = stacks.build("rows", GEOMETRY, rng, Hardness.ADVERSE)
    shared_cell.lay_out(placements)
    for state in shared_cell.oracle.objects():
        shift = (state.centre_of_mass - state.T_base_object[:3, 3]) @ state.T_base_object[:3, 2]
        length = state.spec.shape.size[2]
        assert shift == pytest.approx(state.spec.mass_shift * length, abs=1e-6)
