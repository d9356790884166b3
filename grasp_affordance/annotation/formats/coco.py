"""COCO with rotated boxes: one JSON file and a folder of images.

images/NAME.png    colour image
annotations.json   category "grasp": `bbox` encloses the rectangle, `rotated_bbox` is [x, y, w, h,
                   angle], the angle in degrees counter-clockwise as seen (as in Detectron2), w
                   along it: the jaw plate; category "removed_object": `segmentation` as run
                   lengths

Files of others are read whatever the ids of their images and categories are: images are found by
`file_name`, from the folder of annotations.json, categories by `name`. Run lengths may be packed as
pycocotools does. Whatever else a file holds is refused by name, so that nothing is lost unsaid.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.annotation.formats import rle
from grasp_affordance.annotation.formats.labelled_image import LabelledImage, Mask, copy_image
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import inside, read_json, write_atomically
from grasp_affordance.images import image_size
from grasp_affordance.rectangle import GraspRectangle

_FILE, _IMAGES = "annotations.json", "images/"
_GRASP, _OBJECT = "grasp", "removed_object"
_IDS = {_GRASP: 1, _OBJECT: 2}


def write(folder: Path, labels: list[LabelledImage]) -> None:
    """Write the images and annotations.json."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, label in enumerate(labels, start=1):
        width, height = label.size
        name = f"{_IMAGES}{label.name}.png"
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        entries = [_grasp(rectangle) for rectangle in label.rectangles]
        if label.mask is not None and label.mask.any():
            entries.append(_object(label.mask))
        for entry in entries:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **entry})
        copy_image(label, folder / name)
    categories = [{"id": number, "name": name} for name, number in _IDS.items()]
    data = {"images": images, "annotations": annotations, "categories": categories}
    write_atomically(folder / _FILE, json.dumps(data, allow_nan=False).encode())


def read(folder: Path) -> list[LabelledImage]:
    """Read all labels of a folder.

    Raises:
        SequenceError: annotations.json is missing or malformed, an image is missing or of another
            size, or an annotation is of no image or of a category that says nothing here.
    """
    path = folder / _FILE
    data = read_json(path)
    try:
        categories = _by_id(data["categories"], "category")
        images = _by_id(data["images"], "image")
        of_image: dict[int, list[dict[str, Any]]] = {number: [] for number in images}
        for entry in data["annotations"]:
            if entry["image_id"] not in of_image:
                raise SequenceError(
                    f"annotation {entry.get('id')} is of image {entry['image_id']!r}, which is not "
                    "in the file"
                )
            of_image[entry["image_id"]].append({**entry, "category": _category(entry, categories)})
        common = all(image["file_name"].startswith(_IMAGES) for image in images.values())
        return [
            _label(folder, image, of_image[number], _IMAGES if common else "")
            for number, image in images.items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error!r}") from error
    except SequenceError as error:
        raise SequenceError(f"{path}: {error}") from error


def _by_id(entries: list[dict[str, Any]], what: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for entry in entries:
        number = entry["id"]
        if not isinstance(number, int) or isinstance(number, bool) or number in found:
            raise SequenceError(f"the {what} id {number!r} is no whole number, or is there twice")
        found[number] = entry
    return found


def _category(entry: Mapping[str, Any], categories: Mapping[int, Mapping[str, Any]]) -> str:
    number = entry["category_id"]
    if number not in categories:
        raise SequenceError(f"annotation {entry.get('id')} is of category {number!r}, not declared")
    name = str(categories[number]["name"])
    if name not in _IDS:
        raise SequenceError(
            f"annotation {entry.get('id')} is of category '{name}'; only {', '.join(_IDS)} are read"
        )
    return name


def _label(
    folder: Path, image: Mapping[str, Any], entries: list[dict[str, Any]], prefix: str
) -> LabelledImage:
    path = inside(folder, image["file_name"])
    size = (image["width"], image["height"])
    found = image_size(path)
    if found != size:
        raise SequenceError(f"{path} is {found[0]}x{found[1]}, the file says {size[0]}x{size[1]}")
    name = path.resolve().relative_to(folder.resolve()).with_suffix("").as_posix()
    return LabelledImage(
        name.removeprefix(prefix),
        path,
        size,
        tuple(_rectangle(entry) for entry in entries if entry["category"] == _GRASP),
        _mask([entry for entry in entries if entry["category"] == _OBJECT], size),
    )


def _mask(entries: list[dict[str, Any]], size: tuple[int, int]) -> Mask | None:
    """Return what any of the objects covers."""
    masks = []
    for entry in entries:
        segmentation = entry["segmentation"]
        if not isinstance(segmentation, dict):
            raise SequenceError(
                f"annotation {entry.get('id')}: its segmentation is no run lengths, which alone "
                "are read"
            )
        masks.append(rle.decode(segmentation, size))
    return np.logical_or.reduce(masks) if masks else None


def _grasp(rectangle: GraspRectangle) -> dict[str, Any]:
    low, high = rectangle.corners().min(axis=0), rectangle.corners().max(axis=0)
    angle = -float(np.degrees(rectangle.theta))  # v points down
    return {
        "category_id": _IDS[_GRASP],
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "rotated_bbox": [rectangle.x, rectangle.y, rectangle.w, rectangle.h, angle],
        "area": rectangle.w * rectangle.h,
        "iscrowd": 0,
    }


def _rectangle(entry: Mapping[str, Any]) -> GraspRectangle:
    box = entry.get("rotated_bbox", entry["bbox"])
    if not isinstance(box, list) or len(box) != 5:
        raise SequenceError(
            f"annotation {entry.get('id')} is a grasp without [x, y, w, h, angle] in rotated_bbox "
            "or bbox"
        )
    x, y, w, h, angle = (float(value) for value in box)
    theta = float(np.radians(-angle) % np.pi)
    return GraspRectangle(x, y, theta if theta < np.pi else 0.0, w, h)


def _object(mask: Mask) -> dict[str, Any]:
    rows, columns = np.nonzero(mask)
    left, top = int(columns.min()), int(rows.min())
    return {
        "category_id": _IDS[_OBJECT],
        "bbox": [left, top, int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1],
        "segmentation": rle.encode(mask),
        "area": int(rows.size),
        "iscrowd": 1,  # COCO keeps run lengths under this flag
    }
