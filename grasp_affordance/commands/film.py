"""`grasp-affordance film`: a video of the simulated cell picking, or a window on it."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.cell_file import read_cell
from grasp_affordance.evaluation.make_policy import check_policy, make_policy
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.sim_pile import check_cell, clear_present
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.vision.film import Film, FilmConfig, make_gif
from grasp_affordance.sim.vision.viewer import Window


def run(
    output: Path = Path("picks.mp4"),
    scene: str = "random",
    hardness: str = "realistic",
    cell: str = "sim",
    policy: str = "prior",
    weights: Path | None = None,
    seed: int = 0,
    attempts: int = 10,
    gif: bool = False,
    window: bool = False,
    film: FilmConfig = FilmConfig(),  # noqa: B008
) -> None:
    """Pick from a simulated bin and film it from the side.

    Args:
        output: the video, MP4.
        scene: stack type, as for `evaluate`.
        hardness: of the simulated cell: ideal, realistic or adverse.
        cell: file of the cell that is simulated, or sim, ur5, ur5e, gazebo.
        policy: who chooses the points, as for `evaluate`.
        weights: of a learned policy; those shipped by default.
        seed: of the stack.
        attempts: picks at most; fewer where the bin is empty before.
        gif: also write an animated GIF beside the video.
        window: show the cell in a window at real speed instead (needs a display).
        film: size, speed and view of the video.
    """
    check_policy(policy, weights)
    check_cell(hardness)
    console = Console()
    pace = 1.0 if window else 0.0
    config = SimConfig.of(
        read_cell(cell),
        scene=scene,
        hardness=Hardness(hardness),
        seed=seed,
        real_time_factor=pace,
    )
    with SimCell(config) as sim, ExitStack() as stack:
        stack.enter_context(Window(sim) if window else Film(sim, output, film))
        chooser = make_policy(policy, weights=weights, truth=sim.oracle)

        def publish(row: AttemptRow, attempt: GraspAttempt) -> bool:
            console.print(
                f"{row.attempt + 1:3d}  {attempt.outcome:9s} {attempt.cause:18s} "
                f"{sim.pickable_left():3d} left"
            )
            return row.attempt + 1 < attempts

        rng = np.random.default_rng(seed)
        clear_present(sim, chooser, rng, ProtocolConfig(), seed, on_attempt=publish)
    if not window:
        console.print(f"{output} written")
        if gif:
            animation = output.with_suffix(".gif")
            make_gif(output, animation)
            console.print(f"{animation} written")
