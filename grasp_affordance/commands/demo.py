"""`grasp-affordance demo`: the whole system over real DDS, every node a process of its own."""

import importlib.util
import itertools
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

from rich.progress import Progress

from grasp_affordance.affordance.shipped import weights_file
from grasp_affordance.console import wide_console
from grasp_affordance.errors import ConfigError
from grasp_affordance.sim import SCENES, Hardness
from grasp_affordance.viewer import ViewerConfig


def run(
    output: Path = Path("demo_output"),
    show: Literal["learning", "picking", "recorded"] = "learning",
    weights: str = "",
    scene: str = "",
    hardness: Hardness = Hardness.REALISTIC,
    seed: int = 0,
    objects: int = 0,
    attempts: int = 500,
    minutes: float = 3.0,
    prior: bool = False,
    exam: bool = True,
    data: Path | None = None,
) -> int:
    """Watch the whole system at work in a simulated cell, all nodes together through ROS 2.

    learning: the robot begins with nothing and teaches itself to pick; ends with its curve, a film
    and an exam.
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
        exam: after learning, have new piles cleared by what it has learned, by the highest point,
            by the analytic prior and by an oracle that knows the true scene.
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
            module = "recorded_demo"
            arguments += ["--data", str(data.resolve())] if data else []
    # A process of its own, like the nodes: this one stays free of ROS.
    command = [sys.executable, "-m", f"grasp_affordance.ros.demo.{module}", str(output.resolve())]
    status = _wait(subprocess.Popen([*command, *arguments]))
    if status == 0 and show == "learning":
        learned = output / "learned.safetensors"  # as `ros.learning_demo` names it
        if exam:
            print(_hold(learned, scene or "train", hardness, seed, objects, output / "exam"))
        recording = _record(output / "log", output / "attempts.rrd")
        look = f"rerun {recording}" if recording else f"grasp-affordance attempts {output / 'log'}"
        print(f"Next: {output / 'attempts.mp4'}; {look}; make demo WEIGHTS={learned}", flush=True)
    return status


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return the process's exit status; what ends this one early ends that one first."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # it has got the same signal, and stops the nodes first
    finally:
        signal.signal(signal.SIGTERM, before)


def _record(log: Path, recording: Path) -> Path | None:
    """Write what a person can go through, where the extra `watch` is installed; return it."""
    if importlib.util.find_spec("rerun") is None:
        return None
    from grasp_affordance.learning.log.attempt_view import open_recording, record_log

    with open_recording(log, ViewerConfig(save=recording)) as written:
        record_log(log, written)
    return recording


def _hold(
    learned: Path, scene: str, hardness: Hardness, seed: int, objects: int, output: Path
) -> str:
    """Hold an exam with a bar; return what came of it."""
    # Here, because it takes PyTorch and some seconds, which the beginning need not wait for.
    from grasp_affordance.evaluation.exam import POLICIES, Exam, exam_result, hold

    exam = Exam(learned, scene, hardness, seed, objects, output)
    with Progress(console=wide_console(), transient=True) as progress:
        task = progress.add_task("exam on new piles", total=exam.piles * len(POLICIES))
        for done in hold(exam):
            progress.update(task, completed=done)
    return exam_result(exam)


def _checkpoint(weights: str) -> Path | None:
    """Return the file that the flag names."""
    if not weights:
        return None
    file = weights_file(Path(weights))
    if not file.is_file():
        raise ConfigError(f"--weights {weights} is not a file; name a checkpoint, or say shipped")
    return file.resolve()


def _new_folder(output: Path) -> Path:
    """Return a folder for one more run: what an earlier one has learned is left alone."""
    return next(
        folder for n in itertools.count(1) if not (folder := output / f"run_{n:03d}").exists()
    )
