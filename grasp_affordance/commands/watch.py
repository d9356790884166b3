"""`grasp-affordance watch`: a running system, simulated or physical, to look at."""

import os
import sys
from typing import Annotated

import tyro

from grasp_affordance.viewer import ViewerConfig, load_rerun


def run(
    namespace: str = "",
    cell: str = "",
    rate: float = 1.0,
    viewer: Annotated[ViewerConfig, tyro.conf.arg(name="")] = ViewerConfig(),  # noqa: B008
) -> None:
    """Show a running system: images, cloud, suction points, robot, state, success curve.

    It only listens: start and stop it as you like. It needs the extra `watch`.

    Args:
        namespace: of the nodes.
        cell: file of the cell, or sim, ur5, ur5e, gazebo; by default the affordance node is asked.
        rate: of frames and overlays, per second at most.
        viewer: where the recording goes.
    """
    load_rerun()  # says what is missing before ROS starts
    arguments = ["--namespace", namespace, "--cell", cell, "--rate", str(rate)]
    arguments += ["--port", str(viewer.port), "--connect", viewer.connect]
    arguments += ["--save", str(viewer.save)] if viewer.save is not None else []
    arguments += ["--serve"] if viewer.serve else []
    module = "grasp_affordance.ros.watch.live_view"
    # Its own program from here on: this one stays free of ROS.
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
