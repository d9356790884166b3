"""Messages carry the core's values there and back."""

import dataclasses
from array import array

import numpy as np
import pytest
from geometry_msgs.msg import Pose, Vector3
from grasp_affordance_interfaces.msg import SuctionPoint as SuctionPointMsg
from helpers.marker_checks import check_drawable
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import FrameError, GeometryError
from grasp_affordance.geometry import Intrinsics, from_quaternion
from grasp_affordance.lens import Lens
from grasp_affordance.messages import images as decoding
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance import markers, views
from grasp_affordance.ros.common import conversions, images
from grasp_affordance.suction import Rejection, Source, SuctionPoint

INTRINSICS = Intrinsics(600.0, 610.0, 3.5, 2.5, 8, 6)


def a_frame(seed: int = 0) -> RgbdFrame:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 1.2, (6, 8)).astype(np.float32)
    depth[2, 3] = np.nan
    color = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return RgbdFrame(color, depth, INTRINSICS, stamp_ns=1_700_000_000_123_456_789, frame_id="eye")


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_a_stamp_survives_to_the_nanosecond(stamp_ns: int) -> None:
    assert conversions.from_time_msg(conversions.to_time_msg(stamp_ns)) == stamp_ns


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_a_transform_survives(q: list[float]) -> None:
    T = from_quaternion([0.1, -2.0, 3.0], q)
    np.testing.assert_allclose(
        conversions.from_transform_msg(conversions.to_transform_msg(T)), T, atol=1e-12
    )


def test_a_transform_message_of_zeros_is_a_named_error() -> None:
    message = conversions.to_transform_msg(np.eye(4))
    message.rotation.w = 0.0
    with pytest.raises(GeometryError, match="no direction"):
        conversions.from_transform_msg(message)


def test_a_frame_survives_bit_by_bit_as_32FC1() -> None:
    frame = a_frame()
    back = decoding.from_rgbd_msgs(*images.to_rgbd_msgs(frame))
    np.testing.assert_array_equal(back.color, frame.color)
    np.testing.assert_array_equal(back.depth, frame.depth)
    assert (back.intrinsics, back.stamp_ns, back.frame_id) == (INTRINSICS, frame.stamp_ns, "eye")


def test_16UC1_rounds_to_the_millimetre_and_keeps_holes() -> None:
    frame = a_frame()
    back = decoding.from_rgbd_msgs(*images.to_rgbd_msgs(frame, "16UC1"))
    np.testing.assert_array_equal(back.known, frame.known)
    np.testing.assert_allclose(back.depth, frame.depth, atol=0.000501)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "16UC1", "32FC1"])
def test_an_image_survives_in_every_encoding(encoding: str) -> None:
    dtype, channels = decoding.LAYOUTS[encoding]
    shape = (5, 7) if channels == 1 else (5, 7, channels)
    array_in = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)
    message = images.to_image_msg(array_in, encoding, Header())
    np.testing.assert_array_equal(decoding.from_image_msg(message), array_in)


def test_reading_an_image_copies_nothing() -> None:
    message = images.to_image_msg(np.zeros((4, 4), np.float32), "32FC1", Header())
    view = decoding.from_image_msg(message)
    message.data[3] = 0x40  # the last byte of the first float
    assert view[0, 0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1.0


def test_padding_at_row_ends_is_left_out() -> None:
    rows = np.arange(4 * 10, dtype=np.uint8).reshape(4, 10)
    message = Image(height=4, width=3, encoding="rgb8", step=10, data=array("B", rows.tobytes()))
    np.testing.assert_array_equal(decoding.from_image_msg(message), rows[:, :9].reshape(4, 3, 3))


def test_big_endian_depth_is_read_as_the_same_depth() -> None:
    depth = np.array([[500, 1000, 0]], np.uint16)
    message = Image(
        height=1, width=3, encoding="16UC1", step=6, is_bigendian=1,
        data=array("B", depth.astype(">u2").tobytes()),
    )  # fmt: skip
    read = decoding.from_image_msg(message)
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, depth)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoding": "yuv422"}, "encoding 'yuv422' is unknown"),
        ({"data": array("B", bytes(10))}, "needs 48 bytes, got 10"),
        ({"step": 3}, "rows of 3 bytes"),
        ({"height": 0}, "empty"),
    ],
)
def test_a_malformed_image_is_a_named_error(change: dict[str, object], said: str) -> None:
    message = images.to_image_msg(np.zeros((4, 4, 3), np.uint8), "rgb8", Header())
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(FrameError, match=said):
        decoding.from_image_msg(message)


def test_an_array_of_another_type_is_not_published_as_an_image() -> None:
    with pytest.raises(FrameError, match="no 16UC1 image"):
        images.to_image_msg(np.zeros((4, 4), np.float32), "16UC1", Header())


def test_camera_info_of_zeros_is_a_named_error() -> None:
    with pytest.raises(GeometryError, match="calibrated"):
        decoding.from_camera_info_msg(CameraInfo(width=640, height=480))


def test_camera_info_survives() -> None:
    message = images.to_camera_info_msg(INTRINSICS, Header())
    assert decoding.from_camera_info_msg(message) == INTRINSICS


def test_the_lens_survives_and_a_rectified_image_has_none() -> None:
    lens = Lens.of("equidistant", (-0.02, 0.004, -0.003, 0.0006))
    wide = dataclasses.replace(INTRINSICS, lens=lens)
    message = images.to_camera_info_msg(wide, Header())
    assert (message.distortion_model, tuple(message.d)) == wide.distortion
    assert decoding.from_camera_info_msg(message) == wide
    message.p = [500.0, 0.0, 310.0, 0.0, 0.0, 510.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    size = INTRINSICS.width, INTRINSICS.height
    expected = Intrinsics(500.0, 510.0, 310.0, 230.0, *size)
    assert decoding.from_camera_info_msg(message, rectified=True) == expected


@pytest.mark.parametrize(
    ("topic", "rectified"),
    [
        ("/camera/camera/color/image_raw", False),
        ("/rectifier/image_raw", False),
        ("/camera/color/image_rect", True),
        ("image_rect_color", True),
        ("/camera/color/image_rect_raw", True),
    ],
)
def test_the_name_of_a_topic_tells_whether_its_image_is_rectified(
    topic: str, rectified: bool
) -> None:
    assert decoding.is_rectified(topic) is rectified


@pytest.mark.parametrize("source", list(Source))
def test_a_suction_point_survives_with_its_source(source: Source) -> None:
    point = SuctionPoint(3, 4, np.array([0.1, 0.2, 0.9]), np.array([0.0, 0.6, -0.8]), 0.75, source)
    back = conversions.from_suction_point_msg(conversions.to_suction_point_msg(point, Header()))
    assert (back.u, back.v, back.probability, back.source) == (3, 4, 0.75, source)
    np.testing.assert_array_equal(back.position, point.position)
    np.testing.assert_array_equal(back.normal, point.normal)


def test_the_base_frame_fields_are_the_transformed_camera_frame_ones() -> None:
    T = from_quaternion([1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.0])  # half a turn about x
    point = SuctionPoint(0, 0, np.array([0.1, 0.2, 0.9]), np.array([0, 0, -1.0]), 0.5, Source.PRIOR)
    known = conversions.to_suction_point_msg(point, Header(), T, "base_link")
    unknown = conversions.to_suction_point_msg(point, Header())
    assert known.in_base
    assert known.base_frame_id == "base_link"
    assert not unknown.in_base
    np.testing.assert_allclose(
        conversions.from_point_msg(known.position_base), [1.1, 1.8, 2.1], atol=1e-12
    )
    np.testing.assert_allclose(conversions.from_point_msg(known.normal_base), [0, 0, 1], atol=1e-12)


def test_every_source_constant_of_the_message_has_a_meaning() -> None:
    numbers = {getattr(SuctionPointMsg, n) for n in dir(SuctionPointMsg) if n.startswith("SOURCE_")}
    assert {conversions.from_source_number(n) for n in numbers} == {None, *Source}


def test_rejections_survive_ranked_and_without_zeros() -> None:
    counts = {Rejection.NO_DEPTH: 5, Rejection.TOO_STEEP: 50, Rejection.NEAR_EDGE: 0}
    messages = conversions.to_rejection_msgs(counts)
    assert [m.cause for m in messages] == ["too_steep", "no_depth"]
    assert conversions.from_rejection_msgs(messages) == {
        Rejection.TOO_STEEP: 50, Rejection.NO_DEPTH: 5
    }  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
def test_a_cloud_holds_every_pixels_point_and_color(stride: int) -> None:
    frame = a_frame()
    points, colors = views.from_point_cloud_msg(views.to_point_cloud_msg(frame, stride))
    expected = frame.intrinsics.deproject_image(frame.depth)[::stride, ::stride]
    np.testing.assert_array_equal(points, expected)
    np.testing.assert_array_equal(colors, frame.color[::stride, ::stride])


def test_an_arrow_ends_on_the_surface_and_old_ones_are_cleared() -> None:
    point = SuctionPoint(0, 0, np.array([0, 0, 0.9]), np.array([0, 0, -1.0]), 0.5, Source.PRIOR)
    array = markers.to_marker_array_msg([point], Header(), length=0.1)
    clear, arrow, label = array.markers
    assert clear.action == clear.DELETEALL
    assert [p.z for p in arrow.points] == pytest.approx([0.8, 0.9])
    assert label.text == "0.50 prior"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_rviz_can_draw_every_marker_of_points(count: int) -> None:
    point = SuctionPoint(0, 0, np.array([0, 0, 0.9]), np.array([0, 0, -1.0]), 0.5, Source.PRIOR)
    array = markers.to_marker_array_msg([point] * count, Header())
    assert len(array.markers) == (count + 2 if count else 1)
    check_drawable(array)
    for label in (m for m in array.markers if m.type == m.TEXT_VIEW_FACING and m.action == m.ADD):
        assert 0 < label.scale.x < label.scale.z < 0.05  # a space is narrower than a letter is high


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.2, 0.2), st.floats(-3, 3))
def test_a_bin_survives_and_none_is_none(x: float, y: float, floor: float, yaw: float) -> None:
    box = BinGeometry((x, y), (0.4, 0.3, 0.12), floor, yaw)
    again = conversions.from_bin_msgs(*conversions.to_bin_msgs(box))
    assert again is not None
    assert again.close_to(box)
    assert conversions.from_bin_msgs(Pose(), Vector3()) is None


def test_a_tilted_bin_is_refused() -> None:
    pose, size = conversions.to_bin_msgs(BinGeometry())
    pose.orientation.x = 0.1
    with pytest.raises(GeometryError, match="tilted"):
        conversions.from_bin_msgs(pose, size)
