"""`grasp-affordance demo`: the whole system over real DDS, every node a process of its own."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Literal

from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.errors import ConfigError
from grasp_affordance.sim import SCENES, Hardness


def run(
    output: Path = Path("demo_output"),
    show: Literal["learning", "picking", "recorded"] = "learning",
    weights: str = "",
    scene: str = "",
    hardness: Hardness = Hardness.REALISTIC,
    seed: int = 0,
    objects: int = 0,
    attempts: int = 200,
    minutes: float = 5.0,
    prior: bool = False,
    data: Path | None = None,
) -> int:
    """Watch the whole system at work in a simulated cell, all nodes together through ROS 2.

    learning: the robot begins with nothing and teaches itself to pick; ends with its curve.
    picking: it empties one bin. recorded: it finds suction points in recorded scenes.

    Args:
        output: folder for pictures, films, logs; made if missing. `learning` adds a new folder in
            it for each run.
        show: what is shown.
        weights: `shipped`, or a checkpoint, to begin with.
        scene: what lies in the bin: one of the simulator's scenes, or `train`, four in turn.
        hardness: how much of reality the simulated cell has.
        seed: of everything that is random.
        objects: at most this many; 0 for all of the scene.
        attempts: after which the learning ends.
        minutes: after which it ends at the latest.
        prior: learn on from the analytic seal prior, not from nothing.
        data: folder of recorded sequences; by default the real scenes beside the repository where
            they are, else a scene that the simulator makes.
    """
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data {data} is not a folder")
    if scene and scene not in ("train", *SCENES):
        raise ConfigError(f"--scene {scene} is unknown; use train or one of {', '.join(SCENES)}")
    checkpoint = _checkpoint(weights)
    arguments = ["--weights", str(checkpoint)] if checkpoint else []
    cell = ["--hardness", hardness.name, "--seed", str(seed), "--objects", str(objects)]
    cell += ["--scene", scene] if scene else []
    match show:
        case "learning":
            module, output = "learning_demo", _new_folder(output)
            arguments += [*cell, "--attempts", str(attempts), "--minutes", str(minutes)]
            arguments += ["--prior"] if prior else []
        case "picking":
            module = "bin_demo"
            arguments += cell
        case "recorded":
            module = "demo"
            arguments += ["--data", str(data.resolve())] if data else []
    # A process of its own, like the nodes: this one stays free of ROS.
    command = [sys.executable, "-m", f"grasp_affordance.ros.{module}", str(output.resolve())]
    process = subprocess.Popen([*command, *arguments])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it has got the same signal, and stops the nodes first


def _checkpoint(weights: str) -> Path | None:
    """Return the file that the flag names."""
    if weights == "shipped":
        return require_shipped_weights()
    if weights and not Path(weights).is_file():
        raise ConfigError(f"--weights {weights} is not a file; name a checkpoint, or say shipped")
    return Path(weights).resolve() if weights else None


def _new_folder(output: Path) -> Path:
    """Return a folder for one more run: what an earlier one has learned is left alone."""
    return next(
        folder for n in itertools.count(1) if not (folder := output / f"run_{n:03d}").exists()
    )
