"""Where picking is allowed: the bin's interior without its floor and walls.

What is known about the bin decides how it is found: a box in the base frame, a polygon in the
image, a frame of the empty bin, or, with none of these, the planes in the depth image itself.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.find_bin import BinSearchConfig, doubts, find_bin
from grasp_affordance.affordance.bin.interior import (
    above_patch,
    floor_patches,
    large_enough,
    polygon_mask,
    reaching,
    steep_from_border,
    through_opening,
)
from grasp_affordance.affordance.bin.rim import Sight, fit_rim, rim_is_there
from grasp_affordance.affordance.bin.seen_floor import see_floor
from grasp_affordance.affordance.surface.holes import distance_to
from grasp_affordance.affordance.surface.planes import (
    Level,
    Plane,
    find_floor,
    find_level,
    without_specks,
)
from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Image, Mask
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.geometry import invert
from grasp_affordance.rgbd import RgbdFrame

_BENEATH = 0.05  # of a box's inside, seen beneath its floor, that contradicts it
_ASTRAY = 0.06  # metres from where a box says within which its rim is looked for


@dataclass(frozen=True, eq=False)
class BinView:
    """What is known about the bin in one view; every part may be missing.

    Attributes:
        T_base_camera: (4, 4); makes the vertical known.
        bin: its box in the base frame; needs `T_base_camera`.
        polygon: (N, 2) pixels (u, v) around the interior; used when there is no `bin`.
        empty: a frame of the empty bin from the same camera at the same place.
        robot: pixels (H, W) at which the robot's own links hide the bin.
        sizes: inner sizes of the containers among which the bin is found where `bin` is None;
            needs `T_base_camera`.
        expected: where the bin was found last.
    """

    T_base_camera: Array | None = None
    bin: BinGeometry | None = None
    polygon: Array | None = None
    empty: RgbdFrame | None = None
    robot: Mask | None = None
    sizes: tuple[tuple[float, float, float], ...] = ()
    expected: BinGeometry | None = None

    def with_bin_found(self, frame: RgbdFrame) -> Self:
        """Return the view with the bin that is seen in a frame, where sizes are all that is known.

        Raises:
            BinNotFoundError: no bin, or more than one. ConfigError: sizes without `T_base_camera`.
        """
        if self.bin is not None or not self.sizes:
            return self
        if self.T_base_camera is None:
            raise ConfigError("a bin that is found by its size needs T_base_camera")
        if self.robot is not None:
            hidden = np.where(self.robot, np.float32(np.nan), frame.depth)
            frame = replace(frame, depth=hidden)
        found = find_bin(frame, self.T_base_camera, self.sizes, self.expected)
        return replace(self, bin=found)


@dataclass(frozen=True)
class RegionConfig:
    """How the background is told from objects; all lengths in metres.

    Attributes:
        clearance: objects must stand this high above the floor; hides its unevenness.
        thinnest: lower objects are looked for on the floor that is seen between them, down to this
            height;
        evenness: by so many standard deviations of that floor they must stand above it.
        noise: and by so many standard deviations of the depth, whatever floor there is.
        difference: an object is at least this much nearer than the empty bin was.
        gap: what is this much beneath a plane is seen through a gap in it.
        gap_share: a plane with more than this share of the view seen through gaps is no floor but
            a layer of objects.
        wall_angle: radians; a surface this steep that reaches the region's border is a wall.
        fillet: floor and wall merge within this distance of their corner.
        tolerance: what is seen this much beneath the floor of a bin whose box is known contradicts
            the box.
        above_rim: what stands higher than this above the rim of a bin whose box is known is no
            object: the robot's arm, a hand, a cable.
    """

    clearance: float = 0.010
    thinnest: float = 0.0025
    evenness: float = 4.0
    noise: float = 3.0
    difference: float = 0.006
    gap: float = 0.015
    gap_share: float = 0.005
    wall_angle: float = float(np.radians(50))
    fillet: float = 0.030
    tolerance: float = 0.020
    above_rim: float = 0.10

    def __post_init__(self) -> None:
        if min(self.clearance, self.difference, self.gap, self.fillet) <= 0:
            raise ConfigError("region: clearance, difference, gap and fillet must be positive")
        if min(self.thinnest, self.evenness, self.noise, self.tolerance, self.above_rim) <= 0:
            raise ConfigError(
                "region: thinnest, evenness, noise, tolerance and above_rim must be positive"
            )
        if not (0 < self.gap_share < 1 and 0 < self.wall_angle < np.pi / 2):
            raise ConfigError("region: gap_share must be in (0, 1), wall_angle in (0, pi/2)")


@dataclass(frozen=True, eq=False)
class Region:
    """The cells (h, w) of a surface, divided.

    Attributes:
        inside: of the bin's interior.
        foreground: where objects are; inside, known, neither floor nor wall.
        obstructed: where the robot, or something else far above the rim, hides the interior.
        walls: walls of the bin, where they are seen as such.
        wall_distance: (h, w) float32 metres to the nearest wall or border of the interior.
        up: (3,) float64 unit vector against the approach, camera frame.
        floor: None where it is not visible.
        floor_known: whether the bin's box, its empty view or a visible floor tells objects from
            what they lie on.
        fill: share of the bin's volume that lies under what is seen, hollows included, in [0, 1];
            NaN where the bin's box is not known or nothing is seen in it.
        bin: the box that was given or found; None where there is none.
    """

    inside: Mask
    foreground: Mask
    obstructed: Mask
    walls: Mask
    wall_distance: NDArray[np.float32]
    up: Array
    floor: Plane | None
    floor_known: bool
    fill: float = float("nan")
    bin: BinGeometry | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to pick, and nothing that hides what there may be."""
        return not (self.foreground.any() or self.obstructed.any())


def find_region(
    surface: Surface,
    view: BinView,
    radius: float,
    rng: np.random.Generator,
    config: RegionConfig | None = None,
) -> Region:
    """Divide the view into objects, floor, walls and what is outside the bin.

    Args:
        surface: of the frame.
        view: what is known about the bin.
        radius: of the cup, metres; a patch smaller than half its area is no object.
        rng: for RANSAC, used only where the vertical or the region is unknown.

    Raises:
        FrameError: the empty bin's frame is of another size, or the view contradicts the bin's
            box. ConfigError: a bin, or sizes, without `T_base_camera`.
    """
    config = config or RegionConfig()
    if view.bin is not None:
        if view.T_base_camera is None:
            raise ConfigError("a bin in the base frame needs T_base_camera")
        region = _inside_box(surface, view.bin, view.T_base_camera, config)
    else:
        region = _inside_image(surface, view, rng, config)
    foreground = region.foreground
    if view.empty is not None:
        foreground = foreground & nearer_than(surface, view.empty, config.difference)
    obstructed = region.obstructed
    if view.robot is not None:
        robot = surface.mask_to_grid(view.robot)
        foreground, obstructed = foreground & ~robot, obstructed | robot
    return replace(
        region,
        foreground=large_enough(foreground, surface, np.pi * radius**2 / 2),
        obstructed=large_enough(obstructed, surface, np.pi * radius**2 / 2),
        floor_known=region.floor_known or view.empty is not None,
        bin=view.bin,
    )


def vertical(T_base_camera: Array) -> Array:
    """Return the base's +z in the camera frame, (3,)."""
    return np.asarray(T_base_camera[2, :3], dtype=np.float64)


def nearer_than(surface: Surface, empty: RgbdFrame, difference: float) -> Mask:
    """Cells (h, w) nearer than in the empty bin's frame; False where that has no depth."""
    if empty.shape != surface.image_shape:
        raise FrameError(
            f"the empty bin's frame is {empty.shape[::-1]}, this one "
            f"{surface.image_shape[::-1]}; record it again with the camera's present settings"
        )
    with np.errstate(invalid="ignore"):
        nearer = empty.depth[surface.window] - surface.depth > difference
    return surface.window_to_grid(nearer)


def _above_floor(
    surface: Surface, points: Image, free: Mask, config: RegionConfig
) -> tuple[Mask, Image]:
    """Return the cells (h, w) that stand above the floor, and the heights (h, w) over it.

    Args:
        points: (h, w, 3) in a frame whose z is 0 on the floor, as far as is known.
        free: (h, w) known cells inside, away from the walls.
    """
    floor = see_floor(points, surface.noise, free, config.clearance)
    height = points[..., 2] if floor is None else floor.height
    with np.errstate(invalid="ignore"):
        above = height > np.maximum(config.clearance, config.noise * surface.noise)
    if floor is not None:
        above |= floor.low_objects(free, config.clearance, config.thinnest, config.evenness)
    return above, height


def _inside_box(
    surface: Surface, box: BinGeometry, T_base_camera: Array, config: RegionConfig
) -> Region:
    T_bin_camera = invert(box.T_base_bin) @ T_base_camera
    points = surface.points @ T_bin_camera[:3, :3].T.astype(np.float32)
    points += T_bin_camera[:3, 3].astype(np.float32)
    beside_wall = 2 * config.clearance  # by as much as the pose errs a wall seems to stand inside
    with np.errstate(invalid="ignore"):
        to_wall = np.minimum(
            box.size[0] / 2 - np.abs(points[..., 0]), box.size[1] / 2 - np.abs(points[..., 1])
        )
        inside = to_wall > -config.clearance  # a wall's own points scatter about it
        # Under a bin without a table the ground is seen past its outside.
        beneath = points[..., 2] < -config.clearance
        inside &= ~beneath | through_opening(points, T_bin_camera[:3, 3], box.size)
        walls = inside & (to_wall < config.clearance / 2) & (points[..., 2] < box.size[2])
        obstructed = inside & (points[..., 2] > box.size[2] + config.above_rim)
        free = inside & (to_wall > beside_wall)
        foreground = inside & ~walls & (to_wall > 0) & ~obstructed
    _check_box(points[..., 2], free, config)
    _check_rim(surface, points, T_bin_camera, box, config)
    foreground &= _above_floor(surface, points, free, config)[0]
    foreground = reaching(foreground, to_wall, beside_wall)
    # A heap may stand above the rim, where no wall hinders the cup.
    distance = np.where(points[..., 2] < box.size[2], to_wall, np.float32(np.inf))
    up = vertical(T_base_camera)
    camera_height = float(T_base_camera[2, 3]) - box.floor
    floor = Plane(up, camera_height)
    fill = _fill(points[..., 2], free & ~obstructed, surface, box)
    return Region(inside, foreground, obstructed, walls, distance, up, floor, True, fill)


def _fill(height: Image, cells: Mask, surface: Surface, box: BinGeometry) -> float:
    """Return how full a bin is; see `Region.fill`.

    Args:
        height: (h, w) metres over the bin's floor.
        cells: (h, w) known cells inside, away from the walls.
    """
    if not cells.any():
        return float("nan")
    shares = np.clip(height[cells] / box.size[2], 0, 1)
    # What is nearer to the camera takes more cells for the same area.
    return float(np.average(shares, weights=np.square(surface.spacing[cells])))


def _check_box(height: Image, free: Mask, config: RegionConfig) -> None:
    """Raise FrameError where the view contradicts the bin's box.

    Args:
        height: (h, w) metres over the box's floor.
        free: (h, w) known cells inside, away from the walls.
    """
    heights = height[free]
    if not heights.size:
        return
    beneath = float((heights < -config.tolerance).mean())
    if beneath > _BENEATH:
        raise FrameError(
            f"the bin's box contradicts the view: {beneath:.0%} of its inside is seen more than "
            f"{config.tolerance * 1000:.0f} mm beneath its floor; measure bin.floor, bin.centre "
            "and the camera's pose again"
        )


def _check_rim(
    surface: Surface, points: Image, T_bin_camera: Array, box: BinGeometry, config: RegionConfig
) -> None:
    """Raise FrameError where the rim of a bin is clearly seen elsewhere than its box says.

    Where the rim cannot be judged, nothing is said: a heap covers it, the image cuts it off, or
    the bin is a marked area without walls.

    Args:
        points: (h, w, 3) in the bin's frame.
    """
    known = points[np.isfinite(points[..., 2])]
    sight = Sight(known, surface.depth, surface.seen, T_bin_camera)
    there = BinGeometry((0.0, 0.0), box.size)
    if rim_is_there(sight, there, config.tolerance / 2):
        return
    rim = fit_rim(sight, there, _ASTRAY)
    if rim is None or doubts(rim, BinSearchConfig()):
        return
    off = float(np.linalg.norm(rim.box.corners() - there.corners(), axis=1).max())
    if off > config.tolerance:
        x, y, _ = box.T_base_bin[:3, :3] @ [*rim.box.centre, 0.0] * 1000
        raise FrameError(
            f"the bin's box contradicts the view: its rim is seen {x:+.0f} mm along x and "
            f"{y:+.0f} mm along y of the base, {rim.box.floor * 1000:+.0f} mm higher and "
            f"{np.degrees(rim.box.yaw):+.1f} degrees turned; measure bin.centre, bin.yaw and the "
            "camera's pose again"
        )


def _inside_image(
    surface: Surface, view: BinView, rng: np.random.Generator, config: RegionConfig
) -> Region:
    known = np.isfinite(surface.points[..., 2])
    inside = np.ones_like(known)
    if view.polygon is not None:
        inside = polygon_mask(surface, view.polygon)
    gravity = vertical(view.T_base_camera) if view.T_base_camera is not None else None
    level = find_level(surface, inside & known, rng, gravity)
    up = np.array([0.0, 0.0, -1.0])  # the optical axis, for want of anything better
    if gravity is not None:
        up = gravity
    elif level is not None:
        up = level.up
    if view.polygon is None and level is not None:
        inside = above_patch(surface, level.planes[0], known)
    floor = find_floor(
        surface,
        inside,
        level or Level(up, ()),  # it tells the vertical better than a pose does
        gap=config.gap,
        gap_share=config.gap_share,
    )
    foreground = inside & known
    # Where the interior is found by depth, a hole in the depth is no border of it.
    outside = ~inside if view.polygon is not None else without_specks(known & ~inside, 5)
    border = distance_to(outside, border=view.polygon is not None)
    walls = steep_from_border(surface, inside, up, border, config.wall_angle)
    z = np.where(known, surface.points[..., 2], np.float32(1))
    spacing = np.asarray(z / surface.intrinsics.focal_image(), dtype=np.float32)
    from_walls = distance_to(walls) * spacing
    if floor is not None:
        corner = from_walls < config.fillet
        points = floor.aligned(surface.points)
        above, height = _above_floor(surface, points, foreground & ~corner, config)
        with np.errstate(invalid="ignore"):
            foreground &= above & ~((height < config.fillet) & corner)
    if view.polygon is None and level is not None:
        # A bin's floor is an object to the table on which the bin stands.
        for plane in level.planes:
            if floor is None or abs(plane.offset - floor.offset) > config.thinnest:
                foreground &= ~floor_patches(surface, plane, inside & known)
    wall_distance = from_walls
    if view.polygon is not None:
        wall_distance = np.minimum(from_walls, border * spacing)
    obstructed = np.zeros_like(known)  # where the rim is, is not known
    foreground &= ~walls
    floor_known = floor is not None
    return Region(inside, foreground, obstructed, walls, wall_distance, up, floor, floor_known)
