"""The trainer in the graph: learns from the log, announces weights, survives being killed."""

import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grasp_affordance_interfaces.msg import ModelAnnouncement, SuctionPoint, TrainerStatus
from grasp_affordance_interfaces.srv import GetSuctionPoints, SetExploration
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from helpers.training_sample_log import BIN, CELL, SMALL, log_of, picked
from lifecycle_msgs.msg import Transition
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.cell import Cup
from grasp_affordance.cell_description import set_keys
from grasp_affordance.execution.memory import FailureMemory
from grasp_affordance.geometry import transform_points
from grasp_affordance.learning.decision import DecisionConfig
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.log.attempt_log import AttemptLog
from grasp_affordance.learning.log.follower import LogTrainer
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.learning.online import OnlineConfig, OnlinePolicy
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.models import load_model
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import Leaf, flatten
from grasp_affordance.ros.common.conversions import (
    from_rejection_msgs,
    from_suction_point_msg,
    from_time_msg,
    to_point_msg,
    to_time_msg,
)
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig
from grasp_affordance.ros.trainer.trainer_node import TrainerNode
from grasp_affordance.suction import Selection, Source
from grasp_affordance.suction import SuctionPoint as Point

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
        "retry": 0.3,
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
    trainee = Trainee(ros, tmp_path, **{"trainer.rollback.window": 2})
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
    trainee = Trainee(ros, tmp_path, **{"trainer.rollback.window": 2})
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


def test_a_disk_without_space_holds_up_the_training_only_until_there_is_some(
    ros: Ros, tmp_path: Path
) -> None:
    log = log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)
    with unwritable(tmp_path / "weights"):
        log.append(picked(1))
        ros.wait_until(lambda: trainee.statuses[-1].paused, "said that it waits")
        told = trainee.statuses[-1].message
        assert "cannot be written" in told
        assert "tries again every" in told
        assert ros.wait_for_log("training waits: ") == f"training: {told}"
        time.sleep(1.0)  # several tries
    status = trainee.wait_for(2)
    assert not status.paused
    ros.wait_for_log("training: it learns")
    assert sum("training waits" in line for line in ros.rosout) == 1


def test_an_attempt_costs_one_line_on_the_console(ros: Ros, tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    trainee = Trainee(ros, tmp_path)
    trainee.wait_for(1)
    ros.wait_for_log("1 attempts: ")
    before = len(ros.rosout)
    for number in range(1, 4):
        log.append(picked(number))
        trainee.wait_for(number + 1)
        ros.wait_for_log(f"{number + 1} attempts: ")
    assert len(ros.rosout) - before == 3, ros.rosout


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
    keen: dict[str, Any] = {
        "explorer.decision.below_threshold": 0.0,
        "explorer.decision.novelty": 1.0,
        "explorer.decision.novelty_decay": 1e9,
        "explorer.decision.warm_up": 0,
    }
    values = {key.replace(".", "__"): value for key, value in keen.items()}
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
    ros.wait_until(lambda: offered() == {SuctionPoint.SOURCE_NOVELTY}, "tried what is novel")


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
        # What no parameter sets is as in every installation: the network is not a small one.
        known = parameters_of(TrainerNodeConfig())
        given = {key: value for key, value in parameters(folder).items() if key in known}
        spec = NodeSpec("trainer_node", given)
        processes.start(spec)
        ros.wait_until(lambda: any(s.attempts >= 2 for s in statuses), "learned two", patience=240)
        processes.kill("trainer_node")
        interrupted = max(s.attempts for s in statuses)
        statuses.clear()
        processes.start(spec)
        ros.wait_until(lambda: any(s.attempts >= count for s in statuses), "learned", patience=240)
    assert interrupted <= min(s.attempts for s in statuses) or interrupted == count
    undisturbed = LogTrainer(
        lambda: begin_or_resume(TrainerNodeConfig().learning(CELL.cup), tmp_path / "whole"),
        folder,
        LogSetup.of(CELL),
    )
    while undisturbed.step() is not None:
        pass
    assert statuses[-1].model_version == undisturbed.trainer.state.version


TRYING = DecisionConfig(below_threshold=0.3, novelty=0.7, novelty_decay=1e9, warm_up=1, seed=10)
LIKELY = 0.95
OFTEN = ExplorationSchedule(0.3, 1e9)


class PlainPython:
    """The learner without any node, on the same log, and the bin's memory beside it."""

    def __init__(self, log: AttemptLog, weights: Path) -> None:
        self.log = log
        offer = replace(CELL.offer, min_probability=LIKELY)
        predictor = predictor_config(replace(CELL, offer=offer))
        self.source = LogTrainer(
            lambda: begin_or_resume(SMALL, weights), log.folder, LogSetup.of(CELL)
        )
        config = OnlineConfig(predictor, OFTEN, TRYING)
        self.policy = OnlinePolicy(self.source.trainer, config)
        self.memory = FailureMemory(4, 0.012)

    def choose(self, frame: RgbdFrame) -> Selection:
        """Choose in a frame, told what failed in this bin."""
        rng = np.random.default_rng(0)
        view = View(frame, T_BASE_CAMERA, BIN, Cup(), rng, self.memory.failures)
        return self.policy.choose(view)

    def attempt(self, frame: RgbdFrame, point: Point) -> None:
        """Pick at a point: the cup holds on the left half of the image; learn from it."""
        number, success = self.policy.attempts, point.u < frame.shape[1] / 2
        outcome = Outcome.SUCCESS if success else Outcome.FAILURE
        cause = Cause.NONE if success else Cause.NO_SEAL
        made = replace(
            picked(number),
            point=point,
            outcome=outcome,
            cause=cause,
            before=frame,
            model_version=self.policy.version,
        )
        self.log.append(made)
        assert self.source.step() is not None
        if not success:
            self.memory.add(transform_points(T_BASE_CAMERA, point.position))


def uneven_boxes(number: int) -> RgbdFrame:
    """Return a view of two boxes: rough ones in every third view, else flat ones."""
    frame = box_frame(2, stamp_ns=(number + 1) * 10**9)
    rng = np.random.default_rng([7, number])
    rough = 0.004 if number % 3 == 2 else 0.0005
    noise = rng.normal(0.0, rough, frame.shape).astype(np.float32)
    return replace(frame, depth=frame.depth + noise)


def test_over_one_log_the_node_and_plain_python_choose_the_same_points_at_every_view(
    ros: Ros, tmp_path: Path
) -> None:
    log = log_of(tmp_path / "log", 0)
    plain = PlainPython(log, tmp_path / "plain")
    publisher, now = RgbdPublisher(ros.node), [uneven_boxes(0)]
    publisher.publish_pose(T_BASE_CAMERA, "base", now[0].frame_id)
    ros.node.create_timer(0.05, lambda: publisher.publish(now[0]))
    values = {f"explorer.decision.{k}": v for k, v in flatten(DecisionConfig, TRYING).items()}
    given: dict[str, Any] = {key.replace(".", "__"): value for key, value in values.items()}
    box = {f"bin.{k}": v for k, v in flatten(type(BIN), BIN).items()}
    cell = ros.cell({"offer.min_probability": LIKELY, **box, "camera.max_age": 1e11}, "")
    server = ros.start(AffordanceNode, from_scratch=True, cell=cell, **given)
    assert isinstance(server, AffordanceNode)
    explores = {"exploration.start": OFTEN.start, "exploration.decay": OFTEN.decay}
    Trainee(ros, log.folder, **explores)

    def in_step() -> bool:
        history = server._explorer.history
        return (
            history is not None
            and history.attempts == plain.policy.attempts
            and server.slot.version == plain.policy.version
        )

    kinds: set[Source | None] = set()
    for number in range(12):
        frame = now[0] = uneven_boxes(number)
        ros.wait_until(in_step, f"as far as plain Python before view {number}")
        failures = plain.memory.failures
        request = GetSuctionPoints.Request(
            newer_than=to_time_msg(frame.stamp_ns - 1),
            failed=[to_point_msg(point) for point in failures.points],
            avoid=[to_point_msg(point) for point in failures.avoided],
            avoid_radius=failures.radius,
            bin=failures.bin,
        )
        service = "/affordance_node/get_suction_points"
        answer = ros.client.call(GetSuctionPoints, service, request, TIMEOUT)
        chosen = plain.choose(frame)
        assert answer.success, answer.message
        assert from_time_msg(answer.header.stamp) == frame.stamp_ns
        served = [from_suction_point_msg(point) for point in answer.points]
        assert [(p.u, p.v, p.source) for p in served] == [
            (p.u, p.v, p.source) for p in chosen.points
        ]
        probabilities = [point.probability for point in chosen.points]
        assert [point.probability for point in served] == pytest.approx(probabilities, abs=1e-6)
        assert from_rejection_msgs(answer.rejections) == dict(chosen.rejections)
        kinds.add(served[0].source if served else None)
        if chosen.points:
            plain.attempt(frame, chosen.points[0])
        else:
            plain.memory.clear()  # handed back: the next bin
    assert kinds == {Source.LEARNED, Source.EXPLORATION, Source.NOVELTY, None}
