"""The trainer node's services: pause, save, roll back, set exploration."""

from typing import Protocol

from grasp_affordance_interfaces.srv import SetExploration
from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.learning.log.follower import LogTrainer
from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.ros.trainer.training_thread import TrainingThread


class Training(Protocol):
    """What the services act on."""

    source: LogTrainer
    thread: TrainingThread
    chosen_exploration: float | None

    def exploration(self) -> float:
        """Return the present probability of an exploratory pick."""

    def report(self, error: GraspAffordanceError) -> str:
        """Log an error; return its text."""

    def publish(self, event: str, report: TrainingReport | None = None) -> None:
        """Publish how the training stands, and what has just happened."""


class TrainerServices:
    """Offers the services of one training, from configure to cleanup."""

    def __init__(self, node: Node, training: Training) -> None:
        self._node, self._training = node, training
        self._services = [
            node.create_service(SetBool, "~/pause", self._pause),
            node.create_service(Trigger, "~/save", self._save),
            node.create_service(Trigger, "~/roll_back", self._roll_back),
            node.create_service(SetExploration, "~/set_exploration", self._set_exploration),
        ]

    def close(self) -> None:
        """Take the services out of the graph."""
        for service in self._services:
            self._node.destroy_service(service)

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Stop learning after the attempt under way, or go on, after an error at once."""
        thread = self._training.thread
        with thread.lock:
            thread.paused = bool(request.data)
            response.success = True
            response.message = "training is paused" if request.data else "training goes on"
            self._training.publish(response.message)
        thread.try_again()
        return response

    def _save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Keep the weights in service, under their name, for ever."""
        with self._training.thread.lock:
            try:
                response.message = str(self._training.source.keep())
                response.success = True
            except GraspAffordanceError as error:
                response.message = self._training.report(error)
        return response

    def _roll_back(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Serve, and learn on from, the weights that had the best live success."""
        with self._training.thread.lock:
            source = self._training.source
            try:
                response.success = source.roll_back()
            except GraspAffordanceError as error:
                response.message = self._training.report(error)
                return response
            report = source.trainer.report()
            response.message = (
                f"rolled back to {report.version}"
                if response.success
                else f"no weights have proved themselves yet; {report.version} stays"
            )
            self._training.publish(response.message, report)
        return response

    def _set_exploration(
        self, request: SetExploration.Request, response: SetExploration.Response
    ) -> SetExploration.Response:
        """Explore as often as asked for, or, for a negative number, by the schedule again."""
        training, asked = self._training, float(request.probability)
        response.success = asked <= 1.0  # NaN is refused as well
        if response.success:
            training.chosen_exploration = asked if asked >= 0.0 else None
            training.publish(f"exploration is {training.exploration():.2f}")
        else:
            response.message = f"{asked} is no probability; give one in [0, 1], or -1 for the plan"
        response.probability = training.exploration()
        return response
