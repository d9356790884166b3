"""Oriented boxes as Ultralytics' YOLO reads them.

images/NAME.png    colour image
labels/NAME.txt    "class x1 y1 x2 y2 x3 y3 x4 y4" per rectangle: corners as shares of width and
                   height; the first two span a jaw plate
data.yaml          folders and class names

The format has no masks.
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
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.rectangle import GraspRectangle

_DATA = "path: .\ntrain: images\nval: images\nnames:\n  0: grasp\n"


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write images, labels and data.yaml."""
    for label in labels:
        lines = [_to_line(rectangle, label.size) for rectangle in label.rectangles]
        path = folder / "labels" / f"{label.name}.txt"
        write_atomically(path, ("\n".join(lines) + "\n").encode())
        copy_image(label, folder / "images" / f"{label.name}.png")
    write_atomically(folder / "data.yaml", _DATA.encode())


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder.

    Raises:
        SequenceError: an image is missing or a text is malformed.
    """
    labels = []
    for path in sorted((folder / "labels").glob("*.txt")):
        image = folder / "images" / f"{path.stem}.png"
        size = image_size(image)
        try:
            rectangles = tuple(_from_line(line, size) for line in read_lines(path))
        except (ValueError, ConfigError) as error:
            raise SequenceError(f"{path}: not 'class x1 y1 ... x4 y4': {error}") from error
        labels.append(LabelledImage(path.stem, image, size, rectangles))
    return labels


def _to_line(rectangle: GraspRectangle, size: tuple[int, int]) -> str:
    shares = rectangle.corners() / size
    return "0 " + " ".join(f"{value:.8f}" for value in shares.ravel())


def _from_line(line: str, size: tuple[int, int]) -> GraspRectangle:
    shares = np.array([float(value) for value in line.split()[1:]]).reshape(4, 2)
    return rectangle_of_corners(shares * size)
