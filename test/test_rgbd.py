"""RGB-D frames and image encodings."""

import numpy as np
import pytest

from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame, color_as_rgb, depth_in_metres

INTRINSICS = Intrinsics(100.0, 100.0, 3.5, 2.5, 8, 6)
COLOR = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
DEPTH = np.full((6, 8), 0.5, np.float32)


def test_millimetres_and_metres_are_the_same_depth() -> None:
    millimetres = np.array([[0, 500, 65535]], np.uint16)
    for encoding in ("16UC1", "mono16"):
        depth = depth_in_metres(millimetres, encoding)
        assert depth.dtype == np.float32
        np.testing.assert_allclose(depth, [[np.nan, 0.5, 65.535]], rtol=1e-6)
    np.testing.assert_allclose(
        depth_in_metres(millimetres, "16UC1"),
        depth_in_metres(np.array([[0, 0.5, 65.535]], np.float32), "32FC1"),
        rtol=1e-6,
    )


def test_a_depth_scale_is_metres_per_unit() -> None:
    image = np.array([[5000]], np.uint16)
    assert depth_in_metres(image, "16UC1", 0.0001)[0, 0] == pytest.approx(0.5)


def test_no_reading_is_nan_whatever_the_sensor_calls_it() -> None:
    image = np.array([[0.0, -1.0, np.inf, -np.inf, np.nan, 0.7]], np.float32)
    depth = depth_in_metres(image, "32FC1")
    assert np.isnan(depth[0, :5]).all()
    assert depth[0, 5] == np.float32(0.7)


def test_a_window_shows_the_same_points() -> None:
    depth = np.linspace(0.4, 0.8, 48, dtype=np.float32).reshape(6, 8)
    frame = RgbdFrame(COLOR, depth, INTRINSICS)
    part = frame.within((slice(1, 5), slice(2, 8)))
    assert part.shape == (4, 6)
    np.testing.assert_allclose(part.point(3, 2), frame.point(5, 3))
    np.testing.assert_array_equal(part.color[2, 3], frame.color[3, 5])


def test_the_given_image_is_not_changed() -> None:
    image = np.array([[0.0, 0.7]], np.float32)
    depth_in_metres(image, "32FC1")
    assert image[0, 0] == 0.0


@pytest.mark.parametrize(
    ("image", "encoding", "scale"),
    [
        (DEPTH, "64FC1", None),
        (DEPTH, "16UC1", None),
        (np.zeros((6, 8), np.uint16), "32FC1", None),
        (np.zeros((6, 8, 3), np.float32), "32FC1", None),
        (DEPTH, "32FC1", 0.0),
        (DEPTH, "32FC1", float("nan")),
    ],
)
def test_unusable_depth_is_refused(image: np.ndarray, encoding: str, scale: float | None) -> None:
    with pytest.raises(FrameError):
        depth_in_metres(image, encoding, scale)


def test_every_color_encoding_gives_the_same_picture() -> None:
    alpha = np.full((6, 8, 1), 255, np.uint8)
    bgr = COLOR[..., ::-1]
    for image, encoding in (
        (COLOR, "rgb8"),
        (bgr, "bgr8"),
        (np.concatenate([COLOR, alpha], axis=2), "rgba8"),
        (np.concatenate([bgr, alpha], axis=2), "bgra8"),
    ):
        rgb = color_as_rgb(image, encoding)
        np.testing.assert_array_equal(rgb, COLOR)
        assert rgb.flags.c_contiguous
    grey = color_as_rgb(COLOR[..., 0], "mono8")
    np.testing.assert_array_equal(grey, COLOR[..., [0, 0, 0]])


def test_rgb_is_not_copied() -> None:
    assert np.shares_memory(color_as_rgb(COLOR, "rgb8"), COLOR)


@pytest.mark.parametrize(
    ("image", "encoding"),
    [(COLOR, "yuv422"), (COLOR, "rgba8"), (COLOR.astype(np.float32), "rgb8"), (DEPTH, "mono8")],
)
def test_unusable_color_is_refused(image: np.ndarray, encoding: str) -> None:
    with pytest.raises(FrameError):
        color_as_rgb(image, encoding)


def test_images_of_different_sizes_make_no_frame() -> None:
    with pytest.raises(FrameError, match="align_depth"):
        RgbdFrame(COLOR, DEPTH[:, :4], INTRINSICS)
    with pytest.raises(FrameError, match="camera_info 8x6"):
        RgbdFrame(COLOR[:3], DEPTH[:3], INTRINSICS)


def test_images_of_other_types_make_no_frame() -> None:
    with pytest.raises(FrameError, match="float32"):
        RgbdFrame(COLOR, DEPTH.astype(np.float64), INTRINSICS)
    with pytest.raises(FrameError, match="uint8"):
        RgbdFrame(COLOR.astype(np.float32), DEPTH, INTRINSICS)


def test_a_frame_without_depth_says_what_to_check() -> None:
    depth = np.full((6, 8), np.nan, np.float32)
    with pytest.raises(FrameError, match="depth topic"):
        RgbdFrame(COLOR, depth, INTRINSICS).require_depth()
    depth[0, 0] = 0.5
    RgbdFrame(COLOR, depth, INTRINSICS).require_depth()


def test_a_point_is_where_its_pixel_is() -> None:
    frame = RgbdFrame(COLOR, DEPTH, INTRINSICS)
    np.testing.assert_allclose(frame.point(5, 2), INTRINSICS.deproject(5, 2, 0.5))
