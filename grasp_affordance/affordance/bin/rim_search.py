"""Where a rim may be: rectangles of known sizes among the places at which the surface drops.

A map of the highest points, seen from above, is cut at the heights at which many cells drop, and
turned so that many of these cells lie on rows and columns. There a rectangle's support is the sum
of four box sums, as in the generalised Hough transform (Ballard 1981).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_affordance.affordance.bin.rim import NOISE, Sight
from grasp_affordance.arrays import Array, Color, Image, Mask
from grasp_affordance.bin_geometry import BinGeometry

_CELL = 0.009  # metres
_CELLS = 160  # of the map's longer side at most
_LEVELS, _YAWS, _PEAKS = 6, 3, 3  # heights; directions at each; rectangles of each size at each
_TOLERANCE = 0.010  # metres from a height within which a cell is at it
_DROP = 0.012  # metres by which the surface drops beside a rim
_BIN = 0.004  # metres, of the histogram of heights
_STEP = float(np.radians(1.0))  # between directions
_WALLS = (0.004, 0.012, 0.022)  # metres of wall, where only the outer edge is seen
_FULL = 60  # of one side that is seen whole; four of them are less than 256
_OUTER = 0.8  # of it where only the outer edge is seen
_EDGES = 600  # of a level at most are asked for its directions
_LEAST = 1.4  # of 4 sides: the support that a rectangle must have
_FAR = 5.0  # metres: what a ray that does not meet a level shows


@dataclass(frozen=True)
class Guess:
    """A rectangle that may be a rim.

    Attributes:
        box: the bin that would have it.
        support: of 4 sides.
    """

    box: BinGeometry
    support: float


def guess_bins(sight: Sight, sizes: Sequence[tuple[float, float, float]], most: int) -> list[Guess]:
    """Return the best guesses, best first, each at a place or of a size of its own."""
    grid = _Grid.of(sight)
    guesses: list[Guess] = []
    for level in grid.levels():
        visible = grid.visible(sight, level)
        rim = np.abs(grid.height - level) < _TOLERANCE
        low = visible & (grid.height < level - grid.drop(level))
        for yaw in grid.yaws(rim & _beside(low)):
            guesses += grid.rectangles(rim, low, level, yaw, sizes)
    guesses.sort(key=lambda guess: -guess.support)
    chosen: list[Guess] = []
    for guess in guesses:
        if len(chosen) == most:
            break
        if not any(_same(guess.box, other.box) for other in chosen):
            chosen.append(guess)
    return chosen


def _same(a: BinGeometry, b: BinGeometry) -> bool:
    turned = abs((a.yaw - b.yaw + np.pi / 2) % np.pi - np.pi / 2)
    near = np.hypot(a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]) < 0.02
    return bool(a.size == b.size and near and abs(a.rim - b.rim) < 0.012 and turned < 0.12)


def _beside(mask: Mask) -> Mask:
    """Cells within two of a mask's."""
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0)


@dataclass(frozen=True, eq=False)
class _Grid:
    """A map of the highest points.

    Attributes:
        height: (h, w) float32 base-frame z; -inf where there is no point. Columns are along x.
        low: (x, y) of the middle of cell (0, 0), metres.
        cell: metres.
        camera: height of the camera, metres.
    """

    height: Image
    low: Array
    cell: float
    camera: float

    @classmethod
    def of(cls, sight: Sight) -> "_Grid":
        points = sight.points
        low, high = np.percentile(points[::7, :2], [0.5, 99.5], axis=0)
        cell = max(_CELL, float((high - low).max()) / _CELLS)
        size = ((high - low) / cell).astype(int) + 1
        index = ((points[:, :2] - low.astype(np.float32)) / np.float32(cell) + 0.5).astype(np.int32)
        inside = ((index >= 0) & (index < size)).all(axis=1)
        height = np.full(size[0] * size[1], -np.inf, np.float32)
        index, z = index[inside], points[inside, 2]
        np.maximum.at(height, index[:, 1] * size[0] + index[:, 0], z)
        height = height.reshape(size[1], size[0])
        closed = cv2.morphologyEx(
            np.maximum(height, -1e3), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
        )
        height = np.where(np.isinf(height) & (closed > -1e3), closed, height)
        return cls(np.asarray(height, np.float32), low, cell, float(sight.T_base_camera[2, 3]))

    def drop(self, level: ArrayLike) -> NDArray[np.float64]:
        """Return by how much the surface drops beside a rim at a height, metres."""
        return np.maximum(_DROP, NOISE * np.square(self.camera - np.asarray(level)))

    def levels(self) -> list[float]:
        """Return the heights at which most cells lie beside a drop."""
        known = np.isfinite(self.height)
        around = cv2.erode(np.maximum(self.height, -1e3), np.ones((5, 5), np.uint8))
        higher = np.where(known, self.height, 0)
        z = self.height[known & (around < higher - self.drop(higher))]
        if not z.size:
            return []
        counts, edges = np.histogram(z, np.arange(z.min() - _BIN, z.max() + 2 * _BIN, _BIN))
        smooth = np.convolve(counts, np.ones(3), mode="same")
        found: list[float] = []
        while len(found) < _LEVELS and smooth.max() * self.cell > 0.15:
            best = int(smooth.argmax())
            near = slice(max(best - 1, 0), best + 2)
            middles = (edges[:-1] + edges[1:]) / 2
            found.append(float(np.average(middles[near], weights=counts[near] + 1e-9)))
            smooth[max(best - 2, 0) : best + 3] = 0
        return found

    def visible(self, sight: Sight, level: float) -> Mask:
        """Cells (h, w) that the image shows if they are at a height."""
        camera, T = sight.camera, sight.T_base_camera
        u, v = camera.width - 1.0, camera.height - 1.0
        rays = camera.deproject([0, u, u, 0], [0, 0, v, v], 1.0) @ T[:3, :3].T
        down = np.minimum(rays[:, 2], -1e-3)
        far = np.minimum((level - T[2, 3]) / down, _FAR / np.linalg.norm(rays[:, :2], axis=1))
        corners = T[:2, 3] + rays[:, :2] * np.maximum(far, 0)[:, None]
        mask = np.zeros(self.height.shape, np.uint8)
        pixels = np.round((corners - self.low) / self.cell).astype(np.int32)
        return np.asarray(cv2.fillConvexPoly(mask, pixels, 1) > 0)

    def yaws(self, edges: Mask) -> list[float]:
        """Return directions in [0, pi/2) along and across which most edge cells line up."""
        rows, columns = edges.nonzero()
        if len(rows) < 10:
            return []
        few = max(1, len(rows) // _EDGES)
        rows, columns = rows[::few], columns[::few]
        angles = np.arange(0, np.pi, _STEP)
        turned = columns[:, None] * np.cos(angles) + rows[:, None] * np.sin(angles)
        bins = (turned / 1.5).astype(np.intp)
        bins -= bins.min()
        width = int(bins.max()) + 1
        flat = bins + np.arange(len(angles)) * width
        counts = np.bincount(flat.ravel(), minlength=len(angles) * width).reshape(-1, width)
        # Squares favour few full rows over many thin ones.
        energy = np.square(counts, dtype=np.float64).sum(axis=1)
        quarter = len(angles) // 2
        energy = energy[:quarter] + energy[quarter:]
        found = []
        for _ in range(_YAWS):
            best = int(energy.argmax())
            if energy[best] <= 0:
                break
            found.append(float(angles[best]))
            energy[(best + np.arange(-5, 6)) % quarter] = 0
        return found

    def rectangles(
        self,
        rim: Mask,
        low: Mask,
        level: float,
        yaw: float,
        sizes: Sequence[tuple[float, float, float]],
    ) -> list[Guess]:
        """Return the best rectangles of each size, along and across a direction."""
        height, width = rim.shape
        reach = int(np.hypot(height, width) / 2) + 1
        pad = int((max(max(size[:2]) for size in sizes) / 2 + _WALLS[-1]) / self.cell) + 3
        span = 2 * (reach + pad)
        c, s = np.cos(yaw), np.sin(yaw)
        # From a cell of the turned map to one of the map; both turn about their middles.
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        M = np.array([[c, -s, 0], [s, c, 0]])
        M[:, 2] = middle - M[:, :2] @ [span / 2, span / 2]
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        turned = [
            cv2.warpAffine(mask.astype(np.uint8) * np.uint8(_FULL), M, (span, span), flags=flags)
            for mask in (rim, low)
        ]
        drops = _drops(*(np.asarray(each, np.uint8) for each in turned))
        guesses = []
        for size in sizes:
            for swapped in (False, True) if abs(size[0] - size[1]) > 1e-3 else (False,):
                sides = (size[1], size[0]) if swapped else (size[0], size[1])
                support = _support(drops, sides, self.cell, pad)
                for row, column, value in _peaks(support, _PEAKS):
                    x, y = M @ [column + pad, row + pad, 1] * self.cell + self.low
                    angle = yaw + (np.pi / 2 if swapped else 0.0)
                    box = BinGeometry((float(x), float(y)), size, level - size[2], float(angle))
                    guesses.append(Guess(box, value))
        return guesses


def _drops(rim: Color, low: Color) -> list[Color]:
    """Return where the rim ends towards +x, -x, +y and -y, (4 of (n, n)); all 0 or `_FULL`."""
    found = []
    for axis, sign in ((1, 1), (1, -1), (0, 1), (0, -1)):
        beyond = cv2.max(np.roll(low, -2 * sign, axis), np.roll(low, -sign, axis))
        kernel = np.ones((1, 3) if axis == 1 else (3, 1), np.uint8)
        found.append(np.asarray(cv2.dilate(cv2.min(rim, beyond), kernel), np.uint8))
    return found


def _support(drops: list[Color], sides: tuple[float, float], cell: float, pad: int) -> Color:
    """Return the support (m, m) of rectangles about the cells `pad` inside, 0 to 4 `_FULL`."""
    length, width = sides
    across = tuple(max(1, round(side / cell)) for side in (width, length))
    boxes = ((1, across[0]), (1, across[0]), (across[1], 1), (across[1], 1))
    sums: list[Color] = [
        np.asarray(cv2.blur(drop, box, borderType=cv2.BORDER_CONSTANT), np.uint8)
        for drop, box in zip(drops, boxes, strict=True)
    ]
    less: list[Color] = [
        np.asarray(cv2.convertScaleAbs(each, alpha=_OUTER), np.uint8) for each in sums
    ]
    half = ((length / 2, 1), (width / 2, 0))
    end = sums[0].shape[0] - pad

    def moved(image: Color, cells: int, axis: int) -> Color:
        moving, still = slice(pad - cells, end - cells), slice(pad, end)
        return image[(still, moving) if axis == 1 else (moving, still)]

    inner = [
        moved(sums[2 * k + m], sign * round(reach / cell + 0.5), axis)
        for k, (reach, axis) in enumerate(half)
        for m, sign in ((0, 1), (1, -1))
    ]
    best: Color = np.zeros((end - pad, end - pad), np.uint8)
    for wall in _WALLS:
        # The outer edge of the side at -x ends towards -x, and so on.
        outer = [
            moved(less[2 * k + 1 - m], sign * round((reach + wall) / cell - 0.5), axis)
            for k, (reach, axis) in enumerate(half)
            for m, sign in ((0, 1), (1, -1))
        ]
        first, second, third, fourth = map(cv2.max, inner, outer)
        total = cv2.add(cv2.add(first, second), cv2.add(third, fourth))
        best = np.asarray(cv2.max(best, total), np.uint8)
    return best


def _peaks(support: Color, most: int) -> list[tuple[int, int, float]]:
    """Return (row, column, value) of the highest peaks, away from each other."""
    found = []
    for _ in range(most):
        row, column = np.unravel_index(int(support.argmax()), support.shape)
        value = float(support[row, column]) / _FULL
        if value < _LEAST:
            break
        found.append((int(row), int(column), value))
        support[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5] = 0
    return found
