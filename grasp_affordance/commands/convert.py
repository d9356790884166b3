"""`grasp-affordance convert`: grasp labels from and to the formats of the field."""

from pathlib import Path
from typing import Literal

import tyro

from grasp_affordance.annotation.formats import coco, cornell, jacquard, label_folder, yolo_obb
from grasp_affordance.annotation.formats.label_folder import complete_folder, refuse_unless_empty
from grasp_affordance.annotation.formats.labelled_image import (
    LabelledImage,
    check_names,
    labelled_images,
)
from grasp_affordance.errors import ConfigError, SequenceError

Format = Literal["labels", "cornell", "coco", "jacquard", "yolo_obb"]
FORMATS = {"cornell": cornell, "coco": coco, "jacquard": jacquard, "yolo_obb": yolo_obb}


def run(
    source: tyro.conf.Positional[Path],
    output: Path,
    to: Format,
    source_format: Format = "labels",
    focal_length: float | None = None,
) -> int:
    """Write grasp labels, with their images and masks, in another format.

    Args:
        source: folder of `grasp-affordance annotate` (accepted labels are taken), or of a format.
        output: folder to write; it must not hold anything yet.
        to: format to write; `labels` is a folder to review and to train a detector on, with depth
            where the dataset has it.
        source_format: what `source` holds.
        focal_length: of the camera, pixels; for `--to labels` of a dataset that does not say it.
    """
    if to == source_format:
        raise ConfigError(f"{source} is of the format {to} already; choose another with --to")
    if focal_length is not None and (to != "labels" or not 0 < focal_length < 1e6):
        raise ConfigError("--focal-length is a number of pixels, and only for --to labels")
    refuse_unless_empty(output)
    if not source.is_dir():
        raise SequenceError(f"{source} is not a folder")
    found = (
        labelled_images(source)
        if source_format == "labels"
        else FORMATS[source_format].read(source)
    )
    labels = [label for label in found if label.rectangles]
    if not labels:
        raise SequenceError(f"{source}: no {source_format} with a rectangle to convert")
    check_names(labels)
    notes = _left_out(found, labels)
    with complete_folder(output) as folder:
        if to == "labels":
            with_depth = label_folder.write(folder, labels, focal_length)
            notes = [f"{with_depth} images with depth", *notes]
        else:
            FORMATS[to].write(folder, labels)
    count = sum(len(label.rectangles) for label in labels)
    print(f"{len(labels)} images with {count} rectangles written to {output} as {to}")
    for note in notes:
        print(note)
    return 0


def _left_out(found: list[LabelledImage], used: list[LabelledImage]) -> list[str]:
    without, unread = len(found) - len(used), sum(label.left_out for label in found)
    notes = [f"{without} images without a rectangle left out"] if without else []
    return [*notes, f"{unread} rectangles without a size left out"] if unread else notes
