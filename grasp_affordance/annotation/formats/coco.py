"""COCO with rotated boxes: one JSON file and a folder of images.

images/NAME.png    colour image
annotations.json   category "grasp": `bbox` encloses the rectangle, `rotated_bbox` is [x, y, w, h,
                   angle], the angle in degrees counter-clockwise as seen (as in Detectron2);
                   category "removed_object": `segmentation` as run lengths
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.annotation.formats import rle
from grasp_affordance.annotation.formats.labelled_image import LabelledImage, copy_image
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.rectangle import GraspRectangle

_FILE = "annotations.json"
_GRASP, _OBJECT = 1, 2
_CATEGORIES = [{"id": _GRASP, "name": "grasp"}, {"id": _OBJECT, "name": "removed_object"}]


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write the images and annotations.json."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, label in enumerate(labels, start=1):
        width, height = label.size
        name = f"images/{label.name}.png"
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        entries = [_grasp(rectangle) for rectangle in label.rectangles]
        if label.mask is not None:
            entries.append(_object(label.mask))
        for entry in entries:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **entry})
        copy_image(label, folder / name)
    data = {"images": images, "annotations": annotations, "categories": _CATEGORIES}
    write_atomically(folder / _FILE, json.dumps(data, allow_nan=False).encode())


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder.

    Raises:
        SequenceError: annotations.json is missing or malformed.
    """
    path = folder / _FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        of_image: dict[int, list[dict[str, Any]]] = {}
        for entry in data["annotations"]:
            of_image.setdefault(entry["image_id"], []).append(entry)
        return [_label(folder, image, of_image.get(image["id"], [])) for image in data["images"]]
    except (OSError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error!r}") from error


def _label(folder: Path, image: dict[str, Any], entries: list[dict[str, Any]]) -> LabelledImage:
    path = folder / image["file_name"]
    masks = [rle.decode(e["segmentation"]) for e in entries if e["category_id"] == _OBJECT]
    return LabelledImage(
        path.stem,
        path if path.exists() else None,
        (int(image["width"]), int(image["height"])),
        tuple(_rectangle(e["rotated_bbox"]) for e in entries if e["category_id"] == _GRASP),
        masks[0] if masks else None,
    )


def _grasp(rectangle: GraspRectangle) -> dict[str, Any]:
    low, high = rectangle.corners().min(axis=0), rectangle.corners().max(axis=0)
    angle = -float(np.degrees(rectangle.theta))  # v points down
    return {
        "category_id": _GRASP,
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "rotated_bbox": [rectangle.x, rectangle.y, rectangle.w, rectangle.h, angle],
        "area": rectangle.w * rectangle.h,
        "iscrowd": 0,
    }


def _rectangle(box: list[float]) -> GraspRectangle:
    x, y, w, h, angle = (float(value) for value in box)
    theta = float(np.radians(-angle) % np.pi)
    return GraspRectangle(x, y, theta if theta < np.pi else 0.0, w, h)


def _object(mask: np.ndarray) -> dict[str, Any]:
    rows, columns = np.nonzero(mask)
    left, top = int(columns.min()), int(rows.min())
    return {
        "category_id": _OBJECT,
        "bbox": [left, top, int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1],
        "segmentation": rle.encode(mask),
        "area": int(rows.size),
        "iscrowd": 1,  # COCO keeps run lengths under this flag
    }
