"""The text format of the Jacquard dataset (Depierre, Dellandréa and Chen 2018).

NAME_RGB.png       colour image
NAME_grasps.txt    "x;y;theta;opening;jaw" per rectangle: pixels, and degrees of the direction in
                   which the jaws close, from +u towards +v
NAME_mask.png      mask of the object; absent where unknown
"""

from pathlib import Path

import numpy as np

from grasp_affordance.annotation.formats.labelled_image import (
    LabelledImage,
    copy_image,
    image_size,
    read_lines,
)
from grasp_affordance.annotation.records import read_mask, write_mask
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.grasp import GraspRectangle


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write one text file, one image and where known one mask per label."""
    for label in labels:
        lines = [_to_line(rectangle) for rectangle in label.rectangles]
        write_atomically(folder / f"{label.name}_grasps.txt", ("\n".join(lines) + "\n").encode())
        copy_image(label, folder / f"{label.name}_RGB.png")
        if label.mask is not None:
            write_mask(folder / f"{label.name}_mask.png", label.mask)


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder.

    Raises:
        SequenceError: an image is missing or a text is malformed.
    """
    labels = []
    for path in sorted(folder.glob("*_grasps.txt")):
        name = path.name.removesuffix("_grasps.txt")
        image, mask = folder / f"{name}_RGB.png", folder / f"{name}_mask.png"
        try:
            rectangles = tuple(_from_line(line) for line in read_lines(path))
        except (ValueError, ConfigError) as error:
            raise SequenceError(f"{path}: not 'x;y;theta;opening;jaw': {error}") from error
        known = read_mask(mask) if mask.exists() else None
        labels.append(LabelledImage(name, image, image_size(image), rectangles, known))
    return labels


def _to_line(rectangle: GraspRectangle) -> str:
    closing = np.degrees(rectangle.theta) - 90.0  # the jaws close across the plates
    values = (rectangle.x, rectangle.y, closing, rectangle.h, rectangle.w)
    return ";".join(f"{value:.4f}" for value in values)


def _from_line(line: str) -> GraspRectangle:
    x, y, closing, opening, jaw = (float(value) for value in line.rstrip(";").split(";"))
    theta = float(np.radians(closing + 90.0) % np.pi)
    return GraspRectangle(x, y, theta if theta < np.pi else 0.0, jaw, opening)
