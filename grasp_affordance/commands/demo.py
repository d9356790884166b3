"""`grasp-affordance demo`: the whole system over real DDS, every node a process of its own."""

import subprocess
import sys
from pathlib import Path

from grasp_affordance.errors import ConfigError
from grasp_affordance.sim import SCENES, Hardness


def run(
    output: Path = Path("demo_output"),
    weights: Path | None = None,
    scene: str = "random",
    hardness: Hardness = Hardness.REALISTIC,
    seed: int = 0,
    objects: int = 0,
    recorded: bool = False,
    data: Path | None = None,
) -> int:
    """Empty a simulated bin: camera, affordance node and executor work together through ROS 2.

    Args:
        output: folder for a picture of each attempt, a film, and the logs; made if missing.
        weights: checkpoint to serve instead of the analytic prior.
        scene: what lies in the bin: `train` or one of the simulator's scenes.
        hardness: how much of reality the simulated cell has.
        seed: of everything that is random.
        objects: at most this many; 0 for all of the scene.
        recorded: instead, find suction points in recorded scenes; nothing is picked.
        data: folder of recorded sequences for that; by default the real scenes beside the
            repository where they are, else a scene that the simulator makes.
    """
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data {data} is not a folder")
    if scene not in ("train", *SCENES):
        raise ConfigError(f"--scene {scene} is unknown; use train or one of {', '.join(SCENES)}")
    arguments = ["--weights", str(weights.resolve())] if weights else []
    if recorded or data is not None:
        module = "demo"
        arguments += ["--data", str(data.resolve())] if data else []
    else:
        module = "bin_demo"
        arguments += ["--scene", scene, "--hardness", hardness.name]
        arguments += ["--seed", str(seed), "--objects", str(objects)]
    # A process of its own, like the nodes: this one stays free of ROS.
    command = [sys.executable, "-m", f"grasp_affordance.ros.{module}", str(output.resolve())]
    process = subprocess.Popen([*command, *arguments])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it has got the same signal, and stops the nodes first
