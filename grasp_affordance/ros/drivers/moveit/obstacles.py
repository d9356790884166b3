"""What must not meet: bin walls, table and camera post on one side, the tool on the other.

Boxes are in the base frame, the tool's rod is in that of the arm's last link.
"""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import approach_pose


@dataclass(frozen=True, eq=False)
class Box:
    """A solid box.

    Attributes:
        name: in the planning scene.
        T_base_box: (4, 4); its origin is the middle of the box.
        size: (x, y, z) in its own frame, metres.
    """

    name: str
    T_base_box: Array
    size: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Rod:
    """A cylinder about the z axis of its own frame.

    Attributes:
        T_tip_rod: (4, 4) from its middle to the arm's last link.
        radius, length: metres.
    """

    T_tip_rod: Array
    radius: float
    length: float


def tool_rod(rim: Array, radius: float, free: float) -> Rod | None:
    """Return the rod from the last link's origin towards the rim; None where nothing is left of it.

    Args:
        rim: (3,) of the cup in that link, metres.
        radius: of the tool, metres.
        free: of the cup that is left out at the rim, metres.
    """
    reach = float(np.linalg.norm(rim))
    if radius <= 0 or reach <= free:
        return None
    axis = np.asarray(rim, dtype=np.float64) / reach
    length = reach - free
    return Rod(approach_pose(axis * length / 2, axis), radius, length)


def load_rod(T_tip_rim: Array, load: Load | None) -> Rod | None:
    """Return what the cup carries, from the rim on; None where its extents are not known.

    Args:
        T_tip_rim: (4, 4) from the cup's rim to the last link.
        load: its greatest extents.
    """
    if load is None or load.radius <= 0 or load.length <= 0:
        return None
    T_rim_rod = np.eye(4)
    T_rim_rod[2, 3] = load.length / 2
    return Rod(T_tip_rim @ T_rim_rod, load.radius, load.length)


@dataclass(frozen=True)
class ObstacleConfig:
    """What stands in the cell, beside the bin.

    Attributes:
        wall: thickness of the bin's walls, metres.
        table: height of the table's top in the base frame, metres.
        table_from, table_to: corners (x, y) of the table, base frame, metres.
        post: (x, y) of the camera's post, base frame, metres.
        post_width: of its square section, metres; 0 for no post.
        post_height: of its top over the table, metres.
        camera_size: cube around the camera, metres; 0 for none.
        camera: (x, y, z) of the camera's body, base frame, metres.
    """

    wall: float = 0.01
    table: float = -0.02
    table_from: tuple[float, float] = (0.15, -1.0)
    table_to: tuple[float, float] = (1.2, 1.0)
    post: tuple[float, float] = (1.0, 0.0)
    post_width: float = 0.06
    post_height: float = 1.1
    camera_size: float = 0.14
    camera: tuple[float, float, float] = (0.5, 0.0, 0.82)

    def __post_init__(self) -> None:
        if not all(a < b for a, b in zip(self.table_from, self.table_to, strict=True)):
            raise ConfigError(f"table from {self.table_from} to {self.table_to} is empty")
        if self.wall <= 0 or min(self.post_width, self.post_height, self.camera_size) < 0:
            raise ConfigError("wall must be positive; post and camera sizes at least 0")


def obstacles(config: ObstacleConfig) -> list[Box]:
    """Return the boxes of a cell, without its bin."""
    low, high = np.array(config.table_from), np.array(config.table_to)
    thickness = 0.1
    boxes = [
        _upright(
            "table",
            [*((low + high) / 2), config.table - thickness / 2],
            (float(high[0] - low[0]), float(high[1] - low[1]), thickness),
        )
    ]
    if config.post_width > 0:
        middle = config.table + config.post_height / 2
        size = (config.post_width, config.post_width, config.post_height)
        boxes.append(_upright("camera_post", [*config.post, middle], size))
    if config.camera_size > 0:
        side = config.camera_size
        boxes.append(_upright("camera", list(config.camera), (side, side, side)))
    return boxes


def bin_walls(geometry: BinGeometry, wall: float) -> list[Box]:
    """Return the walls of a bin, `wall` metres thick.

    It is open, and has no floor of its own, which is the table under it.
    """
    length, width, depth = geometry.size
    outer = (length + 2 * wall, wall, depth)
    across = (wall, width, depth)
    places = {
        "bin_wall_left": ((0.0, (width + wall) / 2), outer),
        "bin_wall_right": ((0.0, -(width + wall) / 2), outer),
        "bin_wall_far": (((length + wall) / 2, 0.0), across),
        "bin_wall_near": ((-(length + wall) / 2, 0.0), across),
    }
    boxes = []
    for name, ((x, y), size) in places.items():
        T_bin_box = np.eye(4)
        T_bin_box[:3, 3] = [x, y, depth / 2]
        boxes.append(Box(name, geometry.T_base_bin @ T_bin_box, size))
    return boxes


def _upright(name: str, centre: list[float], size: tuple[float, float, float]) -> Box:
    T = np.eye(4)
    T[:3, 3] = centre
    return Box(name, T, size)
