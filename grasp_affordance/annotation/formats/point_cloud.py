"""Depth from the point clouds of the Cornell grasping dataset.

A file is a PCD in ASCII with the fields "x y z rgb index". Points are in millimetres in the frame
of the robot, not of the camera; `index` names the pixel of the colour image that saw the point: row
index // width, column index % width. The dataset does not say where the camera was, so it is found:
the pose and the focal length under which all points are seen where their indices say.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from grasp_affordance.annotation.formats.labelled_image import MeasuredDepth
from grasp_affordance.arrays import Array
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import inside
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.images import read_bytes

_FIELDS = "FIELDS x y z rgb index"
_COLUMNS = 5
_FITTED = 2000  # points that the camera is found from
_LEAST = 100
_START = 0.85  # of the width: the focal length of a Kinect, where the search begins
_FOCAL = (0.4, 3.0)  # of the width: what is no camera's
_ERROR = 1.5  # pixels: largest median error of the camera that is found
_NEAR, _FAR = 0.2, 6.0  # metres: where the middle of the points can be


def read_point_cloud(
    path: Path, size: tuple[int, int], focal_length: float | None = None
) -> MeasuredDepth:
    """Return depth and intrinsics of a point cloud.

    Args:
        path: of the file.
        size: (width, height) of the colour image.
        focal_length: of the camera, pixels; found too where it is not known.

    Raises:
        SequenceError: it is no such file, or no camera sees its points where their indices say.
    """
    points, index = _read(inside(path.parent, path.name))
    width, height = size
    if len(index) < _LEAST or index.min() < 0 or index.max() >= width * height:
        raise SequenceError(
            f"{path}: {len(index)} points, or indices that are not in an image of {width}x{height}"
        )
    pixels = np.column_stack([index % width, index // width]).astype(np.float64)
    intrinsics, z, error = _find_camera(points, pixels, size, focal_length)
    if not (error <= _ERROR and _FOCAL[0] * width <= intrinsics.fx <= _FOCAL[1] * width):
        raise SequenceError(
            f"{path}: no camera sees the points where their indices say: {error:.1f} pixels off at "
            f"a focal length of {intrinsics.fx:.0f}; leave the file away to convert without depth"
        )
    if not _NEAR <= np.median(z) <= _FAR:
        raise SequenceError(
            f"{path}: the points are {np.median(z):.2f} m away; their unit is no millimetre"
        )
    depth = np.full(width * height, np.nan, np.float32)
    depth[index] = z
    return MeasuredDepth(depth.reshape(height, width), intrinsics)


def _read(path: Path) -> tuple[Array, NDArray[np.int64]]:
    head, found, body = read_bytes(path).partition(b"DATA ascii")
    if not found or _FIELDS.encode() not in head:
        raise SequenceError(f"{path} is no PCD in ASCII with '{_FIELDS}'")
    try:
        values = np.array(body.split(), dtype=np.float64).reshape(-1, _COLUMNS)
        index = values[:, 4].astype(np.int64)
    except ValueError as error:
        raise SequenceError(f"{path}: not five numbers per point: {error}") from error
    points = values[:, :3] / 1000.0
    known = np.isfinite(points).all(axis=1)
    return points[known], index[known]


def _find_camera(
    points: Array, pixels: Array, size: tuple[int, int], focal_length: float | None
) -> tuple[Intrinsics, Array, float]:
    """Return intrinsics, the depth (N,) of each point, and the median error in pixels.

    The principal point is taken to be in the middle, and pixels to be square: a flat table does not
    tell more.
    """
    width, height = size
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    some = np.linspace(0, len(points) - 1, min(_FITTED, len(points))).astype(int)
    seen, where = points[some], pixels[some]
    middle = seen.mean(axis=0)
    focal = _START * width if focal_length is None else focal_length
    K = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    _, turn, shift = cv2.solvePnP(seen - middle, where, K, None, flags=cv2.SOLVEPNP_SQPNP)

    def focal_of(parameters: Array) -> float:
        return float(np.exp(parameters[6]) * focal) if focal_length is None else focal

    def in_camera(parameters: Array, of: Array) -> Array:
        return (of - middle) @ cv2.Rodrigues(parameters[:3])[0].T + parameters[3:6]

    def errors(parameters: Array) -> Array:
        xyz = in_camera(parameters, seen)
        z = np.maximum(xyz[:, 2:], 1e-3)
        return np.asarray((focal_of(parameters) * xyz[:, :2] / z + centre - where).ravel())

    start = np.concatenate([turn.ravel(), shift.ravel(), [0.0]])
    found = least_squares(errors, start, loss="soft_l1", x_scale="jac").x
    error = float(np.median(np.hypot(*errors(found).reshape(-1, 2).T)))
    cx, cy = (float(value) for value in centre)
    intrinsics = Intrinsics(focal_of(found), focal_of(found), cx, cy, width, height)
    return intrinsics, in_camera(found, points)[:, 2], error
