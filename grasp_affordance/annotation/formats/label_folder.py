"""Folders of labels: complete or not there, changed by one process at a time.

`write` makes one as `grasp-affordance annotate` does, from labels that others made:

pairs.json         one entry per image, without a frame after: nothing was removed
NNNN.mask.png      mask, where it is known
frames/            the images as a sequence; `NNNN.frame.json` keeps the name of each
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from grasp_affordance.annotation.formats.labelled_image import LabelledImage
from grasp_affordance.annotation.records import PairRecord, PairsFile, write_mask, write_pairs
from grasp_affordance.annotation.result import Status
from grasp_affordance.errors import SequenceError
from grasp_affordance.folder_lock import BusyError, FolderLock
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.images import read_image
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera, SequenceWriter

_FRAMES = "frames"
_ASKED = 9  # images that the focal length is found from


def write(folder: Path, labels: list[LabelledImage], focal_length: float | None = None) -> int:
    """Write labels as a folder to review and to train a detector on.

    Args:
        folder: to write; it exists.
        labels: of images of one size.
        focal_length: pixels; needed where the dataset says nothing about its camera. It says at
            what scale a detector sees the images.

    Returns:
        How many images have depth.

    Raises:
        SequenceError: the images differ in size, the camera is not known, or an image cannot be
            read.
    """
    size = _one_size(labels)
    focal_length = focal_length or _focal_length(labels)
    intrinsics = Intrinsics(focal_length, focal_length, (size[0] - 1) / 2, (size[1] - 1) / 2, *size)
    writer = SequenceWriter(folder / _FRAMES, SequenceCamera(intrinsics))
    pairs, with_depth = [], 0
    for index, label in enumerate(labels):
        depth = np.full(size[::-1], np.nan, np.float32)
        if label.depth is not None:
            depth = label.depth(focal_length).depth
            with_depth += 1
        color = cv2.cvtColor(read_image(label.image, cv2.IMREAD_COLOR, size), cv2.COLOR_BGR2RGB)
        frame = RgbdFrame(np.asarray(color, np.uint8), depth, intrinsics)
        name = writer.append(frame, {"name": label.name})
        mask = None
        if label.mask is not None:
            mask = f"{name}.mask.png"
            write_mask(folder / mask, label.mask)
        pairs.append(
            PairRecord(
                index, (name, None), Status.ANNOTATED, rectangles=label.rectangles, mask=mask
            )
        )
    write_pairs(folder, PairsFile(_FRAMES, writer.camera.to_dict(), tuple(pairs)))
    return with_depth


def _focal_length(labels: list[LabelledImage]) -> float:
    """Return the focal length that the dataset's depth tells, of images all over the dataset."""
    readers = [label.depth for label in labels if label.depth is not None]
    if not readers:
        raise SequenceError(
            "the dataset says nothing about its camera; give --focal-length, in pixels"
        )
    some = np.linspace(0, len(readers) - 1, min(len(readers), _ASKED)).astype(int)
    return float(np.median([readers[each](None).intrinsics.fx for each in some]))


def _one_size(labels: list[LabelledImage]) -> tuple[int, int]:
    sizes = Counter(label.size for label in labels)
    if len(sizes) > 1:
        counts = ", ".join(f"{count} of {w}x{h}" for (w, h), count in sizes.most_common())
        raise SequenceError(
            f"a folder of labels is of one camera, but there are images of several sizes "
            f"({counts}); convert each size alone"
        )
    return labels[0].size


@contextmanager
def complete_folder(output: Path) -> Iterator[Path]:
    """Yield a new folder that takes the name `output` when the block ends without an error.

    It is made beside `output`, so that a kill leaves at most a hidden temporary folder. A folder
    that has the name then is replaced: the caller checks beforehand that it may be.

    Raises:
        SequenceError: the folder cannot be made or renamed.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise SequenceError(f"{output} cannot be written: {error}") from error
    with temporary as name:
        folder = Path(name) / "new"
        folder.mkdir()
        yield folder
        try:
            if output.exists():
                output.rename(Path(name) / "replaced")
            folder.rename(output)
        except OSError as error:
            raise SequenceError(f"{output} cannot be written: {error}") from error


def refuse_unless_empty(output: Path) -> None:
    """Raise SequenceError if `output` is a file or a folder that holds something."""
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise SequenceError(f"{output} exists and is not empty; choose another folder")


def claim_labels(labels: Path) -> FolderLock:
    """Return the right to change a folder of labels, or what was decided about them.

    Raises:
        BusyError: another process, or another desk, has it.
        SequenceError: the folder cannot be written.
    """
    try:
        return FolderLock(labels)
    except BusyError:
        raise BusyError(
            f"{labels} is open on a review page, or is being annotated; end that first"
        ) from None
    except OSError as error:
        raise SequenceError(f"{labels} cannot be written: {error}") from error
