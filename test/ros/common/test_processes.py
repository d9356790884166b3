"""Nodes as processes of their own, over real DDS: started, used, stopped, heard when they fail."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import Ros

from grasp_affordance.ros.common.client import CallError, Client
from grasp_affordance.ros.common.processes import NodeSpec, ProcessError, Processes
from grasp_affordance.ros.common.share import PROFILE_VARIABLES, transport_environment


def test_a_recording_goes_through_two_processes_and_comes_back_as_a_suction_point(
    ros: Ros, sequence: Path, tmp_path: Path
) -> None:
    with Processes(tmp_path / "logs") as processes:
        client = Client(ros.node, processes.check)
        processes.start(NodeSpec("camera_node", {"recording": str(sequence), "rate": 10.0}))
        processes.start(
            NodeSpec("affordance_node", {"cell": ros.cell({"camera.timeout": 10.0}, "")})
        )
        for name in ("camera_node", "affordance_node"):
            client.wait_present(name)
            client.wait_active(name, errors=partial(processes.errors, name))
        answer = client.call(
            GetSuctionPoints,
            "/affordance_node/get_suction_points",
            GetSuctionPoints.Request(count=1),
            20.0,
        )
        running = list(processes._running.values())
        processes.stop()
        assert answer.success, answer.message
        assert answer.points[0].in_base
        assert [process.returncode for process in running] == [0, 0]


def test_a_node_that_cannot_be_configured_or_dies_is_heard(ros: Ros, tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        client = Client(ros.node, processes.check)
        processes.start(NodeSpec("camera_node", {"recording": "/nowhere"}))
        client.wait_present("camera_node")
        with pytest.raises(CallError, match=r"not active:\n.*/nowhere does not exist"):
            client.wait_active("camera_node", errors=lambda: processes.errors("camera_node"))
        os.kill(processes._running["camera_node"].pid, signal.SIGKILL)
        ros.wait_until(lambda: processes._running["camera_node"].poll() is not None, "died")
        with pytest.raises(ProcessError, match="camera_node ended with status -9"):
            processes.check()


def test_the_shared_memory_profile_is_set_unless_the_user_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in PROFILE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    given = transport_environment()
    assert set(given) == set(PROFILE_VARIABLES)
    assert all(Path(path).name == "fastdds.xml" and Path(path).is_file() for path in given.values())
    monkeypatch.setenv(PROFILE_VARIABLES[0], "/mine.xml")
    assert transport_environment() == {}


def test_a_signal_that_comes_while_a_node_is_started_orphans_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.Popen
    pids = []

    def interrupted(*args: object, **options: object) -> subprocess.Popen[bytes]:
        process = real(*args, **options)  # type: ignore[call-overload]
        pids.append(process.pid)
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job ignores it
    try:
        with pytest.raises(KeyboardInterrupt), Processes(tmp_path) as processes:
            processes.start(NodeSpec("sleeper", module="test"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert pids
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
