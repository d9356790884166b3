"""The text format of the Jacquard dataset (Depierre, Dellandréa and Chen 2018).

NAME_RGB.png       colour image
NAME_grasps.txt    "x;y;theta;opening;jaw" per rectangle: pixels, and degrees of the direction in
                   which the jaws close, from +u towards +v
NAME_mask.png      mask of the object; absent where unknown

NAME may begin with a folder. The readers of dougsm/ggcnn and skumra/robotic-grasping
(`load_from_jacquard_file`) turn -theta counter-clockwise as seen, and lay the opening along it.
Not read: depth, because the files do not say what camera it is of.
"""

import numpy as np

from grasp_affordance.annotation.formats.text_format import TextFormat
from grasp_affordance.rectangle import GraspRectangle


def _to_lines(rectangle: GraspRectangle) -> list[str]:
    closing = np.degrees(rectangle.theta) - 90.0  # the jaws close across the plates
    values = (rectangle.x, rectangle.y, closing, rectangle.h, rectangle.w)
    return [";".join(f"{value:.4f}" for value in values)]


def _from_lines(lines: list[str]) -> tuple[GraspRectangle, ...]:
    return tuple(_from_line(line) for line in lines)


def _from_line(line: str) -> GraspRectangle:
    x, y, closing, opening, jaw = (float(value) for value in line.rstrip(";").split(";"))
    theta = float(np.radians(closing + 90.0) % np.pi)
    return GraspRectangle(x, y, theta if theta < np.pi else 0.0, jaw, opening)


_FORMAT = TextFormat(
    "_grasps.txt",
    "_RGB.png",
    "_mask.png",
    to_lines=_to_lines,
    from_lines=_from_lines,
    expects="'x;y;theta;opening;jaw'",
)
write, read = _FORMAT.write, _FORMAT.read
