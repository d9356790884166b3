"""Where a view shows the robot itself: what lies within the boxes around its links' shapes.

The shapes are those by which the robot's description (URDF) says what collides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_affordance.arrays import Array, Mask
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import box_corners, invert, transform_points
from grasp_affordance.rgbd import RgbdFrame

MARGIN = 0.03  # metres around each box: depth noise, the camera's calibration, cables
_STL = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
_STL_HEADER = 80  # bytes, then the number of triangles


@dataclass(frozen=True, eq=False)
class LinkBox:
    """A box around one shape of a link.

    Attributes:
        link: name of its frame.
        T_link_box: (4, 4); the box's origin is its middle.
        half: (3,) metres, half of its sides.
    """

    link: str
    T_link_box: Array
    half: Array


def link_boxes(description: str, find: Callable[[str], Path]) -> list[LinkBox]:
    """Return the boxes around all that may collide of a robot.

    Args:
        description: URDF.
        find: returns the file of a mesh's `package://` address.

    Raises:
        ConfigError: it is no URDF, or a shape of it cannot be read.
    """
    try:
        robot = ET.fromstring(description)
    except ET.ParseError as error:
        raise ConfigError(f"the robot's description is no URDF: {error}") from error
    return [
        _box(link.get("name", ""), shape, find)
        for link in robot.iter("link")
        for shape in link.iter("collision")
    ]


def robot_mask(
    frame: RgbdFrame,
    boxes: Sequence[LinkBox],
    T_camera_link: Callable[[str], Array],
    margin: float = MARGIN,
) -> Mask:
    """Return the pixels (H, W) whose depth lies within the boxes, widened by `margin` metres.

    Args:
        T_camera_link: returns the pose (4, 4) of a link in the optical frame.
    """
    mask = np.zeros(frame.shape, dtype=np.bool_)
    points = None
    for box in boxes:
        T_camera_box = T_camera_link(box.link) @ box.T_link_box
        half = box.half + margin
        window = frame.intrinsics.window(transform_points(T_camera_box, box_corners(-half, half)))
        if window is None:
            continue
        if points is None:
            points = frame.intrinsics.deproject_image(frame.depth)
        local = transform_points(invert(T_camera_box), points[window])
        with np.errstate(invalid="ignore"):
            mask[window] |= (np.abs(local) <= half).all(axis=-1)
    return mask


def _box(link: str, shape: ET.Element, find: Callable[[str], Path]) -> LinkBox:
    geometry = shape.find("geometry")
    kinds = list(geometry) if geometry is not None else []
    if not kinds:
        raise ConfigError(f"a shape of {link} in the robot's description has no geometry")
    low, high = _extent(link, kinds[0], find)
    if not np.isfinite(high - low).all():
        raise ConfigError(f"{link}: a shape in the robot's description has no size")
    T = _origin(shape.find("origin"))
    T_middle = np.eye(4)
    T_middle[:3, 3] = (low + high) / 2
    return LinkBox(link, T @ T_middle, (high - low) / 2)


def _extent(link: str, shape: ET.Element, find: Callable[[str], Path]) -> tuple[Array, Array]:
    """Return the corners (3,), (3,) of a shape's box in its own frame."""
    if shape.tag == "mesh":
        scale = _numbers(shape.get("scale", "1 1 1"))
        vertices = read_stl(find(shape.get("filename", ""))) * scale
        return vertices.min(axis=0), vertices.max(axis=0)
    if shape.tag == "box":
        half = _numbers(shape.get("size", "")) / 2
    elif shape.tag == "sphere":
        half = np.full(3, float(shape.get("radius", "nan")))
    elif shape.tag in ("cylinder", "capsule"):
        radius, length = (float(shape.get(name, "nan")) for name in ("radius", "length"))
        half = np.array([radius, radius, length / 2 + (radius if shape.tag == "capsule" else 0)])
    else:
        raise ConfigError(f"{link}: a shape of kind '{shape.tag}' is not known")
    return -half, half


def read_stl(path: Path) -> Array:
    """Return the corners (N, 3) of a binary STL's triangles, in its units.

    Raises:
        ConfigError: it is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the robot's description names {path}: {error.strerror}") from error
    count = int.from_bytes(data[_STL_HEADER : _STL_HEADER + 4], "little")
    if not count or len(data) < _STL_HEADER + 4 + count * _STL.itemsize:
        raise ConfigError(f"{path} is no binary STL, which the robot's description names")
    triangles = np.frombuffer(data, _STL, count, _STL_HEADER + 4)
    return np.asarray(triangles["corners"].reshape(-1, 3), dtype=np.float64)


def _origin(element: ET.Element | None) -> Array:
    """Return the pose (4, 4) of a URDF's origin: about the fixed x, y and z axes."""
    T = np.eye(4)
    if element is None:
        return T
    T[:3, :3] = Rotation.from_euler("xyz", _numbers(element.get("rpy", "0 0 0"))).as_matrix()
    T[:3, 3] = _numbers(element.get("xyz", "0 0 0"))
    return T


def _numbers(text: str) -> Array:
    return np.array([float(value) for value in text.split()], dtype=np.float64)
