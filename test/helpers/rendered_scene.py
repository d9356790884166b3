"""Depth images of boxes, cylinders and open bins, computed exactly by casting rays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame

INTRINSICS = Intrinsics(fx=310.0, fy=310.0, cx=159.5, cy=119.5, width=320, height=240)


@dataclass(frozen=True)
class Block:
    """An axis-aligned box in the base frame: lowest and highest corner, metres."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def hit(self, origin: Array, directions: Array) -> Array:
        """Distances (...) along rays (..., 3); +inf where missed."""
        with np.errstate(divide="ignore", invalid="ignore"):
            a = (np.asarray(self.low) - origin) / directions
            b = (np.asarray(self.high) - origin) / directions
        near = np.minimum(a, b).max(axis=-1)
        far = np.maximum(a, b).min(axis=-1)
        return np.where((near <= far) & (near > 0), near, np.inf)


@dataclass(frozen=True)
class Log:
    """A cylinder along the base's x, metres."""

    centre: tuple[float, float, float]
    radius: float
    length: float

    def hit(self, origin: Array, directions: Array) -> Array:
        """Distances (...) along rays (..., 3) to the mantle; +inf where missed."""
        o = origin - np.asarray(self.centre)
        a = directions[..., 1] ** 2 + directions[..., 2] ** 2
        b = o[1] * directions[..., 1] + o[2] * directions[..., 2]
        root = b * b - a * (o[1] ** 2 + o[2] ** 2 - self.radius**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (-b - np.sqrt(root)) / a
            x = o[0] + distance * directions[..., 0]
            met = (root >= 0) & (distance > 0) & (np.abs(x) <= self.length / 2)
        return np.where(met, distance, np.inf)


def camera_at(elevation: float, distance: float = 0.6) -> Array:
    """`T_base_camera` of a camera that looks at the base's origin; elevation in degrees."""
    angle = np.radians(elevation)
    position = distance * np.array([-np.cos(angle), 0.0, np.sin(angle)])
    forward = -position / distance
    right = np.array([0.0, -1.0, 0.0])
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T[:3, 3] = position
    return T


def floor(half: float = 5.0) -> Block:
    """The plane z = 0 of the base."""
    return Block((-half, -half, -0.5), (half, half, 0.0))


def open_bin(length: float = 0.40, width: float = 0.30, depth: float = 0.10) -> list[Block]:
    """Floor at z = 0 and four walls around the origin."""
    x, y, t = length / 2, width / 2, 0.01
    return [
        Block((-x - t, -y - t, -0.02), (x + t, y + t, 0.0)),
        Block((-x - t, -y - t, 0.0), (-x, y + t, depth)),
        Block((x, -y - t, 0.0), (x + t, y + t, depth)),
        Block((-x, -y - t, 0.0), (x, -y, depth)),
        Block((-x, y, 0.0), (x, y + t, depth)),
    ]


def render(
    solids: Sequence[Block | Log],
    T_base_camera: Array,
    noise: float = 0.0,
    holes: float = 0.0,
    seed: int = 0,
    intrinsics: Intrinsics = INTRINSICS,
) -> RgbdFrame:
    """Return the frame that a camera sees.

    Args:
        noise: standard deviation of the depth, metres.
        holes: share of single pixels without depth.
    """
    rays = intrinsics.deproject_image(np.ones((intrinsics.height, intrinsics.width), np.float32))
    directions = rays.astype(np.float64) @ T_base_camera[:3, :3].T
    origin = T_base_camera[:3, 3]
    # Rays have z = 1 in the camera frame, so the distance along them is the depth.
    hits = np.stack([solid.hit(origin, directions) for solid in solids])
    depth: Array = hits.min(axis=0)
    rng = np.random.default_rng(seed)
    depth += rng.normal(0, noise, depth.shape)
    depth[~np.isfinite(depth) | (rng.random(depth.shape) < holes)] = np.nan
    color = np.full((*depth.shape, 3), 128, np.uint8)
    return RgbdFrame(color, depth.astype(np.float32), intrinsics)


def base_points(frame: RgbdFrame, T_base_camera: Array) -> Array:
    """Return the points (H, W, 3) of a frame in the base frame."""
    points = frame.intrinsics.deproject_image(frame.depth).astype(np.float64)
    return points @ T_base_camera[:3, :3].T + T_base_camera[:3, 3]


def interior_polygon(
    T_base_camera: Array, length: float = 0.40, width: float = 0.30, height: float = 0.0
) -> Array:
    """Return the pixels (4, 2) of a bin's inner outline at a height."""
    x, y = length / 2, width / 2
    corners = np.array([[-x, -y, height], [-x, y, height], [x, y, height], [x, -y, height]])
    R, t = T_base_camera[:3, :3], T_base_camera[:3, 3]
    return INTRINSICS.project((corners - t) @ R)
