import dataclasses
from functools import cache

import cv2
import numpy as np
import pytest
from helpers.calibration_scenes import (
    BOARD,
    CAMERA,
    T_BASE_CAMERA,
    T_TOOL_CAMERA,
    WIDE,
    board_poses,
    render,
    shots,
    tool_pose,
    transform,
)
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.board import BoardConfig, find_board, locate
from grasp_affordance.calibration.calibrate import (
    CalibrateConfig,
    calibrate,
    find_samples,
)
from grasp_affordance.calibration.errors import BoardError, CalibrationError
from grasp_affordance.calibration.hand_eye import Mount, Sample, _closed_form
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, Intrinsics, invert, transform_points
from grasp_affordance.lens import Lens

TRUTH = {Mount.EYE_TO_HAND: T_BASE_CAMERA, Mount.EYE_IN_HAND: T_TOOL_CAMERA}


@cache
def rendered(mount: Mount, seed: int = 0) -> tuple[Sample, ...]:
    images = [(s.name, s.image, s.T_base_tool) for s in shots(mount, seed)]
    samples, rejected = find_samples(images, CAMERA, CalibrateConfig(mount=mount))
    assert not rejected
    return tuple(samples)


def exact(poses: list[Array], mount: Mount = Mount.EYE_TO_HAND) -> list[Sample]:
    """Samples without any noise, for laws about motions."""
    points = BOARD.board().corners
    return [
        Sample(
            f"{index:04d}",
            tool_pose(pose, mount),
            locate(CAMERA.project(transform_points(pose, points)), points, CAMERA, BOARD),
        )
        for index, pose in enumerate(poses)
    ]


def noisy(poses: list[Array], pixels: float) -> list[Sample]:
    """Samples whose corners are off by `pixels`, standard deviation."""
    points, rng = BOARD.board().corners, np.random.default_rng(8)
    samples = []
    for index, pose in enumerate(poses):
        corners = CAMERA.project(transform_points(pose, points))
        view = locate(corners + rng.normal(0, pixels, corners.shape), points, CAMERA, BOARD)
        samples.append(Sample(f"{index:04d}", tool_pose(pose, Mount.EYE_TO_HAND), view))
    return samples


def further(poses: list[Array], metres: float) -> list[Array]:
    """The same board poses, moved away along the optical axis."""
    return [transform(Rotation.identity(), (0, 0, metres)) @ pose for pose in poses]


def distance(T: Array, truth: Array) -> tuple[float, float]:
    """Millimetres and degrees."""
    off = invert(truth) @ T
    turned = Rotation.from_matrix(off[:3, :3]).magnitude()
    return float(np.linalg.norm(off[:3, 3]) * 1000), float(np.degrees(turned))


@pytest.mark.parametrize("mount", list(Mount))
def test_the_camera_is_found_within_a_millimetre_and_a_tenth_of_a_degree(mount: Mount) -> None:
    result = calibrate(rendered(mount), CAMERA, CalibrateConfig(mount=mount))
    millimetres, degrees = distance(result.X, TRUTH[mount])
    assert millimetres < 1.0
    assert degrees < 0.1
    assert not result.rejected
    assert result.rms_translation < 0.5e-3
    assert millimetres / 1000 < 4 * result.sigma_translation
    assert result.sigma_translation < 2e-3


def test_exact_samples_give_the_exact_pose() -> None:
    samples = exact(board_poses(8, np.random.default_rng(1)))
    result = calibrate(samples, CAMERA, CalibrateConfig())
    assert distance(result.X, T_BASE_CAMERA) == pytest.approx((0, 0), abs=1e-4)


def test_the_closed_form_solves_the_equation_alone() -> None:
    samples = exact(board_poses(6, np.random.default_rng(2)))
    A = [invert(sample.T_base_tool) for sample in samples]
    X = _closed_form(A, [sample.view.T_camera_board for sample in samples])
    assert np.allclose(X, T_BASE_CAMERA, atol=1e-6)


@pytest.mark.skipif(
    not hasattr(cv2, "calibrateHandEye"), reason="OpenCV 5.0 for Python is without it"
)
def test_the_closed_form_agrees_with_opencv() -> None:
    samples = rendered(Mount.EYE_TO_HAND)
    A = [invert(sample.T_base_tool) for sample in samples]
    B = [sample.view.T_camera_board for sample in samples]
    R, t = getattr(cv2, "calibrateHandEye")(  # noqa: B009 - absent from the stubs of 5.0
        [T[:3, :3] for T in A],
        [T[:3, 3] for T in A],
        [T[:3, :3] for T in B],
        [T[:3, 3] for T in B],
        method=cv2.CALIB_HAND_EYE_PARK,
    )
    theirs = transform(Rotation.from_matrix(R), t.ravel())
    millimetres, degrees = distance(_closed_form(A, B), theirs)
    assert millimetres < 0.5
    assert degrees < 0.05


def wide_shots(near: float, far: float) -> list[tuple[str, np.ndarray, Array]]:
    """Boards all over the image of a wide lens, up to its edges."""
    rng = np.random.default_rng(0)
    middle = np.array([BOARD.columns, BOARD.rows, 0]) * BOARD.square / 2
    triples = []
    for index in range(16):
        R = Rotation.from_euler("xyz", rng.uniform([-30, -30, -20], [30, 30, 20]), degrees=True)
        z = rng.uniform(near, far)
        centre = [*(rng.uniform([-0.42, -0.21], [0.42, 0.21]) * z), z]
        pose = transform(R, centre - R.apply(middle))
        image = render(pose, rng, camera=WIDE)
        triples.append((f"{index:04d}", image, tool_pose(pose, Mount.EYE_TO_HAND)))
    return triples


def test_a_camera_with_a_wide_lens_keeps_its_poses_and_is_found_within_a_millimetre() -> None:
    images = wide_shots(0.42, 0.6)
    samples, rejected = find_samples(images, WIDE, CalibrateConfig())
    result = calibrate(samples, WIDE, CalibrateConfig(), rejected)
    assert not result.rejected
    millimetres, degrees = distance(result.X, T_BASE_CAMERA)
    assert millimetres < 1.0
    assert degrees < 0.1
    pinhole = dataclasses.replace(WIDE, lens=None)  # what the lens is worth
    samples, rejected = find_samples(images, pinhole, CalibrateConfig())
    with pytest.raises(CalibrationError, match="disagree"):
        calibrate(samples, pinhole, CalibrateConfig(), rejected)


def test_a_board_is_found_through_a_fisheye_lens() -> None:
    camera = dataclasses.replace(WIDE, lens=Lens.of("equidistant", (-0.02, 0.004, -0.003, 0.0)))
    points, pose = BOARD.board().corners, board_poses(1, np.random.default_rng(4))[0]
    seen = transform_points(pose, points)
    assert camera.lens is not None
    pixels = cv2.fisheye.projectPoints(
        seen.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.lens.d)
    )[0]
    view = locate(np.asarray(pixels, float).reshape(-1, 2), points, camera, BOARD)
    assert np.allclose(view.T_camera_board, pose, atol=1e-6)


def test_a_board_far_off_may_be_further_off_than_a_near_one() -> None:
    poses = board_poses(14, np.random.default_rng(5))
    samples = noisy([*poses[:7], *further(poses[7:], 1.5)], 0.25)
    config = CalibrateConfig()
    result = calibrate(samples, CAMERA, config)
    assert not result.rejected
    far = [result.used[sample.name] for sample in samples[7:]]
    off = np.array(far) / (config.worst_translation, config.worst_rotation)
    assert off.max() > 1.5  # the limit of a near board would have refused it
    assert distance(result.X, T_BASE_CAMERA)[0] < 3.0


def test_a_board_far_off_that_moved_is_rejected() -> None:
    poses = board_poses(14, np.random.default_rng(5))
    samples = noisy([*poses[:7], *further(poses[7:], 1.5)], 0.25)
    moved = samples[10].T_base_tool.copy()
    moved[:3, 3] += [0.06, 0.0, 0.03]
    samples[10] = dataclasses.replace(samples[10], T_base_tool=moved)
    result = calibrate(samples, CAMERA, CalibrateConfig())
    assert list(result.rejected) == [samples[10].name]


def test_a_sample_whose_pose_is_of_another_moment_is_rejected_with_the_reason() -> None:
    samples = list(rendered(Mount.EYE_TO_HAND))
    moved = samples[4].T_base_tool.copy()
    moved[:3, 3] += [0.02, 0.0, 0.01]
    samples[4] = dataclasses.replace(samples[4], T_base_tool=moved)
    result = calibrate(samples, CAMERA, CalibrateConfig())
    assert list(result.rejected) == [samples[4].name]
    assert "mm" in result.rejected[samples[4].name]
    assert distance(result.X, T_BASE_CAMERA)[0] < 1.0


def test_the_wrong_mount_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"mount|needed"):
        calibrate(rendered(Mount.EYE_TO_HAND), CAMERA, CalibrateConfig(mount=Mount.EYE_IN_HAND))


def test_rotations_about_one_axis_are_refused() -> None:
    start = board_poses(1, np.random.default_rng(3), tilt=1.0)[0]
    turned = [
        start @ transform(Rotation.from_euler("z", angle, degrees=True), (angle / 1e3, 0, 0))
        for angle in range(0, 100, 12)
    ]
    with pytest.raises(CalibrationError, match="about one axis"):
        calibrate(exact(turned), CAMERA, CalibrateConfig())


def test_pure_translations_are_refused() -> None:
    start = board_poses(1, np.random.default_rng(3))[0]
    moved = []
    for step in range(8):
        pose = start.copy()
        pose[0, 3] += 0.01 * step
        moved.append(pose)
    with pytest.raises(CalibrationError, match="turn the tool"):
        calibrate(exact(moved), CAMERA, CalibrateConfig())


def test_too_few_samples_are_refused_with_the_reasons_of_those_left_out() -> None:
    samples = exact(board_poses(3, np.random.default_rng(4)))
    with pytest.raises(CalibrationError, match=r"3 usable samples(.|\n)*0009: too dark"):
        calibrate(samples, CAMERA, CalibrateConfig(), {"0009": "too dark"})


def test_a_repeated_pose_is_left_out() -> None:
    pose = board_poses(1, np.random.default_rng(5))[0]
    image = render(pose, np.random.default_rng(5))
    arm = tool_pose(pose, Mount.EYE_TO_HAND)
    images = [("0001", image, arm), ("0002", image, arm)]
    samples, rejected = find_samples(images, CAMERA, CalibrateConfig())
    assert [sample.name for sample in samples] == ["0001"]
    assert "where it was for 0001" in rejected["0002"]


def test_a_view_is_located_to_a_fraction_of_a_pixel() -> None:
    pose = board_poses(1, np.random.default_rng(6))[0]
    view = find_board(render(pose, np.random.default_rng(6)), CAMERA, BOARD)
    assert len(view.corners) == (BOARD.columns - 1) * (BOARD.rows - 1)
    assert view.error < 0.15
    assert distance(view.T_camera_board, pose)[0] < 1.0


def test_a_mirrored_board_is_refused() -> None:
    image = render(board_poses(1, np.random.default_rng(7))[0], np.random.default_rng(7))
    with pytest.raises(BoardError, match="mirrored"):
        find_board(np.ascontiguousarray(image[:, ::-1]), CAMERA, BOARD)


def test_an_empty_image_is_refused() -> None:
    empty = np.full((CAMERA.height, CAMERA.width, 3), 120, dtype=np.uint8)
    with pytest.raises(BoardError, match="no marker"):
        find_board(empty, CAMERA, BOARD)


def test_a_half_hidden_board_is_used_and_a_corner_of_one_refused() -> None:
    pose = board_poses(1, np.random.default_rng(8), tilt=5)[0]
    image = render(pose, np.random.default_rng(8))
    corners = find_board(image, CAMERA, BOARD).corners
    middle = int(corners[:, 0].mean())
    half, most = image.copy(), image.copy()
    half[:, middle:] = 120
    most[:, int(corners[:, 0].min()) + 50 :] = 120
    view = find_board(half, CAMERA, BOARD)
    assert len(view.corners) < len(corners)
    assert distance(view.T_camera_board, pose)[0] < 3.0
    with pytest.raises(BoardError, match="corners of the board"):
        find_board(most, CAMERA, BOARD)


def test_a_board_of_another_size_does_not_fit() -> None:
    image = render(board_poses(1, np.random.default_rng(9))[0], np.random.default_rng(9))
    with pytest.raises(BoardError):
        find_board(image, CAMERA, BoardConfig(columns=9, rows=7))


def test_intrinsics_of_another_stream_are_refused() -> None:
    image = render(board_poses(1, np.random.default_rng(9))[0], np.random.default_rng(9))
    with pytest.raises(BoardError, match="the intrinsics are for"):
        find_board(image, Intrinsics(600, 600, 320, 240, 640, 480), BOARD)


@pytest.mark.parametrize(
    "change",
    [{"marker": 0.05}, {"columns": 2}, {"dictionary": "DICT_9X9"}, {"fewest_corners": 3}],
)
def test_an_impossible_board_is_a_named_error(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        BoardConfig(**change)  # type: ignore[arg-type]
