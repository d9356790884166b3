"""Synthetic scenes seen from above, with exact masks: height fields under a camera at 0.8 m."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame

INTRINSICS = Intrinsics(300.0, 300.0, 159.5, 119.5, 320, 240)
CAMERA_HEIGHT = 0.8
ROWS, COLUMNS = np.mgrid[0:240, 0:320].astype(float)


@dataclass(frozen=True)
class Block:
    """A box seen from above.

    Attributes:
        u, v: centre, pixels. length, width: pixels. angle: of the length, radians from +u to +v.
        height: metres. color: RGB.
    """

    u: float
    v: float
    length: float
    width: float
    angle: float = 0.0
    height: float = 0.04
    color: tuple[int, int, int] = (40, 60, 200)

    def mask(self) -> NDArray[np.bool_]:
        """Pixels (240, 320) whose centre lies in the block."""
        du, dv = COLUMNS - self.u, ROWS - self.v
        c, s = np.cos(self.angle), np.sin(self.angle)
        along, across = du * c + dv * s, dv * c - du * s
        return (np.abs(along) <= self.length / 2) & (np.abs(across) <= self.width / 2)


def frame(
    *blocks: Block, rng: np.random.Generator | None = None, holes: float = 0.0, seed_color: int = 1
) -> RgbdFrame:
    """Render blocks, later ones upon earlier ones, on a textured floor.

    With `rng` the depth is as noisy as a stereo camera's, and a share `holes` of it is unknown.
    """
    texture = np.random.default_rng(seed_color).integers(90, 160, (60, 80, 1)).repeat(4, 0)
    color = np.broadcast_to(texture.repeat(4, 1), (240, 320, 3)).astype(np.uint8).copy()
    top = np.zeros((240, 320))
    for block in blocks:
        mask = block.mask()
        top[mask] += block.height
        color[mask] = block.color
    depth = CAMERA_HEIGHT - top
    if rng is not None:
        depth = depth + rng.normal(0, 0.0025, depth.shape) * depth**2
        depth[rng.random(depth.shape) < holes] = np.nan
    return RgbdFrame(color, depth.astype(np.float32), INTRINSICS)


def plain_table(bottle: bool, seed: int) -> RgbdFrame:
    """Render a table without texture, with or without a labelled bottle and its soft shadow.

    Only bottle and shadow have corners to follow.
    """
    rng = np.random.default_rng(seed)
    color = np.full((240, 320), 150.0) + COLUMNS / 16
    depth = np.full((240, 320), CAMERA_HEIGHT)
    if bottle:
        across = (ROWS - 120) / 35
        mask = ((COLUMNS - 160) / 120) ** 2 + across**2 < 1
        shadow = ((COLUMNS - 172) / 128) ** 2 + ((ROWS - 136) / 48) ** 2 < 1
        color -= 25 * cv2.GaussianBlur(shadow.astype(float), (0, 0), 6)
        label = np.random.default_rng(5).integers(30, 230, (30, 40)).repeat(8, 0).repeat(8, 1)
        color[mask] = label[mask]
        depth[mask] -= 0.05 * np.sqrt(1 - across[mask] ** 2)
    colors = color[..., None] + rng.normal(0, 2, (240, 320, 3))
    depth += rng.normal(0, 0.0015, depth.shape) * depth**2
    depth[rng.random(depth.shape) < 0.02] = np.nan
    rgb = np.clip(colors, 0, 255).astype(np.uint8)
    return RgbdFrame(rgb, depth.astype(np.float32), INTRINSICS)


LOG = Block(160, 120, length=70, width=24, angle=0.4)
OTHER = Block(60, 60, length=40, width=20, angle=1.0, color=(200, 50, 50))


def noisy(*blocks: Block, seed: int = 0, holes: float = 0.03) -> RgbdFrame:
    """Render blocks as a stereo camera sees them."""
    return frame(*blocks, rng=np.random.default_rng(seed), holes=holes)
