"""Oriented boxes as Ultralytics' YOLO reads them.

images/NAME.png    colour image; files of others may be .jpg
labels/NAME.txt    "class x1 y1 x2 y2 x3 y3 x4 y4" per rectangle: corners as shares of width and
                   height, from 0 to 1; the first two span a jaw plate
data.yaml          folders and class names; the class named "grasp" is read

NAME may begin with a folder (train/0001). The format has no masks, and no place for a rectangle
that reaches outside of the image. YOLO itself learns boxes whichever corner comes first.
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from grasp_affordance.annotation.formats.labelled_image import (
    LabelledImage,
    copy_image,
    name_of,
    read_lines,
    rectangle_of_corners,
)
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import inside, write_atomically
from grasp_affordance.images import image_size, read_bytes
from grasp_affordance.rectangle import GraspRectangle

_FILE, _GRASP = "data.yaml", "grasp"
_DATA = f"path: .\ntrain: images\nval: images\nnames:\n  0: {_GRASP}\n"
_SUFFIXES = (".png", ".jpg", ".jpeg")
_NUMBERS = 9


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write images, labels and data.yaml.

    Raises:
        SequenceError: a rectangle reaches outside of its image.
    """
    for label in labels:
        lines = [_to_line(label, rectangle) for rectangle in label.rectangles]
        path = folder / "labels" / f"{label.name}.txt"
        write_atomically(path, ("\n".join(lines) + "\n").encode())
        copy_image(label, folder / "images" / f"{label.name}.png")
    write_atomically(folder / _FILE, _DATA.encode())


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder.

    Raises:
        SequenceError: data.yaml or an image is missing, a text is malformed, a class is not that of
            a grasp, or a corner is no share of the image.
    """
    names = _class_names(folder / _FILE)
    labels = []
    for path in sorted((folder / "labels").rglob("*.txt")):
        name = name_of(path, folder / "labels", ".txt")
        image = _image(folder, name)
        size = image_size(image)
        lines = read_lines(inside(folder / "labels", f"{name}.txt"))
        try:
            rectangles = tuple(_from_line(line, size, names) for line in lines)
        except (ValueError, ConfigError) as error:
            raise SequenceError(f"{path}: not 'class x1 y1 ... x4 y4': {error}") from error
        labels.append(LabelledImage(name, image, size, rectangles))
    return labels


def _class_names(path: Path) -> dict[int, str]:
    try:
        data: Any = yaml.safe_load(read_bytes(path))
        names = data["names"]
        pairs = enumerate(names) if isinstance(names, list) else names.items()
        return {int(number): str(name) for number, name in pairs}
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, yaml.YAMLError) as e:
        raise SequenceError(f"{path}: no names of classes: {e!r}") from e


def _image(folder: Path, name: str) -> Path:
    candidates = (inside(folder / "images", f"{name}{suffix}") for suffix in _SUFFIXES)
    found = [path for path in candidates if path.exists()]
    if len(found) != 1:
        raise SequenceError(
            f"{folder / 'labels' / name}.txt: {len(found)} images called {name} in "
            f"{folder / 'images'}; one is needed, PNG or JPEG"
        )
    return found[0]


def _to_line(label: LabelledImage, rectangle: GraspRectangle) -> str:
    shares = rectangle.corners() / label.size
    if shares.min() < 0 or shares.max() > 1:
        raise SequenceError(
            f"{label.name}: a rectangle at ({rectangle.x:.0f}, {rectangle.y:.0f}) reaches outside "
            "of the image, which YOLO cannot say; correct it in the review, or take another format"
        )
    return "0 " + " ".join(f"{value:.8f}" for value in shares.ravel())


def _from_line(line: str, size: tuple[int, int], names: dict[int, str]) -> GraspRectangle:
    words = line.split()
    if len(words) != _NUMBERS:
        raise ValueError(f"{len(words)} numbers")
    name = names.get(int(words[0]))
    if name != _GRASP:
        raise ValueError(
            f"class {words[0]} is {name!r} in {_FILE}; only '{_GRASP}' is read: name it so, or "
            "remove its lines"
        )
    shares = np.array([float(value) for value in words[1:]]).reshape(4, 2)
    if not ((shares >= 0) & (shares <= 1)).all():  # also refuses NaN
        raise ValueError("a corner is no share of width and height from 0 to 1 (is it in pixels?)")
    return rectangle_of_corners(shares * size)
