"""Masks as run lengths, the way COCO writes them: column by column, starting with background."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import SequenceError

Mask = NDArray[np.bool_]


def encode(mask: Mask) -> dict[str, Any]:
    """Return {"size": [height, width], "counts": [...]} of a mask (H, W)."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        counts = [0, *counts]
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": counts}


def decode(data: Mapping[str, Any]) -> Mask:
    """Return the mask (H, W) of uncompressed run lengths.

    Raises:
        SequenceError: the runs do not fill the size.
    """
    height, width = data["size"]
    counts = np.asarray(data["counts"])
    if counts.dtype.kind not in "iu" or counts.sum() != height * width or (counts < 0).any():
        raise SequenceError(f"run lengths do not fill a mask of {width}x{height}")
    values = np.arange(len(counts)) % 2 == 1
    return np.asarray(np.repeat(values, counts).reshape((height, width), order="F"))
