"""The trainer in the graph: learns from the log, announces weights, survives being killed."""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from grasp_affordance_interfaces.msg import ModelAnnouncement, SuctionPoint, TrainerStatus
from grasp_affordance_interfaces.srv import GetSuctionPoints, SetExploration
from helpers.ros_harness import TIMEOUT, Ros
from helpers.training_sample_log import CELL, SMALL, log_of, picked
from lifecycle_msgs.msg import Transition
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.cell_description import set_keys
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.log.follower import LogTrainer
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.models import load_model
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import Leaf, flatten
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.trainer.trainer_node import TrainerNode

TRAINER = "/trainer_node"
BOX = set_keys(CELL)


def parameters(folder: Path, **changes: Leaf) -> dict[str, Leaf]:
    """Parameters of a trainer that learns fast from a log of boxes."""
    small = {f"trainer.{k}": v for k, v in flatten(type(SMALL), SMALL).items()}
    common: dict[str, Leaf] = {
        "directory": str(folder),
        "from_scratch": True,
        "niceness": 0,
        "poll": 0.05,
    }
    return {**small, **common, **changes}


class Trainee:
    """A trainer node under test, in this process."""

    def __init__(self, ros: Ros, folder: Path, **changes: Leaf) -> None:
        self.ros = ros
        self.statuses: list[TrainerStatus] = []
        self.models: list[ModelAnnouncement] = []
        for kind, topic, heard in (
            (TrainerStatus, f"{TRAINER}/status", self.statuses),
            (ModelAnnouncement, "/model", self.models),
        ):
            ros.node.create_subscription(kind, topic, heard.append, topics.LATCHED)
        given = parameters(folder, **changes)
        values: dict[str, Any] = {k.replace(".", "__"): v for k, v in given.items()}
        self.node = ros.start(TrainerNode, **values)

    def wait_for(self, attempts: int) -> TrainerStatus:
        self.ros.wait_until(
            lambda: any(s.attempts >= attempts for s in self.statuses), f"learned {attempts}"
        )
        return self.statuses[-1]

    def wait_for_model(self, version: str) -> None:
        """Wait for an announcement: between two topics there is no order."""
        self.ros.wait_until(
            lambda: bool(self.models) and self.models[-1].version == version, f"announced {version}"
        )

    def call(self, kind: Any, service: str, **fields: Any) -> Any:
        return self.ros.client.call(kind, f"{TRAINER}/{service}", kind.Request(**fields), TIMEOUT)


def test_it_learns_from_the_log_and_says_how_it_goes(ros: Ros, tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(3)
    log.append(picked(3))
    status = trainee.wait_for(4)
    assert (status.successes, status.steps) == (2, 16)
    assert status.rolling_success == pytest.approx(0.5)
    assert status.loss > 0
    assert 0 < status.brier < 1
    assert not status.paused
    trainee.wait_for_model(status.model_version)
    assert load_model(trainee.models[-1].path).version == status.model_version
    assert list((tmp_path / "weights" / "tensorboard").glob("events.*"))


def test_the_affordance_node_serves_what_is_announced(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    server = ros.start(AffordanceNode, from_scratch=True)
    assert isinstance(server, AffordanceNode)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(2)
    ros.wait_until(
        lambda: server.slot.version == trainee.statuses[-1].model_version, "served the new weights"
    )


def test_pausing_keeps_training_samples_for_later(ros: Ros, tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)
    assert trainee.call(SetBool, "pause", data=True).success
    log.append(picked(1))
    ros.wait_until(lambda: trainee.statuses[-1].paused, "said that it is paused")
    assert trainee.statuses[-1].attempts == 1
    trainee.call(SetBool, "pause", data=False)
    assert not trainee.wait_for(2).paused


def test_saved_weights_stay_and_nothing_is_rolled_back_before_its_time(
    ros: Ros, tmp_path: Path
) -> None:
    log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)
    saved = trainee.call(Trigger, "save")
    assert saved.success
    assert load_model(saved.message).version == trainee.statuses[-1].model_version
    answer = trainee.call(Trigger, "roll_back")
    assert not answer.success
    assert "stays" in answer.message


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A file lies where the folder should be: nothing can be written there, even by root."""
    away = folder.with_name(f"{folder.name} away")
    if folder.exists():
        folder.rename(away)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        if away.exists():
            away.rename(folder)


def test_what_cannot_be_saved_is_answered_and_the_trainer_goes_on(ros: Ros, tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)
    with unwritable(tmp_path / "weights" / "saved"):
        answer = trainee.call(Trigger, "save")
        assert not answer.success
        assert "saved" in answer.message
    log.append(picked(1))
    trainee.wait_for(2)
    assert trainee.call(Trigger, "save").success


def test_a_rollback_that_cannot_be_written_is_answered_and_did_not_happen(
    ros: Ros, tmp_path: Path
) -> None:
    log = log_of(tmp_path, 4)
    trainee = Trainee(ros, tmp_path, **{"trainer.deployed.live_window": 2})
    before = trainee.wait_for(4)
    with unwritable(tmp_path / "weights"):
        answer = trainee.call(Trigger, "roll_back")
    assert not answer.success
    assert "cannot be written" in answer.message
    log.append(picked(4))
    assert trainee.wait_for(5).successes == before.successes + 1
    assert trainee.call(Trigger, "roll_back").success


def test_a_rollback_while_inactive_reaches_the_affordance_node_once_it_is_active(
    ros: Ros, tmp_path: Path
) -> None:
    log_of(tmp_path, 6)
    trainee = Trainee(ros, tmp_path, **{"trainer.deployed.live_window": 2})
    trainee.wait_for(6)
    ros.client.change_state(TRAINER, Transition.TRANSITION_DEACTIVATE)
    answer = trainee.call(Trigger, "roll_back")
    assert answer.success
    ros.client.change_state(TRAINER, Transition.TRANSITION_ACTIVATE)
    trainee.wait_for_model(answer.message.removeprefix("rolled back to "))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_curves_that_somebody_removes_stop_no_training(ros: Ros, tmp_path: Path) -> None:
    log = log_of(tmp_path, 2)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(2)
    shutil.rmtree(tmp_path / "weights" / "tensorboard")
    for number in range(2, 6):
        log.append(picked(number))
        assert not trainee.wait_for(number + 1).paused


def test_a_defect_pauses_the_training_and_is_told(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "consume", broken)
        log.append(picked(1))
        ros.wait_for_log("ZeroDivisionError: nobody foresaw this")
        ros.wait_until(lambda: trainee.statuses[-1].paused, "paused")
    trainee.call(SetBool, "pause", data=False)
    assert not trainee.wait_for(2).paused


def test_a_second_trainer_of_the_same_weights_is_refused(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    Trainee(ros, tmp_path).wait_for(1)
    values: dict[str, Any] = {k.replace(".", "__"): v for k, v in parameters(tmp_path).items()}
    second = ros.start(TrainerNode, **values)
    ros.wait_for_log("BusyError: another process is writing to")
    assert not second.active


def test_exploration_follows_the_schedule_until_somebody_sets_it(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path, **{"exploration.start": 0.5, "exploration.decay": 10.0})
    planned = 0.5 * 5 ** (-1 / 10)
    assert trainee.wait_for(1).exploration == pytest.approx(planned)
    answer = trainee.call(SetExploration, "set_exploration", probability=0.25)
    assert answer.success
    ros.wait_until(lambda: math.isclose(trainee.statuses[-1].exploration, 0.25), "explored less")
    refused = trainee.call(SetExploration, "set_exploration", probability=1.5)
    assert not refused.success
    assert "no probability" in refused.message
    assert refused.probability == pytest.approx(0.25)
    back = trainee.call(SetExploration, "set_exploration", probability=-1.0)
    assert back.probability == pytest.approx(planned)


def test_points_are_exploratory_as_often_as_the_trainer_says(
    ros: Ros, tmp_path: Path, sequence: Path
) -> None:
    log_of(tmp_path / "log", 1)
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    server = ros.start(AffordanceNode, from_scratch=True)
    assert isinstance(server, AffordanceNode)
    trainee = Trainee(ros, tmp_path / "log", **{"exploration.start": 1.0, "exploration.decay": 1e9})
    status = trainee.wait_for(1)
    ros.wait_until(lambda: server.slot.version == status.model_version, "served")

    def sources(**fields: Any) -> set[int]:
        request = GetSuctionPoints.Request(**fields)
        answer = ros.client.call(
            GetSuctionPoints, "/affordance_node/get_suction_points", request, TIMEOUT
        )
        return {point.source for point in answer.points}

    ros.wait_until(lambda: sources() == {SuctionPoint.SOURCE_EXPLORATION}, "explored")
    assert SuctionPoint.SOURCE_EXPLORATION not in sources(minimum_probability=0.01)
    trainee.call(SetExploration, "set_exploration", probability=0.0)
    ros.wait_until(lambda: sources() == {SuctionPoint.SOURCE_LEARNED}, "stopped to explore")


def test_before_a_bin_is_handed_back_what_the_trainer_never_saw_is_offered(
    ros: Ros, tmp_path: Path, sequence: Path
) -> None:
    log_of(tmp_path / "log", 2)
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    novelty: dict[str, Any] = {
        "explorer.novelty.below_threshold": 0.0,
        "explorer.novelty.novel": 1.0,
        "explorer.novelty.decay": 1e9,
        "explorer.novelty.warm_up_successes": 0,
    }
    values = {key.replace(".", "__"): value for key, value in novelty.items()}
    cell = ros.cell({"offer.min_probability": 0.999}, "")
    server = ros.start(AffordanceNode, from_scratch=True, cell=cell, **values)
    assert isinstance(server, AffordanceNode)

    def offered() -> set[int]:
        answer = ros.client.call(
            GetSuctionPoints,
            "/affordance_node/get_suction_points",
            GetSuctionPoints.Request(),
            TIMEOUT,
        )
        return {point.source for point in answer.points} if answer.success else {-1}

    ros.wait_until(lambda: offered() == set(), "handed back: nobody learns")
    trainee = Trainee(ros, tmp_path / "log")
    status = trainee.wait_for(2)
    ros.wait_until(lambda: server.slot.version == status.model_version, "served")
    ros.wait_until(lambda: offered() == {SuctionPoint.SOURCE_NOVELTY}, "novelty")


def test_a_log_of_another_cell_is_refused_by_key(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    cell = ros.cell({**BOX, "cup.radius": 0.02}, "")
    trainee = Trainee(ros, tmp_path, cell=cell)
    ros.wait_for_log("cell.cup.radius is 0.01 in the log, 0.02 here")
    assert not trainee.node.active


def test_a_log_of_another_seal_setting_is_refused_by_key(ros: Ros, tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    setup = tmp_path / "setup.json"
    data = json.loads(setup.read_text())
    data["predictor"]["seal"]["roughness"] = 0.0123
    setup.write_text(json.dumps(data))
    trainee = Trainee(ros, tmp_path, cell=ros.cell(BOX, ""))
    ros.wait_for_log("predictor.seal.roughness is 0.0123 in the log, 0.001 here")
    assert not trainee.node.active


def test_a_log_that_begins_later_and_is_of_another_cell_pauses_the_training(
    ros: Ros, tmp_path: Path
) -> None:
    trainee = Trainee(ros, tmp_path, cell=ros.cell(BOX, ""))
    assert trainee.node.active
    log_of(tmp_path, 1, CELL.changed({"cup.radius": 0.015}))
    ros.wait_for_log("cell.cup.radius is 0.015 in the log, 0.01 here")
    ros.wait_until(lambda: trainee.statuses[-1].paused, "paused")


def test_without_a_log_it_is_refused(ros: Ros) -> None:
    node = ros.start(TrainerNode)
    ros.wait_for_log("ConfigError: the parameter 'directory' is not set")
    assert not node.active


def test_a_trainer_process_killed_at_work_goes_on_as_if_it_had_not_been(
    ros: Ros, tmp_path: Path
) -> None:
    folder, count = tmp_path / "log", 12
    log_of(folder, count)
    statuses: list[TrainerStatus] = []
    ros.node.create_subscription(
        TrainerStatus, f"{TRAINER}/status", statuses.append, topics.LATCHED
    )
    with Processes(tmp_path / "processes") as processes:
        spec = NodeSpec("trainer_node", parameters(folder))
        processes.start(spec)
        ros.wait_until(lambda: any(s.attempts >= 2 for s in statuses), "learned two", patience=60)
        processes.kill("trainer_node")
        interrupted = max(s.attempts for s in statuses)
        statuses.clear()
        processes.start(spec)
        ros.wait_until(lambda: any(s.attempts >= count for s in statuses), "learned", patience=60)
    assert interrupted <= min(s.attempts for s in statuses) or interrupted == count
    undisturbed = LogTrainer(
        lambda: begin_or_resume(SMALL, tmp_path / "whole"),
        folder,
        LogSetup.of(CELL),
    )
    while undisturbed.step() is not None:
        pass
    assert statuses[-1].model_version == undisturbed.trainer.state.version
