"""Learns from the executor's attempts while it works, and says which weights should serve.

Subscribes: executor_node/pick_result (a new attempt is in the log)
Publishes: ~/status (latched TrainerStatus), model (latched ModelAnnouncement), /diagnostics
Serves: ~/pause (SetBool), ~/save, ~/roll_back (Trigger), ~/set_exploration
"""

import sys
import traceback

import torch
from grasp_affordance_interfaces.msg import ModelAnnouncement, PickResult, TrainerStatus
from grasp_affordance_interfaces.srv import SetExploration
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.folder_lock import FolderLock
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.log.follower import LogTrainer, setup_for
from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.diagnostics import ERROR, OK
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig
from grasp_affordance.ros.trainer.trainer_messages import Curves, to_announcement_msg, to_status_msg
from grasp_affordance.ros.trainer.training_thread import TrainingThread


class TrainerNode(ManagedNode[TrainerNodeConfig]):
    """Wires log, trainer and thread to topics and services; it serves from configure to cleanup.

    Attributes:
        source: the trainer and its log; from configure to cleanup.
        thread: that learns.
        chosen_exploration: probability that a user has set; None follows the schedule.
    """

    source: LogTrainer
    thread: TrainingThread
    chosen_exploration: float | None

    def __init__(self, config: TrainerNodeConfig | None = None, **options: object) -> None:
        super().__init__("trainer_node", config or TrainerNodeConfig(), **options)

    def setup(self) -> None:
        """Take up what was learned before; nothing is learned yet."""
        config, folder = self.config, self.config.folder
        torch.set_num_threads(config.threads)
        self.resources.enter_context(FolderLock(folder))
        setup = setup_for(config.directory, read_cell(config.cell) if config.cell else None)
        learning = config.learning(setup.cell.cup)
        self.source = LogTrainer(
            lambda: begin_or_resume(learning, folder, config.first_weights),
            config.directory,
            setup,
        )
        self.chosen_exploration = None
        self._report = self.source.trainer.report()
        self._announced = ""
        self._curves = Curves(folder / "tensorboard")
        self.resources.callback(self._curves.close)
        self._status = self.create_lifecycle_publisher(TrainerStatus, "~/status", topics.LATCHED)
        self._model = self.create_lifecycle_publisher(ModelAnnouncement, "model", topics.LATCHED)
        for publisher in (self._status, self._model):
            self.resources.callback(self.destroy_lifecycle_publisher, publisher)
        self.thread = TrainingThread(
            self.source,
            self._learned,
            self._tell_trouble,
            config.poll,
            config.retry,
            config.niceness,
        )
        self.resources.callback(self.thread.stop)  # also where the node is destroyed while active
        for kind, name, serve in (
            (SetBool, "~/pause", self._pause),
            (Trigger, "~/save", self._save),
            (Trigger, "~/roll_back", self._roll_back),
            (SetExploration, "~/set_exploration", self._set_exploration),
        ):
            service = self.create_service(kind, name, serve)
            self.resources.callback(self.destroy_service, service)
        results = self.create_subscription(
            PickResult, f"{config.executor_node}/pick_result", lambda _: self.thread.wake(), 10
        )
        self.resources.callback(self.destroy_subscription, results)

    def start(self) -> None:
        """Announce the weights in service, and learn."""
        self.publish("training begins" if not self._report.attempts else "training goes on")
        self.thread.start()

    def stop(self) -> None:
        """End after the attempt under way."""
        self.thread.stop()

    def _learned(self, report: TrainingReport) -> None:
        self._curves.add(report, self.exploration())
        self.get_logger().info(f"{report.attempts} attempts: {report.event}")
        self.publish(report.event, report)

    def _tell_trouble(self, error: Exception | None) -> None:
        if error is None:
            self.publish("training goes on")
            return
        if not isinstance(error, GraspAffordanceError):  # a defect: tell where it is
            self.get_logger().error("".join(traceback.format_exception(error)))
        again = f"it tries again every {self.config.retry:.0f} s, no restart is needed"
        text = f"training waits: {type(error).__name__}: {error}; {again}"
        self.diagnostics.set("training", ERROR, text)  # logs it
        self.publish(text)

    def exploration(self) -> float:
        """Return the present probability of an exploratory pick."""
        if self.chosen_exploration is not None:
            return self.chosen_exploration
        return self.config.exploration.probability(self._report.attempts)

    def publish(self, event: str, report: TrainingReport | None = None) -> None:
        """Publish the status, and the weights in service where they have changed."""
        with self.thread.lock:  # what is told last is what is true
            report = self._report = report or self._report
            now = int(self.get_clock().now().nanoseconds)
            # An inactive publisher tells nobody; `start` makes up for that.
            if report.version != self._announced and self._model.is_activated:
                self._announced = report.version
                self._model.publish(to_announcement_msg(report, now, event))
            waits, window = self.thread.waits, self.config.trainer.window
            if self.thread.trouble is None:
                text = "paused by a user" if self.thread.paused else "it learns"
                values = {"attempts": report.attempts, "version": report.version}
                self.diagnostics.set("training", OK, text, values)
            self._status.publish(
                to_status_msg(report, now, window, self.exploration(), waits, event)
            )

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Stop learning after the attempt under way, or go on, after an error at once."""
        with self.thread.lock:
            self.thread.paused = bool(request.data)
            response.success = True
            response.message = "training is paused" if request.data else "training goes on"
            self.publish(response.message)
        self.thread.try_again()
        return response

    def _save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Keep the weights in service, under their name, for ever."""
        with self.thread.lock:
            try:
                response.message = str(self.source.keep())
                response.success = True
            except GraspAffordanceError as error:
                response.message = self.report(error)
        return response

    def _roll_back(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Serve, and learn on from, the weights that had the best live success."""
        with self.thread.lock:
            try:
                response.success = self.source.roll_back()
            except GraspAffordanceError as error:
                response.message = self.report(error)
                return response
            report = self.source.trainer.report()
            response.message = (
                f"rolled back to {report.version}"
                if response.success
                else f"no weights have proved themselves yet; {report.version} stays"
            )
            self.publish(response.message, report)
        return response

    def _set_exploration(
        self, request: SetExploration.Request, response: SetExploration.Response
    ) -> SetExploration.Response:
        """Explore as often as asked for, or, for a negative number, by the schedule again."""
        asked = float(request.probability)
        response.success = asked <= 1.0  # NaN is refused as well
        if response.success:
            self.chosen_exploration = asked if asked >= 0.0 else None
            self.publish(f"exploration is {self.exploration():.2f}")
        else:
            response.message = f"{asked} is no probability; give one in [0, 1], or -1 for the plan"
        response.probability = self.exploration()
        return response


def main() -> int:
    """Run the trainer node."""
    return run(TrainerNode)


if __name__ == "__main__":
    sys.exit(main())
