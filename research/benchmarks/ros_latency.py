"""How long each stage takes from a camera message to the answer of the suction-point service.

    python research/benchmarks/ros_latency.py [--sequence FOLDER] [--json
    output/benchmarks/ros_latency.json]

Camera node and affordance node run as processes of their own; this one asks. The stages inside the
affordance node are timed here with the same functions, because a clock inside would be in the way.
Every stage is a share of the whole, measured in the same rounds.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
import tyro
from grasp_affordance_interfaces.srv import GetSuctionPoints
from rclpy.node import Node
from rich.console import Console
from rich.table import Table

from grasp_affordance.affordance.predictor import AffordancePredictor
from grasp_affordance.cell_file import write_cell
from grasp_affordance.learning.decision import Decision
from grasp_affordance.messages.images import from_rgbd_msgs
from grasp_affordance.ros.affordance.detection import FrameResult
from grasp_affordance.ros.affordance.suction_service import fill_in
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.conversions import from_time_msg, to_header_msg, to_time_msg
from grasp_affordance.ros.common.frame_source import FrameSource, FrameSourceConfig
from grasp_affordance.ros.common.images import to_rgbd_msgs
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.share import transport_environment
from grasp_affordance.ros.common.spin import spinning
from grasp_affordance.ros.demo.demo_scenes import cell_of
from grasp_affordance.sequence import Sequence

WHOLE = "frame stamped -> answer received (waits for a new frame)"


@dataclass(frozen=True)
class Arguments:
    """What is timed.

    Attributes:
        sequence: recording that the camera node plays.
        rounds: that count, after two that do not.
        rate: frames per second.
        json: where the numbers go, besides the table.
    """

    sequence: Path = Path(__file__).parents[2] / "shared/data/real/tote_mixed"
    rounds: int = 20
    rate: float = 10.0
    json: Path | None = None


def timed[Result](stages: dict[str, list[float]], name: str, work: Callable[[], Result]) -> Result:
    """Do some work and note how long it took, milliseconds."""
    began = time.perf_counter()
    result = work()
    stages.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return result


def one_round(
    stages: dict[str, list[float]], client: Client, frames: FrameSource, predictor: Any
) -> None:
    """Time one service call, and the same work done here."""
    asked = time.time_ns()
    request = GetSuctionPoints.Request(newer_than=to_time_msg(asked))
    request.timeout.sec = 10
    service = "/affordance_node/get_suction_points"
    answer = client.call(GetSuctionPoints, service, request, 20.0)
    if not answer.success:
        raise SystemExit(answer.message)
    exposed = from_time_msg(answer.header.stamp)
    stages.setdefault(WHOLE, []).append((time.time_ns() - exposed) * 1e-6)

    frame = frames.read(newer_than_ns=time.time_ns(), timeout=10.0)
    stages.setdefault("stamped -> color, depth and info matched", []).append(
        (time.time_ns() - frame.stamp_ns) * 1e-6
    )
    messages = timed(stages, "frame -> messages (in the camera node)", lambda: to_rgbd_msgs(frame))
    timed(stages, "messages -> frame", lambda: from_rgbd_msgs(*messages))
    prediction = timed(stages, "frame -> suction points", lambda: predictor.predict(frame))
    response = GetSuctionPoints.Response(header=to_header_msg(frame.stamp_ns, frame.frame_id))
    result = FrameResult(frame, Decision(prediction, prediction.selection), None, "")
    timed(stages, "points -> response", lambda: fill_in(response, result, "base"))
    refused = GetSuctionPoints.Request(source=99)  # answered at once: what a call itself costs
    timed(stages, "service call itself", lambda: client.call(GetSuctionPoints, service, refused))


def main() -> None:
    """Run the rounds and print the table."""
    arguments = tyro.cli(Arguments)
    os.environ.update(transport_environment())
    rclpy.init()
    stages: dict[str, list[float]] = {}
    node = Node("benchmark")
    with Processes() as processes, spinning(node):
        client = Client(node, processes.check)
        recording: dict[str, Leaf] = {"recording": str(arguments.sequence), "rate": arguments.rate}
        processes.start(NodeSpec("camera_node", recording))
        described = cell_of(Sequence(arguments.sequence).camera)
        cell = write_cell(processes.folder / "cell.yaml", described)
        processes.start(NodeSpec("affordance_node", {"cell": str(cell)}))
        for name in ("camera_node", "affordance_node"):
            client.wait_present(name)
            client.wait_active(name)
        frames = FrameSource(node, FrameSourceConfig())
        predictor = AffordancePredictor()
        for number in range(arguments.rounds + 2):
            one_round(stages, client, frames, predictor)
            if number == 1:
                stages.clear()
    node.destroy_node()
    rclpy.shutdown()
    report(stages, arguments)


def report(stages: dict[str, list[float]], arguments: Arguments) -> None:
    """Print the table; write the numbers."""
    whole = statistics.median(stages[WHOLE])
    table = Table(title=f"{arguments.sequence.name}, {arguments.rounds} rounds, milliseconds")
    for column in ("stage", "minimum", "median", "maximum", "share of the whole"):
        table.add_column(column)
    rows: list[dict[str, Any]] = []
    for name, values in sorted(stages.items(), key=lambda item: item[0] == WHOLE):
        row: dict[str, Any] = {
            "stage": name,
            "minimum_ms": min(values),
            "median_ms": statistics.median(values),
            "maximum_ms": max(values),
        }
        rows.append(row)
        numbers = [f"{row[key]:.2f}" for key in ("minimum_ms", "median_ms", "maximum_ms")]
        table.add_row(name, *numbers, f"{row['median_ms'] / whole:.1%}")
    Console(width=120).print(table)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
