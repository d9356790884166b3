"""Lens distortion, both ways: the models of `sensor_msgs/CameraInfo`.

Coordinates are normalised: (x / z, y / z) of a point in the camera frame, and the same after the
lens, which K maps to the pixel. The formulas are those of OpenCV (calib3d, fisheye) and REP 104.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from grasp_affordance.arrays import Array
from grasp_affordance.errors import GeometryError

COEFFICIENTS = {
    "plumb_bob": ("k1", "k2", "p1", "p2", "k3"),
    "rational_polynomial": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "equidistant": ("k1", "k2", "k3", "k4"),
}
"""The models and their coefficients, in the order of `CameraInfo.d`."""

_PINHOLE = ("", "none")
_WIDEST = np.radians(89.0)  # from the optical axis: what is further out has no place on a plane
_ANGLES = 4000
_ITERATIONS = 8
_CLOSE = 1e-10  # normalised: 1e-7 pixels


@dataclass(frozen=True)
class Lens:
    """What a lens does to an image. A camera without distortion has none: see `of`.

    Attributes:
        model: one of `COEFFICIENTS`.
        d: its coefficients.
    """

    model: str
    d: tuple[float, ...]

    @classmethod
    def of(cls, model: str, d: Sequence[float]) -> Self | None:
        """Return the lens that `CameraInfo.distortion_model` and `CameraInfo.d` describe.

        Missing coefficients at the end are 0. None stands for an image without distortion: all of
        a polynomial's coefficients are 0 or missing, or the model is 'none' or empty.

        Raises:
            GeometryError: the model is not supported, or the coefficients are not its own.
        """
        values = tuple(float(value) for value in d)
        if not np.isfinite(values).all():
            raise GeometryError(f"distortion coefficients {list(values)} are not finite")
        if model.lower() in _PINHOLE:
            if any(values):
                raise GeometryError(
                    f"distortion coefficients {list(values)} without a distortion_model; name one "
                    f"of {', '.join(COEFFICIENTS)}"
                )
            return None
        if model not in COEFFICIENTS:
            raise GeometryError(
                f"distortion_model '{model}' is not supported; calibrate the camera with one of "
                f"{', '.join(COEFFICIENTS)}, or use rectified images (image_rect)"
            )
        count = len(COEFFICIENTS[model])
        if model == "equidistant" and not values:
            raise GeometryError("distortion_model 'equidistant' without coefficients; it needs 4")
        if any(values[count:]):
            raise GeometryError(f"distortion_model '{model}' has {count} coefficients, not {d}")
        if model != "equidistant" and not any(values):
            return None  # equidistant with zeros bends: the angle, not its tangent, is the radius
        return cls(model, values[:count] + (0.0,) * (count - len(values)))

    def distort(self, xy: ArrayLike) -> Array:
        """Return where the lens puts points (..., 2), both normalised; NaN stays NaN.

        A polynomial turns back at some angle: a point further out would fall back into the image.
        From there on points move outwards instead, along the line from the image's middle.
        """
        xy = np.asarray(xy, dtype=np.float64)
        limit = _radii(self)[0][-1]
        r = np.linalg.norm(xy, axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            beyond = np.maximum(r - limit, 0.0)
            along = np.where(beyond > 0, xy / r, 0.0)
            inner = np.where(beyond > 0, along * limit, xy)
        return self._bend(inner) + along * beyond

    def undistort(self, xy: ArrayLike) -> Array:
        """Return the points (..., 2) that the lens puts at `xy` (..., 2); the inverse of `distort`.

        NaN where the lens has none: in the corners of some images beyond the angle up to which the
        model holds.
        """
        bent = np.asarray(xy, dtype=np.float64)
        straight, images = _radii(self)
        r = np.linalg.norm(bent, axis=-1, keepdims=True)
        start = np.interp(r, images, straight)
        with np.errstate(invalid="ignore", divide="ignore"):
            points = bent * np.where(r > 0, start / r, 1.0)
            inside = (r < images[-1] * 1.05)[..., 0]
        todo, found = bent[inside], points[inside]
        good = np.zeros(len(todo), np.bool_)
        for _ in range(_ITERATIONS):  # Newton, on those that are not there yet
            rest = np.flatnonzero(~good)
            off = self._bend(found[rest]) - todo[rest]
            good[rest] = np.abs(off).max(axis=-1, initial=0.0) < _CLOSE
            far = ~good[rest]
            rest, off = rest[far], off[far]
            if not rest.size:
                break
            (a, b), (c, d) = self._derivative(found[rest])
            with np.errstate(invalid="ignore", divide="ignore"):
                step = np.stack([d * off[:, 0] - b * off[:, 1], a * off[:, 1] - c * off[:, 0]], -1)
                step /= (a * d - b * c)[:, None]
            found[rest] -= np.nan_to_num(step, posinf=0.0, neginf=0.0)
        good &= np.linalg.norm(found, axis=-1) <= straight[-1]
        result = np.full(bent.shape, np.nan)
        result[inside] = np.where(good[:, None], found, np.nan)
        return result

    def magnification(self, xy: ArrayLike) -> Array:
        """Return how much larger the lens makes a small area about points (..., 2); (...)."""
        xy = np.asarray(xy, dtype=np.float64)
        (a, b), (c, d) = self._derivative(xy.reshape(-1, 2))
        return np.abs(a * d - b * c).reshape(xy.shape[:-1])

    def _bend(self, xy: Array) -> Array:
        x, y = xy[..., 0], xy[..., 1]
        q = x * x + y * y
        factor, _ = self._factor(q)
        if self.model == "equidistant":
            return xy * factor[..., None]
        p1, p2 = self.d[2:4]
        return np.stack(
            [
                x * factor + 2 * p1 * x * y + p2 * (q + 2 * x * x),
                y * factor + p1 * (q + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )

    def _derivative(self, xy: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Return the Jacobian of `_bend` at points (N, 2): ((xx, xy), (yx, yy)), each (N,)."""
        x, y = xy[:, 0], xy[:, 1]
        factor, slope = self._factor(x * x + y * y)
        p1, p2 = (0.0, 0.0) if self.model == "equidistant" else self.d[2:4]
        mixed = 2 * (x * y * slope + p1 * x + p2 * y)
        return (
            (factor + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x, mixed),
            (mixed, factor + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x),
        )

    def _factor(self, q: Array) -> tuple[Array, Array]:
        """Return by how much the radius grows at a squared radius `q`, and the slope over `q`."""
        if self.model == "equidistant":
            return self._equidistant(q)
        k1, k2, _, _, k3, *below = self.d
        above = 1 + q * (k1 + q * (k2 + q * k3))
        slope = k1 + q * (2 * k2 + q * 3 * k3)
        if not below:
            return above, slope
        k4, k5, k6 = below
        divisor = 1 + q * (k4 + q * (k5 + q * k6))
        slope_below = k4 + q * (2 * k5 + q * 3 * k6)
        with np.errstate(divide="ignore", invalid="ignore"):
            return above / divisor, (slope * divisor - above * slope_below) / divisor**2

    def _equidistant(self, q: Array) -> tuple[Array, Array]:
        small = q < 1e-8  # there the limit for q -> 0 is exact to the last bit
        r = np.sqrt(np.where(small, 1.0, q))
        theta = np.arctan(r)
        t = theta * theta
        k1, k2, k3, k4 = self.d
        bent = theta * (1 + t * (k1 + t * (k2 + t * (k3 + t * k4))))
        rate = 1 + t * (3 * k1 + t * (5 * k2 + t * (7 * k3 + t * 9 * k4)))
        slope = (rate / (1 + r * r) - bent / r) / (2 * r * r)
        limit = k1 - 1 / 3
        return np.where(small, 1.0 + limit * q, bent / r), np.where(small, limit, slope)


@lru_cache(maxsize=32)
def _radii(lens: Lens) -> tuple[Array, Array]:
    """Return radii before the lens and after it, both rising, up to where the model turns back."""
    radii = np.tan(np.linspace(0.0, _WIDEST, _ANGLES))
    factor, _ = lens._factor(radii**2)
    images = radii * factor
    rising = np.isfinite(images[1:]) & (np.diff(images) > 0)
    end = len(radii) if rising.all() else int(np.argmin(rising)) + 1
    if end < 2:
        raise GeometryError(f"distortion {lens.model} {list(lens.d)} is not that of a lens")
    return radii[:end], images[:end]
