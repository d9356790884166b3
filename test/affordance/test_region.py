"""Objects, floor and walls, on bins rendered from several directions."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.rendered_scene import (
    Block,
    Log,
    camera_at,
    floor,
    interior_polygon,
    open_bin,
    render,
)

from grasp_affordance.affordance.bin.region import BinView, Region, RegionConfig, find_region
from grasp_affordance.affordance.surface.planes import Level, find_floor, find_level, fit_plane
from grasp_affordance.affordance.surface.surface import Surface, observe_surface
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.rgbd import RgbdFrame

RADIUS = 0.010
BOX = Block((-0.05, -0.04, 0.0), (0.05, 0.06, 0.05))
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
# A layer of 4 x 3 boxes with gaps of 2 mm, of which one corner is missing.
LAYER = [
    Block(
        (-0.2 + 0.1 * i + 0.001, -0.15 + 0.1 * j + 0.001, 0.0),
        (-0.1 + 0.1 * i - 0.001, -0.05 + 0.1 * j - 0.001, 0.06),
    )
    for i in range(4)
    for j in range(3)
    if (i, j) != (3, 0)
]

ELEVATIONS = [90, 60, 45]
KNOWLEDGE = ["polygon", "polygon and pose", "box", "nothing"]


def view_of(knowledge: str, T: np.ndarray) -> BinView:
    return {
        "polygon": BinView(polygon=interior_polygon(T)),
        "polygon and pose": BinView(T_base_camera=T, polygon=interior_polygon(T)),
        "box": BinView(T_base_camera=T, bin=BIN),
        "nothing": BinView(),
    }[knowledge]


def divide(solids: list, T: np.ndarray, view: BinView) -> tuple[Surface, Region, np.ndarray]:
    """Return surface, region and the grid's points in the base frame."""
    surface = observe_surface(render(solids, T, noise=0.0007, holes=0.01), RADIUS)
    region = find_region(surface, view, RADIUS, np.random.default_rng(0))
    return surface, region, surface.points @ T[:3, :3].T + T[:3, 3]


@pytest.mark.parametrize("elevation", ELEVATIONS)
@pytest.mark.parametrize("knowledge", KNOWLEDGE)
def test_a_box_is_found_and_floor_and_walls_are_not(elevation: float, knowledge: str) -> None:
    T = camera_at(elevation, 0.7)
    _, region, points = divide([*open_bin(), BOX], T, view_of(knowledge, T))
    inner = np.abs(points[..., :2] - [0, 0.01]).max(axis=-1) < 0.045
    top = inner & (np.abs(points[..., 2] - 0.05) < 0.004)
    on_floor = points[..., 2] < 0.005
    assert top.sum() > 100
    assert region.foreground[top].mean() > 0.98
    assert not region.foreground[on_floor].any()
    far_wall = (points[..., 0] > 0.195) & (points[..., 2] > 0.02) & (points[..., 2] < 0.09)
    assert not region.foreground[far_wall].any()


@pytest.mark.parametrize("elevation", ELEVATIONS)
@pytest.mark.parametrize("knowledge", KNOWLEDGE)
def test_a_layer_that_hides_the_floor_is_no_floor(elevation: float, knowledge: str) -> None:
    T = camera_at(elevation, 0.7)
    _, region, points = divide([*open_bin(), *LAYER], T, view_of(knowledge, T))
    tops = (np.abs(points[..., 2] - 0.06) < 0.003) & (np.abs(points[..., :2]) < [0.19, 0.14]).all(
        axis=-1
    )
    tops &= region.inside  # a polygon around the floor cuts the tops at the far side off
    assert tops.sum() > 1000
    assert region.foreground[tops].mean() > 0.9
    if elevation >= 60:  # below, a few floor cells are seen: too few to know them for a floor
        assert not region.foreground[points[..., 2] < 0.004].any()


@pytest.mark.parametrize("elevation", ELEVATIONS)
@pytest.mark.parametrize("knowledge", ["box", "nothing"])
def test_an_empty_bin_is_empty(elevation: float, knowledge: str) -> None:
    T = camera_at(elevation, 0.7)
    _, region, _ = divide(open_bin(), T, view_of(knowledge, T))
    assert region.empty


@pytest.mark.parametrize("knowledge", KNOWLEDGE)
def test_an_empty_bin_seen_from_above_is_empty(knowledge: str) -> None:
    T = camera_at(90, 0.7)
    _, region, _ = divide(open_bin(), T, view_of(knowledge, T))
    assert region.empty


@pytest.mark.parametrize("knowledge", ["polygon", "nothing"])
def test_without_a_pose_the_floor_tells_what_is_up(knowledge: str) -> None:
    T = camera_at(55, 0.7)
    _, region, _ = divide([*open_bin(), BOX], T, view_of(knowledge, T))
    assert np.degrees(np.arccos(region.up @ T[2, :3])) < 1
    assert region.floor is not None
    assert region.floor.offset == pytest.approx(T[2, 3], abs=0.003)


def test_the_frame_of_the_empty_bin_tells_a_sheet_from_an_uneven_floor() -> None:
    T = camera_at(60, 0.7)
    ribs = [Block((x, -0.15, 0.0), (x + 0.03, 0.15, 0.006)) for x in np.arange(-0.19, 0.19, 0.05)]
    sheet = Block((-0.05, -0.05, 0.0), (0.05, 0.05, 0.014))
    empty = render([*open_bin(), *ribs], T, noise=0.0007, seed=5)
    surface = observe_surface(render([*open_bin(), *ribs, sheet], T, noise=0.0007), RADIUS)
    rng = np.random.default_rng(0)
    known = BinView(T, polygon=interior_polygon(T), empty=empty)
    region = find_region(surface, known, RADIUS, rng, RegionConfig(clearance=0.004))
    points = surface.points @ T[:3, :3].T + T[:3, 3]
    inner = np.abs(points[..., :2]).max(axis=-1) < 0.04
    assert region.foreground[inner].mean() > 0.9
    assert not region.foreground[np.abs(points[..., 1]) > 0.06].any()


def off_by(T: np.ndarray, height: float, angle: float) -> np.ndarray:
    """Return a camera pose that is calibrated wrongly."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, height], [0, 0, 0, 1.0]]) @ T


@pytest.mark.parametrize("elevation", [90, 60])
@pytest.mark.parametrize("error", [(0.0, 0.0), (0.003, 0.0), (-0.002, 0.005)])
def test_a_plate_of_four_millimetres_is_found_on_the_floor_that_is_seen(
    elevation: float, error: tuple[float, float]
) -> None:
    T = camera_at(elevation, 0.7)
    plate = Block((-0.05, -0.04, 0.0), (0.05, 0.04, 0.004))
    view = BinView(T_base_camera=off_by(T, *error), bin=BIN)
    _, region, points = divide([*open_bin(), plate, Log((0.1, 0.08, 0.02), 0.02, 0.1)], T, view)
    on_plate = (np.abs(points[..., 0]) < 0.04) & (np.abs(points[..., 1]) < 0.03)
    beside = (np.abs(points[..., 1] + 0.08) < 0.03) & (np.abs(points[..., 0]) < 0.15)
    assert region.foreground[on_plate].mean() > 0.9
    assert region.foreground[beside].mean() < 0.02


def test_the_ribs_of_an_uneven_floor_are_no_objects() -> None:
    T = camera_at(90, 0.7)
    ribs = [Block((x, -0.15, 0.0), (x + 0.02, 0.15, 0.003)) for x in np.arange(-0.18, 0.16, 0.04)]
    _, region, _ = divide([*open_bin(), *ribs], T, BinView(T_base_camera=T, bin=BIN))
    assert region.empty


def test_walls_that_stand_a_few_millimetres_inside_are_no_low_objects() -> None:
    """So a hand-eye error of six millimetres shows them."""
    T = camera_at(90, 0.7)
    wrong = T.copy()
    wrong[:2, 3] += [0.005, -0.004]
    _, region, _ = divide(open_bin(), T, BinView(T_base_camera=wrong, bin=BIN))
    assert region.empty


def test_plates_that_hide_all_of_the_floor_but_gaps_are_told_from_it() -> None:
    T = camera_at(90, 0.7)
    plates = [
        Block((x, y, 0.0), (x + 0.07, y + 0.07, 0.006))
        for x in np.arange(-0.19, 0.12, 0.09)
        for y in np.arange(-0.14, 0.07, 0.09)
    ]
    _, region, points = divide([*open_bin(), *plates], T, BinView(T_base_camera=T, bin=BIN))
    tops = (points[..., 2] > 0.004) & (np.abs(points[..., :2]) < [0.18, 0.13]).all(axis=-1)
    assert region.foreground[tops].mean() > 0.8


def test_what_stands_beside_the_table_is_outside() -> None:
    T = camera_at(45, 0.7)
    table = Block((-0.3, -0.2, -0.02), (0.3, 0.2, 0.0))
    ground = Block((-3, -3, -0.4), (3, 3, -0.3))
    beside = Block((-0.1, 0.26, -0.3), (0.1, 0.35, 0.05))
    _, region, points = divide([table, ground, beside, BOX], T, BinView())
    assert not region.foreground[points[..., 1] > 0.25].any()
    assert not region.foreground[points[..., 2] < -0.01].any()
    top = (np.abs(points[..., 2] - 0.05) < 0.003) & (points[..., 1] < 0.05)
    assert region.foreground[top].mean() > 0.9


def test_specks_are_no_objects() -> None:
    T = camera_at(90, 0.7)
    speck = Block((0.0, 0.0, 0.0), (0.008, 0.008, 0.05))
    _, region, _ = divide([*open_bin(), speck], T, view_of("box", T))
    assert region.empty


def test_walls_are_near_where_they_are_and_not_above_the_rim() -> None:
    T = camera_at(90, 0.7)
    tower = Block((0.1, 0.05, 0.0), (0.2, 0.15, 0.12))
    _, region, points = divide([*open_bin(), BOX, tower], T, view_of("box", T))
    top = (np.abs(points[..., 2] - 0.05) < 0.003) & region.foreground
    expected = np.minimum(0.2 - np.abs(points[..., 0]), 0.15 - np.abs(points[..., 1]))
    np.testing.assert_allclose(region.wall_distance[top], expected[top], atol=0.003)
    above = points[..., 2] > 0.11
    assert (region.wall_distance[above & region.foreground] > 1).all()


ARM = Block((-0.04, 0.02, 0.40), (0.20, 0.10, 0.50))  # 0.4 m above a bin 0.1 m deep


def test_what_is_far_above_the_rim_is_no_object() -> None:
    T = camera_at(90, 0.9)
    _, region, points = divide([*open_bin(), BOX, ARM], T, view_of("box", T))
    assert (points[..., 2] > 0.39).sum() > 1000
    assert not region.foreground[points[..., 2] > 0.3].any()
    beside_arm = (np.abs(points[..., 2] - 0.05) < 0.003) & (points[..., 1] < 0.0)
    assert region.foreground[beside_arm].mean() > 0.9


def test_a_heap_above_the_rim_is_an_object() -> None:
    T = camera_at(90, 0.9)
    heap = Block((-0.1, -0.1, 0.0), (0.1, 0.1, 0.18))
    _, region, points = divide([*open_bin(), heap], T, view_of("box", T))
    top = np.abs(points[..., 2] - 0.18) < 0.003
    assert region.foreground[top].mean() > 0.9


def test_a_bin_that_something_hides_is_not_empty() -> None:
    T = camera_at(90, 0.9)
    _, region, _ = divide([*open_bin(), ARM], T, view_of("box", T))
    assert not region.foreground.any()
    assert not region.empty


@pytest.mark.parametrize("elevation", [90, 60])
@pytest.mark.parametrize("height", [0.0, 0.03, 0.06, 0.10, 0.14])
def test_a_bin_is_as_full_as_what_lies_in_it(elevation: float, height: float) -> None:
    layer = [Block((-0.2, -0.15, -0.01), (0.2, 0.0, height))]  # half of the floor
    T = camera_at(elevation)
    _, region, _ = divide([*open_bin(), *layer], T, view_of("box", T))
    assert region.fill == pytest.approx(0.5 * min(height / 0.10, 1), abs=0.05)
    assert np.isnan(divide([*open_bin(), *layer], T, view_of("nothing", T))[1].fill)


def test_a_least_squares_plane_goes_through_its_points() -> None:
    rng = np.random.default_rng(1)
    normal = np.array([0.3, -0.5, -0.8]) / np.linalg.norm([0.3, -0.5, -0.8])
    points = rng.uniform([-1, -1, 2], [1, 1, 4], (200, 3))
    points -= ((points @ normal) + 2.0)[:, None] * normal
    plane = fit_plane(points)
    np.testing.assert_allclose(plane.normal, normal, atol=1e-9)
    np.testing.assert_allclose(plane.height(points), 0, atol=1e-6)


def test_a_view_without_points_has_no_plane() -> None:
    surface = observe_surface(render([floor()], camera_at(90)), RADIUS)
    nowhere = np.zeros(surface.shape, np.bool_)
    assert find_level(surface, nowhere, np.random.default_rng(0)) is None
    assert find_floor(surface, nowhere, Level(np.array([0, 0, -1.0]), ())) is None


def plates(rng: np.random.Generator, least: float, most: float) -> list[Block]:
    """Six flat parts that cover half of the bin's floor."""
    parts = []
    for i in range(3):
        for j in range(2):
            x, y = np.array([0.4 / 3 * (i - 1), 0.15 * (j - 0.5)]) + rng.uniform(-0.01, 0.01, 2)
            a, b = rng.uniform(0.04, 0.058, 2)
            height = rng.uniform(least, most)
            parts.append(Block((x - a, y - b, 0.0), (x + a, y + b, height)))
    return parts


def stereo(frame: RgbdFrame, rng: np.random.Generator, rate: float) -> RgbdFrame:
    """Return the frame with noise that grows with the square of the depth, waves among it."""
    waves = cv2.GaussianBlur(rng.normal(size=frame.depth.shape), (0, 0), 6)
    noise = rate * (rng.normal(size=waves.shape) + waves / waves.std())
    depth = frame.depth + noise * np.square(frame.depth)
    return RgbdFrame(frame.color, depth.astype(np.float32), frame.intrinsics)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("thickness", "rate"), [((0.013, 0.020), 0.0025), ((0.005, 0.008), 0.0008)]
)
@pytest.mark.parametrize("knowledge", ["polygon", "polygon and pose", "nothing"])
def test_flat_parts_lie_on_a_floor_that_is_no_object(
    knowledge: str, thickness: tuple[float, float], rate: float, seed: int
) -> None:
    """One plane through floor and parts is several degrees askew; then no level is a floor."""
    rng = np.random.default_rng(seed)
    T = camera_at(88, 0.6)
    frame = stereo(render([*open_bin(), *plates(rng, *thickness)], T, holes=0.01), rng, rate)
    surface = observe_surface(frame, RADIUS)
    region = find_region(surface, view_of(knowledge, T), RADIUS, rng)
    points = surface.points @ T[:3, :3].T + T[:3, 3]
    middle = (np.abs(points[..., :2]) < [0.16, 0.11]).all(axis=-1)  # away from the walls
    top = middle & (points[..., 2] > 0.8 * thickness[0])
    near_part = cv2.dilate((points[..., 2] > 0.004).astype(np.uint8), np.ones((5, 5))) > 0
    assert region.floor is not None
    assert region.foreground[top].mean() > 0.9
    assert not (region.foreground & (points[..., 2] < 0.004) & ~near_part).any()


@pytest.mark.parametrize("elevation", [60, 45, 30])
@pytest.mark.parametrize("pose", [True, False])
def test_a_table_is_the_floor_where_a_room_is_seen_behind_it(elevation: float, pose: bool) -> None:
    rng = np.random.default_rng(3)
    T = camera_at(elevation, 0.8)
    table, room = Block((-0.5, -0.5, -0.03), (0.35, 0.5, 0.0)), Block((-5, -5, -0.9), (5, 5, -0.75))
    wall = Block((2.0, -5.0, -1.0), (2.2, 5.0, 3.0))
    solids = [table, room, wall, Block((-0.1, -0.1, 0.0), (0.0, 0.0, 0.1))]
    surface = observe_surface(stereo(render(solids, T, holes=0.01), rng, 0.0025), RADIUS)
    region = find_region(surface, BinView(T_base_camera=T if pose else None), RADIUS, rng)
    points = surface.points @ T[:3, :3].T + T[:3, 3]
    on_box = (np.abs(points[..., :2] + 0.05) < 0.045).all(axis=-1) & (points[..., 2] > 0.09)
    assert region.foreground[on_box].mean() > 0.9
    assert not (region.foreground & (np.abs(points[..., :2] + 0.05) > 0.06).any(axis=-1)).any()


def top_of(solid: Block | Log) -> np.ndarray:
    """The middle of what is seen of it from above."""
    if isinstance(solid, Log):
        return np.add(solid.centre, [0, 0, solid.radius])
    return np.array([*np.mean([solid.low, solid.high], axis=0)[:2], solid.high[2]])


@pytest.mark.parametrize("elevation", [90, 70])
@pytest.mark.parametrize("objects", [[], [BOX], [Log((0.0, -0.08, 0.03), 0.03, 0.1), BOX]])
def test_the_floor_of_a_bin_that_stands_on_a_table_is_no_object(
    elevation: float, objects: list
) -> None:
    T = camera_at(elevation, 0.9)
    table = Block((-2.0, -2.0, -0.5), (2.0, 2.0, -0.012))
    _, region, points = divide([table, *open_bin(), *objects], T, BinView())
    flat = (np.abs(points[..., :2]) < [0.19, 0.14]).all(axis=-1) & (points[..., 2] < 0.004)
    assert flat.sum() > 500
    assert not region.foreground[flat].any()
    for each in objects:
        near = np.abs(points[..., :2] - top_of(each)[:2]).max(axis=-1) < 0.02
        assert region.foreground[near & (np.abs(points[..., 2] - top_of(each)[2]) < 0.01)].any()


def test_a_handful_of_lower_cells_is_no_floor() -> None:
    """A strip of the room, seen past the table's edge, has a footprint's area, as a floor has."""
    T = camera_at(90, 0.8)
    table = Block((-2.0, -2.0, -0.03), (2.0, 2.0, 0.0))
    surface = observe_surface(render([table, BOX], T, noise=0.0007), RADIUS)
    points = surface.points.copy()
    points[100:106, 20:27] *= 1.9  # 42 cells seen through a slot
    lower = replace(surface, points=points)
    floor_found = find_floor(lower, np.isfinite(points[..., 2]), Level(np.array([0, 0, -1.0]), ()))
    assert floor_found is not None
    assert floor_found.offset == pytest.approx(0.8, abs=0.002)


def test_the_same_view_is_divided_the_same_way() -> None:
    T = camera_at(50, 0.7)
    masks = [
        divide([*open_bin(), BOX, Log((0, -0.08, 0.03), 0.03, 0.1)], T, BinView())[1].foreground
        for _ in range(2)
    ]
    np.testing.assert_array_equal(masks[0], masks[1])


def test_views_that_contradict_themselves_are_refused() -> None:
    T = camera_at(90)
    frame = render([floor()], T)
    surface = observe_surface(frame, RADIUS)
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="T_base_camera"):
        find_region(surface, BinView(bin=BIN), RADIUS, rng)
    small = frame.intrinsics.scaled(0.5)
    with pytest.raises(FrameError, match="empty"):
        find_region(surface, BinView(empty=render([floor()], T, intrinsics=small)), RADIUS, rng)
    with pytest.raises(ConfigError, match="region"):
        RegionConfig(clearance=0.0)
    with pytest.raises(ConfigError, match="region"):
        RegionConfig(wall_angle=2.0)


@pytest.mark.parametrize("elevation", [90, 60])
def test_a_box_whose_floor_is_above_what_is_seen_is_refused(elevation: float) -> None:
    T = camera_at(elevation, 0.7)
    solids = [*open_bin(), BOX]
    with pytest.raises(FrameError, match="more than 20 mm beneath its floor"):
        divide(solids, T, BinView(T_base_camera=off_by(T, -0.03, 0.0), bin=BIN))
    slightly = BinView(T_base_camera=off_by(T, -0.006, 0.0), bin=BIN)
    assert divide(solids, T, slightly)[1].foreground.any()


def test_a_polygon_outside_of_the_image_is_no_empty_bin() -> None:
    T = camera_at(90, 0.7)
    with pytest.raises(FrameError, match=r"polygon is outside the image"):
        divide([*open_bin(), BOX], T, BinView(T, polygon=interior_polygon(T) + 5000))
