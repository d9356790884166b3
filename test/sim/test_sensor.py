"""The sensor model obeys its laws: noise with z^2, steps of disparity, holes where they belong."""

from typing import Any

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.sim.vision.sensor import Sensor, SensorConfig

INTRINSICS = Intrinsics(625.0, 625.0, 319.5, 239.5, 640, 480)
CLEAN: dict[str, Any] = {"disparity_step": 0.0, "specks": 0.0, "flying": 0.0, "edge_holes": 0.0}


def flat(z: float) -> np.ndarray:
    return np.full((480, 640), z, np.float32)


def sensor(**changes: Any) -> Sensor:
    return Sensor(SensorConfig(**changes), INTRINSICS, np.random.default_rng(0))


def test_depth_noise_grows_with_the_square_of_the_distance() -> None:
    model, rng = sensor(**CLEAN), np.random.default_rng(1)
    near, far = (model.depth(flat(z), None, rng) - z for z in (0.5, 1.0))
    assert np.std(near) == pytest.approx(0.0012 * 0.25, rel=0.05)
    assert np.std(far) / np.std(near) == pytest.approx(4.0, rel=0.05)
    assert abs(np.mean(far)) < 2e-5


def test_neighbouring_pixels_have_similar_noise() -> None:
    noise = sensor(**CLEAN).depth(flat(0.8), None, np.random.default_rng(1)) - 0.8
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.3
    assert abs(np.corrcoef(noise[:, 9:].ravel(), noise[:, :-9].ravel())[0, 1]) < 0.05


def test_depth_comes_in_steps_of_disparity() -> None:
    step = 1 / 8
    model = sensor(noise=0.0, specks=0.0, disparity_step=step)
    ramp = np.broadcast_to(np.linspace(0.7, 0.8, 640, dtype=np.float32), (480, 640)).copy()
    values = np.unique(model.depth(ramp, None, np.random.default_rng(0)))
    disparities = 625.0 * 0.050 / values
    np.testing.assert_allclose(disparities / step, np.round(disparities / step), atol=1e-2)
    assert np.diff(values).max() == pytest.approx(0.8**2 / (625 * 0.050) * step, rel=0.1)


def test_edges_give_holes_and_values_between_near_and_far() -> None:
    scene = flat(0.8)
    scene[:, 320:] = 0.7
    depth = sensor(noise=0.0, disparity_step=0.0, specks=0.0).depth(
        scene, None, np.random.default_rng(0)
    )
    edge, rest = depth[:, 319:321], np.delete(depth, [319, 320], axis=1)
    assert np.isnan(edge).mean() == pytest.approx(0.25, abs=0.05)
    between = (edge > 0.701) & (edge < 0.799)
    assert 0.08 < between.mean() < 0.30
    assert np.isfinite(rest).all()
    assert set(np.unique(rest)) == {np.float32(0.7), np.float32(0.8)}


def test_steep_surfaces_give_holes_and_shallow_ones_do_not() -> None:
    shares = []
    for degrees in (45, 65, 77, 88):
        slope = np.tan(np.radians(degrees)) * 0.8 / 625.0  # metres per pixel at 0.8 m
        rows = 0.8 + slope * (np.arange(480) - 240).clip(-2, 2)
        scene = np.broadcast_to(rows[:, None].astype(np.float32), (480, 640)).copy()
        model = sensor(edge_step=1.0, **CLEAN)
        shares.append(np.isnan(model.depth(scene, None, np.random.default_rng(0))[240]).mean())
    assert shares[:2] == [0.0, 0.0]
    assert 0.2 < shares[2] < 0.8
    assert shares[3] == 1.0


def test_surfaces_give_back_as_much_as_they_return() -> None:
    returns = flat(1.0)
    returns[:240] = 0.1
    depth = sensor(**CLEAN).depth(flat(0.8), returns, np.random.default_rng(0))
    assert np.isfinite(depth[:240]).mean() == pytest.approx(0.1, abs=0.02)
    assert np.isfinite(depth[240:]).all()


def test_colour_noise_has_its_size_and_light_changes_between_stacks() -> None:
    model, rng = sensor(lighting=0.1, color_noise=3.0), np.random.default_rng(3)
    grey = np.full((480, 640, 3), 128, np.uint8)
    first = model.color(grey, rng)
    assert np.std(first[..., 0].astype(float)) == pytest.approx(3.0, rel=0.1)
    model.new_light(rng)
    second = model.color(grey, rng)
    assert abs(first.mean() - second.mean()) > 1.0


def test_the_same_generator_gives_the_same_image() -> None:
    a, b = (sensor().depth(flat(0.8), None, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [{"noise": -1.0}, {"flying": 0.8, "edge_holes": 0.5}])
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SensorConfig(**bad)
