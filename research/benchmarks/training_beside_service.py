"""Does training slow the answers down? Latency of get_suction_points while a trainer learns.

    python research/benchmarks/training_beside_service.py [--rounds 6] [--requests 10] [--json FILE]

Three processes: a camera that plays a view of the simulated cell, the affordance node with a
compact network, the trainer node with a log of attempts in that view. In turn the trainer is paused
and learns; printed are the median latencies as the caller sees them, and their ratio.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from grasp_affordance_interfaces.msg import TrainerStatus
from grasp_affordance_interfaces.srv import GetSuctionPoints
from rclpy.node import Node
from std_srvs.srv import SetBool

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase, PhaseReport, PressureTrace
from grasp_affordance.cell_file import read_cell
from grasp_affordance.learning.log.attempt_log import AttemptLog
from grasp_affordance.learning.log.setup import LogSetup, open_log
from grasp_affordance.learning.trainer import Trainer, TrainerConfig
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.share import transport_environment
from grasp_affordance.ros.common.spin import spinning
from grasp_affordance.sim import SimCell, SimConfig

NODES = ("camera_node", "affordance_node", "trainer_node")


def simulated_attempts(folder: Path, count: int) -> AttemptLog:
    """Return a log of attempts in one simulated view; what came of them is drawn at random."""
    rng = np.random.default_rng(0)
    with SimCell(SimConfig(seed=1)) as cell:
        frame, T = cell.camera.read(), cell.camera.pose()
        box = cell.bin
    view = BinView(T_base_camera=T, bin=box)
    points = AffordancePredictor().predict(frame, view).selection.points
    log = open_log(folder, LogSetup.of(read_cell("sim")), frame, T)
    for index in range(count):
        success = bool(rng.random() < 0.7)
        log.append(
            GraspAttempt(
                index=index,
                stamp_ns=index + 1,
                point=points[index % len(points)],
                T_base_camera=T,
                T_base_tool=np.eye(4),
                outcome=Outcome.SUCCESS if success else Outcome.FAILURE,
                cause=Cause.NONE if success else Cause.NO_SEAL,
                phases=(PhaseReport(Phase.LIFT, 1.0, 60.0, 0.2),),
                pressure=PressureTrace(np.zeros(1), np.zeros(1, np.float32)),
                before=replace(frame, stamp_ns=1),
            )
        )
    return log


def latencies(client: Client, requests: int) -> list[float]:
    """Return the seconds that each of some requests took."""
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        answer = client.call(
            GetSuctionPoints,
            "/affordance_node/get_suction_points",
            GetSuctionPoints.Request(count=9),  # not what the views ask for: evaluated anew
            60.0,
        )
        times.append(time.perf_counter() - began)
        assert answer.success, answer.message
    return times


def measure(folder: Path, rounds: int, requests: int) -> dict[str, Any]:
    """Run the nodes; return the figures."""
    log = folder / "log"
    simulated_attempts(log, rounds * requests * 4)
    checkpoint = Trainer(TrainerConfig(), folder / "first").report().checkpoint
    specs = (
        NodeSpec("camera_node", {"recording": str(log), "rate": 5.0}),
        NodeSpec("affordance_node", {"checkpoint": checkpoint, "cell": "sim"}),
        NodeSpec("trainer_node", {"directory": str(log), "from_scratch": True}),
    )
    node = Node("benchmark")
    statuses: list[TrainerStatus] = []
    node.create_subscription(TrainerStatus, "/trainer_node/status", statuses.append, topics.LATCHED)
    idle: list[float] = []
    busy: list[float] = []
    training_samples = 0
    with Processes(folder / "logs") as processes, spinning(node):
        client = Client(node, processes.check)
        for spec in specs:
            processes.start(spec)
        for name in NODES:
            client.wait_active(f"/{name}", 120.0)
        latencies(client, 3)  # warm
        for _ in range(rounds):
            for paused, times in ((True, idle), (False, busy)):
                client.call(SetBool, "/trainer_node/pause", SetBool.Request(data=paused))
                learned = len(statuses)
                if paused:
                    threading.Event().wait(1.5)  # for the training sample under way to end
                times.extend(latencies(client, requests))
                training_samples += 0 if paused else len(statuses) - learned
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "requests": len(idle),
        "training_samples_meanwhile": training_samples,
        "median_paused_ms": 1e3 * float(np.median(idle)),
        "median_training_ms": 1e3 * float(np.median(busy)),
        "ratio": float(np.median(busy) / np.median(idle)),
        "ratio_90th_percentile": float(np.quantile(busy, 0.9) / np.quantile(idle, 0.9)),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.update(transport_environment())
    rclpy.init()
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(Path(folder), arguments.rounds, arguments.requests)
    finally:
        rclpy.try_shutdown()
    text = json.dumps(figures, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
