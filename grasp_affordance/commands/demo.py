"""`grasp-affordance demo`: the camera node, the affordance node and a caller over real DDS."""

import subprocess
import sys
from pathlib import Path

from grasp_affordance.errors import ConfigError


def run(
    data: Path | None = None, output: Path = Path("demo_output"), weights: Path | None = None
) -> int:
    """Find suction points in recorded scenes through ROS 2, with every node a process of its own.

    Args:
        data: folder of recorded sequences; by default the real scenes beside the repository where
            they are, else a scene that the simulator makes.
        output: folder for the overlays and the logs of the nodes; made if missing.
        weights: checkpoint to serve instead of the analytic prior.
    """
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data {data} is not a folder")
    # A process of its own, like the nodes: this one stays free of ROS.
    command = [sys.executable, "-m", "grasp_affordance.ros.demo", str(output.resolve())]
    command += ["--data", str(data.resolve())] if data else []
    command += ["--weights", str(weights.resolve())] if weights else []
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it has got the same signal, and stops the nodes first
