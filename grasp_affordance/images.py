"""Image files that others wrote: PNG and JPEG, whose size is looked at before they are decoded."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import SequenceError

LARGEST = 2**26  # pixels; more is no camera's, and decoding it would take gigabytes
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}  # markers of JPEG that stand alone
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        SequenceError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SequenceError(f"{path} cannot be read: {error}") from error


def read_image(
    path: Path, flags: int = cv2.IMREAD_UNCHANGED, size: tuple[int, int] | None = None
) -> NDArray[Any]:
    """Return an image as OpenCV decodes it, (H, W) or (H, W, channels).

    Args:
        path: of a PNG or a JPEG.
        flags: of `cv2.imdecode`.
        size: (width, height) that it must have.

    Raises:
        SequenceError: it is missing, damaged, of another size, larger than `LARGEST`, or neither
            PNG nor JPEG.
    """
    return decode_image(read_bytes(path), path, flags, size)


def decode_image(
    data: bytes,
    path: Path,
    flags: int = cv2.IMREAD_UNCHANGED,
    size: tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Return the image of a file's bytes; see `read_image`. `path` names it in errors."""
    found = size_of(data, path)
    if size is not None and found != size:
        raise SequenceError(f"{path} is {found[0]}x{found[1]} pixels; expected {size[0]}x{size[1]}")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise _damaged(path, data)
    return np.asarray(image)


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of a PNG or JPEG by its header.

    Raises:
        SequenceError: as `read_image`.
    """
    return size_of(read_bytes(path), path)


def is_png(data: bytes) -> bool:
    """Return whether a file's bytes begin as a PNG."""
    return data.startswith(_PNG)


def size_of(data: bytes, path: Path) -> tuple[int, int]:
    """Return (width, height) that the header names; see `image_size`."""
    if is_png(data):
        size = _png_size(data)
    elif data.startswith(_JPEG):
        size = _jpeg_size(data)
    else:
        size = None
    if size is None or min(size) < 1:
        raise _damaged(path, data)
    if size[0] * size[1] > LARGEST:
        raise SequenceError(
            f"{path} is {size[0]}x{size[1]} pixels, more than {LARGEST} in all; scale it down"
        )
    return size


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_HEADERS:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _damaged(path: Path, data: bytes) -> SequenceError:
    if is_png(data) or path.suffix.lower() == ".png":
        return SequenceError(f"{path} is not a whole PNG; record or copy it again")
    return SequenceError(f"{path} is not a whole PNG or JPEG; convert it, or copy it again")
