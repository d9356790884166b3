"""The form in which every format is read and from which every format is written."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.decisions import decided_rectangles, read_decisions
from grasp_affordance.annotation.records import read_mask, read_pairs
from grasp_affordance.arrays import Mask
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import inside, write_atomically
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.images import decode_image, is_png, read_bytes
from grasp_affordance.rectangle import GraspRectangle


@dataclass(frozen=True, eq=False)
class MeasuredDepth:
    """What a dataset says about the depth of an image.

    Attributes:
        depth: (H, W) float32 metres along the optical axis, NaN where unknown.
        intrinsics: of the camera.
    """

    depth: NDArray[np.float32]
    intrinsics: Intrinsics


DepthReader = Callable[[float | None], MeasuredDepth]


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """A colour image with its grasp rectangles.

    Attributes:
        name: of the image: its path in the dataset, with `/`, without what the format adds.
        image: path of the colour image, a PNG or JPEG.
        size: (width, height), pixels.
        rectangles: grasps.
        mask: (H, W) of the objects they are on; None where it is unknown.
        depth: reads the image's depth, given the focal length in pixels or None where that is to
            be found too; None where the dataset has none.
        left_out: rectangles of the file that are none, such as those with NaN corners.

    Raises:
        SequenceError: the name leads outside of a folder, or the mask is of another size.
    """

    name: str
    image: Path
    size: tuple[int, int]
    rectangles: tuple[GraspRectangle, ...]
    mask: Mask | None = None
    depth: DepthReader | None = None
    left_out: int = 0

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise SequenceError(f"{self.image}: the name {self.name!r} leads outside of the folder")
        if self.mask is not None and self.mask.shape != self.size[::-1]:
            height, width = self.mask.shape
            raise SequenceError(
                f"{self.image}: its mask is {width}x{height} pixels, the image "
                f"{self.size[0]}x{self.size[1]}"
            )


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
            path = inside(Path(content.sequence), f"{pair.frames[0]}.color.png")
            images.append(LabelledImage(pair.frames[0], path, size, rectangles, mask))
    return images


def check_names(labels: Iterable[LabelledImage]) -> None:
    """Raise SequenceError if two images have one name: the later would replace the first."""
    names = Counter(label.name for label in labels)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise SequenceError(f"{names[twice[0]]} images are called {twice[0]!r}; rename one of them")


def copy_image(label: LabelledImage, path: Path) -> None:
    """Write the colour image of a label as PNG, byte for byte where it is one.

    Raises:
        SequenceError: it cannot be read, or is of another size than the label says.
    """
    data = read_bytes(label.image)
    image = decode_image(data, label.image, size=label.size)
    if not is_png(data):
        data = cv2.imencode(".png", image)[1].tobytes()
    write_atomically(path, data)


def name_of(path: Path, folder: Path, suffix: str) -> str:
    """Return the name of an image by one of its files: the path in `folder` without `suffix`."""
    return path.relative_to(folder).as_posix().removesuffix(suffix)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank.

    Raises:
        SequenceError: it cannot be read.
    """
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise SequenceError(f"{path} cannot be read: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def rectangle_of_corners(corners: NDArray[np.float64]) -> GraspRectangle:
    """Return the rectangle of four corners (4, 2), the first two of which span a jaw plate.

    The corners may go round either way; their noise is averaged out.

    Raises:
        ConfigError: it has no size.
        ValueError: the corners do not go round.
    """
    plates = corners[1] - corners[0], corners[2] - corners[3]
    openings = corners[3] - corners[0], corners[2] - corners[1]
    if np.dot(*plates) < 0 or np.dot(*openings) < 0:
        raise ValueError(f"the corners {corners.tolist()} do not go round a rectangle")
    plate, opening = sum(plates) / 2, sum(openings) / 2
    x, y = corners.mean(axis=0)
    theta = float(np.arctan2(plate[1], plate[0]) % np.pi)
    return GraspRectangle(
        float(x),
        float(y),
        theta if theta < np.pi else 0.0,
        float(np.hypot(*plate)),
        float(np.hypot(*opening)),
    )
