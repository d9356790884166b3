"""Surfaces of which a depth camera sees specks only: nearly black plastic, bare metal.

Holes stay holes (see `holes`): here something was measured, too thinly spread for a plane to be
fitted. Between specks, and not beyond them, the surface is taken to be smooth. That is a guess, and
stays known as one: `Surface.missing_share` and the network's channel of known depth count what was
measured.
"""

import cv2
import numpy as np

from grasp_affordance.affordance.surface.disc import disc
from grasp_affordance.arrays import Image, Mask
from grasp_affordance.geometry import Intrinsics

_WINDOW = 0.016  # metres across in which the share of known depth is counted
_SPARSE = 0.35  # share of known depth below which a surface is seen in specks
_NARROWEST = 0.012  # metres: narrower is the rim or the shadow of something
_LARGEST = 0.012  # metres across: what is larger is seen for itself, and says nothing of a hole
_SMOOTH = 0.008  # metres, Gaussian sigma over the specks
_AROUND = 0.016  # metres, Gaussian sigma in which specks are counted
_ENOUGH = 3.0  # specks under that Gaussian from which they are a surface
_GAP = 0.034  # metres between specks that are bridged at most
_AGREEING = 0.07  # metres, standard deviation of their depths beyond which they are no surface


def bridge_specks(depth: Image, camera: Intrinsics) -> tuple[Image, Mask]:
    """Lay a smooth surface through specks of depth.

    Args:
        depth: (H, W) float32 metres, NaN where unknown.
        camera: of the image.

    Returns:
        The depth with the surface laid through the specks, and the (H, W) mask where that is so;
        the very same depth where there is nothing of that kind.
    """
    known = np.isfinite(depth)
    nothing = np.zeros_like(known)
    if known.all() or not known.any():
        return depth, nothing
    pixels = camera.fx / float(np.median(depth[known][::16]))  # per metre
    sparse = _sparse(known, pixels)
    specks, places = _specks(known & sparse, pixels)
    if not specks.any():
        return depth, nothing
    around = _AROUND * pixels
    number = cv2.GaussianBlur(places, (0, 0), around) * np.float32(2 * np.pi * around**2)
    between = cv2.morphologyEx(
        specks.view(np.uint8), cv2.MORPH_CLOSE, disc(max(1, round(_GAP * pixels / 2)))
    )
    smooth, spread = _smoothed(depth, specks, _SMOOTH * pixels)
    bridged = sparse & (number >= _ENOUGH) & (between > 0) & (spread < _AGREEING)
    return np.where(bridged, smooth, depth).astype(np.float32), bridged


def _smoothed(depth: Image, specks: Mask, sigma: float) -> tuple[Image, Image]:
    """Return the mean of the specks' depths under a Gaussian and their standard deviation (H, W).

    `sigma` is in pixels. Far from all specks both mean nothing.
    """
    share = np.maximum(cv2.GaussianBlur(specks.astype(np.float32), (0, 0), sigma), np.float32(1e-6))

    def mean(values: Image) -> Image:
        total = cv2.GaussianBlur(np.where(specks, values, np.float32(0)), (0, 0), sigma)
        return np.asarray(total / share, np.float32)

    smooth = mean(depth)
    middle = np.median(depth[specks])  # taken off, for float32 to resolve a square of millimetres
    variance = mean(np.square(depth - middle)) - np.square(smooth - middle)
    return smooth, np.sqrt(np.maximum(variance, 0))


def _sparse(known: Mask, pixels: float) -> Mask:
    """Return where little depth is known (H, W), over areas that are not narrow."""
    size = _odd(_WINDOW * pixels)
    sparse = cv2.blur(known.astype(np.float32), (size, size)) < _SPARSE
    square = np.ones((_odd(_NARROWEST * pixels),) * 2, np.uint8)
    return np.asarray(cv2.morphologyEx(sparse.view(np.uint8), cv2.MORPH_OPEN, square) > 0)


def _specks(known: Mask, pixels: float) -> tuple[Mask, Image]:
    """Return the pixels of small patches (H, W), and an image that is 1 in the middle of each."""
    labels, stats, middles = cv2.connectedComponentsWithStats(known.view(np.uint8))[1:]
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    small = extent <= max(2.0, _LARGEST * pixels)
    small[0] = False
    places = np.zeros(known.shape, np.float32)
    columns, rows = np.rint(middles[small]).astype(np.intp).T
    places[rows, columns] = 1
    return small[labels], places


def _odd(size: float) -> int:
    return 2 * max(1, round(size / 2)) + 1
