"""RGB-D frames and poses come out of rosbag2 recordings, SQLite and MCAP, as they went in."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import Block, frame
from helpers.bags import TOPICS, write_bag
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from rosbags.rosbag2 import StoragePlugin

from grasp_affordance.cli import main
from grasp_affordance.errors import ConfigError, FrameError, SequenceError
from grasp_affordance.lens import Lens
from grasp_affordance.messages.bag import BagRecording, BagTopics
from grasp_affordance.messages.compressed import from_compressed_image_msg
from grasp_affordance.rgbd import RgbdFrame, depth_in_metres
from grasp_affordance.sequence import Sequence

BOTH = pytest.mark.parametrize("storage", list(StoragePlugin))
PERIOD = 33_000_000  # nanoseconds
LOG = Block(160, 120, length=70, width=24, angle=0.4)


def boxes(count: int) -> list[RgbdFrame]:
    return [box_frame(1 + i % 2, stamp_ns=i * PERIOD) for i in range(count)]


@BOTH
def test_frames_and_pose_come_out_as_they_went_in(storage: StoragePlugin, tmp_path: Path) -> None:
    written = boxes(3)
    bag = write_bag(tmp_path / "bag", written, storage, 5_000_000, T_BASE_CAMERA)
    recording = BagRecording(bag, TOPICS)
    read = list(recording.frames())
    assert [view.stamp_ns for view in read] == [0, PERIOD, 2 * PERIOD]
    for view, original in zip(read, written, strict=True):
        np.testing.assert_array_equal(view.color, original.color)
        np.testing.assert_allclose(view.depth, original.depth, atol=0.0006)
        assert view.intrinsics == original.intrinsics
    pose = recording.T_base_camera("base")
    assert pose is not None
    np.testing.assert_allclose(pose, T_BASE_CAMERA, atol=1e-9)
    assert recording.T_base_camera("another_robot") is None


def wide(frame: RgbdFrame) -> RgbdFrame:
    lens = Lens.of("rational_polynomial", (0.52, -2.63, 0.0007, -0.0002, 1.5, 0.40, -2.44, 1.43))
    return replace(frame, intrinsics=replace(frame.intrinsics, lens=lens))


def test_the_lens_of_a_camera_comes_out_and_goes_into_the_recording(tmp_path: Path) -> None:
    view = frame(LOG, rng=np.random.default_rng(0), holes=0.02)
    written = [wide(replace(view, stamp_ns=i * PERIOD)) for i in range(20)]
    bag = write_bag(tmp_path / "bag", written)
    assert next(BagRecording(bag, TOPICS).frames()).intrinsics == written[0].intrinsics
    output = tmp_path / "kept"
    assert main(["record", str(bag), "--output", str(output), "--rest", "0.3"]) == 0
    assert Sequence(output).camera.intrinsics == written[0].intrinsics


def test_a_rectified_image_is_not_rectified_twice(tmp_path: Path) -> None:
    topics = replace(TOPICS, color="/camera/camera/color/image_rect_color")
    written = [wide(view) for view in boxes(2)]  # the camera info of the raw image
    bag = write_bag(tmp_path / "bag", written, topics=topics)
    for view in BagRecording(bag, topics).frames():
        assert view.intrinsics == replace(written[0].intrinsics, lens=None)


def test_a_lens_that_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    lens = Lens("omnidirectional", (0.1, 0.2))
    view = boxes(1)[0]
    bag = write_bag(
        tmp_path / "bag", [replace(view, intrinsics=replace(view.intrinsics, lens=lens))]
    )
    with pytest.raises(SequenceError, match="'omnidirectional' is not supported"):
        BagRecording(bag, TOPICS)


def test_one_camera_info_is_enough_and_may_come_late(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", boxes(4), info_once=True)
    assert len(list(BagRecording(bag, TOPICS).frames())) == 4


def test_images_too_far_apart_in_time_make_no_frame(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", boxes(1), lag=25_000_000)
    with pytest.raises(SequenceError, match="holds no RGB-D frame"):
        BagRecording(bag, TOPICS)


def test_a_bag_whose_stamps_never_match_is_named(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", boxes(6), lag=10**9)
    with pytest.raises(SequenceError, match=r"holds no RGB-D frame: stamps never match"):
        BagRecording(bag, TOPICS)


def test_a_missing_topic_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", boxes(1))
    with pytest.raises(SequenceError, match=r"has no topic /depth; it has .*aligned_depth"):
        BagRecording(bag, BagTopics(depth="/depth"))


@BOTH
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_bag_is_a_named_error(
    tmp_path: Path, storage: StoragePlugin, share: float
) -> None:
    bag = write_bag(tmp_path / "bag", boxes(3), storage)
    (data,) = [path for path in bag.iterdir() if path.suffix in (".db3", ".mcap")]
    data.write_bytes(data.read_bytes()[: int(data.stat().st_size * share)])
    with pytest.raises(SequenceError, match="cannot be read"):
        list(BagRecording(bag, TOPICS).frames())


def test_a_bag_that_is_not_there_and_an_impossible_tolerance_are_named(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="cannot be read"):
        BagRecording(tmp_path / "none", TOPICS)
    for tolerance in (-0.1, float("nan")):
        with pytest.raises(ConfigError, match="tolerance"):
            BagTopics(tolerance=tolerance)


def test_a_bag_becomes_a_sequence_with_the_pose_of_its_camera(tmp_path: Path) -> None:
    views = [
        replace(
            frame(*([LOG] if i < 20 else []), rng=np.random.default_rng(i), holes=0.02),
            stamp_ns=i * PERIOD,
        )
        for i in range(40)
    ]
    bag = write_bag(tmp_path / "bag", views, StoragePlugin.MCAP, T_base_camera=T_BASE_CAMERA)
    output = tmp_path / "kept"
    assert main(["record", str(bag), "--output", str(output), "--rest", "0.3"]) == 0
    kept = Sequence(output)
    assert len(kept) == 2
    assert kept.camera.T_base_camera is not None
    np.testing.assert_allclose(kept.camera.T_base_camera, T_BASE_CAMERA, atol=1e-9)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_compressed_topics_are_read_where_the_raw_ones_were_not_recorded(
    encoding: str, tmp_path: Path
) -> None:
    written = replace(boxes(1)[0])
    written.depth[:5] = np.nan
    bag = write_bag(tmp_path / "bag", [written], compressed=encoding)
    (read,) = BagRecording(bag, TOPICS).frames()
    np.testing.assert_array_equal(read.color, written.color)
    np.testing.assert_array_equal(read.known, written.known)
    np.testing.assert_allclose(read.depth, written.depth, atol=0.0006)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (("16UC1; compressedDepth rvl", b"0" * 50), "rvl.*format.* png"),
        (("16UC1; compressedDepth png", b"0" * 50), "of 38 bytes cannot be decoded"),
        (("bgr8; jpeg compressed bgr8", b""), "cannot be decoded"),
        (("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\xff\0\0" * 2), "is no camera's"),
    ],
)
def test_compressed_images_that_cannot_be_decoded_are_named(
    message: tuple[str, bytes], said: str
) -> None:
    with pytest.raises(FrameError, match=said):
        from_compressed_image_msg(SimpleNamespace(format=message[0], data=message[1]))


def test_jpeg_color_is_read_and_jpeg_depth_is_refused(tmp_path: Path) -> None:
    color = np.full((40, 60, 3), (200, 100, 20), np.uint8)
    data = cv2.imencode(".jpg", color)[1].tobytes()
    image, encoding = from_compressed_image_msg(SimpleNamespace(format="jpeg", data=data))
    assert encoding == "bgr8"
    np.testing.assert_allclose(image, color, atol=4)
    with pytest.raises(FrameError, match="depth encoding 'bgr8'"):
        depth_in_metres(image, encoding)


def test_depth_of_another_frame_than_the_colors_is_refused_unless_it_is_trusted(
    tmp_path: Path,
) -> None:
    bag = write_bag(tmp_path / "bag", boxes(1), depth_frame_id="camera_depth_optical_frame")
    with pytest.raises(SequenceError, match=r"camera_depth_optical_frame.*align_depth\.enable"):
        BagRecording(bag, TOPICS)
    trusted = replace(TOPICS, trust_depth_frame=True)
    (read,) = BagRecording(bag, trusted).frames()
    assert read.known.all()


def test_depth_of_another_unit_is_read_with_it(tmp_path: Path) -> None:
    (written,) = boxes(1)
    bag = write_bag(tmp_path / "bag", [written], unit=0.0001)
    (read,) = BagRecording(bag, replace(TOPICS, depth_unit=0.0001)).frames()
    np.testing.assert_allclose(read.depth, written.depth, atol=0.00006)
    with pytest.raises(ConfigError, match="metre per count"):
        BagTopics(depth_unit=0.0)


def test_recording_depth_of_the_wrong_unit_is_an_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = [box_frame(1, stamp_ns=i * PERIOD) for i in range(30)]
    bag = write_bag(tmp_path / "bag", still, unit=0.0001)
    output = ["--output", str(tmp_path / "kept"), "--rest", "0.3"]
    assert main(["record", str(bag), *output]) == 1
    said = capsys.readouterr().err
    assert "100% of the depth" in said
    assert "set depth_unit" in said
    assert main(["record", str(bag), *output, "--topics.depth-unit", "0.0001"]) == 0


def test_a_topic_of_another_kind_is_named(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", boxes(1))
    with pytest.raises(SequenceError, match="holds sensor_msgs/msg/CameraInfo, not"):
        BagRecording(bag, replace(TOPICS, color=TOPICS.info))
