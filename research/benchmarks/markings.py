"""Whether the two colors of a piece of surface tell which end of an object is heavy.

Objects of the adverse cell are removed one by one (nothing lies on the next one; highest first). In
every view between, the markings that the network is shown are compared with the simulator's truth,
on the objects that lie with at least as many pixels in sight as a third of a cylinder has.

    python research/benchmarks/markings.py --seeds 20:23        # results/markings/markings.json
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.features import MARKING_SCALE, MARKINGS
from grasp_affordance.affordance.network.observation import observe
from grasp_affordance.annotation.records import write_image
from grasp_affordance.evaluation.provenance import provenance
from grasp_affordance.evaluation.runner import parse_seeds
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import transform_points
from grasp_affordance.sim import Hardness, ObjectState
from research.report.panels import side_by_side
from research.unloading import PileView, unload

Image = NDArray[np.float32]

SCENES = ("random", "rows", "crossed", "standing")
LEAST = 1500  # pixels
MARKED = 0.010  # metres between the middle of a piece and its marking
CONFIG = CompactConfig(use_prior=False)


@dataclass(frozen=True)
class Judged:
    """One object in one view.

    Attributes:
        scene, seed: of the stack.
        material: as the simulator names it.
        marked: whether most of what is seen of it belongs to a piece with a marking on one side.
        heavy: whether the marking is on its heavy side; None where there is no marking or no heavy
            side.
    """

    scene: str
    seed: int
    material: str
    marked: bool
    heavy: bool | None


def main(
    seeds: str = "20:23",
    scenes: tuple[str, ...] = SCENES,
    output: Path = Path("results/markings/markings.json"),
    picture: Path | None = None,
) -> None:
    """Measure and print a table.

    Args:
        seeds: A:B, stacks per scene.
        scenes: names of the simulator's stacks.
        output: raw results.
        picture: where the first view is drawn; nowhere by default.
    """
    evaluated: list[Judged] = []
    for scene in scenes:
        of_scene: list[Judged] = []
        for view in unload(scene, parse_seeds(seeds), Hardness.ADVERSE):
            away, towards = markings_of(view)
            of_scene += evaluate(view, away, towards)
            if picture is not None:
                write_image(picture, drawn(view, towards))
                picture = None
        print(summary(scene, of_scene), flush=True)
        evaluated += of_scene
    print(summary("all", evaluated))
    content = {
        "seeds": seeds,
        "provenance": provenance(),
        "objects": [asdict(j) for j in evaluated],
    }
    write_atomically(output, json.dumps(content, allow_nan=False).encode())


def markings_of(view: PileView) -> tuple[Image, Image]:
    """Return what the network sees of markings (H, W), metres; see `find_markings`."""
    prediction = view.prediction
    seen = observe(view.frame, prediction.allowed, prediction.scene.region.up, CONFIG)
    unit = MARKING_SCALE * CONFIG.cup_radius
    away, towards = (unit * seen.grid.to_image(each) for each in seen.features[MARKINGS])
    return away, towards


def evaluate(view: PileView, away: Image, towards: Image) -> Iterator[Judged]:
    """Yield the objects of a view that lie in sight."""
    oracle, frame = view.cell.oracle, view.frame
    owners = oracle.true_masks()
    seen = frame.intrinsics.deproject_image(frame.depth)
    points = transform_points(oracle.T_base_camera, seen)
    for thing in oracle.objects():
        mine = (owners == thing.object_id) & frame.known
        if mine.sum() < LEAST or abs(thing.T_base_object[2, 2]) > 0.5:
            continue
        marked = float(np.mean(away[mine] > MARKED)) > 0.4  # flanks are no piece
        heavy = on_heavy_side(thing, points[mine], towards[mine]) if marked else None
        yield Judged(view.scene, view.seed, str(thing.spec.material), marked, heavy)


def on_heavy_side(thing: ObjectState, points: NDArray[np.float64], towards: Image) -> bool | None:
    """Return whether a marking grows from the light side of an object to the heavy one."""
    if not thing.spec.mass_shift:
        return None
    along = (points - thing.T_base_object[:3, 3]) @ thing.T_base_object[:3, 2]
    return bool(np.cov(along * thing.spec.mass_shift, towards)[0, 1] > 0)


def summary(name: str, evaluated: list[Judged]) -> str:
    """Return a line of the table."""
    weighted = [each for each in evaluated if each.material == "weighted"]
    others = [each for each in evaluated if each.material != "weighted"]
    found = [each for each in weighted if each.marked]
    right = sum(bool(each.heavy) for each in found)
    false = sum(each.marked for each in others)
    return (
        f"{name:10s} weighted: {len(found)} of {len(weighted)} marked, {right} of these on the "
        f"heavy side; others: {false} of {len(others)} marked"
    )


def drawn(view: PileView, towards: Image) -> NDArray[np.uint8]:
    """Return color, and where the marking is (orange) or is not (blue), (H, 2 W, 3) uint8 RGB."""
    color = view.frame.color
    share = np.clip(towards / 0.04, -1, 1)[..., None]
    warm, cold = np.array([255.0, 120.0, 0.0]), np.array([0.0, 110.0, 255.0])
    gray = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)[..., None] / 2.0
    heat = gray * (1 - np.abs(share)) + np.where(share > 0, warm, cold) * np.abs(share)
    return side_by_side([color, heat.astype(np.uint8)], view.prediction.allowed)


if __name__ == "__main__":
    tyro.cli(main)
