"""The oracle uses the truth, whole; checked against a made-up one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from policies.views import CAMERA_HEIGHT, add_block, at, empty, look_down, view_of

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.policies.oracle import Oracle, OracleConfig
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Source, SuctionPoint

LEFT, RIGHT = (-0.08, 0.05), (0.08, -0.05)
SIZE, HEIGHT = 0.06, 0.05


@dataclass(frozen=True)
class Thing:
    object_id: int
    centre_of_mass: NDArray[np.float64]
    under: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    sealed: bool
    object_id: int
    tilt: float = 0.0


class TwoBlocks:
    """Two blocks of which everything is known; a cup seals where the script says."""

    T_base_camera = look_down()

    def __init__(self, under: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())) -> None:
        self._heights = add_block(add_block(empty(), *LEFT, SIZE, HEIGHT), *RIGHT, SIZE, HEIGHT)
        self.under = under
        self.sealing = {0, 1}
        self.centres = [np.array([0.5 + LEFT[0], LEFT[1]]), np.array([0.5 + RIGHT[0], RIGHT[1]])]

    def true_masks(self) -> NDArray[np.int32]:
        masks = np.where(self._heights > 0, 1, -1).astype(np.int32)
        masks[:, : self._heights.shape[1] // 2][masks[:, : self._heights.shape[1] // 2] == 1] = 0
        return masks

    def true_depth(self) -> NDArray[np.float32]:
        return (CAMERA_HEIGHT - self._heights).astype(np.float32)

    def seal_at(self, position_base: NDArray[np.float64], approach: NDArray[np.float64]) -> Answer:
        offsets = [np.abs(position_base[:2] - centre).max() for centre in self.centres]
        nearest = int(np.argmin(offsets))
        inside = offsets[nearest] < SIZE / 2 - 0.01
        return Answer(inside and nearest in self.sealing, nearest if inside else -1)

    def objects(self) -> Sequence[Thing]:
        return [Thing(k, np.array([*self.centres[k], HEIGHT / 2]), self.under[k]) for k in range(2)]

    def view(self, error: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> View:
        view = view_of(self._heights)
        T = view.T_base_camera.copy()
        T[:3, 3] += error
        return View(view.frame, T, view.bin, view.cup, view.rng)


def on(point: SuctionPoint) -> int:
    return 0 if point.u < 160 else 1


def test_the_oracle_proposes_one_point_per_object_at_its_centre_of_mass() -> None:
    world = TwoBlocks()
    points = Oracle(world).choose(world.view()).points
    assert sorted(on(point) for point in points) == [0, 1]
    for point in points:
        u, v = at(*(LEFT, RIGHT)[on(point)], HEIGHT)
        assert np.hypot(point.u - u, point.v - v) < 6
        assert point.source is Source.ORACLE


def test_what_lies_under_something_comes_last() -> None:
    world = TwoBlocks(under=((1,), ()))
    assert [on(p) for p in Oracle(world).choose(world.view()).points] == [1, 0]
    world = TwoBlocks(under=((), (0,)))
    assert [on(p) for p in Oracle(world).choose(world.view()).points] == [0, 1]


def test_what_never_seals_is_not_proposed() -> None:
    world = TwoBlocks()
    world.sealing = {1}
    assert [on(p) for p in Oracle(world).choose(world.view()).points] == [1]
    world.sealing = set()
    assert Oracle(world).choose(world.view()).points == ()


def test_the_oracle_undoes_the_error_of_the_calibration() -> None:
    world = TwoBlocks()
    view = world.view(error=(0.004, -0.003, 0.002))
    for point in Oracle(world).choose(view).points:
        reached = transform_points(view.T_base_camera, point.position)
        assert np.abs(reached[:2] - world.centres[on(point)]).max() < 0.008
        assert reached[2] == pytest.approx(HEIGHT, abs=1e-4)


def test_a_place_without_margin_is_better_than_none() -> None:
    world = TwoBlocks()
    wide = Oracle(world, OracleConfig(margin=0.03)).choose(world.view()).points
    assert sorted(on(point) for point in wide) == [0, 1]


def test_a_search_without_trials_is_refused() -> None:
    with pytest.raises(ConfigError):
        OracleConfig(trials=0)
