"""The visible surface on a working grid: points, normals, distances to edges and to holes.

The grid is coarser than the image where the cup is many pixels wide (about three cells per cup
radius), which costs nothing in accuracy and makes a full frame affordable.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.holes import depth_edges, distance_to, fill_pinholes
from grasp_affordance.affordance.surface.sparse_depth import bridge_specks
from grasp_affordance.arrays import Image, Mask, Window
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame

_CELLS_PER_RADIUS = 3
_NOISE = (0.0003, 0.006)  # 1/m, least and greatest noise per squared metre of depth
_WINDOWS = (1, 2, 3, 5, 8)  # half sizes of the plane-fit window, cells


@dataclass(frozen=True, eq=False)
class Surface:
    """What depth tells about each cell of the working grid.

    Attributes:
        camera: intrinsics of the image (H, W).
        window: rows and columns of the image that the grid covers, R by C of them.
        seen: intrinsics of the window.
        intrinsics: of the grid (h, w).
        depth: (R, C) float32 metres of the window, pinholes filled and specks bridged, NaN in the
            remaining holes.
        invented: (R, C) bool, where that was not measured.
        points: (h, w, 3) float32 camera frame, metres; NaN where unknown.
        normals: (h, w, 3) float32 unit, towards the camera; NaN where no plane can be fitted.
        residual: (h, w) float32 metres, RMS distance of the footprint's points from its plane.
        edge_distance: (h, w) float32 metres along the surface to the nearest depth edge; +inf if
            there is none.
        hole_distance: (h, w) float32 metres to the nearest hole or the window's border. A cell of
            which a quarter is missing is a hole; less counts in `missing_share`.
        missing_share: (h, w) float32 in [0, 1], share of the footprint's pixels that were missing
            before anything was filled.
    """

    camera: Intrinsics
    window: Window
    seen: Intrinsics
    intrinsics: Intrinsics
    depth: Image
    invented: Mask
    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    residual: Image
    edge_distance: Image
    hole_distance: Image
    missing_share: Image

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the grid."""
        return self.points.shape[0], self.points.shape[1]

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        return self.camera.height, self.camera.width

    @cached_property
    def spacing(self) -> Image:
        """(h, w) float32 metres that a cell spans across the view; NaN where depth is unknown."""
        return np.asarray(self.points[..., 2] / self.intrinsics.focal_image(), np.float32)

    @cached_property
    def noise(self) -> Image:
        """(h, w) float32 metres, standard deviation of the depth; NaN where depth is unknown.

        It grows with the square of the depth, as that of stereo and of structured light does
        (Khoshelham and Elberink 2012). How fast is read off the smoothest quarter of this view.
        """
        z = self.points[..., 2]
        with np.errstate(invalid="ignore"):
            rate = self.residual / np.square(z)
        rate = rate[np.isfinite(rate)]
        smooth = float(np.quantile(rate, 0.25)) if rate.size else 0.0
        return np.asarray(np.square(z) * np.float32(np.clip(smooth, *_NOISE)), np.float32)

    @cached_property
    def cells_per_metre(self) -> float:
        """At the median depth (1 m where none is known), across the view."""
        return self.intrinsics.fx / _median(self.points[..., 2])

    def pixel(self, row: int, column: int) -> tuple[int, int]:
        """Return the image pixel (u, v) at the centre of a cell."""
        height, width = self.depth.shape
        u = (column + 0.5) * width / self.shape[1] - 0.5
        v = (row + 0.5) * height / self.shape[0] - 0.5
        rows, columns = self.window
        return columns.start + min(round(u), width - 1), rows.start + min(round(v), height - 1)

    def to_image(self, values: Image) -> Image:
        """Return grid values (h, w) resampled to the image (H, W), linearly; 0 beyond."""
        image = np.zeros(self.image_shape, np.float32)
        size = self.depth.shape[::-1]
        image[self.window] = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        return image

    def mask_to_image(self, mask: Mask) -> Mask:
        """Return a grid mask (h, w) on the image (H, W), nearest cell; False beyond."""
        image = np.zeros(self.image_shape, np.bool_)
        cells, size = mask.view(np.uint8), self.depth.shape[::-1]
        image[self.window] = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST) > 0
        return image

    def mask_to_grid(self, mask: Mask) -> Mask:
        """Return an image mask (H, W) on the grid (h, w), nearest pixel."""
        return self.window_to_grid(mask[self.window])

    def window_to_grid(self, mask: Mask) -> Mask:
        """Return a mask of the window (R, C) on the grid (h, w), nearest pixel."""
        size = self.shape[::-1]
        cells = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        return np.asarray(cells > 0)

    def to_grid(self, image: Image) -> Image:
        """Return an image (H, W) on the grid (h, w), the mean of each cell's pixels."""
        seen, size = image[self.window], self.shape[::-1]
        return np.asarray(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), np.float32)


def observe_surface(
    frame: RgbdFrame, radius: float, window: Window | None = None, edge_jump: float = 0.005
) -> Surface:
    """Fit planes of the size of a cup's footprint everywhere.

    Args:
        frame: with some depth; `frame.require_depth()` tells.
        radius: of the cup's rim, metres.
        window: rows and columns that are looked at; the whole image by default.
        edge_jump: metres of second difference between cells that make a depth edge.
    """
    height, width = frame.shape
    window = window or (slice(0, height), slice(0, width))
    seen = frame.within(window)
    depth, invented = fill_pinholes(seen.depth)
    depth, bridged = bridge_specks(depth, seen.intrinsics)
    invented |= bridged
    grid = _grid_intrinsics(seen, radius)
    known = np.isfinite(depth)
    weight = _reduce(known.astype(np.float32), grid)
    with np.errstate(invalid="ignore", divide="ignore"):
        nearness = _reduce(np.where(known, 1 / depth, np.float32(0)).astype(np.float32), grid)
        inverse = np.where(weight >= 0.5, nearness / weight, np.float32(np.nan)).astype(np.float32)
        inverse = grid.without_blind(inverse)
        z = (1 / inverse).astype(np.float32)
        spacing = z / grid.focal_image()  # metres per cell
    normals, residual = _fit_planes(inverse, z, radius / spacing, grid)
    scale = spacing * _foreshortening(normals, grid)
    return Surface(
        camera=frame.intrinsics,
        window=window,
        seen=seen.intrinsics,
        intrinsics=grid,
        depth=depth,
        invented=invented,
        points=grid.deproject_image(z),
        normals=normals,
        residual=residual,
        edge_distance=_metric(distance_to(depth_edges(inverse, edge_jump)), scale),
        hole_distance=_metric(distance_to(weight < 0.75, border=True), scale),
        missing_share=_footprint_mean(_reduce((~seen.known).astype(np.float32), grid)),
    )


def _grid_intrinsics(frame: RgbdFrame, radius: float) -> Intrinsics:
    """Choose a grid with about `_CELLS_PER_RADIUS` cells per cup radius at the median depth."""
    camera = frame.intrinsics
    pixels = radius * camera.fx / _median(frame.depth[::4, ::4])
    stride = int(np.clip(pixels / _CELLS_PER_RADIUS, 1, 8))
    width, height = max(1, round(camera.width / stride)), max(1, round(camera.height / stride))
    sx, sy = width / camera.width, height / camera.height
    return camera.stretched(sx, sy, width, height)


def _median(depth: Image) -> float:
    known = depth[np.isfinite(depth)]
    return float(np.median(known)) if known.size else 1.0


def _reduce(image: Image, grid: Intrinsics) -> Image:
    size = (grid.width, grid.height)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _metric(cells: Image, spacing: Image) -> Image:
    """Metres from the centre of a cell to the nearer side of the cell that is `cells` away."""
    metres = np.maximum(cells - np.float32(0.5), 0) * spacing
    return np.where(np.isfinite(spacing), metres, np.float32(0)).astype(np.float32)


def _foreshortening(normals: NDArray[np.float32], grid: Intrinsics) -> Image:
    """Metres on the surface per metre across the view, the mean of the two directions.

    A surface seen at an angle a is shortened by cos a in one direction and not in the other. The
    geometric mean is taken, at most 2.
    """
    rays = grid.deproject_image(np.ones(normals.shape[:2], np.float32))
    cosine = -np.einsum("ijk,ijk->ij", normals, rays) / np.sqrt(np.square(rays).sum(axis=-1))
    return 1 / np.sqrt(np.clip(np.nan_to_num(cosine, nan=1.0), 0.25, 1))


def _footprint_mean(values: Image) -> Image:
    size = 2 * _CELLS_PER_RADIUS + 1
    return np.clip(cv2.blur(values, (size, size)), 0, 1)


def _fit_planes(
    inverse: Image, z: Image, half_sizes: Image, grid: Intrinsics
) -> tuple[NDArray[np.float32], Image]:
    """Fit a plane around each cell in a window as large as the cup's footprint at its depth."""
    normals = np.full((*inverse.shape, 3), np.nan, np.float32)
    residual = np.full(inverse.shape, np.nan, np.float32)
    known = np.isfinite(inverse)
    if not known.any():
        return normals, residual
    rays = np.nan_to_num(grid.deproject_image(np.ones(inverse.shape, np.float32)), copy=False)
    # Taken off before sums of squares, for float32 to resolve a tenth of a millimetre.
    middle = np.median(inverse[known])
    moments = _moments(inverse - middle, known, rays)
    wanted = half_sizes * 0.886  # a square of the disc's area
    # Stray depths far off would each cost a pass of their own.
    wanted = np.clip(wanted, *np.percentile(wanted[known], [2, 98]))
    level = np.digitize(wanted, np.convolve(_WINDOWS, [0.5, 0.5], mode="valid"))
    for index in np.unique(level[known]):
        half = _WINDOWS[index]
        chosen = known & (level == index)
        rows, columns = chosen.any(axis=1).nonzero()[0], chosen.any(axis=0).nonzero()[0]
        box = np.s_[
            max(rows[0] - half, 0) : rows[-1] + half + 1,
            max(columns[0] - half, 0) : columns[-1] + half + 1,
        ]
        size = (2 * half + 1, 2 * half + 1)
        sums = cv2.boxFilter(
            moments[box], -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        normals[chosen], residual[chosen] = _plane_of_moments(
            sums[chosen[box]], float(middle), z[chosen], rays[chosen]
        )
    return normals, residual


def _moments(inverse: Image, known: Mask, rays: NDArray[np.float32]) -> Image:
    """Return the plane fit's summands (h, w, 10): 1 u v uu vv uv, w uw vw ww; 0 where unknown."""
    m = known.astype(np.float32)
    w = np.where(known, inverse, np.float32(0))
    u, v = rays[..., 0] * m, rays[..., 1] * m
    return np.asarray(cv2.merge([m, u, v, u * u, v * v, u * v, w, w * u, w * v, w * w]))


def _plane_of_moments(
    sums: NDArray[np.float32], middle: float, z: Image, rays: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Image]:
    """Solve 1/z = a + b u + c v in normalised pixels (u, v) by least squares; (N, 3) and (N,).

    The sums were taken of w = 1/z - `middle`.

    With the plane n·p = d and p = z (u, v, 1) (equation 1 of the suction paper, normalised by K),
    1/z = (n/d)·(u, v, 1): linear in the pixel, exactly. So n ~ (b, c, a).
    """
    count = sums[:, 0]
    # Rows of their own: arithmetic on columns of `sums` would stride through memory.
    u, v, uu, vv, uv, w, uw, vw, ww = np.ascontiguousarray(sums[:, 1:].T) / count
    uu, vv, uv = uu - u * u, vv - v * v, uv - u * v
    uw, vw, ww = uw - u * w, vw - v * w, ww - w * w
    determinant = uu * vv - uv * uv
    enough = (count > 5.5) & (uu > 0) & (determinant > 0.1 * uu * vv)  # not all on one line
    determinant[~enough] = np.nan
    b = (uw * vv - vw * uv) / determinant
    c = (vw * uu - uw * uv) / determinant
    a = w + np.float32(middle) - b * u - c * v
    length = -np.sqrt(b * b + c * c + a * a)  # 1/z > 0, so the negative faces the camera
    # A deviation e of 1/z moves the point by e z² along its ray, (e z²) |n·ray| off the plane.
    rms = np.sqrt(np.maximum(ww - b * uw - c * vw, 0)) * z * z
    rms *= np.abs((b * rays[:, 0] + c * rays[:, 1] + a) / length)
    return np.stack([b / length, c / length, a / length], axis=-1), rms
