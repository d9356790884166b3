"""An attempt log as a LeRobot dataset: steps as described, and what the library reads back."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training_sample_log import log_of, picked

from grasp_affordance.attempt import Outcome, PressureTrace
from grasp_affordance.cli import main
from grasp_affordance.geometry import from_quaternion
from grasp_affordance.learning.log.attempt_lerobot import TASK, features, step_of, write_lerobot
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.lens import Lens

HAVE_LEROBOT = importlib.util.find_spec("lerobot") is not None
without_lerobot = pytest.mark.skipif(HAVE_LEROBOT, reason="the extra lerobot is installed")
with_lerobot = pytest.mark.skipif(
    not HAVE_LEROBOT, reason="the extra lerobot is not installed (docs/learning.md)"
)


def test_a_step_is_what_its_features_describe() -> None:
    attempt = picked(0)
    frame = attempt.before
    assert frame is not None
    described, step = features(frame.shape), step_of(attempt, frame)
    assert step.pop("task") == TASK
    assert step.keys() == described.keys()
    for name, value in step.items():
        kind, shape = described[name]["dtype"], described[name]["shape"]
        if kind == "string":
            assert isinstance(value, str)
        elif kind == "image":
            assert (value.shape[-1], *value.shape[:-1]) == shape
        else:
            assert (str(value.dtype), value.shape) == (kind, shape), name


def test_a_step_keeps_poses_and_outcome_and_marks_unknown_depth_by_zero() -> None:
    T = np.eye(4)
    T[:3, 3], T[:3, :3] = (0.4, -0.1, 0.05), np.diag([1.0, -1.0, -1.0])
    trace = PressureTrace(np.array([0.0, 0.1]), np.array([3.0, 61.5], np.float32))
    attempt = replace(picked(0), T_base_tool=T, pressure=trace, model_version="compact-000007")
    frame = attempt.before
    assert frame is not None
    depth = frame.depth.copy()
    depth[3, 4] = np.nan
    step = step_of(attempt, replace(frame, depth=depth))
    np.testing.assert_allclose(from_quaternion(*np.split(step["action"], [3])), T, atol=1e-6)
    assert step["observation.images.depth"][3, 4, 0] == 0
    assert step["next.vacuum"] == pytest.approx(61.5)
    assert (step["next.reward"], step["next.success"]) == (1.0, True)
    assert step["model_version"] == "compact-000007"
    failed = step_of(picked(1), frame)
    assert (failed["next.reward"], failed["outcome"], failed["cause"]) == (0, "failure", "no_seal")


def test_a_step_keeps_the_lens() -> None:
    frame = picked(0).before
    assert frame is not None
    lens = Lens.of("equidistant", (-0.02, 0.004, -0.003, 0.0006))
    wide = replace(frame, intrinsics=replace(frame.intrinsics, lens=lens))
    step = step_of(picked(0), wide)
    assert step["distortion_model"] == "equidistant"
    expected = [-0.02, 0.004, -0.003, 0.0006, 0, 0, 0, 0]
    np.testing.assert_allclose(step["observation.distortion"], expected, rtol=1e-6)


@without_lerobot
def test_who_lacks_the_library_is_told_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_of(tmp_path / "log", 1)
    export = ["attempts", str(tmp_path / "log"), "export", "--format", "lerobot"]
    assert main([*export, "--output", str(tmp_path / "set")]) == 1
    assert 'pip install "grasp_affordance[lerobot]"' in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


@with_lerobot
def test_lerobot_reads_back_what_was_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    log_of(tmp_path / "log", 3)
    export = ["attempts", str(tmp_path / "log"), "export", "--format", "lerobot"]
    assert main([*export, "--output", str(tmp_path / "set")]) == 0
    assert "3 attempts written" in capsys.readouterr().out
    found = LeRobotDataset("local/set", root=tmp_path / "set")
    assert (found.num_episodes, len(found)) == (3, 3)
    for number in range(3):
        attempt, step = picked(number), found[number]
        frame = attempt.before
        assert frame is not None
        color = (255 * step["observation.images.color"].numpy()).round().astype(np.uint8)
        np.testing.assert_array_equal(color.transpose(1, 2, 0), frame.color)
        depth = np.squeeze(np.asarray(step["observation.images.depth"]))
        if depth.max() > 100:  # the library reads millimetres unless told otherwise
            depth = depth / 1000
        np.testing.assert_allclose(depth, np.nan_to_num(frame.depth), atol=1e-3)
        assert step["action.pixel"].tolist() == [attempt.point.u, attempt.point.v]
        assert bool(step["next.success"]) == attempt.succeeded
        assert step["outcome"] == str(attempt.outcome)
        assert step["task"] == TASK
    assert main([*export, "--output", str(tmp_path / "set")]) == 1
    assert "exists already" in capsys.readouterr().err


@with_lerobot
def test_what_nobody_observed_is_no_reward(tmp_path: Path) -> None:
    attempts = [
        replace(picked(0), before=None),
        replace(picked(1), outcome=Outcome.UNCERTAIN),
        replace(picked(2), outcome=Outcome.ABORTED),
    ]
    with pytest.raises(AttemptLogError, match="no attempt has a frame"):
        write_lerobot(attempts, tmp_path / "none")
    written = write_lerobot([*attempts, picked(3)], tmp_path / "one")
    assert (written.episodes, written.left_out) == (1, 3)
