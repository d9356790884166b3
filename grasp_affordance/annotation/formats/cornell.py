"""The format of the Cornell grasping dataset (Jiang, Moseson and Saxena 2011).

NAMEr.png          colour image
NAMEcpos.txt       four lines "x y" per rectangle, counter-clockwise as seen; the **first edge lies
                   across the object**: it is the opening, along which the jaws close. The second
                   edge is a jaw plate
NAME.txt           point cloud, where there is one; see `point_cloud`
NAMEmask.png       mask of the object; an addition of ours, absent where unknown

NAME may begin with a folder (01/pcd0100). The readers of the field agree on the first edge:
`GraspRectangle` in `utils/dataset_processing/grasp.py` of dougsm/ggcnn and of
skumra/robotic-grasping takes `angle` and `length` ("along the axis of the grasp") from points 0
and 1, and `width` from points 1 and 2; their `Grasp` calls this length the width of the gripper.

Not read: NAMEcneg.txt (places that are no grasps), and NAMEd.tiff, which tools of others make of
the point cloud: it holds distances from the robot's base, not from the camera.
"""

import functools
from pathlib import Path

import numpy as np

from grasp_affordance.annotation.formats.labelled_image import (
    DepthReader,
    LabelledImage,
    rectangle_of_corners,
)
from grasp_affordance.annotation.formats.point_cloud import read_point_cloud
from grasp_affordance.annotation.formats.text_format import TextFormat
from grasp_affordance.files import inside
from grasp_affordance.rectangle import GraspRectangle

_CORNERS = 4


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder and those in it; depth is read when it is asked for.

    Raises:
        SequenceError: an image is missing or a text is malformed.
    """
    return _FORMAT.read(folder)


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write labels, images and masks."""
    _FORMAT.write(folder, labels)


def _to_lines(rectangle: GraspRectangle) -> list[str]:
    corners = rectangle.corners()[[0, 3, 2, 1]]  # the opening first, counter-clockwise as seen
    return [f"{u:.4f} {v:.4f}" for u, v in corners]


def _from_lines(lines: list[str]) -> tuple[GraspRectangle | None, ...]:
    """Read the rectangles; None is one with NaN corners, which Cornell has, or without a size."""
    points = np.array([[float(x) for x in line.split()] for line in lines])
    return tuple(_rectangle(corners) for corners in points.reshape(-1, _CORNERS, 2))


def _rectangle(corners: np.ndarray) -> GraspRectangle | None:
    following = corners[[1, 2, 3, 0]]
    sides = np.linalg.norm(following - corners, axis=1)
    return rectangle_of_corners(following) if (sides > 0).all() else None  # NaN is not above 0


def _depth(folder: Path, name: str, size: tuple[int, int]) -> DepthReader | None:
    path = inside(folder, f"{name}.txt")
    return functools.partial(read_point_cloud, path, size) if path.exists() else None


_FORMAT = TextFormat(
    "cpos.txt",
    "r.png",
    "mask.png",
    to_lines=_to_lines,
    from_lines=_from_lines,
    expects="four corners 'x y' per rectangle",
    depth=_depth,
)
