"""Recorded log piles tell the truth, and exact labels are read like automatic ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.log_scenes import BIN, log

from grasp_affordance.annotation.metrics import angle_between
from grasp_affordance.annotation.records import read_mask
from grasp_affordance.detection.training.dataset import read_samples
from grasp_affordance.errors import SequenceError
from grasp_affordance.geometry import rotate_vectors
from grasp_affordance.sequence import Sequence
from grasp_affordance.sim import SimCell, SimConfig
from research.log_piles.cylinders import first_met
from research.log_piles.grasp_validity import ValidityConfig, evaluate
from research.log_piles.sequences import (
    graspable_share,
    label_exactly,
    next_log,
    read_scene,
    record_log_pile,
    true_camera,
)

LIMITS = ValidityConfig()


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    """Four removals of a pile seen from the side, with the sensor model on."""
    folder = tmp_path_factory.mktemp("logs") / "pile"
    config = SimConfig(scene="logs", seed=1, camera_offset=(0.1, -0.1), camera_turn=0.4)
    with SimCell(config) as cell:
        assert record_log_pile(cell, folder, LIMITS, most=4) == 4
        with pytest.raises(SequenceError, match="not empty"):
            record_log_pile(cell, folder, LIMITS)
    return Sequence(folder)


def test_a_recorded_pile_has_a_frame_before_each_removal_and_one_after_the_last(
    pile: Sequence,
) -> None:
    scenes = [read_scene(pile, name) for name in pile.names]
    assert [len(scene.logs) for scene in scenes] == [9, 8, 7, 6, 5]
    assert [scene.removed is None for scene in scenes] == [False] * 4 + [True]
    assert pile.camera.bin == BIN
    assert not np.isfinite(pile.read("0000").depth).all()  # the sensor model is on


def test_the_true_mask_is_what_the_removed_logs_geometry_covers(pile: Sequence) -> None:
    scene, mask = read_scene(pile, "0000"), read_mask(pile.folder / "0000.truth.png")
    T = true_camera(pile)
    rng = np.random.default_rng(0)
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3)))
    beside = 1 - cv2.dilate(mask.astype(np.uint8), np.ones((3, 3)))
    for image, expected in ((inside, True), (beside, False)):
        pixels = rng.permutation(np.argwhere(image))[:100]
        for v, u in pixels:
            ray = pile.camera.intrinsics.deproject(u, v, 1.0)
            met = first_met(scene.logs, T[:3, 3], rotate_vectors(T, ray / np.linalg.norm(ray)))
            assert (met is not None and met[0] == scene.removed) == expected


def test_exact_labels_lie_across_the_removed_log_and_most_are_valid(
    pile: Sequence, tmp_path: Path
) -> None:
    labels = label_exactly(pile, tmp_path / "exact")
    assert all(pair.annotated for pair in labels.pairs)
    evaluated = []
    for pair in labels.pairs:
        scene = read_scene(pile, pair.frames[0])
        for rectangle in pair.rectangles:
            found = evaluate(
                rectangle, scene.logs, pile.camera.intrinsics, true_camera(pile), BIN, LIMITS
            )
            evaluated.append(found)
            assert found.target == scene.removed
            assert found.grasp is not None
            axis = scene.logs[found.target].axis
            yaw = float(np.arctan2(axis[1], axis[0]))
            assert angle_between(found.grasp.yaw, yaw) < np.radians(4)
            assert found.grasp.opening == pytest.approx(found.width, rel=0.1)
    assert np.mean([found.valid for found in evaluated]) > 0.8


def test_exact_labels_are_read_by_the_datasets_reader(pile: Sequence, tmp_path: Path) -> None:
    label_exactly(pile, tmp_path / "exact")
    samples = read_samples([tmp_path / "exact"])
    assert len([sample for sample in samples if sample.rectangles]) == 4


def test_the_next_log_is_the_highest_that_the_gripper_can_take() -> None:
    left, right = log(0, -0.0201), log(0, 0.0201)
    top = log(above=float(np.sqrt(3)) * 0.02)
    alone = log(0, 0.12, radius=0.025)
    assert next_log([left, right, top, alone], BIN, LIMITS) == 2
    assert next_log([left, right, alone], BIN, LIMITS) == 2
    assert next_log([left, right], BIN, LIMITS) is None
    assert next_log([], BIN, LIMITS) is None


def test_the_graspable_share_counts_the_free_spots_along_a_log() -> None:
    long, short = log(length=0.26), log(0.08, 0.0405, length=0.10)
    assert graspable_share(0, [long], BIN, LIMITS) == 1
    assert 0.3 < graspable_share(0, [long, short], BIN, LIMITS) < 0.8


def test_a_recording_that_does_not_tell_the_truth_is_refused_by_name(
    pile: Sequence, tmp_path: Path
) -> None:
    with pytest.raises(SequenceError, match="does not tell where logs lie"):
        read_scene(pile, "0099")
    (tmp_path / "bare").mkdir()
    for path in pile.folder.glob("0000.*.png"):
        (tmp_path / "bare" / path.name).write_bytes(path.read_bytes())
    text = (pile.folder / "camera.json").read_text()
    (tmp_path / "bare" / "camera.json").write_text(text.replace("T_base_camera_true", "other"))
    with pytest.raises(SequenceError, match="true pose"):
        true_camera(Sequence(tmp_path / "bare"))
