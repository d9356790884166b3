"""What every demonstration begins and ends with: nodes, a client, a console, an exit status."""

import os
import queue
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rich.console import Console
from std_srvs.srv import Trigger

from grasp_affordance.console import wide_console
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros.common.client import CallError, Client
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.share import transport_environment
from grasp_affordance.ros.common.spin import spinning, start_ros
from grasp_affordance.ros.demo.demo_pictures import AttemptPictures

_START = 180.0  # seconds in which a node becomes active; a cold disk takes long to load PyTorch
_SILENCE = 90.0  # seconds without any news after which something hangs
_PATIENCE = 5.0  # seconds without an answer; a refill takes a moment, and twice is a waste


@dataclass(frozen=True)
class Stage:
    """What a demonstration has at hand while its nodes run.

    Attributes:
        node: spins in another thread.
        client: asks the nodes' services from it.
        processes: the nodes, each a process of its own.
        console: to print to.
        output: folder for pictures and films.
    """

    node: Node
    client: Client
    processes: Processes
    console: Console
    output: Path

    def wait_active(self, *names: str) -> None:
        """Wait until nodes are active; raises CallError where one never is, with its errors."""
        for name in names:
            self.client.wait_active(f"/{name}", _START, partial(self.processes.errors, name))

    def wait_for_images(self, pictures: AttemptPictures, name: str) -> None:
        """Return when the camera's images arrive here; else the first attempt has no picture.

        Args:
            name: of the node that has the camera.

        Raises:
            CallError: they never do. ProcessError: a node died.
        """
        deadline = time.monotonic() + _SILENCE
        while not pictures.ready:
            self.processes.check()
            if time.monotonic() > deadline:
                raise CallError(f"no image from the camera:\n{self.processes.tail(name)}")
            time.sleep(0.05)

    def trigger(self, service: str) -> str:
        """Call a Trigger service that may be called twice; return its message.

        Raises:
            CallError: it refuses or does not answer. ProcessError: a node died.
        """
        request = Trigger.Request()
        answer = self.client.call(Trigger, service, request, _SILENCE, patience=_PATIENCE)
        if not answer.success:
            raise CallError(answer.message)
        return str(answer.message)

    def next(self, news: "queue.Queue[Any]", name: str) -> Any:
        """Return the next message of a queue.

        Args:
            name: of the node that it comes from.

        Raises:
            CallError: nothing comes. ProcessError: a node died.
        """
        deadline = time.monotonic() + _SILENCE
        while time.monotonic() < deadline:
            self.processes.check()
            try:
                return news.get(timeout=0.2)
            except queue.Empty:
                continue
        tail = self.processes.tail(name)
        raise CallError(f"no news from {name} for {_SILENCE:.0f} s:\n{tail}")


def perform(output: Path, nodes: Iterable[NodeSpec], body: Callable[[Stage], None]) -> int:
    """Start nodes, do what a demonstration does, stop them; return the exit status.

    Args:
        output: folder for pictures; `logs` in it gets what the nodes print.
        nodes: to start, each in a process of its own.
        body: raises a GraspAffordanceError where something fails; it is printed.
    """
    os.environ.update(transport_environment())
    os.environ.setdefault("ROS_LOG_DIR", str(output / "logs"))
    console = wide_console()
    start_ros()
    signal.signal(signal.SIGTERM, _interrupt)  # else the nodes, in sessions of their own, live on
    try:
        with Processes(output / "logs") as processes:
            for spec in nodes:
                processes.start(spec)
            node = Node("demo")
            with spinning(node):
                body(Stage(node, Client(node, processes.check), processes, console, output))
        return 0
    except GraspAffordanceError as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        rclpy.try_shutdown()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
