"""The demonstration: recorded scenes -> camera node -> affordance node -> service, three processes.

    python -m grasp_affordance.ros.demo.recorded_demo OUTPUT [--data FOLDER] [--weights FILE]

Started by `grasp-affordance demo --show recorded`.
"""

import queue
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import cv2
import tyro
from grasp_affordance_interfaces.srv import GetSuctionPoints
from lifecycle_msgs.msg import Transition
from rclpy.node import Node
from sensor_msgs.msg import Image

from grasp_affordance.cell_file import write_cell
from grasp_affordance.console import ReportTable
from grasp_affordance.errors import CameraError
from grasp_affordance.files import write_atomically
from grasp_affordance.messages.images import from_image_msg
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.conversions import from_time_msg, to_time_msg
from grasp_affordance.ros.common.processes import NodeSpec
from grasp_affordance.ros.demo.demo_scenes import DemoScene, find_scenes
from grasp_affordance.ros.demo.demo_stage import Stage, perform

CAMERA, AFFORDANCE = "camera_node", "affordance_node"
_CAUSES = 4  # that are shown per scene
_START = (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
_END = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)


class Demo:
    """Shows scenes one after another to the running nodes."""

    def __init__(self, node: Node, client: Client, output: Path) -> None:
        self._node, self._client, self._output = node, client, output
        self._overlays: queue.Queue[Any] = queue.Queue()
        node.create_subscription(Image, f"/{AFFORDANCE}/overlay", self._overlays.put, 5)

    def show(self, scene: DemoScene, weights: str) -> GetSuctionPoints.Response:
        """Play one scene, ask for its suction points, keep the overlay as a PNG.

        Raises:
            CallError: a node refuses. CameraError: no overlay came.
        """
        camera: dict[str, Leaf] = {"recording": str(scene.folder), "only": scene.frame}
        self._client.set_parameters(CAMERA, camera)
        cell = str(write_cell(self._output / "logs" / "cell.yaml", scene.cell))
        self._client.set_parameters(AFFORDANCE, {"checkpoint": weights, "cell": cell})
        began = self._node.get_clock().now().nanoseconds
        for transition in _START:
            for name in (AFFORDANCE, CAMERA):
                self._client.change_state(name, transition)
        request = GetSuctionPoints.Request(newer_than=to_time_msg(began))
        request.timeout.sec = 10
        service = f"{AFFORDANCE}/get_suction_points"
        answer = self._client.call(GetSuctionPoints, service, request, 20.0)
        self._keep_overlay(scene, began)
        for transition in _END:
            for name in (CAMERA, AFFORDANCE):
                self._client.change_state(name, transition)
        return answer

    def _keep_overlay(self, scene: DemoScene, began: int) -> None:
        """Write the first overlay of a frame that was exposed after `began`, nanoseconds."""
        try:
            while True:
                message = self._overlays.get(timeout=10.0)
                if from_time_msg(message.header.stamp) > began:
                    break
        except queue.Empty as error:
            raise CameraError(f"no overlay of {scene.title} arrived within 10 s") from error
        picture = cv2.cvtColor(from_image_msg(message), cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".png", picture)[1].tobytes()
        write_atomically(self._output / f"{scene.title.replace(' ', '_')}.png", data)


def demonstrate(
    output: Annotated[Path, tyro.conf.Positional],
    data: Path | None = None,
    weights: Path | None = None,
) -> int:
    """Run the demonstration; see `grasp-affordance demo`."""

    def body(stage: Stage) -> None:
        for name in (CAMERA, AFFORDANCE):
            stage.client.wait_present(name)
        demo = Demo(stage.node, stage.client, output)
        table = new_table()
        with tempfile.TemporaryDirectory() as scratch:
            scenes = find_scenes(data, Path(scratch))
            for scene in scenes:
                answer = demo.show(scene, str(weights or ""))
                add_row(table, scene, answer)
                stage.console.print(f"{scene.title}: {answer.message or 'answered'}")
        stage.console.print(table)
        stage.console.print(f"{len(scenes)} overlays in {output}")

    nodes = [NodeSpec(name, {"autostart": False}) for name in (CAMERA, AFFORDANCE)]
    return perform(output, nodes, body)


def new_table() -> ReportTable:
    """Return the table of results, without rows."""
    table = ReportTable(title="Best suction point of each scene", title_justify="left")
    for column in ("scene", "points", "best (u, v)", "probability", "position (m)", "answered in"):
        table.add_column(column)
    table.add_column("pixels rejected, main causes", overflow="fold")
    return table


def add_row(table: ReportTable, scene: DemoScene, answer: GetSuctionPoints.Response) -> None:
    """Add the answer for one scene."""
    best = ("-", "-", "-")
    if answer.points:
        point = answer.points[0]
        p = point.position_base if point.in_base else point.position
        frame = "base" if point.in_base else "camera"
        where = f"{p.x:+.3f} {p.y:+.3f} {p.z:+.3f} {frame}"
        best = (f"{point.u}, {point.v}", f"{point.probability:.2f}", where)
    causes = ", ".join(f"{r.cause} {r.count}" for r in answer.rejections[:_CAUSES])
    latency = f"{answer.latency * 1000:.0f} ms"
    table.add_row(scene.title, str(len(answer.points)), *best, latency, causes)


if __name__ == "__main__":
    sys.exit(tyro.cli(demonstrate))
