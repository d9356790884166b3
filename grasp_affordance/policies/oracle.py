"""The oracle: a rule that asks the simulator, to bound what any policy can reach.

It knows which object every point belongs to, whether a cup would seal there, what lies on the
object and where its centre of mass is; and it undoes the calibration's error. It still has one
shot: lifts can fail for what it does not simulate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Array
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import invert, transform_points
from grasp_affordance.policies.policy import View
from grasp_affordance.policies.truth import ObjectTruth, Truth
from grasp_affordance.suction import Rejection, Selection, Source, SuctionPoint

_DOWN = np.array([0.0, 0.0, -1.0])
_STRIDE = 3  # pixels; finer than the cup by far


@dataclass(frozen=True)
class OracleConfig:
    """How the oracle searches.

    Attributes:
        trials: places per object at which it asks for a seal, nearest the centre of mass first.
        spacing: between those places, metres.
        margin: by which a place must seal on every side, metres; the arm errs by less.
        wall_margin: from the bin's walls, metres; the tool must fit between.
        count: points returned at most.
    """

    trials: int = 20
    spacing: float = 0.006
    margin: float = 0.0015
    wall_margin: float = 0.014
    count: int = 12

    def __post_init__(self) -> None:
        if self.trials < 1 or self.count < 1 or min(self.spacing, self.margin) < 0:
            raise ConfigError(f"oracle with {self.trials} trials and {self.count} points")


@dataclass(frozen=True, eq=False)
class _Candidate:
    pixel: tuple[int, int]  # row, column
    position: Array  # base frame, true
    cost: float  # lower is better


class Oracle:
    """One point per object, ranked: nothing on top first, then a short lever and little tilt."""

    name = "oracle"

    def __init__(self, truth: Truth, config: OracleConfig | None = None) -> None:
        self._truth = truth
        self._config = config or OracleConfig()

    def choose(self, view: View) -> Selection:
        """Return sealing points, at most one per object, best first."""
        truth = self._truth
        masks = truth.true_masks()
        camera_points = view.frame.intrinsics.deproject_image(truth.true_depth())
        points = transform_points(truth.T_base_camera, camera_points)
        allowed = view.bin.contains(points, margin=self._config.wall_margin)
        allowed &= ~view.failures.forbids(points)
        found = [
            candidate
            for thing in truth.objects()
            if (candidate := self._best_on(thing, (masks == thing.object_id) & allowed, points))
        ]
        found.sort(key=lambda candidate: candidate.cost)
        suction_points = tuple(_as_point(each, view) for each in found[: self._config.count])
        return Selection(suction_points, {} if found else {Rejection.BELOW_THRESHOLD: masks.size})

    def _best_on(
        self, thing: ObjectTruth, mask: NDArray[np.bool_], points: Array
    ) -> _Candidate | None:
        """Return the candidate of one object, None where no visible place of it seals."""
        pixels = np.argwhere(mask[::_STRIDE, ::_STRIDE]) * _STRIDE
        for margin in (self._config.margin, 0.0):  # better a narrow place than none
            if (candidate := self._nearest_seal(thing, pixels, points, margin)) is not None:
                return candidate
        return None

    def _nearest_seal(
        self, thing: ObjectTruth, pixels: NDArray[np.intp], points: Array, margin: float
    ) -> _Candidate | None:
        """Return the sealing place nearest to the centre of mass, seen from above."""
        waiting = points[pixels[:, 0], pixels[:, 1]]
        lever = np.linalg.norm(waiting[:, :2] - thing.centre_of_mass[:2], axis=1)
        for _ in range(self._config.trials):
            if not np.isfinite(lever).any():
                break
            k = int(np.argmin(lever))
            tilt = self._seals(waiting[k], thing.object_id, margin)
            if tilt is not None:
                narrow = 0.0 if margin else 5.0
                cost = 10.0 * len(thing.under) + narrow + lever[k] / 0.02 + tilt / 0.3
                return _Candidate((int(pixels[k, 0]), int(pixels[k, 1])), waiting[k], float(cost))
            lever[np.linalg.norm(waiting - waiting[k], axis=1) < self._config.spacing] = np.inf
        return None

    def _seals(self, position: Array, object_id: int, m: float) -> float | None:
        """Return the tilt where the cup seals on the object, `m` to all sides too, or None."""
        tilt = 0.0
        for offset in ((0.0, 0.0), (m, 0.0), (-m, 0.0), (0.0, m), (0.0, -m)):
            seal = self._truth.seal_at(position + np.array([*offset, 0.0]), _DOWN)
            if not seal.sealed or seal.object_id != object_id:
                return None
            tilt = max(tilt, seal.tilt)
        return tilt


def _as_point(candidate: _Candidate, view: View) -> SuctionPoint:
    """Return the point that the calibrated camera pose maps to the candidate's true position."""
    row, column = candidate.pixel
    T_camera_base = invert(view.T_base_camera)
    return SuctionPoint(
        u=column,
        v=row,
        position=transform_points(T_camera_base, candidate.position),
        normal=T_camera_base[:3, :3] @ -_DOWN,
        probability=float(np.exp(-candidate.cost / 4)),
        source=Source.ORACLE,
    )
