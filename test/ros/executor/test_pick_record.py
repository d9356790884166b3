"""Attempts are kept, or picking stops and says why; a log of another setup is refused."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from execution.fakes import FakeCellState, fake_cell
from helpers.ros_harness import Ros
from helpers.training_sample_log import log_of, picked

from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.execution import Cancellation
from grasp_affordance.execution.continuous import ContinuousConfig, End, pick_continuously
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.learning.log.attempt_log import AttemptLogError, read_log
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.executor.pick_record import PickRecord, RecordConfig
from grasp_affordance.suction import Failures


def opened(folder: Path, described: CellDescription | None = None) -> PickRecord:
    config = RecordConfig(str(folder), label=False)
    record = PickRecord(config, fake_cell(FakeCellState()), described or read_cell("sim"))
    record.open()
    return record


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_attempt_is_named_by_its_place_in_the_log(tmp_path: Path) -> None:
    record = opened(tmp_path)
    for index in range(2):
        assert record.append(replace(picked(index), before=None)) == f"{tmp_path}#{index}"
    assert record.blocking_reason() == ""
    assert [attempt.index for attempt in read_log(tmp_path)] == [0, 1]


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    record = PickRecord(RecordConfig(), fake_cell(FakeCellState()), read_cell("sim"))
    record.open()
    assert record.append(picked(0)) == ""
    assert record.blocking_reason() == ""


def test_on_a_full_disk_no_attempt_is_lost_and_none_is_made(tmp_path: Path) -> None:
    record = opened(tmp_path)
    record.append(replace(picked(0), before=None))
    with full_disk((tmp_path / "attempts.jsonl").stat().st_size + 20):
        with pytest.raises(AttemptLogError, match="could not be written"):
            record.append(replace(picked(1), before=None))
        assert "free space" in record.blocking_reason()
        assert len(list(read_log(tmp_path))) == 1
    assert record.blocking_reason() == ""  # there is room again: the attempt in hand is written
    assert [attempt.index for attempt in read_log(tmp_path)] == [0, 1]


def test_an_attempt_of_another_camera_is_not_made_twice_and_the_reason_is_told(
    tmp_path: Path,
) -> None:
    record = opened(tmp_path)
    attempt = picked(0)
    assert attempt.before is not None
    intrinsics = replace(attempt.before.intrinsics, fx=1.0)
    with pytest.raises(AttemptLogError, match="other intrinsics"):
        record.append(replace(attempt, before=replace(attempt.before, intrinsics=intrinsics)))
    assert "restore the camera" in record.blocking_reason()


def test_an_attempt_that_was_refused_before_its_pose_was_known_is_kept(tmp_path: Path) -> None:
    record = opened(tmp_path)
    refused = replace(picked(0), before=None, T_base_tool=np.full((4, 4), np.nan))
    assert record.append(refused) == f"{tmp_path}#0"
    assert record.blocking_reason() == ""


def test_a_log_that_another_executor_writes_is_refused(tmp_path: Path) -> None:
    record = opened(tmp_path)
    with pytest.raises(AttemptLogError, match="another process is writing"):
        opened(tmp_path)
    record.close()
    opened(tmp_path)


def test_continuous_picking_ends_where_attempts_cannot_be_kept() -> None:
    state = FakeCellState()

    def propose(failures: Failures, minimum_probability: float) -> Proposal:
        return Proposal((), None, message="nothing")

    def publish(_: PickReport) -> None:
        raise AttemptLogError("no space")

    picker = Picker(fake_cell(state), propose)
    ending = pick_continuously(picker, ContinuousConfig(), Cancellation, publish)
    assert ending.end is End.FAULT
    assert ending.detail == "AttemptLogError: no space"


def test_another_cup_is_refused_with_the_reason(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(AttemptLogError, match=r"cell\.cup\.radius was 0\.01, is 0\.015"):
        opened(tmp_path, read_cell("sim").changed({"cup.radius": 0.015}))


def test_an_executor_does_not_start_on_a_log_of_another_setup(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 1)  # of another camera and another bin
    node = ros.start(
        ExecutorNode,
        record__directory=str(tmp_path),
        cell="sim",
        simulation__scene="rows",
        simulation__hardness="ideal",
        simulation__objects=1,
    )
    text = ros.wait_for_log("holds attempts of another setup")
    assert text.startswith("AttemptLogError")
    assert "camera.width was" in text
    assert "cell.bin.centre was" in text
    assert not node.active
