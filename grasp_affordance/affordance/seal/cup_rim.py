"""What the cup rim of a cup would meet at every cell: the heights of the surface along its circle.

The bellows turns the cup rim into the surface's tangent plane, so that is where the circle lies;
its image is an ellipse whose size and shape follow from depth and normal, exactly and per cell.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Image

SAMPLES = 16  # 3.9 mm apart on a cup rim of 10 mm radius
_BLOCK = 4096  # cells at a time: what is computed of them fits into the processor's cache


@dataclass(frozen=True, eq=False)
class CupRimContact:
    """How the surface deviates from the plane of a cup rim put down at each cell.

    The heights along the cup rim are a Fourier series in its angle: order 0 and 1 are the plane
        that
    the bellows takes, order 2 is what a quadric surface does to a circle (cylinder, saddle), and
    the rest is what no smooth surface explains: edges, steps, grooves, noise.

    Attributes:
        normals: (h, w, 3) float32 unit normal of the cup rim's plane, towards the camera.
        bend: (h, w) float32 metres, amplitude of order 2: r²/(4 R) on a cylinder of radius R.
        roughness: (h, w) float32 metres, RMS of the orders above 2.
        coverage: (h, w) float32 in [0, 1], share of the cup rim that meets known surface within
            reach.
        dome: (h, w) float32 metres by which the centre stands above the cup rim's plane.
    """

    normals: NDArray[np.float32]
    bend: Image
    roughness: Image
    coverage: Image
    dome: Image


def touch(
    surface: Surface, radius: float, reach: float, where: NDArray[np.bool_] | None = None
) -> CupRimContact:
    """Put a cup rim of `radius` metres down at every cell that has a normal.

    Args:
        reach: metres by which a point of the surface may lie off the cup rim's bent plane and still
            be met by the cup rim.
        where: (h, w) cells that are wanted, all by default; the others stay NaN.
    """
    here = np.isfinite(surface.normals[..., 0])
    if where is not None:
        here &= where
    normals = surface.normals[here]
    first, second = _tangents(normals)
    angles = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)
    heights = _cup_rim_heights(surface, here, radius, angles, first, second)
    missing = np.isnan(heights)
    np.copyto(heights, 0, where=missing)
    basis = np.stack(
        [np.ones(SAMPLES), np.cos(angles), np.sin(angles), np.cos(2 * angles), np.sin(2 * angles)]
    ).astype(np.float32)
    # The basis is orthogonal on equally spaced angles: 1/N for order 0, 2/N for the others.
    c = (basis @ heights) * np.float32(2 / SAMPLES)
    c[0] *= np.float32(0.5)
    heights -= basis.T @ c
    np.square(heights, out=heights)
    met = (heights <= reach * reach) & ~missing
    normals -= (c[1, :, None] * first + c[2, :, None] * second) / np.float32(radius)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)

    def on_grid(values: NDArray[np.float32]) -> NDArray[np.float32]:
        grid = np.full((*here.shape, *values.shape[1:]), np.nan, np.float32)
        grid[here] = values
        return grid

    return CupRimContact(
        normals=on_grid(normals),
        bend=on_grid(np.hypot(c[3], c[4])),
        roughness=on_grid(np.sqrt(heights.mean(axis=0))),
        coverage=on_grid(np.count_nonzero(met, axis=0).astype(np.float32) / SAMPLES),
        dome=on_grid(-c[0]),
    )


def _tangents(normals: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two unit vectors that span the tangent plane; normals face the camera, so n_z < 0.

    Duff et al. 2017, "Building an orthonormal basis, revisited", for the sign of n_z.
    """
    x, y, z = np.moveaxis(normals, -1, 0)
    a = 1 / (np.float32(1) - z)
    b = x * y * a
    first = np.stack([1 - x * x * a, -b, x], axis=-1)
    second = np.stack([b, y * y * a - 1, -y], axis=-1)
    return first, second


def _cup_rim_heights(
    surface: Surface,
    here: NDArray[np.bool_],
    radius: float,
    angles: NDArray[np.float64],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the heights (SAMPLES, N) above the tangent planes along the lips of N cells.

    A cup rim point q projects to a pixel where the camera measures z instead of q_z. The measured
    point lies on the same ray, p' = q z / q_z, so its height above the plane n·q = n·p is
    n·(p' − q) = (n·p) (z / q_z − 1).
    """
    camera = surface.seen
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    circle *= np.float32(radius)
    p = surface.points[here]
    along = np.einsum("ij,ij->i", surface.normals[here], p)
    centres = np.ascontiguousarray(p.T)
    spans = np.ascontiguousarray(np.stack([first.T, second.T], axis=1))  # (3, 2, N)
    heights = np.empty((len(angles), len(p)), np.float32)
    for start in range(0, len(p), _BLOCK):
        block = np.s_[start : start + _BLOCK]
        x, y, z = (circle @ spans[axis, :, block] + centres[axis, block] for axis in range(3))
        np.reciprocal(z, out=z)
        x, y = x * z, y * z
        if camera.lens is not None:
            x, y = np.moveaxis(camera.lens.distort(np.stack([x, y], axis=-1)), -1, 0)
        u = (x * camera.fx + camera.cx).astype(np.float32)
        v = (y * camera.fy + camera.cy).astype(np.float32)
        heights[:, block] = along[block] * (_sample(surface.depth, u, v) * z - 1)
    return heights


def _sample(depth: Image, u: Image, v: Image) -> Image:
    """Return the depth (K, N) at pixels, linearly; NaN beside a hole and outside the image."""
    sampled = cv2.remap(
        depth, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
    )
    return np.asarray(sampled, dtype=np.float32)
