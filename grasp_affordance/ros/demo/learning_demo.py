"""The demonstration: a robot teaches itself to pick, live, every node a process of its own.

    python -m grasp_affordance.ros.demo.learning_demo OUTPUT [--attempts N] [--minutes M] ...

Started by `grasp-affordance demo`.
"""

import queue
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from grasp_affordance_interfaces.msg import PickResult, TrainerStatus
from grasp_affordance_interfaces.srv import GetSuctionPoints
from rich.live import Live
from std_msgs.msg import String

from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import NodeSpec
from grasp_affordance.ros.demo.demo_pictures import AttemptPictures
from grasp_affordance.ros.demo.demo_stage import Stage, perform
from grasp_affordance.ros.demo.learning_summary import LearningSummary
from grasp_affordance.sim import Hardness

EXECUTOR, AFFORDANCE, TRAINER = "executor_node", "affordance_node", "trainer_node"
LEARNED = "learned.safetensors"  # in the output folder: the weights at the end
_PATIENCE = 90.0  # seconds for the first weights to be served
_EVERY = 3  # attempts per picture of the film
_FAULTS = 5  # of the cell in a row after which the demonstration gives up


@dataclass(frozen=True)
class LearningDemo:
    """What is shown.

    Attributes:
        attempts: after which it ends.
        minutes: of picking after which it ends at the latest.
        scene: what lies in the bin.
        hardness: of the simulated cell.
        seed: of everything that is random.
        objects: at most this many; 0 for all of the scene.
        prior: begin with the analytic seal prior; otherwise with nothing at all.
        weights: checkpoint to begin with; empty for none.
    """

    attempts: int = 500
    minutes: float = 3.0
    scene: str = "train"
    hardness: Hardness = Hardness.REALISTIC
    seed: int = 0
    objects: int = 0
    prior: bool = False
    weights: str = ""

    @property
    def start(self) -> str:
        """What the robot knows at first."""
        if self.weights:
            return f"the weights {Path(self.weights).name}"
        return "the analytic seal prior" if self.prior else "random weights"

    def nodes(self, log: Path) -> tuple[NodeSpec, ...]:
        """Return the nodes to run; the attempts go to `log`."""
        sim: dict[str, Leaf] = {
            "scene": self.scene,
            "hardness": str(self.hardness),
            "seed": self.seed,
            "objects": self.objects,
        }
        scratch = not self.weights
        serve: dict[str, Leaf] = {"from_scratch": scratch, "checkpoint": self.weights}
        ignorant = scratch and not self.prior
        if ignorant:  # novelty exploration goes where the prior says that a cup seals
            serve["explorer.decision.novelty"] = 0.0
        learn: dict[str, Leaf] = {
            "directory": str(log),
            "from_scratch": scratch,
            "initial": self.weights,
            "trainer.learner.network.use_prior": self.prior,
            "trainer.learner.seed": self.seed,
        }
        if ignorant:  # at first by lot: whoever knows nothing finds out nothing by insisting
            learn |= {"exploration.start": 1.0, "exploration.decay": 40.0}
        # Masks can be had later (`attempts LOG label`); now the processor is the trainer's.
        execute: dict[str, Leaf] = {"record.directory": str(log), "record.label": False}
        named: dict[str, Leaf] = {"cell": "sim"}
        return (
            NodeSpec(EXECUTOR, {f"simulation.{k}": v for k, v in sim.items()} | execute | named),
            NodeSpec(AFFORDANCE, serve | named),
            NodeSpec(TRAINER, learn | named),
        )


def demonstrate(
    output: Annotated[Path, tyro.conf.Positional],
    demo: Annotated[LearningDemo, tyro.conf.arg(name="")] = LearningDemo(),
) -> int:
    """Run the demonstration; see `grasp-affordance demo`."""
    return perform(output, demo.nodes(output / "log"), lambda stage: _Show(demo, stage).run())


class _Show:
    """One demonstration while it runs."""

    def __init__(self, demo: LearningDemo, stage: Stage) -> None:
        self._demo, self._stage, self._console = demo, stage, stage.console
        self._news: queue.Queue[Any] = queue.Queue()
        self._summary = LearningSummary()
        node = stage.node
        self._pictures = AttemptPictures(node, stage.output)
        self._faults = 0  # of the cell in a row
        node.create_subscription(PickResult, f"/{EXECUTOR}/pick_result", self._news.put, 100)
        node.create_subscription(String, f"/{EXECUTOR}/state", self._news.put, topics.LATCHED)
        node.create_subscription(
            TrainerStatus, f"/{TRAINER}/status", self._summary.hear, topics.LATCHED
        )

    def run(self) -> None:
        """Pick and learn until attempts or minutes are up; show what came of it.

        Raises:
            CallError, ProcessError: a node does not do its part.
        """
        self._stage.wait_active(EXECUTOR, AFFORDANCE, TRAINER)
        self._stage.wait_for_images(self._pictures, EXECUTOR)
        self._wait_for_weights()
        self._call("start")
        began = time.monotonic()
        with Live(console=self._console, refresh_per_second=4) as live:
            while (share := self._share(began)) < 1:
                live.update(self._summary.view(share))
                self._follow(began)
            live.update(self._summary.view(1.0))
        self._console.print()
        seconds = time.monotonic() - began
        self._call("stop")
        self._finish(seconds)

    def _share(self, began: float) -> float:
        """Return how much of the demonstration is over, from 0 to 1."""
        minutes = (time.monotonic() - began) / 60
        attempts = len(self._summary.success)
        return max(minutes / self._demo.minutes, attempts / self._demo.attempts)

    def _follow(self, began: float) -> None:
        """Wait for the next attempt, or for the end of a pile, which is followed by another.

        Raises:
            CallError, ProcessError: a node does not do its part.
        """
        item = self._stage.next(self._news, EXECUTOR)
        if isinstance(item, PickResult):
            self._summary.add(item, time.monotonic() - began)
            if len(self._summary.success) % _EVERY == 1:
                self._pictures.add(item)
            self._faults = 0
        elif ":" in item.data:  # the run ended
            self._faults += item.data.startswith("fault")
            if self._faults >= _FAULTS:
                raise CallError(f"picking ended again and again: {item.data}")
            self._call("refill")
            self._call("start")

    def _wait_for_weights(self) -> None:
        """Return when the affordance node serves what the trainer has announced.

        Raises:
            CallError: it never does.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            answer = self._stage.client.call(
                GetSuctionPoints,
                f"/{AFFORDANCE}/get_suction_points",
                GetSuctionPoints.Request(),
                _PATIENCE,
            )
            if answer.model_version:
                return
        tail = self._stage.processes.tail(AFFORDANCE)
        raise CallError(f"the first weights are not served:\n{tail}")

    def _finish(self, seconds: float) -> None:
        if not self._summary.success:
            raise CallError(
                f"no attempt in {seconds:.0f} s; try --minutes {2 * self._demo.minutes}"
            )
        output = self._stage.output
        self._summary.draw(output / "learning_curve.png", f"began with {self._demo.start}")
        self._pictures.write_film(output / "attempts.mp4")
        shutil.copyfile(self._stage.trigger(f"/{TRAINER}/save"), output / LEARNED)
        self._console.print(self._summary.sentence(seconds, self._demo.start), highlight=False)

    def _call(self, service: str) -> None:
        """Call a service of the executor; raises CallError when it refuses."""
        self._summary.piles += service == "start"
        self._stage.trigger(f"/{EXECUTOR}/{service}")


if __name__ == "__main__":
    sys.exit(tyro.cli(demonstrate))
