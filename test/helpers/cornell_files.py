"""Files of the Cornell grasping dataset as its publishers describe them, of a synthetic scene.

A camera looks down at a table from behind it; the robot stands at the origin, x ahead, y to the
left, z up. A bar lies on the table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = (640, 480)
FOCAL = 540.0
CENTRE = (319.5, 239.5)
TABLE, BAR = -0.10, 0.05  # metres: height of the table, and of the bar upon it
_HEAD = """# .PCD v.7 - Point Cloud Data file format
FIELDS x y z rgb index
SIZE 4 4 4 4 4
TYPE F F F F U
COUNT 1 1 1 1 1
WIDTH {0}
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS {0}
DATA ascii
"""


@dataclass(frozen=True)
class Scene:
    """What the camera sees.

    Attributes:
        points: (H, W, 3) metres, frame of the robot.
        depth: (H, W) metres along the optical axis.
    """

    points: NDArray[np.float64]
    depth: NDArray[np.float64]


def scene() -> Scene:
    """Rays of all pixels meet the bar or the table."""
    tilt = np.radians(55)  # below the horizon
    forward = np.array([np.cos(tilt), 0, -np.sin(tilt)])
    right = np.array([0.0, -1.0, 0.0])
    down = np.cross(forward, right)
    eye = np.array([0.35, 0.1, 0.95])
    v, u = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(float)
    rays = (
        forward
        + ((u - CENTRE[0]) / FOCAL)[..., None] * right
        + ((v - CENTRE[1]) / FOCAL)[..., None] * down
    )
    depth = (TABLE - eye[2]) / rays[..., 2]
    on_bar = (TABLE + BAR - eye[2]) / rays[..., 2]
    x, y = np.moveaxis(eye[:2] + on_bar[..., None] * rays[..., :2], -1, 0)
    bar = (np.abs(x - 1.05) < 0.02) & (np.abs(y - 0.1) < 0.12)
    depth = np.where(bar, on_bar, depth)
    return Scene(eye + depth[..., None] * rays, depth)


def point_cloud(step: int = 1, noise: float = 0.0, seed: int = 0) -> str:
    """The file of a cloud with every `step`th pixel.

    `noise`: pixels by which depth and color are not aligned, standard deviation.
    """
    seen, rng = scene(), np.random.default_rng(seed)
    rows, columns = (part.ravel() for part in np.mgrid[0 : SIZE[1] : step, 0 : SIZE[0] : step])
    shifted_v, shifted_u = (
        np.clip(np.round(part + rng.normal(0, noise, part.size)), 0, most - 1).astype(int)
        for part, most in ((rows, SIZE[1]), (columns, SIZE[0]))
    )
    millimetres = seen.points[rows, columns] * 1000
    lines = [
        f"{x:.7g} {y:.7g} {z:.7g} 0 {index}"
        for (x, y, z), index in zip(
            millimetres.tolist(), (shifted_v * SIZE[0] + shifted_u).tolist(), strict=True
        )
    ]
    return _HEAD.format(len(lines)) + "\n".join(lines) + "\n"
