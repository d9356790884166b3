"""`grasp-affordance convert`: grasp labels from and to the formats of the field."""

from pathlib import Path
from typing import Literal

import tyro

from grasp_affordance.annotation.folders import complete_folder, refuse_unless_empty
from grasp_affordance.annotation.formats import coco, cornell, jacquard, yolo_obb
from grasp_affordance.annotation.formats.labelled_image import labelled_images
from grasp_affordance.errors import SequenceError

Format = Literal["cornell", "coco", "jacquard", "yolo_obb"]
FORMATS = {"cornell": cornell, "coco": coco, "jacquard": jacquard, "yolo_obb": yolo_obb}


def run(
    source: tyro.conf.Positional[Path],
    output: Path,
    to: Format,
    source_format: Literal["labels", "cornell", "coco", "jacquard", "yolo_obb"] = "labels",
) -> int:
    """Write grasp labels, with their images and masks, in another format.

    Args:
        source: folder of `grasp-affordance annotate` (accepted labels are taken), or of a format.
        output: folder to write; it must not hold anything yet.
        to: format to write.
        source_format: what `source` holds.
    """
    refuse_unless_empty(output)
    if source_format == "labels":
        labels = labelled_images(source)
    else:
        labels = FORMATS[source_format].read(source)
    if not labels:
        raise SequenceError(f"{source}: no {source_format} with a rectangle to convert")
    with complete_folder(output) as folder:
        FORMATS[to].write(folder, labels)
    count = sum(len(label.rectangles) for label in labels)
    print(f"{len(labels)} images with {count} rectangles written to {output} as {to}")
    return 0
