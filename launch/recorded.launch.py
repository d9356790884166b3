"""Play a recording into the affordance node, as a camera would.

ros2 launch grasp_affordance recorded.launch.py recording:=/path/to/sequence rviz:=true
"""

from launch import LaunchDescription

from grasp_affordance.ros.common.launching import (
    COMMON,
    absolute_cell,
    decision_nodes,
    describe,
    node,
    rviz,
)
from grasp_affordance.ros.common.share import share_folder

ARGUMENTS = {
    "recording": (None, "sequence folder (camera.json, NNNN.color.png ...) or rosbag2"),
    "cell": ("", "file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known"),
    "params_file": (
        str(share_folder() / "config" / "recorded.yaml"),
        "parameters of the camera node: differences from the defaults",
    ),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    **COMMON,
}


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    given = given | {"cell": absolute_cell(given["cell"]) if given["cell"] else ""}
    values = {"recording": given["recording"]} | ({"cell": given["cell"]} if given["cell"] else {})
    return [
        node("camera_node", given, values),
        decision_nodes(given | {"params_file": ""}),
        *rviz(given, "affordance.rviz"),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the camera node on a recording, our nodes, and RViz on demand."""
    return describe("recorded.launch.py", ARGUMENTS, start)
