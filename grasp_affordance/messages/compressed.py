"""`sensor_msgs/CompressedImage` to numpy: what image_transport's plugins `compressed` and
`compressedDepth` publish.
"""

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import FrameError

_HEADER = struct.Struct("<iff")  # of compressedDepth: kind, and two numbers of the quantisation
_PNG, _SIZE = b"\x89PNG\r\n\x1a\n", struct.Struct(">II")
_MOST_PIXELS = 100_000_000
_ENCODINGS = {
    (np.dtype(np.uint8), 1): "mono8",
    (np.dtype(np.uint8), 3): "bgr8",
    (np.dtype(np.uint8), 4): "bgra8",
    (np.dtype(np.uint16), 1): "16UC1",
}


def from_compressed_image_msg(msg: Any) -> tuple[NDArray[Any], str]:
    """Return the image (H, W) or (H, W, C) of a compressed message, and its encoding.

    Depth comes from `compressedDepth` or from a 16-bit PNG; JPEG would have changed it.

    Raises:
        FrameError: it cannot be decoded.
    """
    encoding, _, how = msg.format.partition(";")
    if "compressedDepth" not in how:
        image = _decode(bytes(msg.data), msg.format)
        kind = (image.dtype, 1 if image.ndim == 2 else image.shape[2])
        if kind not in _ENCODINGS:
            raise FrameError(
                f"a compressed image '{msg.format}' of {image.dtype} with {kind[1]} channels "
                "cannot be used; record the raw topic"
            )
        return image, _ENCODINGS[kind]
    if "rvl" in how or len(msg.data) <= _HEADER.size:
        raise FrameError(
            f"compressed depth '{msg.format}' of {len(msg.data)} bytes cannot be decoded; set the "
            "parameter compressedDepth.format of its publisher to png, or record the raw topic"
        )
    data = bytes(msg.data)
    _, factor, offset = _HEADER.unpack_from(data)
    counts = _decode(data[_HEADER.size :], msg.format)
    if counts.dtype != np.uint16 or counts.ndim != 2:
        raise FrameError(f"compressed depth '{msg.format}' holds no 16-bit image")
    if encoding.strip() != "32FC1":
        return counts, "16UC1"
    # Floats travel as inverse depth in 16 bits.
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = np.float32(factor) / (counts.astype(np.float32) - np.float32(offset))
    return np.where(counts == 0, np.float32(np.nan), metres), "32FC1"


def _decode(data: bytes, said: str) -> NDArray[Any]:
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = _SIZE.unpack_from(data, 16)
        if width * height > _MOST_PIXELS:
            raise FrameError(f"a compressed image of {width}x{height} pixels is no camera's")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error as error:
        raise FrameError(f"a compressed image '{said}' cannot be decoded: {error}") from error
    if image is None:
        raise FrameError(f"a compressed image '{said}' of {len(data)} bytes cannot be decoded")
    return np.asarray(image)
