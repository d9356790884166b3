"""A bin is found by its inner size, or nothing is: laws, rendered, simulated and real views."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.rendered_scene import Block, Log, camera_at, floor, open_bin, render

from grasp_affordance.affordance.bin.find_bin import BinSearchConfig, canonical, find_bin
from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig, look
from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import BinNotFoundError, ConfigError, FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence
from grasp_affordance.sim import SimCell, SimConfig

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
CAMERA = Intrinsics(fx=460.0, fy=460.0, cx=319.5, cy=239.5, width=640, height=480)
SIZE = (0.40, 0.30, 0.10)
BIN = BinGeometry((0.0, 0.0), SIZE)
TABLE = floor()
HEAP = [Log((x, y, 0.03 + 0.1 * x), 0.025, 0.09) for x in (-0.1, 0.1) for y in (-0.09, 0.0, 0.09)]


def seen(solids: list, T: Array, seed: int = 0) -> RgbdFrame:
    return render(solids, T, noise=0.0008, holes=0.01, seed=seed, intrinsics=CAMERA)


def moved(solids: list[Block], x: float, y: float, z: float = 0.0) -> list[Block]:
    step = np.array([x, y, z])
    return [Block(tuple(s.low + step), tuple(s.high + step)) for s in solids]


def turned_base(yaw: float, x: float, y: float, z: float) -> Array:
    """Return where the rendered scene's frame is in another base frame, (4, 4)."""
    return BinGeometry((x, y), SIZE, z, yaw).T_base_bin


def check(found: BinGeometry, true: BinGeometry, metres: float = 0.004) -> None:
    period = np.pi if true.size[0] != true.size[1] else np.pi / 2
    turned = (found.yaw - true.yaw + period / 2) % period - period / 2
    assert found.size == true.size
    assert np.hypot(*np.subtract(found.centre, true.centre)) < metres
    assert abs(found.floor - true.floor) < metres
    assert abs(np.degrees(turned)) < 0.5


@pytest.mark.parametrize("elevation", [90, 65])
@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.3, -1.0])
@pytest.mark.parametrize("things", [[], HEAP])
def test_a_bin_is_found_wherever_the_base_stands(
    elevation: float, yaw: float, things: list
) -> None:
    T, B = camera_at(elevation, 0.8), turned_base(yaw, 0.5, -0.2, 0.1)
    found = find_bin(seen([TABLE, *open_bin(), *things], T), B @ T, [SIZE])
    check(found, BinGeometry((0.5, -0.2), SIZE, 0.1, yaw))


def test_a_bin_that_moves_is_found_where_it_has_moved() -> None:
    T = camera_at(75, 0.9)
    for x, y, z in ((0.0, 0.0, 0.0), (0.07, -0.04, 0.05), (-0.05, 0.06, -0.1)):
        table = Block((-2, -2, -0.5), (2, 2, z))
        frame = seen([table, *moved(open_bin(), x, y, z)], T)
        check(find_bin(frame, T, [SIZE]), BinGeometry((x, y), SIZE, z))


def test_a_bin_as_full_as_can_be_is_found_by_the_gap_along_its_wall() -> None:
    tops = [
        Block((x + 0.018, y + 0.018, 0.0), (x + 0.082, y + 0.082, 0.1))
        for x in np.arange(-0.2, 0.15, 0.1)
        for y in np.arange(-0.15, 0.1, 0.1)
    ]
    T = camera_at(85, 0.7)
    check(find_bin(seen([TABLE, *open_bin(), *tops], T), T, [SIZE]), BIN)


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("things", [[], HEAP])
def test_a_bin_of_another_size_is_no_bin(factor: float, things: list) -> None:
    T = camera_at(80, 0.8)
    frame = seen([TABLE, *open_bin(), *things], T)
    with pytest.raises(BinNotFoundError, match="no bin is found"):
        find_bin(frame, T, [(SIZE[0] * factor, SIZE[1] * factor, SIZE[2])])


@pytest.mark.parametrize(
    "things",
    [
        [],
        [Block((-0.21, -0.16, -0.01), (0.21, 0.16, 0.10))],  # a closed box of the bin's outer size
        [Block((-0.20, -0.15, 0.0), (0.20, 0.15, 0.003))],  # a sheet of its inner size
        open_bin()[:3],  # two walls
        HEAP,
    ],
)
def test_what_is_no_bin_is_not_found(things: list) -> None:
    T = camera_at(80, 0.8)
    with pytest.raises(BinNotFoundError, match="no bin is found"):
        find_bin(seen([TABLE, *things], T), T, [SIZE])


def test_a_view_without_depth_has_no_bin() -> None:
    T = camera_at(90, 0.8)
    frame = seen([TABLE], T)
    empty = replace(frame, depth=np.full_like(frame.depth, np.nan))
    with pytest.raises(BinNotFoundError, match="hardly any depth"):
        find_bin(empty, T, [SIZE])


def test_of_two_bins_the_expected_one_is_found_and_without_a_word_none() -> None:
    T = camera_at(90, 1.0)
    pair = [TABLE, *moved(open_bin(), 0.0, -0.18), *moved(open_bin(), 0.0, 0.18)]
    frame = seen(pair, T)
    with pytest.raises(BinNotFoundError, match="two bins"):
        find_bin(frame, T, [SIZE])
    for y in (-0.18, 0.18):
        last = BinGeometry((0.01, y - 0.008), SIZE, 0.004, 0.02)
        check(find_bin(frame, T, [SIZE], last), BinGeometry((0.0, y), SIZE))


def test_a_bin_that_is_not_where_it_is_expected_is_looked_for_everywhere() -> None:
    T = camera_at(80, 0.9)
    frame = seen([TABLE, *moved(open_bin(), 0.08, 0.05), *HEAP], T)
    check(find_bin(frame, T, [SIZE], BIN), BinGeometry((0.08, 0.05), SIZE))


def test_of_sizes_that_share_a_rim_the_floor_tells_which_and_without_it_none_is_found() -> None:
    T, deeper = camera_at(85, 0.8), (*SIZE[:2], 0.15)
    check(find_bin(seen([TABLE, *open_bin()], T), T, [deeper, SIZE]), BIN)
    layer = Block((-0.2, -0.15, 0.0), (0.2, 0.15, 0.05))
    with pytest.raises(BinNotFoundError, match="two sizes"):
        find_bin(seen([TABLE, *open_bin(), layer], T), T, [deeper, SIZE])


def test_walls_that_are_deeper_than_said_are_no_bin() -> None:
    T = camera_at(85, 0.8)
    with pytest.raises(BinNotFoundError, match="beneath its floor"):
        find_bin(seen([TABLE, *open_bin()], T), T, [(*SIZE[:2], 0.05)])


def test_ground_that_is_seen_past_the_outside_of_a_bin_is_not_in_it() -> None:
    T = camera_at(60, 0.9)
    ground = Block((-3, -3, -1.0), (3, 3, -0.6))
    seen_empty = look(
        seen([ground, *open_bin()], T), PredictorConfig(), BinView(T, sizes=(SIZE,))
    ).scene.region
    assert seen_empty.bin is not None
    check(seen_empty.bin, BIN)
    assert seen_empty.empty
    assert seen_empty.fill < 0.03


@pytest.mark.parametrize("square", [False, True])
def test_a_yaw_is_canonical_and_the_box_the_same(square: bool) -> None:
    size = (0.3, 0.3, 0.1) if square else SIZE
    most = np.pi / 4 if square else np.pi / 2
    for yaw in np.linspace(-7, 7, 57):
        box = BinGeometry((0.1, 0.2), size, 0.0, float(yaw))
        same = canonical(box)
        assert -most < same.yaw <= most
        again = np.sort(same.corners().round(9), axis=0)
        assert np.allclose(again, np.sort(box.corners().round(9), axis=0))
        assert canonical(same).yaw == pytest.approx(same.yaw)


def test_senseless_searches_are_refused() -> None:
    T = camera_at(90, 0.8)
    frame = seen([TABLE], T)
    with pytest.raises(ConfigError, match="size"):
        find_bin(frame, T, [])
    with pytest.raises(ConfigError, match="T_base_camera"):
        look(frame, PredictorConfig(), BinView(sizes=(SIZE,)))
    with pytest.raises(ConfigError, match="bin search"):
        BinSearchConfig(side=1.5)


def test_a_prediction_is_about_the_bin_that_was_found_and_a_given_one_wins() -> None:
    T = camera_at(85, 0.7)
    frame = seen([TABLE, *open_bin(), Block((-0.05, -0.04, 0.0), (0.05, 0.06, 0.05))], T)
    found = AffordancePredictor().predict(frame, BinView(T, sizes=(SIZE,)))
    given = AffordancePredictor().predict(frame, BinView(T, BIN, sizes=((0.2, 0.2, 0.1),)))
    assert given.scene.region.bin == BIN
    assert found.scene.region.bin is not None
    check(found.scene.region.bin, BIN)
    assert found.scene.region.fill == pytest.approx(given.scene.region.fill, abs=0.02)
    best, other = found.selection.points[0], given.selection.points[0]
    assert np.linalg.norm(np.subtract(best.position, other.position)) < 0.03


@pytest.mark.parametrize("elevation", [90, 65])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (BinGeometry((0.034, 0.0), SIZE), r"-3[345] mm along x"),
        (BinGeometry((0.0, -0.045), SIZE), r"\+4[456] mm along y"),
        (BinGeometry((0.02, 0.02), SIZE, 0.0, 0.06), r"-3\.[345] degrees turned"),
    ],
)
def test_a_box_whose_rim_is_seen_elsewhere_is_refused_and_says_how_far(
    elevation: float, wrong: BinGeometry, says: str
) -> None:
    T = camera_at(elevation, 0.8)
    with pytest.raises(FrameError, match=says):
        look(seen([TABLE, *open_bin(), *HEAP], T), PredictorConfig(), BinView(T, wrong))


def test_a_box_is_not_refused_for_millimetres_nor_where_no_rim_can_be_judged() -> None:
    T = camera_at(85, 0.8)
    near = BinGeometry((0.008, -0.006), SIZE, 0.004, 0.01)
    look(seen([TABLE, *open_bin(), *HEAP], T), PredictorConfig(), BinView(T, near))
    marked = BinGeometry((0.034, 0.0), SIZE)  # an area on the table
    look(seen([TABLE, *HEAP], T), PredictorConfig(), BinView(T, marked))


@pytest.mark.parametrize("scene", ["random", "boxes"])
def test_the_simulated_cells_bin_is_found_among_others_and_its_box_is_not_refused(
    scene: str,
) -> None:
    config = SimConfig(scene=scene, camera_offset=(0.15, -0.1))
    with SimCell(config) as cell:
        frame, T = cell.camera.read(), cell.camera.pose()
        found = find_bin(frame, T, [(0.3, 0.2, 0.1), cell.bin.size, (0.5, 0.35, 0.2)])
        check(found, cell.bin, 0.008)
        assert look(frame, PredictorConfig(), BinView(T, cell.bin)).scene.region.bin == cell.bin


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded scenes are not beside the repository")
def test_a_real_bin_is_found_full_and_empty_at_the_same_place_and_not_by_another_size() -> None:
    """Its size was measured in the depth; a bar hides the near side of its rim."""
    sequence = Sequence(REAL / "bin_four_then_empty")
    T, size = sequence.camera.T_base_camera, (0.51, 0.34, 0.105)
    assert T is not None
    first, empty = (find_bin(sequence.read(name), T, [size]) for name in sequence.names)
    check(first, empty, 0.006)
    outline = sequence.camera.region
    assert outline is not None
    corners = first.corners() @ np.linalg.inv(T)[:3, :3].T + np.linalg.inv(T)[:3, 3]
    pixels = sequence.camera.intrinsics.project(corners)
    for corner in outline[:2]:  # the far ones
        assert np.linalg.norm(pixels - corner, axis=1).min() < 15
    for factor in (0.9, 1.1):
        with pytest.raises(BinNotFoundError):
            find_bin(sequence.read("0001"), T, [(size[0] * factor, size[1] * factor, size[2])])
