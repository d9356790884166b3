"""Real nodes in a test: a context of their own, a background thread, waiting with timeouts."""

import queue
import time
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import rclpy
from helpers.cells import cell_file
from rcl_interfaces.msg import Log
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.config_values import flatten, unflatten
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.common.spin import spinning

TIMEOUT = 15.0  # seconds; discovery alone has been seen to take three


class Ros:
    """Nodes of one test, all in one context and domain."""

    def __init__(self, context: Context, stack: ExitStack) -> None:
        self.context = context
        self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="cell_")))
        self._stack = stack
        self.node = Node("tester", context=context)
        self.client = Client(self.node)
        self.rosout: list[str] = []
        everything = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(
            Log, "/rosout", lambda log: self.rosout.append(log.msg), everything
        )
        self._spin(self.node)

    def start(
        self, create: Callable[..., ManagedNode], autostart: bool = True, **parameters: Any
    ) -> ManagedNode:
        """Start one of our nodes with a configuration (a double underscore stands for a dot).

        Its parameters are given as such, its other fields as what the program has for them.
        """
        given = {name.replace("__", "."): value for name, value in parameters.items()}
        options, inner = _inner_fields(create, given)
        overrides = [
            rclpy.parameter.Parameter(name, value=value)
            for name, value in given.items()
            if name not in inner
        ]
        node = create(context=self.context, parameter_overrides=overrides, **options)
        self._spin(node)
        if autostart:
            node.autostart()
        return node

    def cell(self, changes: Mapping[str, Any], base: str = "sim") -> str:
        """Return the path of a cell file that differs from a shipped one in dotted keys."""
        return cell_file(self._folder, changes, base)

    def listen(self, kind: type, topic: str, quality: QoSProfile | int = 10) -> "queue.Queue[Any]":
        """Subscribe; return the queue into which messages go."""
        messages: queue.Queue[Any] = queue.Queue()
        self.node.create_subscription(kind, topic, messages.put, quality)
        return messages

    def wait_until(
        self, condition: Callable[[], bool], what: str, patience: float = TIMEOUT
    ) -> None:
        """Wait until a condition holds; fail the test when it never does."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"never {what}; /rosout: {self.rosout}"
            time.sleep(0.01)

    def wait_for_log(self, text: str) -> str:
        """Return the first message on /rosout that holds a text."""
        self.wait_until(lambda: any(text in line for line in self.rosout), f"logged '{text}'")
        return next(line for line in self.rosout if text in line)

    def _spin(self, node: Node) -> None:
        self._stack.callback(node.destroy_node)
        self._stack.enter_context(spinning(node))


def _inner_fields(create: Any, given: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return a node's arguments and the fields of its configuration that no parameter can set."""
    hint = typing.get_type_hints(create.__init__).get("config")
    if hint is None:
        return {}, set()
    default = typing.get_args(hint)[0]()
    inner = set(flatten(type(default), default)) - set(parameters_of(default))
    changes = {name: value for name, value in given.items() if name in inner}
    return {"config": unflatten(default, changes)}, set(changes)


@contextmanager
def running_ros() -> Iterator[Ros]:
    """Open a context, and close everything in it at the end."""
    context = Context()
    rclpy.init(context=context)
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown, context=context)
        yield Ros(context, stack)
