"""Start our nodes as processes, wait until they are active, surface their errors, stop them."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.files import Closing
from grasp_affordance.ros.common.config_values import Leaf, as_parameter
from grasp_affordance.ros.common.share import transport_environment

_ENDINGS = (signal.SIGINT, signal.SIGTERM)


class ProcessError(GraspAffordanceError):
    """A node's process ended, or its node did not become active."""


@dataclass(frozen=True)
class NodeSpec:
    """One node to run.

    Attributes:
        name: of the node; `executor_node` is the module
            `grasp_affordance.ros.executor.executor_node`.
        parameters: differences from its defaults; dotted names.
        params_file: further differences, a ROS parameter file.
        remappings: topic or name -> other name.
        module: that runs it, where it is none of the package's own nodes.
    """

    name: str
    parameters: Mapping[str, Leaf] = field(default_factory=dict)
    params_file: Path | None = None
    remappings: Mapping[str, str] = field(default_factory=dict)
    module: str = ""

    @property
    def program(self) -> str:
        """The module that runs the node."""
        folder = self.name.removesuffix("_node")
        return self.module or f"grasp_affordance.ros.{folder}.{self.name}"


class Processes(Closing):
    """The nodes of one system, each in its own process; a context manager that stops them all.

    Args:
        folder: where each node's parameters and output are kept (`<node>.yaml`, `<node>.log`); a
            temporary one if None.
        environment: on top of this process's own and the Fast DDS profile.
    """

    def __init__(
        self, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="nodes_")
        self.folder = folder or Path(self._temporary.name if self._temporary else "")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, **transport_environment(), **(environment or {})}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def close(self) -> None:
        """Stop all of them, and remove what was temporary."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def start(self, spec: NodeSpec) -> None:
        """Start one node; returns at once."""
        command = [sys.executable, "-m", spec.program, "--ros-args"]
        for source, target in spec.remappings.items():
            command += ["-r", f"{source}:={target}"]
        if spec.params_file is not None:
            command += ["--params-file", str(spec.params_file)]
        if spec.parameters:
            path = self.folder / f"{spec.name}.yaml"
            values = {key: as_parameter(value) for key, value in spec.parameters.items()}
            path.write_text(yaml.safe_dump({"/**": {"ros__parameters": values}}))
            command += ["--params-file", str(path)]
        # A signal that comes between the process's start and our note of it would orphan it.
        with _signals_later(), self._log(spec.name).open("wb") as log:
            # Its own session: Ctrl-C reaches this process only, which stops the nodes in order.
            self._running[spec.name] = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise ProcessError if a node's process has ended by itself."""
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                raise ProcessError(f"{name} ended with status {status}:\n{self.tail(name)}")

    def pid(self, name: str) -> int:
        """Return the process of a node that runs."""
        return self._running[name].pid

    def errors(self, name: str) -> str:
        """Return the error lines that a node has logged so far."""
        lines = self._log(name).read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if "[ERROR]" in line or "[FATAL]" in line)

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the last lines that a node has printed."""
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-lines:])

    def stop(self, name: str | None = None, patience: float = 5.0) -> None:
        """Stop one node or all, last started first: SIGINT, after `patience` seconds SIGKILL."""
        names = [name] if name else list(reversed(self._running))
        stopping = [self._running.pop(each) for each in names]
        for process in stopping:
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + patience
        for process in stopping:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self, name: str) -> None:
        """End one node at once, as a crash would (SIGKILL)."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


@contextmanager
def _signals_later() -> Iterator[None]:
    """Have SIGINT and SIGTERM that come within the block handled at its end.

    Handlers run in the main thread alone: another one is never interrupted. They are replaced and
    not blocked, for a process that is started inherits what is blocked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {
        each: signal.signal(each, lambda number, _: came.append(number)) for each in _ENDINGS
    }
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number in came:
            signal.raise_signal(number)
