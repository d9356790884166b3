"""The nodes of grasp_affordance, without a camera or a robot; the other launch files include it.

ros2 launch grasp_affordance nodes.launch.py cell:=my_cell.yaml

With `detector:=WEIGHTS` the detector of grasp rectangles runs beside.
"""

from launch import LaunchDescription

from grasp_affordance.ros.common.launching import COMMON, absolute_cell, describe, node, rviz

ARGUMENTS = {
    "cell": ("", "file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known of it"),
    "params_file": ("", "further parameters of the node; empty for none"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    **COMMON,
}


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    values = {"cell": absolute_cell(given["cell"])} if given["cell"] else {}
    parts: list[object] = [node("affordance_node", given, values)]
    if given["detector"]:
        parts.append(node("detector_node", given, values | {"weights": given["detector"]}))
    return [*parts, *rviz(given, "cell.rviz" if given["cell"] else "affordance.rviz")]


def generate_launch_description() -> LaunchDescription:
    """Start the affordance node in one cell, and the detector on demand."""
    return describe("nodes.launch.py", ARGUMENTS, start)
