"""Lens distortion, against OpenCV's own."""

import cv2
import numpy as np
import pytest

from grasp_affordance.errors import GeometryError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.lens import Lens

WIDE = ("plumb_bob", (-0.30, 0.12, 0.0012, -0.0008, -0.02))
AZURE = ("rational_polynomial", (0.52, -2.63, 0.0007, -0.0002, 1.5, 0.40, -2.44, 1.43))
FISHEYE = ("equidistant", (-0.021, 0.0043, -0.0031, 0.0006))
LENSES = [WIDE, AZURE, FISHEYE]


def camera(model: str, d: tuple[float, ...], f: float = 420.0) -> Intrinsics:
    return Intrinsics(f, 1.01 * f, 316.4, 243.9, 640, 480, Lens.of(model, d))


def opencv_projects(points: np.ndarray, view: Intrinsics) -> np.ndarray:
    model, d = view.distortion
    arguments = (points.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), view.matrix, np.array(d))
    project = cv2.fisheye.projectPoints if model == "equidistant" else cv2.projectPoints
    return np.asarray(project(*arguments)[0]).reshape(-1, 2)


def scattered(count: int = 2000) -> np.ndarray:
    rng = np.random.default_rng(3)
    points = rng.uniform((-0.72, -0.54, 1.0), (0.72, 0.54, 1.0), (count, 3))
    return points * rng.uniform(0.3, 3.0, (count, 1))


@pytest.mark.parametrize(("model", "d"), LENSES)
def test_points_project_where_opencv_projects_them(model: str, d: tuple[float, ...]) -> None:
    view, points = camera(model, d), scattered()
    np.testing.assert_allclose(view.project(points), opencv_projects(points, view), atol=1e-6)


@pytest.mark.parametrize(("model", "d"), LENSES)
def test_every_pixel_of_an_image_goes_to_the_point_that_opencv_projects_onto_it(
    model: str, d: tuple[float, ...]
) -> None:
    view = camera(model, d)
    u, v = np.meshgrid(np.arange(0.0, 640.0, 7), np.arange(0.0, 480.0, 7))
    points = view.deproject(u, v, 0.8)
    assert np.isfinite(points).all()
    pixels = opencv_projects(points.reshape(-1, 3), view)
    np.testing.assert_allclose(pixels, np.stack([u, v], -1).reshape(-1, 2), atol=1e-6)


@pytest.mark.parametrize(("model", "d"), LENSES)
def test_an_image_is_deprojected_as_its_pixels_are(model: str, d: tuple[float, ...]) -> None:
    view = camera(model, d)
    depth = np.random.default_rng(0).uniform(0.3, 2, (480, 640)).astype(np.float32)
    depth[7, 9] = np.nan
    points = view.deproject_image(depth)
    assert points.dtype == np.float32
    assert np.isnan(points[7, 9]).all()
    for u, v in ((0, 0), (639, 479), (200, 300)):
        np.testing.assert_allclose(points[v, u], view.deproject(u, v, depth[v, u]), rtol=1e-5)
    with pytest.raises(GeometryError, match="640x480"):
        view.deproject_image(depth[:100])


def test_a_crop_and_a_smaller_image_see_the_same_rays() -> None:
    view = camera(*WIDE)
    expected = view.deproject(120, 80, 0.8)
    np.testing.assert_allclose(view.cropped(100, 50, 200, 150).deproject(20, 30, 0.8), expected)
    half = view.scaled(0.5).deproject(119.5 / 2 + 0.25 - 0.5 + 0.25, 39.75, 0.8)
    np.testing.assert_allclose(half, expected, atol=1e-12)


def test_a_point_outside_the_field_of_view_does_not_fall_back_into_the_image() -> None:
    view = camera("plumb_bob", (-0.32, 0.0, 0.0, 0.0, 0.0))
    far = np.array([[1.7, 0.1, 1.0], [1.4, -1.0, 1.0], [-0.1, -5.0, 3.0]])
    back = opencv_projects(far, view)
    assert ((back > 0) & (back < (640, 480))).all()  # the polynomial alone brings them back
    u, v = view.project(far).T
    assert ((u < 0) | (u > 639) | (v < 0) | (v > 479)).all()
    assert (np.sign(view.project(far) - (view.cx, view.cy)) == np.sign(far[:, :2])).all()


def test_a_pixel_beyond_the_angle_up_to_which_the_model_holds_has_no_ray() -> None:
    view = camera("plumb_bob", (-0.32, 0.0, 0.0, 0.0, 0.0), f=300.0)  # turns back at a radius of 1
    points = view.deproject_image(np.ones((480, 640), np.float32))
    assert np.isnan(points[0, 0]).all()
    assert np.isfinite(points[200:280, 280:360]).all()
    assert np.isnan(view.deproject(0, 0, 0.8)).all()


def test_lengths_about_a_pixel_are_those_between_its_rays() -> None:
    view = camera(*WIDE)
    for u, v in ((320.0, 240.0), (20.0, 30.0), (600.0, 240.0)):
        c, s = np.cos(0.4), np.sin(0.4)
        ends = view.deproject([u - 2 * c, u + 2 * c], [v - 2 * s, v + 2 * s], 1.0)[:, :2]
        np.testing.assert_allclose(
            view.pixel_step(u, v, (c, s)), (ends[1] - ends[0]) / 4, rtol=1e-3
        )
        assert view.focal_at(u, v) == pytest.approx(view.focal_image()[int(v), int(u)], rel=1e-5)
    assert view.focal_at(20, 30) < 0.8 * view.focal_at(316, 244)


@pytest.mark.parametrize(
    ("model", "d"), [("", ()), ("none", (0.0,) * 5), ("plumb_bob", ()), ("plumb_bob", (0.0,) * 5)]
)
def test_no_distortion_is_no_lens(model: str, d: tuple[float, ...]) -> None:
    assert Lens.of(model, d) is None


def test_an_equidistant_lens_with_zeros_still_bends() -> None:
    view = camera("equidistant", (0.0,) * 4)
    assert view.project([1.0, 0.0, 1.0])[0] == pytest.approx(view.cx + view.fx * np.pi / 4)


@pytest.mark.parametrize(
    ("model", "d", "words"),
    [
        ("thin_prism", (0.1,), "'thin_prism' is not supported.*plumb_bob.*image_rect"),
        ("", (0.1,), "without a distortion_model"),
        ("plumb_bob", (0.1, 0, 0, 0, 0, 0.2), "has 5 coefficients"),
        ("plumb_bob", (np.nan,), "not finite"),
        ("equidistant", (), "without coefficients"),
    ],
)
def test_a_lens_that_is_not_known_is_refused_by_name(model: str, d: tuple, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Lens.of(model, d)


def test_a_camera_survives_the_way_through_a_file() -> None:
    for view in (camera(*WIDE), camera(*FISHEYE), camera("", ())):
        assert Intrinsics.from_dict(view.to_dict()) == view
