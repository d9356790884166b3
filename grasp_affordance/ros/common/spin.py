"""The process around a node: start ROS, spin in a thread, stop in order, exit cleanly."""

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import NoReturn

import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.parameter_files import given_files

_log = logging.getLogger(__name__)

# At most five callbacks of a node wait or work for long at once (the executor's: a pick, ~/stop or
# a transition, ~/pause, the looks at the deadman switch and at the camera); the others must go on.
_THREADS = 8
_M_ARENA_MAX, _HEAPS = -8, 2  # of glibc's malloc.h; heaps that all threads share
_HIGHEST_DOMAIN = 232  # beyond it DDS has no port
_REMEDIES = {
    "log": "set ROS_LOG_DIR, or HOME, to a folder that can be written",
    "params file": "correct the parameter file; it needs `node_name: ros__parameters: ...`",
    "ROS arguments": "see `ros2 run --help` for what may follow --ros-args",
    "override rule": "give parameters as -p NAME:=VALUE",
}


@contextmanager
def spinning(*nodes: Node, on_end: Callable[[], None] | None = None) -> Iterator[None]:
    """Spin nodes in background threads inside the `with` block, then join them.

    The process would abort if the interpreter ended while a spin thread still runs.

    Args:
        on_end: called when spinning ends for any reason, such as an exception in a callback, which
            is raised here when the block ends.
    """
    context = nodes[0].context
    executor = MultiThreadedExecutor(num_threads=_THREADS, context=context)
    for node in nodes:
        executor.add_node(node)
    stop = Future(executor=executor)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spin") as pool:
        spun = pool.submit(_spin, executor, stop)
        if on_end is not None:
            spun.add_done_callback(lambda _: on_end())
        try:
            yield
        finally:
            stop.set_result(None)
            wait([spun])
            # Jazzy's shutdown() takes apart what callbacks under way still need: let them finish.
            executor._executor.shutdown(wait=True)
            executor.shutdown()
    spun.result()


def _spin(executor: MultiThreadedExecutor, stop: Future) -> None:
    """Execute callbacks until `stop` is done."""
    while not stop.done() and executor.context.ok():
        try:
            executor.spin_until_future_complete(stop)
        except InvalidHandle:
            # A cleanup in another thread destroyed a publisher or subscription just as rclpy put
            # together what to wait for; it guards against that for some kinds of entity only.
            _log.debug("an entity was destroyed while waiting for it; waiting anew")


def run(create: Callable[[], ManagedNode], arguments: list[str] | None = None) -> NoReturn:
    """Run one node as a process until SIGINT or SIGTERM; the process ends here.

    Once node and communication have ended in order, nothing is left to do: Python's own end would
    take seconds to unload torch, and launch would lose its patience meanwhile.

    A process that was given parameters that its node does not have ends at once with status 1.

    Args:
        create: makes the node.
        arguments: of the process; its own where this is None.

    rclpy's own signal handlers would close the communication first; here the node is deactivated
    while it can still talk to what it moves. Further signals do not interrupt that.
    """
    stop = threading.Event()
    _share_heaps()
    try:
        start_ros(arguments)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        node = create()
    except GraspAffordanceError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        rclpy.try_shutdown()
        leave(1)
    node.parameter_files = given_files(sys.argv if arguments is None else arguments)
    try:
        with spinning(node, on_end=stop.set):
            started = node.autostart()
            if started:
                stop.wait()
            node.trigger_shutdown()
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
        # Python's own end would restore the default, by which launch's second SIGINT kills.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    leave(0 if started else 1)


def leave(status: int) -> NoReturn:
    """End the process at once, with what it has printed."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody listens any more
            stream.flush()
    os._exit(status)


def _share_heaps() -> None:
    """Let all threads share two heaps, unless MALLOC_ARENA_MAX says otherwise.

    glibc gives each thread a heap of its own, which keeps the space of every image that the thread
    ever held: a process with thirty threads grows for hours. Other C libraries have no such heaps.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _HEAPS)


def start_ros(arguments: Sequence[str] | None = None) -> None:
    """Initialise rclpy; signals are left to the caller.

    Args:
        arguments: of the process; by default `sys.argv`.

    Raises:
        ConfigError: the environment, an argument or a parameter file makes it impossible.
    """
    domain = os.environ.get("ROS_DOMAIN_ID", "")
    if domain and not (domain.isdecimal() and int(domain) <= _HIGHEST_DOMAIN):
        raise ConfigError(
            f"ROS_DOMAIN_ID '{domain}' is not a number between 0 and {_HIGHEST_DOMAIN}"
        )
    try:
        rclpy.init(
            args=None if arguments is None else list(arguments),
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except RuntimeError as error:  # the root of what rclpy raises from C
        rclpy.try_shutdown()
        what = str(error).partition(", at /")[0].replace("\n", " ")
        remedies = (remedy for part, remedy in _REMEDIES.items() if part in what)
        raise ConfigError(f"ROS does not start: {what}; {next(remedies, 'correct it')}") from error
