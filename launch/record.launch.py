"""Record a sequence of removals under a running camera, for automatic annotation.

ros2 launch grasp_affordance record.launch.py folder:=/path/to/sequence

Keeps a frame by itself after each removal; `by_itself:=false` waits for the service
/recorder_node/record. The bin and the camera's topics are those of `cell`.
"""

from launch import LaunchDescription

from grasp_affordance.ros.common.launching import COMMON, absolute_cell, describe, node, rviz

ARGUMENTS = {
    "folder": (None, "sequence to write; one of the same camera is gone on with"),
    "by_itself": ("true", "false: keep a frame only when ~/record is called"),
    "cell": ("", "file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known"),
    "params_file": ("", "further parameters of the node; empty for none"),
    **COMMON,
}


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    values: dict[str, object] = {
        "folder": given["folder"],
        "by_itself": given["by_itself"] == "true",
    }
    if given["cell"]:
        values["cell"] = absolute_cell(given["cell"])
    return [node("recorder_node", given, values), *rviz(given, "affordance.rviz")]


def generate_launch_description() -> LaunchDescription:
    """Start the recorder node; a camera is running."""
    return describe("record.launch.py", ARGUMENTS, start)
