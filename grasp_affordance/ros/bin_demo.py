"""The demonstration: a simulated cell empties its bin through the full graph of processes.

    python -m grasp_affordance.ros.bin_demo OUTPUT [--scene NAME] [--hardness NAME] [--seed N]

Started by `grasp-affordance demo`.
"""

import os
import queue
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import rclpy
import tyro
from grasp_affordance_interfaces.msg import PickResult
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros import topics
from grasp_affordance.ros.client import CallError, Client
from grasp_affordance.ros.config_values import Leaf
from grasp_affordance.ros.demo_pictures import AttemptPictures
from grasp_affordance.ros.demo_summary import Summary
from grasp_affordance.ros.processes import NodeSpec, Processes
from grasp_affordance.ros.share import share_folder, transport_environment
from grasp_affordance.ros.spin import spinning
from grasp_affordance.sim import Hardness

EXECUTOR, AFFORDANCE = "executor_node", "affordance_node"
_WIDTH = 130  # characters, where the output is no terminal
_SILENCE = 60.0  # seconds without any news after which something hangs


def demonstrate(
    output: Annotated[Path, tyro.conf.Positional],
    scene: str = "random",
    hardness: Hardness = Hardness.REALISTIC,
    seed: int = 0,
    objects: int = 0,
    weights: Path | None = None,
) -> int:
    """Run the demonstration; see `grasp-affordance demo`."""
    os.environ.update(transport_environment())
    os.environ.setdefault("ROS_LOG_DIR", str(output / "logs"))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    sim: dict[str, Leaf] = {
        "scene": scene,
        "hardness": str(hardness),
        "seed": seed,
        "objects": objects,
    }
    parameters = share_folder() / "config" / "sim.yaml"
    film = output / "cell.mp4"
    specs = (
        NodeSpec(
            EXECUTOR,
            {"mujoco.film_path": str(film)} | {f"mujoco.sim.{k}": v for k, v in sim.items()},
            parameters,
        ),
        NodeSpec(AFFORDANCE, {"checkpoint": str(weights or ""), "view_rate": 10.0}, parameters),
    )
    try:
        with Processes(output / "logs") as processes:
            for spec in specs:
                processes.start(spec)
            node = Node("demo")
            with spinning(node):
                empty_bin(node, Client(node, processes.check), processes, output, console)
        if not film.is_file():  # written when the executor has ended
            raise CallError(f"{EXECUTOR} left no film; see {output / 'logs'}")
        console.print(f"the robot at work: {film}")
        return 0
    except GraspAffordanceError as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        rclpy.try_shutdown()


def empty_bin(
    node: Node, client: Client, processes: Processes, output: Path, console: Console
) -> None:
    """Start picking, follow it to its end, and show what came of it.

    Raises:
        CallError, ProcessError: a node does not do its part.
    """
    news: queue.Queue[Any] = queue.Queue()
    node.create_subscription(PickResult, f"/{EXECUTOR}/pick_result", news.put, 100)
    node.create_subscription(String, f"/{EXECUTOR}/state", news.put, topics.LATCHED)
    pictures, summary = AttemptPictures(node, output), Summary()
    for name in (EXECUTOR, AFFORDANCE):
        client.wait_active(f"/{name}", 60.0, partial(processes.errors, name))
    wait_for_images(pictures, processes)
    answer = client.call(Trigger, f"/{EXECUTOR}/start", Trigger.Request())
    if not answer.success:
        raise CallError(answer.message)
    console.print("picking, each node a process of its own ...")
    began = time.monotonic()
    while isinstance(item := _next(news, processes), PickResult) or ":" not in item.data:
        if isinstance(item, PickResult):
            console.print(summary.add(item))
            pictures.add(item)
    console.print(summary.table(time.monotonic() - began, item.data))
    film = output / "attempts.mp4"
    pictures.write_film(film)
    console.print(f"{pictures.count} overlays in {output}, all in one film: {film}")


def wait_for_images(pictures: AttemptPictures, processes: Processes) -> None:
    """Return when the camera's images arrive here; else the first attempt has no picture.

    Raises:
        CallError: they never do. ProcessError: a node died.
    """
    deadline = time.monotonic() + _SILENCE
    while not pictures.ready:
        processes.check()
        if time.monotonic() > deadline:
            raise CallError(f"no image from the simulated camera:\n{processes.tail(EXECUTOR)}")
        time.sleep(0.05)


def _next(news: "queue.Queue[Any]", processes: Processes) -> Any:
    """Return the next result or state.

    Raises:
        CallError: nothing comes. ProcessError: a node died.
    """
    deadline = time.monotonic() + _SILENCE
    while time.monotonic() < deadline:
        processes.check()
        try:
            return news.get(timeout=0.2)
        except queue.Empty:
            continue
    raise CallError(f"no news from {EXECUTOR} for {_SILENCE:.0f} s:\n{processes.tail(EXECUTOR)}")


if __name__ == "__main__":
    sys.exit(tyro.cli(demonstrate))
