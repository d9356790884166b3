"""The demonstration: a simulated cell empties its bin through the full graph of processes.

    python -m grasp_affordance.ros.demo.bin_demo OUTPUT [--scene NAME] [--hardness NAME] [--seed N]

Started by `grasp-affordance demo --show picking`.
"""

import queue
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import tyro
from grasp_affordance_interfaces.msg import PickResult
from std_msgs.msg import String

from grasp_affordance.cell_file import with_changes
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import NodeSpec
from grasp_affordance.ros.demo.demo_pictures import AttemptPictures
from grasp_affordance.ros.demo.demo_stage import Stage, perform
from grasp_affordance.ros.demo.demo_summary import Summary
from grasp_affordance.sim import Hardness

EXECUTOR, AFFORDANCE = "executor_node", "affordance_node"
# It empties the bin: hardly a point is too unlikely to be tried.
_OPEN_MINDED = {"offer.min_probability": 0.02}


def demonstrate(
    output: Annotated[Path, tyro.conf.Positional],
    scene: str = "random",
    hardness: Hardness = Hardness.REALISTIC,
    seed: int = 0,
    objects: int = 0,
    weights: Path | None = None,
) -> int:
    """Run the demonstration; see `grasp-affordance demo`."""
    sim: dict[str, Leaf] = {
        "scene": scene,
        "hardness": str(hardness),
        "seed": seed,
        "objects": objects,
        "film_path": str(output / "cell.mp4"),
    }
    cell = with_changes("sim", _OPEN_MINDED, output / "logs" / "cell.yaml")
    film = output / "cell.mp4"
    # Without weights the prior picks, also where some are shipped. It empties the bin: it tries
    # what is unlikely to succeed too.
    serve: dict[str, Leaf] = {
        "checkpoint": str(weights or ""),
        "from_scratch": weights is None,
        "cell": str(cell),
    }
    specs = (
        NodeSpec(
            EXECUTOR,
            {"cell": str(cell)} | {f"simulation.{k}": v for k, v in sim.items()},
        ),
        NodeSpec(AFFORDANCE, {**serve, "view_rate": 10.0}),
    )

    def body(stage: Stage) -> None:
        empty_bin(stage)
        stage.processes.stop(EXECUTOR, patience=30.0)  # it writes its film when it ends
        if not film.is_file():
            raise CallError(f"{EXECUTOR} left no film; see {output / 'logs'}")
        stage.console.print(f"the robot at work: {film}")

    return perform(output, specs, body)


def empty_bin(stage: Stage) -> None:
    """Start picking, follow it to its end, and show what came of it.

    Raises:
        CallError, ProcessError: a node does not do its part.
    """
    news: queue.Queue[Any] = queue.Queue()
    stage.node.create_subscription(PickResult, f"/{EXECUTOR}/pick_result", news.put, 100)
    stage.node.create_subscription(String, f"/{EXECUTOR}/state", news.put, topics.LATCHED)
    pictures, summary = AttemptPictures(stage.node, stage.output), Summary()
    stage.wait_active(EXECUTOR, AFFORDANCE)
    stage.wait_for_images(pictures, EXECUTOR)
    stage.trigger(f"/{EXECUTOR}/start")
    stage.console.print("picking, each node a process of its own ...")
    began = time.monotonic()
    while isinstance(item := stage.next(news, EXECUTOR), PickResult) or ":" not in item.data:
        if isinstance(item, PickResult):
            stage.console.print(summary.add(item))
            pictures.add(item)
    stage.console.print(summary.table(time.monotonic() - began, item.data))
    film = stage.output / "attempts.mp4"
    pictures.write_film(film)
    stage.console.print(f"{pictures.count} overlays in {stage.output}, all in one film: {film}")


if __name__ == "__main__":
    sys.exit(tyro.cli(demonstrate))
