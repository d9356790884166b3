"""Synthetic views of the default bin: height fields under a camera looking straight down."""

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures

INTRINSICS = Intrinsics(300.0, 300.0, 159.5, 119.5, 320, 240)
CAMERA_HEIGHT = 0.8
NOTHING = np.empty((0, 3))


def look_down() -> NDArray[np.float64]:
    """`T_base_camera` of a camera above the middle of the default bin."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = [0.5, 0.0, CAMERA_HEIGHT]
    return T


def at(x: float, y: float, height: float) -> tuple[int, int]:
    """Pixel (u, v) of a point relative to the middle of the bin."""
    u, v = INTRINSICS.project([x, -y, CAMERA_HEIGHT - height])
    return round(float(u)), round(float(v))


def empty() -> NDArray[np.float64]:
    """Heights (240, 320) of the floor."""
    return np.zeros((240, 320))


def add_block(
    heights: NDArray[np.float64], x: float, y: float, size: float, height: float
) -> NDArray[np.float64]:
    """Put a square block of a size on the floor, metres from the middle of the bin."""
    (u0, v0), (u1, v1) = (
        at(x - size / 2, y + size / 2, height),
        at(x + size / 2, y - size / 2, height),
    )
    heights = heights.copy()
    heights[v0:v1, u0:u1] = height
    return heights


def view_of(
    heights: NDArray[np.float64],
    *,
    failed: NDArray[np.float64] = NOTHING,
    radius: float = 0.0,
    seed: int = 0,
    noise: float = 0.0,
) -> View:
    """The view of a height field, NaN where unknown."""
    rng = np.random.default_rng(seed)
    depth = CAMERA_HEIGHT - heights + noise * rng.normal(size=heights.shape)
    color = np.full((240, 320, 3), 90, np.uint8)
    return View(
        frame=RgbdFrame(color, depth.astype(np.float32), INTRINSICS),
        T_base_camera=look_down(),
        bin=BinGeometry(),
        cup=Cup(),
        rng=rng,
        failures=Failures(failed, failed, radius),
    )
