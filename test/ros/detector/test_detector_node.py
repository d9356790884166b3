"""Grasp rectangles for a parallel gripper over real DDS, from a detector with random weights."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grasp_affordance_interfaces.msg import GraspRectangle as GraspRectangleMsg
from grasp_affordance_interfaces.srv import GetGraspRectangles, LoadModel
from helpers.detection_scenes import write_random_detector
from helpers.marker_checks import check_drawable
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import from_quaternion, transform_points
from grasp_affordance.rectangle import GraspRectangle, JawConfig
from grasp_affordance.ros.affordance.bin_view import BinConfig, BinViewSource
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.detector.detector_node import DetectorNode, DetectorNodeConfig
from grasp_affordance.ros.detector.grasp_detection import GraspEvaluator
from grasp_affordance.suction import Rejection

SERVICE = "/detector_node/get_grasp_rectangles"
JAW = JawConfig(plate_length=0.02, maximum_opening=0.09)
BOX = {"bin": {"centre": [0.0, 0.0], "size": [0.2, 0.2, 0.1]}}


@pytest.fixture
def detector(tmp_path: Path) -> str:
    """Write a detector that finds something everywhere; what it finds is of no interest."""
    return write_random_detector(tmp_path / "detector.safetensors", JAW)


def start(ros: Ros, sequence: Path, detector: str, **parameters: Any) -> Any:
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    return ros.start(DetectorNode, weights=detector, **parameters)


def ask(ros: Ros, **fields: Any) -> GetGraspRectangles.Response:
    request = GetGraspRectangles.Request(**fields)
    return ros.client.call(GetGraspRectangles, SERVICE, request, TIMEOUT, patience=5.0)


def ask_until_known(ros: Ros, **fields: Any) -> GetGraspRectangles.Response:
    """Ask until images and the camera's pose, which are discovered one by one, are both there."""
    answers: list[GetGraspRectangles.Response] = []

    def known() -> bool:
        answers.append(ask(ros, **fields))
        grasps = [grasp for grasp in answers[-1].rectangles if grasp.in_space]
        return bool(grasps) and all(grasp.in_base for grasp in grasps)

    ros.wait_until(known, "found grasps in the base frame")
    return answers[-1]


def pose_of(message: Any) -> np.ndarray:
    p, q = message.position, message.orientation
    return from_quaternion([p.x, p.y, p.z], [q.x, q.y, q.z, q.w])


def corners_in_space(message: GraspRectangleMsg) -> np.ndarray:
    """Return the corners (4, 3) in the camera frame, as a gripper would be placed by the pose."""
    frame = box_frame()
    rectangle = GraspRectangle(message.x, message.y, message.theta, message.w, message.h)
    depth = pose_of(message.pose)[2, 3]
    u, v = rectangle.corners().T
    return frame.intrinsics.deproject(u, v, depth)


def test_pose_and_opening_are_those_of_the_rectangle_in_both_frames(
    ros: Ros, sequence: Path, detector: str
) -> None:
    start(ros, sequence, detector)
    answer = ask_until_known(ros, count=15)
    assert answer.success
    assert answer.message == ""
    assert answer.model_version.startswith("dense-grasp-detector-")
    assert 1 < len(answer.rectangles) <= 15
    scores = [grasp.score for grasp in answer.rectangles]
    assert scores == sorted(scores, reverse=True)
    for grasp in answer.rectangles:
        T = pose_of(grasp.pose)
        pixel = box_frame().intrinsics.project(T[:3, 3])
        np.testing.assert_allclose(pixel, [grasp.x, grasp.y], atol=1e-6)
        # The camera looks straight down: what is seen lies in the plane of the rectangle.
        local = transform_points(np.linalg.inv(T), corners_in_space(grasp))
        half = grasp.opening / 2
        np.testing.assert_allclose(local[:, 1], [-half, -half, half, half], atol=1e-6)
        assert local[1, 0] > 0 > local[0, 0]
        np.testing.assert_allclose(local[:, 2], 0.0, atol=1e-6)
        assert grasp.opening <= JAW.maximum_opening
        assert grasp.base_frame_id == "base"
        np.testing.assert_allclose(pose_of(grasp.pose_base), T_BASE_CAMERA @ T, atol=1e-9)
        np.testing.assert_allclose(pose_of(grasp.pose_base)[:3, 2], [0, 0, -1], atol=1e-9)


def test_what_a_caller_asks_for_is_kept_to(ros: Ros, sequence: Path, detector: str) -> None:
    start(ros, sequence, detector)
    everything = ask_until_known(ros, count=20).rectangles
    best = ask(ros, count=1).rectangles
    assert [grasp.score for grasp in best] == [everything[0].score]
    limit = sorted(grasp.opening for grasp in everything)[len(everything) // 2]
    narrow = ask(ros, count=20, maximum_opening=limit).rectangles
    assert narrow
    assert max(grasp.opening for grasp in narrow) <= limit + 1e-6  # it travels in single precision
    none = ask(ros, minimum_score=1.0)
    assert none.success
    assert not none.rectangles
    assert [count.cause for count in none.rejections] == ["below_threshold"]
    assert none.message.startswith("no place for a parallel gripper")
    refused = ask(ros, minimum_score=1.5)
    assert not refused.success
    assert "threshold 1.5 is not in [0, 1]" in refused.message


@pytest.mark.parametrize("bounded", [False, True])
def test_grasps_are_in_the_bin_where_it_is_known(
    ros: Ros, sequence: Path, detector: str, bounded: bool
) -> None:
    start(ros, sequence, detector, cell=ros.cell(BOX, "") if bounded else "")
    positions = [g.pose_base.position for g in ask_until_known(ros, count=20).rectangles]
    assert all(max(abs(p.x), abs(p.y)) <= 0.1 for p in positions) == bounded


def test_the_bin_is_seen_where_its_box_is() -> None:
    frame = box_frame()
    source = BinViewSource(BinConfig(box=BinGeometry((0.0, 0.0), (0.2, 0.1, 0.2), 0.0)))
    area = source.area(frame, T_BASE_CAMERA, source.config.box)
    assert area is not None
    rows, columns = np.nonzero(area)
    # The rim, 0.6 m under the camera, is seen outside of the floor: 300 px * 0.1 m / 0.6 m.
    assert [int(columns.min()), int(columns.max())] == [110, 210]
    assert [int(rows.min()), int(rows.max())] == [94, 144]
    assert source.area(frame, None, source.config.box) is None
    behind = np.array(T_BASE_CAMERA)
    behind[2, 3] = 0.1
    nothing = source.area(frame, behind, source.config.box)
    assert nothing is not None
    assert not nothing.any()


@pytest.mark.parametrize("check", [True, False])
def test_grasps_that_all_lack_room_are_told_from_none(detector: str, check: bool) -> None:
    flat = box_frame(0)
    rows, columns = np.indices(flat.shape) // 4
    spikes = (rows + columns) % 2 * 0.1  # 100 mm high, a few pixels wide, everywhere
    frame = replace(flat, depth=(flat.depth - spikes).astype(np.float32))
    config = SelectionConfig(check_room=check)
    middle = BinConfig(polygon=((80, 70), (240, 70), (240, 170), (80, 170)))  # no plate out of view
    evaluate = GraspEvaluator(detector, config, BinViewSource(middle), lambda *_: None)
    result = evaluate.evaluate(frame)
    assert bool(result.grasps) is not check
    assert list(result.rejections) == ([Rejection.NO_ROOM] if check else [])


def test_markers_are_made_when_somebody_listens(ros: Ros, sequence: Path, detector: str) -> None:
    node = start(ros, sequence, detector)
    evaluated: list[object] = []
    evaluate = node._evaluate.evaluate

    def noting(*values: object) -> object:
        evaluated.append(values)
        return evaluate(*values)

    node._evaluate.evaluate = noting
    ros.wait_until(lambda: node._frames.newest() is not None, "seen frames")
    first = node._frames.newest()
    ros.wait_until(lambda: node._frames.newest() is not first, "seen another frame")
    assert not evaluated
    markers = ros.listen(MarkerArray, "/detector_node/rectangles")
    shown = markers.get(timeout=TIMEOUT).markers
    assert shown[0].action == Marker.DELETEALL
    check_drawable(MarkerArray(markers=shown))
    outlines = [marker for marker in shown if marker.action == Marker.ADD]
    assert outlines
    for marker in outlines:
        assert marker.header.frame_id == box_frame().frame_id
        assert len(marker.points) == len(marker.colors) == 8
        xs, ys = [p.x for p in marker.points], [p.y for p in marker.points]
        assert max(ys) - min(ys) <= JAW.maximum_opening + 1e-9
        assert max(xs) - min(xs) > 0


def test_without_weights_the_node_says_which_parameter_to_set(ros: Ros, sequence: Path) -> None:
    node = start(ros, sequence, "")
    assert "the parameter 'weights' is not set" in ros.wait_for_log("ConfigError")
    assert not node.active
    answer = ask(ros)
    assert not answer.success
    assert "is not active" in answer.message


def test_a_file_that_is_no_detector_is_refused_by_name(
    ros: Ros, sequence: Path, tmp_path: Path
) -> None:
    node = start(ros, sequence, str(tmp_path / "nowhere.safetensors"))
    assert "nowhere.safetensors" in ros.wait_for_log("CheckpointError")
    assert not node.active
    assert "is not active" in ask(ros).message


def test_another_detector_serves_from_the_next_answer_on(
    ros: Ros, sequence: Path, detector: str, tmp_path: Path
) -> None:
    start(ros, sequence, detector)
    before = ask_until_known(ros, count=5)
    other = write_random_detector(tmp_path / "other.safetensors", JAW, seed=1)
    loaded = load(ros, other)
    assert loaded.success, loaded.message
    assert loaded.version != before.model_version
    after = ask(ros, count=5)
    assert after.model_version == loaded.version
    assert [g.score for g in after.rectangles] != [g.score for g in before.rectangles]


def test_a_detector_that_does_not_load_leaves_the_one_in_service(
    ros: Ros, sequence: Path, detector: str, tmp_path: Path
) -> None:
    start(ros, sequence, detector)
    before = ask_until_known(ros)
    refused = load(ros, str(tmp_path / "nowhere.safetensors"))
    assert not refused.success
    assert "nowhere.safetensors" in refused.message
    assert f"{before.model_version} stays" in refused.message
    assert refused.version == before.model_version == ask(ros).model_version


def load(ros: Ros, path: str) -> LoadModel.Response:
    request = LoadModel.Request(path=path)
    return ros.client.call(LoadModel, "/detector_node/load_model", request, TIMEOUT)


def test_the_settings_of_the_node_hold_where_a_caller_asks_for_nothing(
    ros: Ros, sequence: Path, detector: str
) -> None:
    jaw = {"jaw__plate_length": 0.02, "jaw__maximum_opening": 0.06, "jaw__minimum_opening": 0.0}
    start(ros, sequence, detector, count=3, **jaw)
    answer = ask_until_known(ros)
    assert 1 <= len(answer.rectangles) <= 3
    assert max(grasp.opening for grasp in answer.rectangles) <= 0.06 + 1e-6


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DetectorNodeConfig(threshold=1.5), "threshold 1.5"),
        (lambda: DetectorNodeConfig(count=0), "count must be positive"),
        (lambda: DetectorNodeConfig(view_rate=0.0), "view_rate 0"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(
    make: Callable[[], DetectorNodeConfig], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


def test_the_affordance_node_loads_nothing_of_the_detector() -> None:
    program = (
        "import sys, grasp_affordance.ros.affordance.affordance_node\n"
        "print([name for name in sys.modules if name.startswith('grasp_affordance.detection')])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
