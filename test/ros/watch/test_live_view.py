"""`grasp-affordance watch` beside a robot that picks, over real DDS, in a namespace of its own."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from grasp_affordance_interfaces.msg import PickResult, TrainerStatus
from helpers.recordings import Recorded, with_rerun
from helpers.ros_harness import Ros
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.attempt import Outcome
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.ros.affordance.markers import from_marker_array_msg, to_marker_array_msg
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.sim.robot.urdf import arm_urdf
from grasp_affordance.suction import Source, SuctionPoint

ROOT = Path(__file__).parents[3]
CELL = "/left"
SIMULATED: dict[str, Leaf] = {
    "cell": "sim",
    "simulation.scene": "rows",
    "simulation.hardness": "ideal",
    "simulation.objects": 2,
}
SERVED: dict[str, Leaf] = {"cell": "sim"}


def test_markers_say_what_the_points_are() -> None:
    camera = Intrinsics(600.0, 610.0, 319.5, 239.5, 640, 480)
    points = [
        SuctionPoint(u, 77, camera.deproject(u, 77, 0.8), np.array([0.0, 0.6, -0.8]), p, source)
        for u, p, source in ((400, 0.875, Source.LEARNED), (20, 0.25, Source.NOVELTY))
    ]
    found = from_marker_array_msg(to_marker_array_msg(points, to_header_msg(1, "camera")), camera)
    for point, again in zip(points, found, strict=True):
        assert (again.u, again.v, again.source) == (point.u, point.v, point.source)
        assert again.probability == point.probability
        np.testing.assert_allclose(again.position, point.position)
        np.testing.assert_allclose(again.normal, point.normal)


@with_rerun
def test_a_picking_robot_is_recorded_from_its_topics(ros: Ros, tmp_path: Path) -> None:
    file = tmp_path / "run.rrd"
    results = ros.listen(PickResult, f"{CELL}/executor_node/pick_result", 100)
    robot = ros.node.create_publisher(String, f"{CELL}/robot_description", topics.LATCHED)
    status = ros.node.create_publisher(TrainerStatus, f"{CELL}/trainer_node/status", topics.LATCHED)
    robot.publish(String(data=arm_urdf()))
    status.publish(TrainerStatus(loss=0.25, message="deployed"))
    command = [sys.executable, "-m", "grasp_affordance.cli", "watch", "--namespace", CELL]
    with Processes(tmp_path / "logs") as processes:
        there = {"__ns": CELL}
        for name, values in (("executor_node", SIMULATED), ("affordance_node", SERVED)):
            processes.start(NodeSpec(name, values, remappings=there))
        for name in ("executor_node", "affordance_node"):
            ros.client.wait_active(f"{CELL}/{name}", 180)
        watching = subprocess.Popen([*command, "--rate", "2", "--save", str(file)])
        try:
            ros.wait_until(file.exists, "recorded", 120)
            joints = f"{CELL}/joint_states"
            ros.wait_until(lambda: ros.node.count_subscribers(joints) > 0, "watched", 30)
            shown = {name for name, _ in ros.node.get_topic_names_and_types()}
            assert ros.client.call(
                Trigger, f"{CELL}/executor_node/start", Trigger.Request()
            ).success
            picks = [results.get(timeout=60) for _ in range(2)]
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0
    found = Recorded(file)
    for path in ("camera/color", "camera/overlay", "world/cloud", "world/bin", "outcome", "state"):
        assert path in found.rows, path
    texts = [text for (text,) in found.values("outcome", "TextDocument:text")]
    assert "pick 0" in texts[0]
    assert "pick 1" in texts[1]
    successes = sum(pick.outcome == PickResult.OUTCOME_SUCCESS for pick in picks)
    assert len(found.rows.get(f"picks/{Outcome.SUCCESS}", [])) >= successes
    labels = [
        label
        for labels in found.values("world/suction_points", "Arrows3D:labels")
        for label in labels
    ]
    assert labels
    assert all(re.fullmatch(r"[01]\.\d\d", label) for label in labels)
    assert found.values("trainer/loss", "Scalars:scalars") == [[0.25]]
    if any(path.startswith("robot/") for path in found.rows):  # with a Rerun that moves a URDF
        assert len(found.rows["world/joints/elbow_joint"]) > 5
    asked = set(re.findall(r'"(/\w+[/\w]*)', (ROOT / "config" / "foxglove.json").read_text()))
    asked = {topic.split(".")[0] for topic in asked} - {"/diagnostics"}
    assert {f"{CELL}{topic}" for topic in asked} <= shown


def _newest_outcome(file: Path) -> str:
    """Return the text of the last pick of a recording that grows."""
    try:
        return str(Recorded(file).values("outcome", "TextDocument:text")[-1][0])
    except (KeyError, IndexError, RuntimeError):  # its end is not written yet
        return ""


@with_rerun
def test_a_cell_that_is_not_on_this_computer_is_asked_for(ros: Ros, tmp_path: Path) -> None:
    with Processes(tmp_path / "logs") as processes:
        cell = ros.cell({"camera.max_age": 5.0})
        processes.start(NodeSpec("affordance_node", {"cell": cell}))
        ros.client.wait_active("/affordance_node", 180)
        Path(cell).unlink()
        command = [sys.executable, "-m", "grasp_affordance.cli", "watch"]
        done = subprocess.run(
            [*command, "--save", str(tmp_path / "run.rrd")],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"no cell '{cell}'" in done.stderr
    assert "give --cell" in done.stderr


def test_the_layout_for_foxglove_places_every_panel_once() -> None:
    layout = json.loads((ROOT / "config" / "foxglove.json").read_text())

    def panels(part: object) -> list[str]:
        if isinstance(part, dict):
            return [*panels(part["first"]), *panels(part["second"])]
        return [str(part)]

    assert sorted(panels(layout["layout"])) == sorted(layout["configById"])
