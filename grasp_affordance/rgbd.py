"""One RGB-D view: the only form in which images enter the core."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Window
from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics

DEPTH_ENCODINGS = ("16UC1", "mono16", "32FC1")
COLOR_ENCODINGS = ("rgb8", "bgr8", "rgba8", "bgra8", "mono8")

_CHANNELS = {"bgr8": [2, 1, 0], "rgba8": [0, 1, 2], "bgra8": [2, 1, 0]}


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """Color and depth of one instant, pixel-aligned.

    Attributes:
        color: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, metres along the optical axis, NaN where unknown.
        intrinsics: of both images.
        stamp_ns: time of exposure, nanoseconds since the epoch of the clock in use.
        frame_id: name of the optical frame.

    Raises:
        FrameError: wrong types, or sizes that do not agree with each other and the intrinsics.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    intrinsics: Intrinsics
    stamp_ns: int = 0
    frame_id: str = "camera_color_optical_frame"

    def __post_init__(self) -> None:
        if self.color.dtype != np.uint8 or self.color.ndim != 3 or self.color.shape[2] != 3:
            raise FrameError(
                f"color must be (H, W, 3) uint8 RGB, got {self.color.shape} {self.color.dtype}"
            )
        if self.depth.dtype != np.float32 or self.depth.ndim != 2:
            raise FrameError(
                f"depth must be (H, W) float32 metres, got {self.depth.shape} {self.depth.dtype}"
            )
        sizes = {
            "color": self.color.shape[:2],
            "depth": self.depth.shape,
            "camera_info": (self.intrinsics.height, self.intrinsics.width),
        }
        if len(set(sizes.values())) != 1:
            text = ", ".join(f"{name} {w}x{h}" for name, (h, w) in sizes.items())
            raise FrameError(
                f"sizes differ: {text}; use depth aligned to color (align_depth.enable:=true)"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.depth.shape[0], self.depth.shape[1]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(H, W) bool: pixels that have depth."""
        return np.isfinite(self.depth)

    def within(self, window: Window) -> Self:
        """Return the rows and columns of a window as a frame of its own."""
        rows, columns = window
        size = columns.stop - columns.start, rows.stop - rows.start
        return replace(
            self,
            color=self.color[window],
            depth=np.ascontiguousarray(self.depth[window]),
            intrinsics=self.intrinsics.cropped(columns.start, rows.start, *size),
        )

    def without_blind(self) -> Self:
        """Return the frame with unknown depth where the lens leaves a pixel without a ray."""
        if self.intrinsics.lens is None:
            return self
        return replace(self, depth=self.intrinsics.without_blind(self.depth))

    def point(self, u: int, v: int) -> NDArray[np.float64]:
        """Return the camera-frame point (3,) in metres at pixel (u, v); NaN where unknown."""
        return self.intrinsics.deproject(u, v, self.depth[v, u])

    def require_depth(self, minimum_share: float = 0.01) -> None:
        """Raise FrameError unless at least `minimum_share` of the pixels have depth."""
        share = float(self.known.mean())
        if share < minimum_share:
            raise FrameError(
                f"only {share:.1%} of the depth pixels are known (at least {minimum_share:.1%} "
                "needed); check the sensor's range, its emitter and the depth topic"
            )


def depth_in_metres(
    image: NDArray[np.generic], encoding: str, depth_scale: float | None = None
) -> NDArray[np.float32]:
    """Convert a depth image of any common encoding to (H, W) float32 metres, NaN where unknown.

    Args:
        image: (H, W); 16-bit unsigned for `16UC1`/`mono16`, float for `32FC1`.
        encoding: one of `DEPTH_ENCODINGS`.
        depth_scale: metres per unit; by default 0.001 for 16-bit images (REP 118) and 1 for floats.

    Zero, negative, infinite and NaN values are unknown.

    Raises:
        FrameError: unknown encoding, wrong type or shape, or a scale that is not positive.
    """
    if encoding not in DEPTH_ENCODINGS:
        raise FrameError(f"depth encoding '{encoding}' is unknown; use one of {DEPTH_ENCODINGS}")
    integer = encoding != "32FC1"
    if image.ndim != 2 or (image.dtype != np.uint16 if integer else image.dtype.kind != "f"):
        raise FrameError(f"{encoding} depth cannot be an array {image.shape} of {image.dtype}")
    scale = depth_scale if depth_scale is not None else (0.001 if integer else 1.0)
    if not (np.isfinite(scale) and scale > 0):
        raise FrameError(f"depth scale {scale} is not a positive number of metres per unit")
    metres = image.astype(np.float32) * np.float32(scale)
    with np.errstate(invalid="ignore"):
        unknown = ~(np.isfinite(metres) & (metres > 0))
    metres[unknown] = np.nan
    return metres


def color_as_rgb(image: NDArray[np.generic], encoding: str) -> NDArray[np.uint8]:
    """Convert a color image of any common encoding to contiguous (H, W, 3) uint8 RGB.

    Raises:
        FrameError: unknown encoding, or an array that is not of that encoding.
    """
    if encoding not in COLOR_ENCODINGS:
        raise FrameError(f"color encoding '{encoding}' is unknown; use one of {COLOR_ENCODINGS}")
    channels = {"mono8": 1, "rgba8": 4, "bgra8": 4}.get(encoding, 3)
    if image.ndim == 2 and channels == 1:
        image = image[..., None]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != channels:
        raise FrameError(f"{encoding} color cannot be an array {image.shape} of {image.dtype}")
    if encoding == "rgb8":
        return np.ascontiguousarray(image, dtype=np.uint8)  # no copy of what is right already
    if encoding == "mono8":
        return np.ascontiguousarray(np.repeat(image, 3, axis=2), dtype=np.uint8)
    return np.ascontiguousarray(image[..., _CHANNELS[encoding]], dtype=np.uint8)


MOST_AHEAD = 0.3  # seconds: synchronised computers differ by less, also while /clock is on its way

_REMEDY = (
    "synchronise the clocks of the computers (chrony, PTP), or let the driver stamp with the "
    "computer's time"
)


def ahead_of_clock(stamp_ns: int, now_ns: int) -> str:
    """Return that a stamp is more than `MOST_AHEAD` ahead of a clock, and what to do; else empty.

    Such a clock makes every old message look new.
    """
    ahead = (stamp_ns - now_ns) * 1e-9
    if ahead <= MOST_AHEAD:
        return ""
    return f"stamped {ahead:.1f} s ahead of the clock, at most {MOST_AHEAD:.1f} s: {_REMEDY}"


def not_of_now(stamp_ns: int, now_ns: int, max_age: float) -> str:
    """Return why a stamp is not of the last `max_age` seconds of a clock; empty when it is."""
    age = (now_ns - stamp_ns) * 1e-9
    if age > max_age:
        return f"{age:.1f} s old, at most {max_age:.1f} s"
    return ahead_of_clock(stamp_ns, now_ns)
