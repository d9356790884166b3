"""Grasp rectangles as a grid of cells and back: the code that the dense network speaks.

A grasp slides along the object: labels are samples of a line of grasps. So the score is a ridge
along that line, a cell's rectangle has its centre where the line is nearest to the cell, and its
angle and opening are those of the nearest label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Image
from grasp_affordance.rectangle import GraspRectangle

_ALONG = 0.5  # standard deviation of the score along the plates, as a share of w
_ACROSS = 0.12  # across them, as a share of h
_LEAST = 0.7  # of either, cells
_REGRESSED = 0.3  # cells with at least this score also learn the rectangle


@dataclass(frozen=True, eq=False)
class DenseTargets:
    """What the network should say; all (rows, columns) float32 or with leading channels.

    Attributes:
        score: in [0, 1].
        known: 1 where the score is to be learned.
        offset: (2, ...) from the cell's centre to the grasp's, cells, (u, v).
        angle: (2, ...) sin and cos of twice theta.
        log_h: logarithm of h in pixels.
        weight: of offset, angle and log_h.
    """

    score: Image
    known: Image
    offset: Image
    angle: Image
    log_h: Image
    weight: Image


def encode(
    rectangles: Sequence[GraspRectangle], known: NDArray[np.bool_], stride: int
) -> DenseTargets:
    """Return the targets of an image with `rectangles` and known area (H, W).

    Where a rectangle's score is not small the cell is known, whatever the mask says.
    """
    height, width = known.shape
    shape = (height // stride, width // stride)
    v, u = (np.mgrid[: shape[0], : shape[1]] + 0.5) * stride - 0.5
    blocks = known[: shape[0] * stride, : shape[1] * stride]
    share = blocks.reshape(shape[0], stride, shape[1], stride).mean(axis=(1, 3))
    score = np.zeros(shape)
    offset, angle, log_h = np.zeros((2, *shape)), np.zeros((2, *shape)), np.zeros(shape)
    for rectangle in rectangles:
        t = np.array([np.cos(rectangle.theta), np.sin(rectangle.theta)])
        du, dv = rectangle.x - u, rectangle.y - v
        along, across = du * t[0] + dv * t[1], dv * t[0] - du * t[1]
        sigma_along = max(_ALONG * rectangle.w, _LEAST * stride)
        sigma_across = max(_ACROSS * rectangle.h, _LEAST * stride)
        value = np.exp(-((along / sigma_along) ** 2 + (across / sigma_across) ** 2) / 2)
        better = value > score
        score[better] = value[better]
        offset[0][better] = (-t[1] * across / stride)[better]
        offset[1][better] = (t[0] * across / stride)[better]
        angle[:, better] = [[np.sin(2 * rectangle.theta)], [np.cos(2 * rectangle.theta)]]
        log_h[better] = np.log(rectangle.h)
    weight = np.where(score >= _REGRESSED, score, 0.0)
    certain = np.where(weight > 0, 1.0, share >= 0.5)
    values = (score, certain, offset, angle, log_h, weight)
    return DenseTargets(*(value.astype(np.float32) for value in values))


@dataclass(frozen=True, eq=False)
class Cells:
    """Rectangles as arrays, (N,) float64 each, w excepted, which the gripper sets.

    Attributes:
        x, y: pixels. theta: radians in [0, pi). h: pixels. score: in [0, 1].
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    theta: NDArray[np.float64]
    h: NDArray[np.float64]
    score: NDArray[np.float64]


def decode(score: Image, values: Image, stride: int, count: int, least: float) -> Cells:
    """Return the `count` best cells with at least the score `least`, best first.

    Args:
        score: (rows, columns) in [0, 1].
        values: (5, rows, columns): offset, sin and cos of twice theta, log h.
    """
    flat = score.ravel()
    best = np.argsort(-flat, kind="stable")[:count]
    best = best[flat[best] >= least]
    rows, columns = np.divmod(best, score.shape[1])
    du, dv, sine, cosine, log_h = values[:, rows, columns].astype(np.float64)
    theta = (np.arctan2(sine, cosine) / 2) % np.pi
    return Cells(
        x=(columns + 0.5 + du) * stride - 0.5,
        y=(rows + 0.5 + dv) * stride - 0.5,
        theta=np.where(theta < np.pi, theta, 0.0),
        h=np.exp(np.clip(log_h, 0.0, 7.0)),
        score=flat[best].astype(np.float64),
    )
