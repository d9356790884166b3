"""The form in which every format is read and from which every format is written."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.decisions import decided_rectangles, read_decisions
from grasp_affordance.annotation.records import read_mask, read_pairs
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import inside, write_atomically
from grasp_affordance.grasp import GraspRectangle

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """A colour image with its grasp rectangles.

    Attributes:
        name: of the image, without folder and suffix.
        image: path of the colour PNG; None where only labels are known.
        size: (width, height), pixels.
        rectangles: grasps.
        mask: (H, W) of the object they are on; None where it is unknown.
    """

    name: str
    image: Path | None
    size: tuple[int, int]
    rectangles: tuple[GraspRectangle, ...]
    mask: Mask | None = None


def labelled_images(folder: Path) -> list[LabelledImage]:
    """Return the labels that `grasp-affordance annotate` and a reviewer left in `folder`.

    Rejected pairs, by a gate or by the reviewer, are left out.

    Raises:
        SequenceError: labels or images are missing or unreadable.
    """
    content, decisions = read_pairs(folder), read_decisions(folder)
    size = (int(content.camera["width"]), int(content.camera["height"]))
    images = []
    for pair in content.pairs:
        rectangles = decided_rectangles(pair, decisions.get(pair.index))
        if rectangles:
            mask = None if pair.mask is None else read_mask(inside(folder, pair.mask))
            path = Path(content.sequence) / f"{pair.frames[0]}.color.png"
            images.append(LabelledImage(pair.frames[0], path, size, rectangles, mask))
    return images


def copy_image(label: LabelledImage, path: Path) -> None:
    """Copy the colour image of a label.

    Raises:
        SequenceError: it cannot be read.
    """
    if label.image is None:
        return
    try:
        data = label.image.read_bytes()
    except OSError as error:
        raise SequenceError(f"{label.image} cannot be read: {error}") from error
    write_atomically(path, data)


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of an image.

    Raises:
        SequenceError: it is missing or not an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None:
        raise SequenceError(f"{path} is missing or not an image")
    return int(image.shape[1]), int(image.shape[0])


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank.

    Raises:
        SequenceError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SequenceError(f"{path} cannot be read: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def rectangle_of_corners(corners: NDArray[np.float64]) -> GraspRectangle:
    """Return the rectangle of four corners (4, 2), the first two of which span a jaw plate.

    The corners may go round either way; their noise is averaged out.
    """
    plate = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    opening = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    x, y = corners.mean(axis=0)
    theta = float(np.arctan2(plate[1], plate[0]) % np.pi)
    return GraspRectangle(
        float(x),
        float(y),
        theta if theta < np.pi else 0.0,
        float(np.hypot(*plate)),
        float(np.hypot(*opening)),
    )
