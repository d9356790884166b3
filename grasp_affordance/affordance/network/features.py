"""What the compact network sees: local shape and color at the scale of the cup.

Every channel is a scalar that does not change when the scene turns under the camera, moves, or is
lifted: height relative to its surroundings, slope, principal curvatures, deviation from a plane,
where on a segment of surface a cell is and whether something lies over that. What a convolution
would have to learn from thousands of picks is given, and what geometry cannot know (material, how
firmly an object is held down, the cell's own errors) is left to learn.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.network.markings import find_markings
from grasp_affordance.affordance.seal.segments import Segments, find_segments, horizontal_axes
from grasp_affordance.affordance.surface.disc import disc
from grasp_affordance.affordance.surface.grid import MetricGrid
from grasp_affordance.affordance.surface.sparse_depth import bridge_specks
from grasp_affordance.arrays import Image, Mask
from grasp_affordance.rgbd import RgbdFrame

_SCALES = (0.5, 1.0, 2.0, 4.0)  # of the local means, cup radii
_NEIGHBOURHOODS = (2.5, 6.0)  # in which a surface may be topped by another, cup radii

_SEGMENT_CHANNELS = (
    "border of the segment over which something lies",
    "distance from the segment's middle",
    "distance from the middle of what is seen towards what lies over it",
    "length of the segment",
)
_SEGMENT_SCALES = (2.0, 3.0, 3.0, 5.0)  # cup radii that are 1 in these channels

MARKING_SCALE = 3.0
"""Cup radii that are 1 in the channels of markings."""

_COLOR_CHANNELS = (
    "red",
    "green",
    "blue",
    "red, fine",
    "green, fine",
    "blue, fine",
    "red, around",
    "green, around",
    "blue, around",
    "saturation",
    "texture",
    "distance of the segment's marking from its middle",
    "distance from the segment's middle towards its marking",
)

CHANNELS = (
    *(f"height over local mean of {scale} radii" for scale in _SCALES),
    "slope",
    "smaller principal curvature",
    "larger principal curvature",
    "deviation from a plane within half a radius",
    "deviation from a plane within a radius",
    "share of known depth",
    *(f"height below the top within {size} radii" for size in _NEIGHBOURHOODS),
    "height over the region's lowest surface",
    *_SEGMENT_CHANNELS,
    *_COLOR_CHANNELS,
)
SHAPE_COUNT = len(CHANNELS) - len(_COLOR_CHANNELS)
"""Channels of shape; those of color follow."""
SEGMENTS = slice(SHAPE_COUNT - len(_SEGMENT_CHANNELS), SHAPE_COUNT)
"""Channels of shape that tell of whole segments."""
MARKINGS = slice(len(CHANNELS) - 2, len(CHANNELS))
"""Channels of color that tell of whole segments."""


def feature_map(
    frame: RgbdFrame,
    region: Mask,
    grid: MetricGrid,
    cup_radius: float,
    up: NDArray[np.float64],
    color: bool = True,
) -> Image:
    """Return the features (len(CHANNELS), rows, columns) float32, finite everywhere.

    Args:
        region: (H, W) bool, where objects are; what is elsewhere lies over nothing.
        cup_radius: metres; the unit of length of all channels.
        up: (3,) unit vector against gravity in the camera frame.
        color: whether the color channels are wanted; 0 where not.
    """
    frame, region, grid = frame.within(grid.crop), region[grid.crop], grid.of_crop()
    depth, _ = bridge_specks(frame.depth, frame.intrinsics)
    points = frame.intrinsics.deproject_image(depth)
    height, _ = grid.sample_known(points @ up.astype(np.float32))
    share = grid.sample(frame.known)
    there = np.isfinite(height)
    weight = there.astype(np.float32)
    lowest = float(np.percentile(height[there], 2)) if there.any() else 0.0
    # Depth from the lowest surface in cup radii: small numbers keep float32 variances exact.
    h = np.where(weight > 0, (height - lowest) / cup_radius, 0.0).astype(np.float32)
    radius = cup_radius / grid.resolution
    shape = _shape_channels(h, weight, radius)
    known = _blur(share, radius * 0.5)
    channels = np.stack([*shape[:-3], known, *shape[-3:]])
    objects = grid.sample(region) > 0.5
    axes = (points @ axis.astype(np.float32) for axis in horizontal_axes(up).T)
    places = np.stack([grid.sample_known(along)[0] for along in axes], axis=-1)
    slope = np.arctan(shape[len(_SCALES)])
    segments = find_segments(places, height, slope, objects, grid.resolution)
    whole = np.stack([segments.covered, segments.lever, segments.towards, segments.length])
    whole /= np.reshape(_SEGMENT_SCALES, (-1, 1, 1)) * cup_radius
    colors = np.zeros((len(_COLOR_CHANNELS), *height.shape), np.float32)
    if color:
        colors = _color_channels(frame, grid, segments, cup_radius)
    stacked = np.concatenate([channels, whole, colors])
    return np.clip(stacked, -3.0, 3.0).astype(np.float32)


def _color_channels(
    frame: RgbdFrame, grid: MetricGrid, segments: Segments, cup_radius: float
) -> Image:
    """Return the color channels (N, rows, columns); `cup_radius` is in metres.

    Texture is what differs from the surroundings pixel by pixel, before the grid averages it away:
    by its speckles one knows cardboard from paint of the same color.
    """
    radius = cup_radius / grid.resolution
    color = grid.sample(frame.color) / 255.0
    smooth, around = _blur(color, radius * 0.5), _blur(color, radius * 2.0)
    brightest, darkest = smooth.max(axis=-1), smooth.min(axis=-1)
    saturation = (brightest - darkest) / np.maximum(brightest, 0.05)
    gray = cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    pixels = radius * 0.5 * grid.width / grid.columns
    detail = np.square(gray - _blur(gray, pixels))
    texture = np.sqrt(_blur(grid.sample(detail), radius * 0.5))
    threes = [2.0 * smooth - 1.0, 4.0 * (color - smooth), 2.0 * around - 1.0]
    markings = find_markings(color, segments.labels, segments.offset)
    unit = MARKING_SCALE * cup_radius
    flat = [2.0 * saturation - 1.0, 20.0 * texture - 1.0, *(each / unit for each in markings)]
    return np.concatenate([np.moveaxis(np.concatenate(threes, axis=-1), -1, 0), np.stack(flat)])


def _shape_channels(h: Image, weight: Image, radius: float) -> list[Image]:
    """Return the shape channels of a height map in cup radii; `radius` is in cells."""
    relative = []
    for scale in _SCALES:
        mean = _mean(h, weight, radius * scale)
        relative.append((h - mean) * weight / (0.2 * scale))
    slope, low, high = _slope_and_curvatures(_mean(h, weight, radius * 0.5), radius)
    deviations = [_plane_deviation(h, weight, radius * s) / 0.1 for s in (0.5, 1.0)]
    tops = [(h - cv2.dilate(h, disc(radius * size))) * weight / 2.0 for size in _NEIGHBOURHOODS]
    return [*relative, slope, low, high, *deviations, *tops, h * weight / 4.0]


def _slope_and_curvatures(smooth: Image, radius: float) -> tuple[Image, Image, Image]:
    """Return slope (rise over run) and the principal curvatures times the cup radius."""
    gy, gx = np.gradient(smooth)
    gyy, gyx = np.gradient(gy)
    gxx = np.gradient(gx, axis=1)
    mean, spread = (gxx + gyy) / 2, np.hypot((gxx - gyy) / 2, gyx)
    unit = radius * radius
    return (
        (np.hypot(gx, gy) * radius).astype(np.float32),
        ((mean - spread) * unit).astype(np.float32),
        ((mean + spread) * unit).astype(np.float32),
    )


def _plane_deviation(h: Image, weight: Image, sigma: float) -> Image:
    """Return the RMS deviation of `h` from its best plane under a Gaussian window.

    For a Gaussian window the slope of the weighted least-squares plane is the gradient of the local
    mean, and the plane explains sigma^2 |gradient|^2 of the local variance.
    """
    mean = _mean(h, weight, sigma)
    variance = _mean(h * h, weight, sigma) - mean * mean
    gy, gx = np.gradient(mean)
    rest = variance - sigma * sigma * (gx * gx + gy * gy)
    return np.sqrt(np.maximum(rest, 0.0)).astype(np.float32)


def _mean(values: Image, weight: Image, sigma: float) -> Image:
    """Return the Gaussian mean over known cells only (normalised convolution)."""
    total = _blur(weight, sigma)
    return np.asarray(_blur(values * weight, sigma) / np.maximum(total, 1e-3), dtype=np.float32)


def _blur(image: Image, sigma: float) -> Image:
    blurred = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, dtype=np.float32)
