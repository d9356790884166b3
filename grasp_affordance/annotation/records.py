"""Labels on disk: `pairs.json` and the images beside it.

pairs.json         {"version", "sequence", "camera", "pairs": [...]}; see `PairRecord`
NNNN.mask.png      8-bit, 255 on the object that left frame NNNN; of annotated pairs
NNNN.regionK.png   the same for each region of a pair in which several left
NNNN.picture.png   frame NNNN with mask and rectangles, beside the depth difference
decisions.json     what a reviewer decided; see `decisions`
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.result import Reason, Status
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import inside, read_json, write_atomically
from grasp_affordance.images import read_bytes, read_image
from grasp_affordance.rectangle import GraspRectangle

PAIRS_FILE = "pairs.json"
DECISIONS_FILE = "decisions.json"
VERSION = 1


@dataclass(frozen=True)
class RegionRecord:
    """One object that left: its size, and the file of its mask.

    Attributes:
        pixels: of the mask.
        area: square metres across the line of sight.
        volume: cubic metres between the surfaces before and after.
        height: metres by which the depth grew.
        centre: (u, v), pixels.
        unknown: share of the mask without depth in one of the frames.
        mask: name of the PNG.
    """

    pixels: int
    area: float
    volume: float
    height: float
    centre: tuple[float, float]
    unknown: float
    mask: str


@dataclass(frozen=True)
class PairRecord:
    """The label of one pair of consecutive frames.

    Attributes:
        index: of the pair in its sequence: the order of removal.
        frames: names of the frame before and after; None after, where nothing was removed and the
            label was made by others.
        status, reason, detail: the result; the reason is None for an annotated pair.
        rectangles: in the frame before, nearest to the centre of mass first.
        mask, picture: names of the files; None where there is none.
        regions: all that left, also of a rejected pair.
        covered_by: indices of the pairs whose object lay upon this one before it was removed.
        still_covered: indices of the pairs whose object was in view, but covered, in this frame.
    """

    index: int
    frames: tuple[str, str | None]
    status: Status
    reason: Reason | None = None
    detail: str = ""
    rectangles: tuple[GraspRectangle, ...] = ()
    mask: str | None = None
    picture: str | None = None
    regions: tuple[RegionRecord, ...] = ()
    covered_by: tuple[int, ...] = ()
    still_covered: tuple[int, ...] = ()

    @property
    def annotated(self) -> bool:
        """Whether there is a label to use."""
        return self.status is Status.ANNOTATED


@dataclass(frozen=True)
class PairsFile:
    """The content of `pairs.json`.

    Attributes:
        sequence: folder of the frames; written relative where it is inside the labels' own.
        camera: content of its `camera.json`.
        pairs: in order.
    """

    sequence: str
    camera: Mapping[str, Any]
    pairs: tuple[PairRecord, ...]


def write_pairs(folder: Path, content: PairsFile) -> None:
    """Write `pairs.json` atomically."""
    data = {
        "version": VERSION,
        "sequence": content.sequence,
        "camera": dict(content.camera),
        "pairs": [_to_dict(pair) for pair in content.pairs],
    }
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    write_atomically(folder / PAIRS_FILE, text.encode())


def read_pairs(folder: str | Path) -> PairsFile:
    """Read `pairs.json` of a folder that `grasp-affordance annotate` wrote.

    Raises:
        SequenceError: it is missing, unreadable or of another version.
    """
    path = Path(folder) / PAIRS_FILE
    if not path.exists():
        raise SequenceError(f"{path} is missing; run grasp-affordance annotate first")
    try:
        data = read_json(path)
        if data["version"] != VERSION:
            raise SequenceError(f"{path} is of version {data['version']}; annotate anew")
        return PairsFile(
            str(Path(folder).resolve() / data["sequence"]),
            data["camera"],
            tuple(_from_dict(pair) for pair in data["pairs"]),
        )
    except (OSError, LookupError, AttributeError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error!r}") from error


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask (H, W) as an 8-bit PNG of 0 and 255."""
    write_image(path, mask.astype(np.uint8) * 255)


def read_mask(path: Path) -> Mask:
    """Read a mask (H, W): what is brighter than half.

    Raises:
        SequenceError: the file is missing or no image.
    """
    return np.asarray(read_image(path, cv2.IMREAD_GRAYSCALE) > 127)


def pair_digest(folder: Path, pair: PairRecord) -> str:
    """Return what tells the label of a pair from any other: a digest of its record and its mask.

    Raises:
        SequenceError: the mask cannot be read.
    """
    digest = hashlib.sha256(json.dumps(_to_dict(pair), sort_keys=True).encode())
    if pair.mask is not None:
        digest.update(read_bytes(inside(folder, pair.mask)))
    return digest.hexdigest()


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image, (H, W) or RGB (H, W, 3) uint8, as PNG."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(".png", bgr)
    if not done:
        raise SequenceError(f"{path}: cannot encode an image {image.shape} as PNG")
    write_atomically(path, data.tobytes())


def rectangle_to_dict(rectangle: GraspRectangle) -> dict[str, float]:
    """Return x, y, theta, w, h by name."""
    return {key: getattr(rectangle, key) for key in ("x", "y", "theta", "w", "h")}


def rectangle_from_dict(data: Mapping[str, Any]) -> GraspRectangle:
    """Inverse of `rectangle_to_dict`; raises ConfigError, KeyError or ValueError."""
    return GraspRectangle(*(float(data[key]) for key in ("x", "y", "theta", "w", "h")))


def _to_dict(pair: PairRecord) -> dict[str, Any]:
    return {
        "index": pair.index,
        "frames": list(pair.frames),
        "status": pair.status.value,
        "reason": None if pair.reason is None else pair.reason.value,
        "detail": pair.detail,
        "rectangles": [rectangle_to_dict(rectangle) for rectangle in pair.rectangles],
        "mask": pair.mask,
        "picture": pair.picture,
        "regions": [{**vars(region), "centre": list(region.centre)} for region in pair.regions],
        "covered_by": list(pair.covered_by),
        "still_covered": list(pair.still_covered),
    }


def _from_dict(data: Mapping[str, Any]) -> PairRecord:
    reason = data["reason"]
    first, second = data["frames"]
    return PairRecord(
        index=int(data["index"]),
        frames=(str(first), None if second is None else str(second)),
        status=Status(data["status"]),
        reason=None if reason is None else Reason(reason),
        detail=str(data["detail"]),
        rectangles=tuple(rectangle_from_dict(entry) for entry in data["rectangles"]),
        mask=data["mask"],
        picture=data["picture"],
        regions=tuple(_region_from_dict(entry) for entry in data["regions"]),
        covered_by=tuple(int(index) for index in data["covered_by"]),
        still_covered=tuple(int(index) for index in data["still_covered"]),
    )


def _region_from_dict(data: Mapping[str, Any]) -> RegionRecord:
    u, v = data["centre"]
    return RegionRecord(**{**data, "centre": (float(u), float(v))})
