"""The text format of the Cornell grasping dataset (Jiang, Moseson and Saxena 2011).

NAMEr.png          colour image
NAMEcpos.txt       four lines "x y" per rectangle, counter-clockwise as seen; the first two corners
                   span a jaw plate
NAMEmask.png       mask of the object; an addition of ours, absent where unknown
"""

from pathlib import Path

import numpy as np

from grasp_affordance.annotation.formats.labelled_image import (
    LabelledImage,
    copy_image,
    image_size,
    read_lines,
    rectangle_of_corners,
)
from grasp_affordance.annotation.records import read_mask, write_mask
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.grasp import GraspRectangle

_CORNERS = 4


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write one text file, one image and where known one mask per label."""
    for label in labels:
        lines = [
            f"{u:.4f} {v:.4f}"
            for rectangle in label.rectangles
            for u, v in rectangle.corners()[[1, 0, 3, 2]]  # v points down: this turns the order
        ]
        write_atomically(folder / f"{label.name}cpos.txt", ("\n".join(lines) + "\n").encode())
        copy_image(label, folder / f"{label.name}r.png")
        if label.mask is not None:
            write_mask(folder / f"{label.name}mask.png", label.mask)


def read(folder: Path) -> list[LabelledImage]:
    """Read all positive rectangles; those with NaN corners, which Cornell has, are left out.

    Raises:
        SequenceError: an image is missing or a text is malformed.
    """
    labels = []
    for path in sorted(folder.glob("*cpos.txt")):
        name = path.name.removesuffix("cpos.txt")
        image, mask = folder / f"{name}r.png", folder / f"{name}mask.png"
        labels.append(
            LabelledImage(
                name,
                image,
                image_size(image),
                _rectangles(path),
                read_mask(mask) if mask.exists() else None,
            )
        )
    return labels


def _rectangles(path: Path) -> tuple[GraspRectangle, ...]:
    try:
        points = np.array([[float(x) for x in line.split()] for line in read_lines(path)])
        quadrangles = points.reshape(-1, _CORNERS, 2)
        return tuple(rectangle_of_corners(q) for q in quadrangles if np.isfinite(q).all())
    except (ValueError, ConfigError) as error:
        raise SequenceError(f"{path}: not four corners 'x y' per rectangle: {error}") from error
