"""Masks as run lengths, the way COCO writes them: column by column, starting with background.

They come as a list of numbers, or as the text into which pycocotools packs the same numbers: 5 bits
per character, lowest first, from the third run on as the difference to the run two before.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from grasp_affordance.arrays import Mask
from grasp_affordance.errors import SequenceError

_ZERO, _BITS, _MORE, _SIGN = 48, 5, 0x20, 0x10
_LONGEST = 7  # characters of one number: 35 bits


def encode(mask: Mask) -> dict[str, Any]:
    """Return {"size": [height, width], "counts": [...]} of a mask (H, W)."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        counts = [0, *counts]
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": counts}


def decode(data: Mapping[str, Any], size: tuple[int, int]) -> Mask:
    """Return the mask (H, W) of run lengths.

    Args:
        data: {"size": [height, width], "counts": a list or a text}.
        size: (width, height) that the mask must have, pixels.

    Raises:
        SequenceError: it is of another size, or the runs do not fill it.
    """
    width, height = size
    if data["size"] != [height, width]:
        raise SequenceError(f"a mask of {data['size']} rows and columns is not {width}x{height}")
    counts = data["counts"]
    if isinstance(counts, str):
        counts = _unpacked(counts)
    pixels = height * width
    if not isinstance(counts, list) or not all(_is_run(run, pixels) for run in counts):
        raise SequenceError(f"run lengths of a mask of {width}x{height} are no numbers of pixels")
    if sum(counts) != pixels:
        raise SequenceError(f"run lengths do not fill a mask of {width}x{height}")
    values = np.arange(len(counts)) % 2 == 1
    return np.asarray(np.repeat(values, counts).reshape((height, width), order="F"))


def _is_run(run: Any, pixels: int) -> bool:
    return isinstance(run, int) and not isinstance(run, bool) and 0 <= run <= pixels


def _unpacked(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - _ZERO
        if not 0 <= bits < 2 * _MORE or shift >= _LONGEST * _BITS:
            raise SequenceError("run lengths are no text of pycocotools")
        value |= (bits & (_MORE - 1)) << shift
        shift += _BITS
        if not bits & _MORE:
            if bits & _SIGN:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise SequenceError("run lengths end within a number")
    return counts
