"""Labels beside an attempt log: complete after a kill, never half of one, no danger to picking."""

import json
import logging
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.ros_scenes import box_frame
from helpers.training_sample_log import CELL, log_of, picked

from grasp_affordance.annotation.pick_labels import read_labels
from grasp_affordance.annotation.removal_check import PickEvent
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome
from grasp_affordance.cli import main
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.learning.log.pick_labelling import label_log
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.ros.executor.pick_record import PickLabeller


def taken(index: int) -> GraspAttempt:
    """A pick that took the second box."""
    attempt = picked(2 * index + 1)
    after = box_frame(1, stamp_ns=attempt.stamp_ns + 5 * 10**8)
    return replace(attempt, index=index, outcome=Outcome.SUCCESS, cause=Cause.NONE, after=after)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A log of five picks."""
    log = log_of(tmp_path / "log", 0)
    for index in range(5):
        log.append(taken(index))
    return log.folder


def test_a_killed_labelling_is_made_up_for_and_leaves_no_half_label(recorded: Path) -> None:
    labels = recorded / "labels"
    command = [sys.executable, "-m", "grasp_affordance.cli", "attempts", str(recorded), "label"]
    with subprocess.Popen(command) as process:
        while not (labels / "0001.json").exists():
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    before = sorted(labels.glob("*.json"))
    assert 2 <= len(before) < 5
    for path in before:
        assert read_labels(labels, path.stem).mask is not None
    made = [number for number, _ in label_log(recorded)]
    assert made == list(range(len(before), 5))
    for number in range(5):
        label = read_labels(labels, f"{number:04d}")
        assert label.event is PickEvent.REMOVED
        assert label.mask is not None
        assert label.positives is not None


@pytest.mark.parametrize("damage", [("bin", None), ("cup", {"colour": "red"}), ("bin", {})])
def test_a_setup_that_says_too_little_is_named(recorded: Path, damage: tuple[str, object]) -> None:
    path = recorded / "setup.json"
    data = json.loads(path.read_text())
    data["cell"][damage[0]] = damage[1]
    path.write_text(json.dumps(data))
    with pytest.raises(AttemptLogError, match=rf"setup\.json does not describe .*{damage[0]}"):
        next(label_log(recorded))


def test_a_mask_without_its_json_counts_as_no_label(recorded: Path) -> None:
    whole = dict(label_log(recorded))
    (recorded / "labels" / "0002.json").unlink()  # killed between the two
    (recorded / "labels" / "0002.mask.png").write_bytes(b"")
    assert [number for number, _ in label_log(recorded)] == [2]
    np.testing.assert_array_equal(read_labels(recorded / "labels", "0002").mask, whole[2].mask)


def test_the_attempts_frames_are_a_sequence_that_annotate_reads(
    recorded: Path, tmp_path: Path
) -> None:
    assert main(["annotate", str(recorded), "--output", str(tmp_path / "labels")]) == 0
    assert len(list((tmp_path / "labels").glob("*.picture.png"))) > 0


def test_a_full_disk_costs_labels_not_picks(
    recorded: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (recorded / "labels").write_text("in the way")
    labeller = PickLabeller(recorded, LogSetup.of(CELL))
    with caplog.at_level(logging.ERROR):
        labeller.add(0, taken(0))
        deadline = time.monotonic() + 20
        while "attempt 0 has no label" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.02)
    assert "attempt 0 has no label" in caplog.text
    (recorded / "labels").unlink()
    labeller.add(1, taken(1))
    deadline = time.monotonic() + 20
    while not (recorded / "labels" / "0001.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    labeller.close()
    assert read_labels(recorded / "labels", "0001").mask is not None
