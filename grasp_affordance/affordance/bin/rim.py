"""The rim of a bin: four lines along which the surface drops, of a rectangle of known size.

Points are looked at in four strips along the sides. In each column of a strip the rim ends inwards
where the surface drops to the contents, and outwards where it drops to what is around the bin.
"""

from dataclasses import dataclass, replace

import numpy as np

from grasp_affordance.arrays import Array, Image, Mask
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import Intrinsics, invert, transform_points

_COLUMNS = 24  # of each strip
_STEP = 0.003  # metres of a strip's rows, across the side
_CORNER = 0.012  # metres at both ends of a side that belong to its neighbours
_LEVEL = 0.008  # metres from the rim's height within which a point is of the rim
_DROP = 0.007  # metres by which the surface drops at the rim
NOISE = 0.006  # 1/m: and by this times the squared distance, four deviations of a depth sensor
_NEAR = 0.006  # metres from its line within which an edge supports it
_WALL = (0.010, 0.010)  # metres, mean and standard deviation of a wall's thickness
_PRIOR = np.array([0.03, 0.03, 0.1, 0.004, 0.004, _WALL[1]])  # of what is solved for
_EDGE = 0.003  # metres, standard deviation of an edge's place
_HIDES = 0.02  # metres by which something is nearer than what it hides
_FALL = 0.4  # of the depth of the walls by which the surface falls at a wall
_ALIKE = 6.0  # edges of neighbouring columns err alike
_SIGNS = np.array([1.0, -1.0, 1.0, -1.0])  # of the sides -x, +x, -y, +y


@dataclass(frozen=True, eq=False)
class Rim:
    """A rim that was fitted to a view.

    Attributes:
        box: the bin that has this rim.
        inner: (4,) share of each side (-x, +x, -y, +y) along which its inner edge is seen on its
            line.
        edges: (4,) the same of the inner or the outer edge.
        judged: (4,) share of each side that can be judged: in the image, not covered.
        missing: (4,) share of what can be judged along which there is no wall.
        excess: by how much the seen rectangle is longer and wider than the box, metres.
    """

    box: BinGeometry
    inner: Array
    edges: Array
    judged: Array
    missing: Array
    excess: tuple[float, float]

    @property
    def score(self) -> float:
        """How much of the four sides is seen, from 0 to about 4."""
        return float((np.minimum(self.edges, self.judged) + 0.5 * self.inner - self.missing).sum())


@dataclass(frozen=True, eq=False)
class Sight:
    """Points of a view and what the camera may see.

    Attributes:
        points: (N, 3) float32 base frame, metres, all finite.
        depth: (H, W) float32 metres, NaN where unknown.
        camera: of the depth image.
        T_base_camera: (4, 4).
    """

    points: Image
    depth: Image
    camera: Intrinsics
    T_base_camera: Array

    def open_to(self, points: Array) -> Mask:
        """Whether base-frame points (..., 3) are in the image and nothing nearer hides them."""
        seen = transform_points(invert(self.T_base_camera), points)
        with np.errstate(invalid="ignore"):
            pixels = np.nan_to_num(self.camera.project(seen), nan=-1.0)
            size = np.array([self.camera.width, self.camera.height])
            inside = ((pixels >= 0) & (pixels <= size - 1)).all(axis=-1)
            u, v = np.moveaxis(np.clip(np.round(pixels), 0, size - 1).astype(np.intp), -1, 0)
            hidden = self.depth[v, u] < seen[..., 2] - _HIDES
        return np.asarray(inside & ~hidden)


def fit_rim(sight: Sight, box: BinGeometry, reach: float) -> Rim | None:
    """Fit the rim of a box that is about there; None where too little of it is seen.

    Args:
        reach: metres by which the sides may be off.
    """
    rim: Rim | None = None
    wall = _WALL[0]
    sight = replace(sight, points=_around(sight.points, box, 2 * reach + 0.06))
    for step in range(4):
        width = reach if step == 0 else 0.030
        strips = _Strips.of(sight, box, width + 0.021)
        if step == 0:
            shift = strips.vote(width)
            box = _moved(box, np.array([*shift, 0.0]), 0.0)
            continue
        fitted = strips.fit(wall, 3 * _NEAR if step == 1 else 1.5 * _NEAR)
        if fitted is None:
            return None
        move, excess, wall, height = fitted
        if step == 3:
            rim = strips.judge(box, move, excess, wall)
        box = _moved(box, move, height)
    return None if rim is None else replace(rim, box=box)


def rim_is_there(sight: Sight, box: BinGeometry, within: float) -> bool:
    """Whether most of the inner edge of three sides is seen about where a box says."""
    strips = _Strips.of(sight, box, within + 0.021)
    inner, _ = strips.nearest(_WALL[0])
    with np.errstate(invalid="ignore"):
        return bool(np.sort((np.abs(inner) < within).mean(axis=1))[1] > 0.7)


def _moved(box: BinGeometry, move: Array, height: float) -> BinGeometry:
    """Return a box moved by (x, y, yaw) in its own frame, and up."""
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    x, y = box.centre[0] + c * move[0] - s * move[1], box.centre[1] + s * move[0] + c * move[1]
    return BinGeometry(
        (float(x), float(y)), box.size, float(box.floor + height), float(box.yaw + move[2])
    )


def _around(points: Image, box: BinGeometry, reach: float) -> Image:
    """Return the points that are near the sides of a box, seen from above."""
    x, y = flat(points, box)
    nearer = np.minimum(box.size[0] / 2 - np.abs(x), box.size[1] / 2 - np.abs(y))
    return points[np.abs(nearer) < reach]


def flat(points: Image, box: BinGeometry) -> tuple[Image, Image]:
    """Return x and y of points (N, 3) in the frame of a box, (N,) float32."""
    c, s = np.float32(np.cos(box.yaw)), np.float32(np.sin(box.yaw))
    x, y = (points[:, k] - np.float32(box.centre[k]) for k in (0, 1))
    return c * x + s * y, c * y - s * x


@dataclass(frozen=True, eq=False)
class _Strips:
    """Heights along the four sides; rows go inwards.

    Attributes:
        height: (4, columns, rows) metres over the rim, of the highest point; -inf where there is
            none though the image shows the place, NaN where it does not, or something hides it.
        along: (4, columns) metres from the middle of the side.
        rows: (rows,) metres, of each row's middle, from the inner edge inwards.
        inmost, outmost: (4, columns, rows) place of the inmost and outmost point of the rim's
            height in each cell.
        drop: metres by which the surface drops at the rim.
    """

    height: Image
    along: Array
    rows: Array
    inmost: Image
    outmost: Image
    drop: float

    @classmethod
    def of(cls, sight: Sight, box: BinGeometry, reach: float) -> "_Strips":
        half = np.array(box.size[:2]) / 2
        count = 2 * int(np.ceil(reach / _STEP))
        edge = count * _STEP / 2
        rows: Array = np.asarray((np.arange(count) + 0.5) * _STEP - edge, np.float64)
        shape = (4, _COLUMNS, count)
        height: Image = np.full(4 * _COLUMNS * count, -np.inf, np.float32)
        inmost, outmost = height.copy(), -height
        usable = np.maximum(half - _CORNER, 0.02)
        place = flat(sight.points, box)
        for axis in (0, 1):
            end = np.float32(usable[1 - axis])
            across = np.float32(half[axis]) - np.abs(place[axis])
            along = place[1 - axis]
            chosen = np.flatnonzero((np.abs(across) < edge) & (np.abs(along) < end))
            side = 2 * axis + (place[axis][chosen] > 0)
            across, along = across[chosen], along[chosen]
            z = sight.points[chosen, 2] - np.float32(box.rim)
            row = ((across + np.float32(edge)) * np.float32(1 / _STEP)).astype(np.intp)
            column = ((along + end) * (_COLUMNS / (2 * end))).astype(np.intp)
            cell = (side * _COLUMNS + np.minimum(column, _COLUMNS - 1)) * count
            cell += np.minimum(row, count - 1)
            np.maximum.at(height, cell, z)
            level = np.abs(z) < _LEVEL
            np.maximum.at(inmost, cell[level], across[level])
            np.minimum.at(outmost, cell[level], across[level])
        share = (np.arange(_COLUMNS) + 0.5) / _COLUMNS * 2 - 1
        middle = np.stack([share * usable[1 - axis] for axis in (0, 0, 1, 1)])
        height = height.reshape(shape)
        # A row that fell between pixels is as low as its lower neighbour.
        beside = np.minimum(height[..., :-2], height[..., 2:])
        height[..., 1:-1] = np.where(np.isinf(height[..., 1:-1]), beside, height[..., 1:-1])
        unseen = np.isinf(height)
        shown = sight.open_to(_places(box, half, middle, rows))
        height[unseen & ~shown] = np.nan
        away = sight.T_base_camera[:3, 3] - [*box.centre, box.rim]
        drop = max(_DROP, NOISE * float(away @ away))
        return cls(height, middle, rows, inmost.reshape(shape), outmost.reshape(shape), drop)

    def _ends(self, inner: bool) -> Mask:
        """Cells (4, columns, rows) of the rim's height behind which the surface drops."""
        z = self.height if inner else self.height[..., ::-1]
        ends = np.zeros(z.shape, np.bool_)
        with np.errstate(invalid="ignore"):
            lower = [z[..., k : z.shape[2] - 4 + k] < z[..., :-4] - self.drop for k in (2, 3, 4)]
            level = np.abs(z[..., :-4]) < _LEVEL
            next_level = np.abs(z[..., 1:-3]) < _LEVEL
            ends[..., :-4] = level & lower[0] & lower[1] & lower[2]
            # Of two rows before a drop the last one is the edge.
            ends[..., :-4] &= ~(next_level & (z[..., 1:-3] >= z[..., :-4] - self.drop))
        return ends if inner else ends[..., ::-1]

    def vote(self, reach: float) -> tuple[float, float]:
        """Return the shift (x, y) for which the inner edges of opposite sides agree best."""
        counts = self._ends(inner=True).sum(axis=1).astype(np.float64)
        counts = np.apply_along_axis(np.convolve, 1, counts, np.ones(5), mode="same")
        counts = np.minimum(counts, _COLUMNS)
        shift = []
        for axis in (0, 1):
            # A shift towards + moves the edge of the - side inwards, that of the + side outwards.
            votes = counts[2 * axis] + counts[2 * axis + 1, ::-1]
            votes = votes - 1e-3 * np.abs(self.rows) / _STEP
            votes[np.abs(self.rows) > reach] = -np.inf
            best = votes >= votes.max() - 0.5
            shift.append(float(self.rows[best].mean()) if votes.max() > 0 else 0.0)
        return shift[0], shift[1]

    def nearest(self, wall: float) -> tuple[Array, Array]:
        """Return the inner and the outer edges (4, columns) nearest to their lines; NaN: none."""
        found = []
        for inner, place in ((True, 0.0), (False, -wall)):
            ends = self._ends(inner)
            where = np.where(ends, self.inmost if inner else self.outmost, np.inf)
            where = np.where(np.isfinite(where), where, np.inf)
            off = np.abs(where - place)
            index = off.argmin(axis=2)[..., None]
            edge = np.take_along_axis(where, index, 2)[..., 0]
            found.append(np.where(np.isfinite(edge), edge, np.nan))
        return found[0], found[1]

    def _design(self, outer: bool) -> Array:
        """Rows (4, columns, 6): how far an edge moves inwards with x, y, yaw, excess and wall."""
        rows = np.zeros((*self.along.shape, 6))
        for side, sign in enumerate(_SIGNS):
            axis = side // 2
            rows[side, :, axis] = sign
            rows[side, :, 2] = (-sign if axis == 0 else sign) * self.along[side]
            rows[side, :, 3 + axis] = -1
        rows[..., 5] = -1.0 if outer else 0.0
        return rows

    def fit(
        self, wall: float, limit: float
    ) -> tuple[Array, tuple[float, float], float, float] | None:
        """Solve for (x, y, yaw), excess of length and width, wall and height; None: few edges."""
        inner, outer = self.nearest(wall)
        design = np.concatenate([self._design(False), self._design(True)])
        places = np.concatenate([inner, outer])
        solved = np.array([0, 0, 0, 0, 0, wall])
        mean = np.array([0, 0, 0, 0, 0, _WALL[0]])
        rein = np.diag(1 / _PRIOR**2)
        for _ in range(4):
            off = places - design @ solved
            with np.errstate(invalid="ignore"):
                weight = np.where(np.abs(off) < limit, (1 - (off / limit) ** 2) ** 2, 0.0)
            weight /= _EDGE**2 * _ALIKE
            if (weight > 0).sum() < _COLUMNS:
                return None
            rows = (design * weight[..., None]).reshape(-1, 6)
            right = rows.T @ np.nan_to_num(places).ravel() + rein @ mean
            solved = np.linalg.solve(rows.T @ design.reshape(-1, 6) + rein, right)
        ends = self._ends(inner=True) & (np.abs(self.inmost) < 2 * limit)
        ends |= self._ends(inner=False) & (np.abs(self.outmost + wall) < 2 * limit)
        height = float(np.median(self.height[ends])) if ends.any() else 0.0
        excess = (2 * float(solved[3]), 2 * float(solved[4]))
        return solved[:3], excess, float(solved[5]), height

    def _falls(self, line: Array, least: float) -> Mask:
        """Columns (4, columns) whose surface falls far at the line, from whatever height.

        Depth that is wrong along a thin rim shows a wall too low, but shows it.
        """
        z = self.height
        with np.errstate(invalid="ignore"):
            beyond = np.maximum(z[..., 3:-1], z[..., 4:])
            falls = np.isfinite(beyond) & (z[..., :-4] - beyond > least)
        near = np.abs(self.rows[:-4] - line[..., None]) < 2 * _NEAR
        return np.asarray((falls & near).any(axis=2))

    def judge(self, box: BinGeometry, move: Array, excess: tuple[float, float], wall: float) -> Rim:
        """Say how much of each side is seen on the lines that were fitted."""
        solved = np.array([*move, excess[0] / 2, excess[1] / 2, wall])
        inner, outer = self.nearest(wall)
        with np.errstate(invalid="ignore"):
            inner_on = np.abs(inner - self._design(False) @ solved) < _NEAR
            outer_on = np.abs(outer - self._design(True) @ solved) < _NEAR
        line = self._design(False) @ solved
        near = np.abs(self.rows - (line[..., None] - wall / 2)) < wall / 2 + 2 * _STEP
        with np.errstate(invalid="ignore"):
            known = near & np.isfinite(self.height)
            covered = (near & (self.height > _LEVEL)).any(axis=2)
            # Rows in which neither the rim nor anything else as high is seen.
            low = (known & (self.height < -_LEVEL)).sum(axis=2) >= 0.7 * near.sum(axis=2)
        low &= ~self._falls(line, _FALL * box.size[2])
        edges = inner_on | outer_on
        outside = np.isnan(np.where(near, self.height, 0)).any(axis=2)
        judged = edges | ~(covered | outside)
        missing = judged & low & ~edges
        return Rim(
            box,
            inner_on.mean(axis=1),
            edges.mean(axis=1),
            judged.mean(axis=1),
            missing.sum(axis=1) / np.maximum(judged.sum(axis=1), 1),
            excess,
        )


def _places(box: BinGeometry, half: Array, along: Array, rows: Array) -> Array:
    """Return the base-frame points (4, columns, rows, 3) of the strips at the rim's height."""
    local = np.zeros((4, along.shape[1], len(rows), 3))
    for side, sign in enumerate(_SIGNS):
        axis = side // 2
        local[side, ..., axis] = sign * (rows - half[axis])
        local[side, ..., 1 - axis] = along[side][:, None]
    local[..., 2] = box.size[2]
    return transform_points(box.T_base_bin, local)
